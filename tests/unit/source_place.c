/* Cursors: what one says comes back, and what is none of ours is refused. */
#include "sources/source_place.h"

#include "msp/clock.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct msp_error error;

Test(source_place, begins_fresh_without_a_cursor)
{
    struct msp_source_place place;
    cr_assert_eq(msp_source_place_read("x1", "", &place, &error), MSP_OK);
    cr_assert_eq(place.high_water_us, MSP_NO_TIME);
    cr_assert_eq(place.reached_us, MSP_NO_TIME);
    cr_assert_str_eq(place.page, "");
}

Test(source_place, reads_what_it_wrote)
{
    struct msp_source_place place = {
        .high_water_us = 1, .from_us = -2, .until_us = MSP_NO_TIME, .reached_us = INT64_MAX};
    struct msp_source_place back;
    char cursor[MSP_CURSOR_BYTES];
    (void)snprintf(place.page, sizeof place.page, "a|b|%s", "c=d&e");
    cr_assert_eq(msp_source_place_write("x1", &place, cursor, &error), MSP_OK);
    cr_assert_str_eq(cursor, "x1|1|-2|-|9223372036854775807|a|b|c=d&e");
    cr_assert_eq(msp_source_place_read("x1", cursor, &back, &error), MSP_OK);
    cr_assert_eq(back.high_water_us, 1);
    cr_assert_eq(back.from_us, -2);
    cr_assert_eq(back.until_us, MSP_NO_TIME);
    cr_assert_eq(back.reached_us, INT64_MAX);
    cr_assert_str_eq(back.page, place.page);
}

Test(source_place, refuses_cursors_of_others)
{
    static const char *const strangers[] = {
        "x2|-|-|-|-|",
        "x1",
        "x1|",
        "x1|-|-|-|",
        "x1|-|-|-|-",
        "x1|a|-|-|-|",
        "x1|--|-|-|-|",
        "x1|1 |-|-|-|",
        "x1| 1|-|-|-|",
        "m1:0:0",
        "x1|-|-|-|-|\n",
        "x1|-|-|-|-|\x80",
        "x1|99999999999999999999|-|-|-|",
        "x1|-9223372036854775808|-|-|-|",
        "x1|+1|-|-|-|",
        "x11|-|-|-|-|",
    };
    struct msp_source_place place;
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        cr_assert_eq(msp_source_place_read("x1", strangers[i], &place, &error), MSP_INVALID, "%s",
                     strangers[i]);
        cr_assert_str_eq(error.code, "cursor_malformed");
    }
}

Test(source_place, refuses_a_page_state_that_no_cursor_holds)
{
    struct msp_source_place place = {.high_water_us = INT64_MIN + 1,
                                     .from_us = INT64_MIN + 1,
                                     .until_us = INT64_MIN + 1,
                                     .reached_us = INT64_MIN + 1};
    char cursor[MSP_CURSOR_BYTES];
    memset(place.page, 'x', sizeof place.page - 1);
    cr_assert_eq(
        msp_source_place_write("averyveryveryverylongkindofasourcewhosenameisoveranythingsane"
                               "averyveryveryverylongkindofasourcewhosenameisoveranythings",
                               &place, cursor, &error),
        MSP_TOO_LARGE);
    cr_assert_eq(msp_source_place_write("x1", &place, cursor, &error), MSP_OK);
    cr_assert(strlen(cursor) <= 500);
    (void)strcpy(place.page, "a\nb");
    cr_assert_eq(msp_source_place_write("x1", &place, cursor, &error), MSP_BROKEN);
}

Test(source_place, moves_the_mark_only_when_the_round_ends_and_never_back)
{
    struct msp_source_place place;
    cr_assert_eq(msp_source_place_read("x1", "", &place, &error), MSP_OK);
    msp_source_place_begin(&place, 300);
    cr_assert_eq(place.from_us, MSP_NO_TIME);
    msp_source_place_reach(&place, 5000000000);
    msp_source_place_reach(&place, 4000000000);
    msp_source_place_reach(&place, MSP_NO_TIME);
    cr_assert_eq(place.high_water_us, MSP_NO_TIME);
    msp_source_place_end(&place);
    cr_assert_eq(place.high_water_us, 5000000000);
    msp_source_place_begin(&place, 300);
    cr_assert_eq(place.from_us, 4700000000);
    msp_source_place_reach(&place, 4800000000);
    msp_source_place_end(&place);
    cr_assert_eq(place.high_water_us, 5000000000);
    msp_source_place_begin(&place, 300);
    msp_source_place_end(&place);
    cr_assert_eq(place.high_water_us, 5000000000);
}

Test(source_place, keeps_the_mark_within_the_window_and_behind_the_clock)
{
    struct msp_source_place place;
    cr_assert_eq(msp_source_place_read("x1", "", &place, &error), MSP_OK);
    msp_source_place_begin(&place, 0);
    place.until_us = 7000;
    msp_source_place_reach(&place, 9000);
    msp_source_place_end(&place);
    cr_assert_eq(place.high_water_us, 7000);
    msp_source_place_begin(&place, 0);
    msp_source_place_reach(&place, INT64_MAX);
    msp_source_place_end(&place);
    cr_assert(place.high_water_us <= msp_clock_unix_us());
}
