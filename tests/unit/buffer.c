/* Promises of include/msp/buffer.h. */
#include "msp/buffer.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <string.h>

Test(buffer, owns_nothing_until_something_is_appended)
{
    struct msp_buffer buffer;
    msp_buffer_init(&buffer, 0);
    msp_buffer_append(&buffer, NULL, 0);
    cr_assert_null(buffer.data);
    msp_buffer_done(&buffer);
}

Test(buffer, grows_at_its_end)
{
    struct msp_buffer buffer;
    msp_buffer_init(&buffer, 0);
    for (int i = 0; i < 100000; i++)
        msp_buffer_append(&buffer, &(char){(char)('a' + i % 26)}, 1);
    cr_assert_eq(buffer.length, 100000);
    for (int i = 0; i < 100000; i++)
        cr_assert_eq(buffer.data[i], 'a' + i % 26);
    msp_buffer_done(&buffer);
    cr_assert_null(buffer.data);
    cr_assert_eq(buffer.length, 0);
}

Test(buffer, can_be_filled_to_its_limit_and_no_further)
{
    struct msp_buffer buffer;
    msp_buffer_init(&buffer, 10);
    msp_buffer_append_text(&buffer, "0123456789");
    cr_assert_not(buffer.failed);
    cr_assert_eq(buffer.capacity, 10);
    msp_buffer_append(&buffer, "x", 1);
    cr_assert(buffer.failed);
    cr_assert_eq(buffer.length, 10);
    msp_buffer_done(&buffer);
}

Test(buffer, does_nothing_after_a_failure_until_it_is_cleared)
{
    struct msp_buffer buffer;
    msp_buffer_init(&buffer, 4);
    msp_buffer_append_text(&buffer, "12345");
    cr_assert(buffer.failed);
    msp_buffer_append_text(&buffer, "1");
    msp_buffer_printf(&buffer, "%d", 1);
    cr_assert_null(msp_buffer_reserve(&buffer, 1));
    cr_assert_eq(buffer.length, 0);

    msp_buffer_clear(&buffer);
    msp_buffer_append_text(&buffer, "1");
    cr_assert_not(buffer.failed);
    cr_assert_eq(buffer.length, 1);
    msp_buffer_done(&buffer);
}

Test(buffer, a_size_that_overflows_fails)
{
    struct msp_buffer buffer;
    msp_buffer_init(&buffer, 0);
    msp_buffer_append_text(&buffer, "x");
    cr_assert_null(msp_buffer_reserve(&buffer, SIZE_MAX));
    cr_assert(buffer.failed);
    cr_assert_eq(buffer.length, 1);
    msp_buffer_done(&buffer);
}

Test(buffer, reserve_leaves_the_length_to_the_writer)
{
    struct msp_buffer buffer;
    msp_buffer_init(&buffer, 0);
    char *place = msp_buffer_reserve(&buffer, 3);
    cr_assert_not_null(place);
    cr_assert_eq(buffer.length, 0);
    place[0] = 'a';
    place[1] = 'b';
    place[2] = 'c';
    buffer.length += 3;
    cr_assert_arr_eq(buffer.data, "abc", 3);
    cr_assert_not_null(msp_buffer_reserve(&buffer, 0));
    msp_buffer_done(&buffer);
}

Test(buffer, printf_takes_short_and_long_texts)
{
    struct msp_buffer buffer;
    msp_buffer_init(&buffer, 0);
    size_t expected = 0;
    for (int width = 500; width < 530; width++) {
        msp_buffer_printf(&buffer, "%*d", width, 7);
        expected += (size_t)width;
        cr_assert_eq(buffer.length, expected);
        cr_assert_eq(buffer.data[expected - 1], '7');
    }
    msp_buffer_done(&buffer);
}

Test(buffer, printf_needs_no_room_for_a_NUL)
{
    struct msp_buffer buffer;
    msp_buffer_init(&buffer, 600);
    msp_buffer_printf(&buffer, "%600d", 7);
    cr_assert_not(buffer.failed);
    cr_assert_eq(buffer.length, 600);
    msp_buffer_done(&buffer);
}
