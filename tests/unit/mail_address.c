/* Mail addresses: what is one, and whom a notification may reach. */
#include "msp/mail_address.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static bool is_valid(const char *text)
{
    return msp_mail_address_is_valid(text, strlen(text));
}

static bool is_allowed(const char *address, const char *list, const char *rules)
{
    return msp_mail_is_allowed(address, strlen(address), list, rules);
}

Test(mail_address, knows_an_address)
{
    cr_assert(is_valid("ops@example.com"));
    cr_assert(is_valid("first.last+tag@mail.example.co.uk"));
    cr_assert(is_valid("root@localhost"));
    cr_assert(is_valid("o'neil_{x}@a-b.example"));
}

Test(mail_address, refuses_what_could_end_a_header_or_a_command)
{
    static const char *const wrong[] = {
        "",       "ops",         "@example.com",  "ops@",         "a@b@c",     "a b@example.com",
        "a@b c",  "a@b\r\nRCPT", "<a@b>",         "a@b>",         "\"a b\"@c", "a(b)@c",
        ".a@b.c", "a.@b.c",      "a..b@c.d",      "a@.b",         "a@b.",      "a@b..c",
        "a@-b.c", "a@b-.c",      "a@[127.0.0.1]", "\xc3\xa9@b.c", "a@b_c",     "a@b;c",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_assert_not(is_valid(wrong[i]), "%s", wrong[i]);
    cr_assert_not(msp_mail_address_is_valid("a\0@b", 4));
}

Test(mail_address, keeps_to_the_lengths_of_rfc_5321)
{
    char text[400];
    (void)snprintf(text, sizeof text, "%064d@example.com", 1);
    cr_assert(is_valid(text));
    (void)snprintf(text, sizeof text, "%065d@example.com", 1);
    cr_assert_not(is_valid(text));
    (void)snprintf(text, sizeof text, "a@%063d.%063d.%063d.%060d", 1, 1, 1, 1);
    cr_assert(strlen(text) == 254 && is_valid(text));
    (void)snprintf(text, sizeof text, "a@%063d.%063d.%063d.%061d", 1, 1, 1, 1);
    cr_assert_not(is_valid(text));
}

Test(mail_address, reads_lists_with_blanks_and_refuses_empty_entries)
{
    cr_assert(msp_mail_list_is_valid(" a@b.c , d@e.f", 2));
    cr_assert_not(msp_mail_list_is_valid("a@b.c,d@e.f", 1));
    cr_assert_not(msp_mail_list_is_valid("", 5));
    cr_assert_not(msp_mail_list_is_valid("a@b.c,,d@e.f", 5));
    cr_assert_not(msp_mail_list_is_valid("a@b.c,example.com", 5));
    cr_assert(msp_mail_rules_are_valid("a@b.c, example.com"));
    cr_assert_not(msp_mail_rules_are_valid("@example.com"));
    cr_assert_not(msp_mail_rules_are_valid("*.example.com"));
}

Test(mail_address, lets_through_whom_a_list_or_a_rule_names_and_nobody_else)
{
    cr_assert(is_allowed("ops@example.com", "ops@Example.COM", ""));
    cr_assert(is_allowed("ops@example.com", "a@b.c, ops@example.com", ""));
    cr_assert_not(is_allowed("Ops@example.com", "ops@example.com", ""));
    cr_assert(is_allowed("anyone@Example.com", "", "example.com"));
    cr_assert(is_allowed("one@other.org", "", "example.com, one@other.org"));
    cr_assert_not(is_allowed("two@other.org", "", "example.com, one@other.org"));
    cr_assert_not(is_allowed("a@sub.example.com", "", "example.com"));
    cr_assert_not(is_allowed("a@notexample.com", "", "example.com"));
    cr_assert_not(is_allowed("a@example.com", "", ""));
}
