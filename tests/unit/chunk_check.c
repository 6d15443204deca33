/* Where a chunked body ends, and which end is none. */
#include "chunk_check.h"

#include <criterion/criterion.h>
#include <string.h>

/* How many bytes are the body's, fed `step` at a time; *out_whole = whether it ended well. */
static size_t feed(const char *bytes, size_t step, bool *out_whole)
{
    struct msp_chunk_check check = {0};
    size_t length = strlen(bytes);
    size_t taken = 0;
    for (size_t at = 0; at < length; at += step)
        taken += msp_chunk_check_feed(&check, bytes + at, length - at < step ? length - at : step);
    *out_whole = msp_chunk_check_is_whole(&check);
    return taken;
}

Test(chunk_check, a_body_ends_behind_its_last_chunk_however_it_comes)
{
    static const char good[] = "5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\n";
    static const char behind[] = "5\r\nhello\r\nA\r\n0123456789\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n";
    for (size_t step = 1; step < sizeof behind; step++) {
        bool whole = false;
        cr_expect_eq(feed(behind, step, &whole), sizeof good - 1, "in steps of %zu", step);
        cr_expect(whole);
    }
}

Test(chunk_check, nothing_is_a_body_too)
{
    bool whole = false;
    cr_expect_eq(feed("0\r\n\r\n", 1, &whole), 5);
    cr_expect(whole);
}

Test(chunk_check, what_is_not_chunked_by_the_letter_is_never_whole)
{
    static const char *const wrong[] = {
        "",
        "0",
        "0\r\n",
        "0\r\n\n",
        "0\n\n",
        "0\r\r\n\r\n",
        "0\r\nX: 1\r\n\r\n",
        "0\r\nX\r\n\r\n",
        "0;x\r\n\r\n",
        "\r\n\r\n",
        " 0\r\n\r\n",
        "0 \r\n\r\n",
        "0x0\r\n\r\n",
        "-0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "3\r\nhello\r\n0\r\n\r\n",
        "0000000000000000\r\n\r\n",
        "ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        bool whole = true;
        (void)feed(wrong[i], 1, &whole);
        cr_expect_not(whole, "%s", wrong[i]);
        (void)feed(wrong[i], 1000, &whole);
        cr_expect_not(whole, "%s", wrong[i]);
    }
}
