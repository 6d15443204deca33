/* Cursors of the audit log: they lead on from where they were given out, and from nowhere else. */
#include "workers/http/handlers/audit_cursor.h"

#include "msp/no_value.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct msp_audit_filter a_question = {
    .tenant_id = 3, .from_us = 1000, .before_us = MSP_NO_TIME, .action = "sign_in", .limit = 10};

Test(audit_cursor, a_place_comes_back_as_it_was)
{
    static const int64_t places[] = {1, 41, INT64_MAX};
    char text[MSP_AUDIT_CURSOR_BYTES];
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        int64_t back = 0;
        msp_audit_cursor_format(&a_question, places[i], text);
        cr_assert(msp_audit_cursor_parse(text, &a_question, &back));
        cr_expect_eq(back, places[i]);
    }
}

Test(audit_cursor, it_fits_no_other_question)
{
    struct msp_audit_filter others[6];
    char text[MSP_AUDIT_CURSOR_BYTES];
    int64_t back = 0;
    msp_audit_cursor_format(&a_question, 41, text);
    for (size_t i = 0; i < 6; i++)
        others[i] = a_question;
    others[0].tenant_id = 0;
    others[1].from_us++;
    others[2].before_us = 2000;
    others[3].action = NULL;
    others[4].action = "sign_out";
    others[5].actor = "";
    for (size_t i = 0; i < 6; i++)
        cr_expect_not(msp_audit_cursor_parse(text, &others[i], &back), "question %zu", i);
}

Test(audit_cursor, a_page_of_another_length_may_follow)
{
    struct msp_audit_filter longer = a_question;
    char text[MSP_AUDIT_CURSOR_BYTES];
    int64_t back = 0;
    longer.limit = 100;
    msp_audit_cursor_format(&a_question, 41, text);
    cr_expect(msp_audit_cursor_parse(text, &longer, &back));
}

Test(audit_cursor, a_changed_text_is_refused)
{
    char text[MSP_AUDIT_CURSOR_BYTES];
    char changed[MSP_AUDIT_CURSOR_BYTES];
    int64_t back = 0;
    msp_audit_cursor_format(&a_question, 41, text);
    for (size_t i = 0; text[i] != '\0'; i++) {
        memcpy(changed, text, sizeof changed);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        cr_expect_not(msp_audit_cursor_parse(changed, &a_question, &back), "letter %zu", i);
        memcpy(changed, text, i);
        changed[i] = '\0';
        cr_expect_not(msp_audit_cursor_parse(changed, &a_question, &back), "%zu letters", i);
    }
}

Test(audit_cursor, what_is_none_is_refused)
{
    static const char *const texts[] = {"", "x", "NDE6", "LTE6MDA", "MDAwMDAw", "no cursor at all"};
    int64_t back = 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        cr_expect_not(msp_audit_cursor_parse(texts[i], &a_question, &back), "%s", texts[i]);
}
