/* Foreign texts: mended, quoted, put into addresses, and links read out of fields. */
#include "sources/source_text.h"

#include "sources/source_call.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void mends(const char *text, const char *expected)
{
    char *copy = strdup(text);
    msp_source_mend(copy, strlen(copy));
    cr_assert_str_eq(copy, expected);
    free(copy);
}

Test(source_text, mends_what_a_strict_reader_refuses)
{
    mends("{\"a\": \"plain \\n \\u00e9 \xc3\xa9\"}", "{\"a\": \"plain \\n \\u00e9 \xc3\xa9\"}");
    mends("nul \\u0000.", "nul \\ufffd.");
    mends("half \\ud83d.", "half \\ufffd.");
    mends("half \\ude00.", "half \\ufffd.");
    mends("whole \\ud83d\\ude00.", "whole \\ud83d\\ude00.");
    mends("halves \\ud83d\\ud83d\\ude00.", "halves \\ufffd\\ud83d\\ude00.");
    mends("no escape \\\\u0000.", "no escape \\\\u0000.");
    mends("escape \\\\\\u0000.", "escape \\\\\\ufffd.");
    mends("bytes \xff\xc3.", "bytes ??.");
    mends("cut \\u00", "cut \\u00");
    mends("cut \\", "cut \\");
    mends("cut \\ud83d\\u", "cut \\ufffd\\u");
    mends("cut \xe2\x82", "cut ??");
}

Test(source_text, quotes_a_source_in_one_printable_line)
{
    char words[MSP_SOURCE_WORDS_BYTES];
    static const char said[] = "  line\r\n\tone \x1b[31m red \xc2\x85 \xff \xe2\x82\xac";
    msp_source_words(said, sizeof said - 1, words);
    cr_assert_str_eq(words, "line one [31m red \xe2\x82\xac");
    char *longer = malloc(100000);
    memset(longer, 'x', 100000);
    msp_source_words(longer, 100000, words);
    cr_assert_eq(strlen(words), MSP_SOURCE_WORDS_BYTES - 1);
    msp_source_words(longer, 0, words);
    cr_assert_str_eq(words, "");
    free(longer);
}

Test(source_text, encodes_values_for_a_query)
{
    struct msp_buffer target;
    struct msp_error error;
    msp_buffer_init(&target, 0);
    cr_assert_eq(msp_source_append_encoded(&target, "aZ09-._~ +&=?/#\xc3\xa9", &error), MSP_OK);
    msp_buffer_append(&target, "", 1);
    cr_assert_str_eq(target.data, "aZ09-._~%20%2B%26%3D%3F%2F%23%C3%A9");
    msp_buffer_done(&target);
}

static void links(const char *field, const char *expected)
{
    char link[64] = "none";
    bool found = msp_source_next_link(field, link, sizeof link);
    cr_assert_str_eq(found ? link : "none", expected, "%s", field);
}

Test(source_text, reads_the_next_link)
{
    links("<https://x/a?page=2>; rel=\"next\"", "https://x/a?page=2");
    links("<https://x/1>; rel=\"first\", <https://x/2>; rel=\"next\", <https://x/9>; rel=\"last\"",
          "https://x/2");
    links("<https://x/a,b;c>;rel=next", "https://x/a,b;c");
    links("<https://x/2>; title=\"a, b; rel=next\"; rel=\"prev\"", "none");
    links("<https://x/2>; rel=\"last NEXT\"", "https://x/2");
    links("</relative>; rel=\"next\"", "/relative");
    links("<https://x/2>; notrel=\"next\"", "none");
    links("<https://x/2>; rel=\"nextish\"", "none");
}

Test(source_text, finds_no_link_in_nonsense)
{
    static const char *const nonsense[] = {
        "",
        ",",
        ",,,",
        "<",
        "<>",
        "<>; rel=\"next\"",
        "<https://x/2",
        "https://x/2; rel=next",
        "<https://x/2>; rel=",
        "<https://x/2>; rel=\"",
        "<https://x/2>",
        "\"<https://x/2>; rel=next",
        "<https://example.com/an-address-that-is-far-too-long-to-fit-in-sixty-four-bytes>; "
        "rel=next",
    };
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        links(nonsense[i], "none");
    }
}
