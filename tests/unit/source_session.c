/* Which addresses a source's session calls, and what it sends with each call. */
#include "sources/source_session.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct msp_settings settings;
static struct msp_source_order order;
static struct msp_source_session *session;
static struct msp_error error;

static void make(void)
{
    (void)snprintf(settings.egress_allow, sizeof settings.egress_allow,
                   "http://127.0.0.1:8900+private");
    order = (struct msp_source_order){.settings = &settings, .tenant = "acme"};
    cr_assert_eq(
        msp_source_session_new(&order, "https://desk.example.com/api/", 60, &session, &error),
        MSP_OK);
}

static void drop(void)
{
    msp_source_session_free(session);
}

TestSuite(source_session, .init = make, .fini = drop);

static void goes_to(const char *target, const char *expected)
{
    char url[MSP_EGRESS_URL_BYTES];
    cr_assert_eq(msp_source_session_address(session, target, url, &error), MSP_OK, "%s: %s", target,
                 error.detail);
    cr_assert_str_eq(url, expected);
}

Test(source_session, calls_below_its_address_and_at_its_origin)
{
    goes_to("/tickets?page=2", "https://desk.example.com/api/tickets?page=2");
    goes_to("https://desk.example.com/other?x=1", "https://desk.example.com/other?x=1");
    goes_to("https://DESK.example.com:443/other", "https://DESK.example.com:443/other");
    goes_to("//169.254.169.254/", "https://desk.example.com/api//169.254.169.254/");
}

Test(source_session, refuses_every_other_address)
{
    static const char *const elsewhere[] = {
        "http://desk.example.com/tickets",
        "https://desk.example.com:8443/tickets",
        "https://desk.example.com.evil.example/tickets",
        "https://desk.example.com@evil.example/tickets",
        "https://evil.example/desk.example.com",
        "https://169.254.169.254/latest/meta-data/",
        "https://desk.example.com\\@evil.example/",
        "https:/desk.example.com/",
        "https://desk.example.com/a b",
        "https://desk.example.com/a\r\nX: y",
        "https://desk.example.com/#a",
        "file:///etc/passwd",
        "?page=2",
        "tickets",
        "",
        "/\r\nHost: x",
    };
    char url[MSP_EGRESS_URL_BYTES];
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++) {
        cr_assert_eq(msp_source_session_address(session, elsewhere[i], url, &error), MSP_FORBIDDEN,
                     "%s", elsewhere[i]);
        cr_assert_str_eq(error.code, "source_link_refused");
    }
}

Test(source_session, refuses_an_address_that_is_too_long)
{
    char target[3000] = "/";
    char url[MSP_EGRESS_URL_BYTES];
    memset(target + 1, 'x', sizeof target - 2);
    cr_assert_eq(msp_source_session_address(session, target, url, &error), MSP_TOO_LARGE);
}

Test(source_session, is_not_made_for_an_address_that_no_source_may_have)
{
    static const char *const wrong[] = {"http://desk.example.com", "https://10.0.0.1/",
                                        "http://127.0.0.1:8901/", "https://desk.example.com:22/"};
    struct msp_source_session *other = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cr_assert_eq(msp_source_session_new(&order, wrong[i], 60, &other, &error), MSP_FORBIDDEN,
                     "%s", wrong[i]);
        cr_assert_null(other);
    }
    cr_assert_eq(msp_source_session_new(&order, "http://127.0.0.1:8900/x", 60, &other, &error),
                 MSP_OK);
    msp_source_session_free(other);
}

Test(source_session, sends_each_field_once_and_the_last_of_a_name)
{
    cr_assert_eq(msp_source_session_field(session, "X-A: 1", &error), MSP_OK);
    cr_assert_eq(msp_source_session_field(session, "X-Ab: 2", &error), MSP_OK);
    cr_assert_eq(msp_source_session_field(session, "x-a: 3", &error), MSP_OK);
    cr_assert_eq(session->field_count, 2);
    cr_assert_str_eq(session->fields[0], "x-a: 3");
    cr_assert_str_eq(session->fields[1], "X-Ab: 2");
}

Test(source_session, refuses_fields_that_would_be_two)
{
    static const char *const wrong[] = {"X-A: 1\r\nX-B: 2", "X-A: \x01", "X-A", ": 1", ""};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cr_assert_eq(msp_source_session_field(session, wrong[i], &error), MSP_INVALID);
        cr_assert_null(strstr(error.detail, "X-A"));
    }
    cr_assert_eq(session->field_count, 0);
}

Test(source_session, writes_basic_credentials)
{
    cr_assert_eq(msp_source_session_basic(session, "Aladdin", "open sesame", &error), MSP_OK);
    cr_assert_str_eq(session->fields[0], "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    cr_assert_eq(msp_source_session_basic(session, "a", "b", &error), MSP_OK);
    cr_assert_eq(session->field_count, 1);
}

Test(source_session, shares_the_budget_of_its_key)
{
    struct msp_source_budgets *budgets = msp_source_budgets_new();
    struct msp_source_session *first = NULL;
    struct msp_source_session *second = NULL;
    order.budgets = budgets;
    order.budget_key = "acme:json";
    cr_assert_eq(msp_source_session_new(&order, "https://a.example", 60, &first, &error), MSP_OK);
    cr_assert_eq(msp_source_session_new(&order, "https://a.example", 60, &second, &error), MSP_OK);
    cr_assert_eq(first->budget, second->budget);
    msp_source_session_free(first);
    msp_source_session_free(second);
    msp_source_budgets_free(budgets);
}
