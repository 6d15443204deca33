/* The Idempotency-Key field: one reading for each text, and none for what is no key. */
#include "workers/http/idempotency.h"

#include <criterion/criterion.h>
#include <string.h>

static void expect_key(const char *field, const char *key)
{
    char out[MSP_IDEMPOTENCY_KEY_BYTES];

    cr_assert(msp_idempotency_parse_key(field, out), "%s", field);
    cr_assert_str_eq(out, key);
}

Test(idempotency_key, a_quoted_key_and_a_bare_one_are_the_same)
{
    expect_key("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324");
    expect_key("\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", "8e03978e-40d5-43dd-bc93-6894a57f9324");
    expect_key("daily:2024-03-01/acme", "daily:2024-03-01/acme");
}

Test(idempotency_key, escapes_of_a_quoted_key_are_undone)
{
    expect_key("\"a \\\"b\\\" \\\\\"", "a \"b\" \\");
}

Test(idempotency_key, what_is_no_key_is_refused)
{
    static const char *const bad[] = {
        "",     "\"\"",     "\"",           "\"open",   "\"a\"b", "\"a\";p=1", "two words", "a\tb",
        "a\"b", "\xc3\xa9", "\"\xc3\xa9\"", "\"a\\n\"", "\"a\\",  "\"a\x7f\"", " a",        "a ",
    };
    char out[MSP_IDEMPOTENCY_KEY_BYTES];

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        cr_assert_not(msp_idempotency_parse_key(bad[i], out), "%s", bad[i]);
        cr_assert_str_empty(out);
    }
}

Test(idempotency_key, it_ends_at_255_characters)
{
    char field[MSP_IDEMPOTENCY_KEY_BYTES + 4];
    char out[MSP_IDEMPOTENCY_KEY_BYTES];

    memset(field, 'k', sizeof field);
    field[255] = '\0';
    expect_key(field, field);
    field[255] = 'k';
    field[256] = '\0';
    cr_assert_not(msp_idempotency_parse_key(field, out));
    field[0] = '"';
    field[256] = '"';
    field[257] = '\0';
    cr_assert(msp_idempotency_parse_key(field, out));
    cr_assert_eq(strlen(out), 255);
    field[256] = 'k';
    field[257] = '"';
    field[258] = '\0';
    cr_assert_not(msp_idempotency_parse_key(field, out));
}
