/* Page cursors: what was given out comes back, and nothing else is taken. */
#include "workers/http/handlers/page_cursor.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct msp_page_cursor somewhere = {.created_us = 1456707600123456,
                                                 .id = "0d5f7a8e-9b1c-4c2d-8e3f-a0b1c2d3e4f5"};

Test(page_cursor, a_cursor_comes_back_as_it_was)
{
    char text[MSP_PAGE_CURSOR_BYTES];
    struct msp_page_cursor back;

    msp_page_cursor_format(&somewhere, text);
    cr_assert(msp_page_cursor_parse(text, &back));
    cr_assert_eq(back.created_us, somewhere.created_us);
    cr_assert_str_eq(back.id, somewhere.id);
}

Test(page_cursor, the_text_needs_no_escaping_in_an_address)
{
    char text[MSP_PAGE_CURSOR_BYTES];

    msp_page_cursor_format(&somewhere, text);
    cr_assert_eq(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
                 strlen(text));
}

Test(page_cursor, any_changed_letter_is_refused_or_names_another_place)
{
    char text[MSP_PAGE_CURSOR_BYTES];
    struct msp_page_cursor back;

    msp_page_cursor_format(&somewhere, text);
    for (size_t i = 0; text[i] != '\0'; i++) {
        char kept = text[i];

        text[i] = kept == 'A' ? 'B' : 'A';
        if (msp_page_cursor_parse(text, &back))
            cr_assert(back.created_us != somewhere.created_us ||
                      strcmp(back.id, somewhere.id) != 0);
        text[i] = kept;
    }
}

Test(page_cursor, junk_is_refused)
{
    static const char *const junk[] = {
        "", "A", "====", "MTIzOg",                              /* "123:" */
        "IDE6MGQ1ZjdhOGUtOWIxYy00YzJkLThlM2YtYTBiMWMyZDNlNGY1", /* a leading space */
        "OjBkNWY3YThlLTliMWMtNGMyZC04ZTNmLWEwYjFjMmQzZTRmNQ",   /* no number */
        "MTowRDVGN0E4RS05QjFDLTRDMkQtOEUzRi1BMEIxQzJEM0U0RjU",  /* capitals */
        "!!!!",
        /* In brackets: two literals side by side in a list look like a forgotten comma. */
        ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
         "AAAAAAAAAAAA")};
    struct msp_page_cursor back;

    for (size_t i = 0; i < sizeof junk / sizeof junk[0]; i++)
        cr_assert_not(msp_page_cursor_parse(junk[i], &back), "%s", junk[i]);
}
