/* What servers say of their quotas, in all the ways they say it. */
#include "sources/rate_fields.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#define NOW INT64_C(1795341845) /* 2026-11-22T10:04:05Z */

static struct msp_egress_field fields[MSP_RATE_FIELDS];
static struct msp_source_quota quotas[MSP_RATE_QUOTAS];

static void clear(void)
{
    for (size_t i = 0; i < MSP_RATE_FIELDS; i++) {
        fields[i] = (struct msp_egress_field){.name = msp_rate_field_names[i]};
    }
}

TestSuite(rate_fields, .init = clear);

static void say(const char *name, const char *value)
{
    for (size_t i = 0; i < MSP_RATE_FIELDS; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            (void)snprintf(fields[i].value, sizeof fields[i].value, "%s", value);
            return;
        }
    }
    cr_assert_fail("%s is not read", name);
}

static size_t hear(void)
{
    return msp_rate_fields_read(fields, NOW, quotas);
}

static void is_quota(size_t index, int64_t limit, int64_t remaining, int64_t window, int64_t reset)
{
    cr_assert_eq(quotas[index].limit, limit, "limit %lld", (long long)quotas[index].limit);
    cr_assert_eq(quotas[index].remaining, remaining, "remaining %lld",
                 (long long)quotas[index].remaining);
    cr_assert_eq(quotas[index].window_seconds, window, "window %lld",
                 (long long)quotas[index].window_seconds);
    cr_assert_eq(quotas[index].reset_seconds, reset, "reset %lld",
                 (long long)quotas[index].reset_seconds);
}

Test(rate_fields, hears_nothing_where_nothing_is_said)
{
    cr_assert_eq(hear(), 0);
}

Test(rate_fields, reads_the_draft_with_its_policies)
{
    say("RateLimit-Policy", "\"burst\";q=100;w=60, \"day, all\";q=5000;w=86400");
    say("RateLimit", "\"burst\";r=50;t=30,\"day, all\";r=4900;t=3600");
    cr_assert_eq(hear(), 2);
    is_quota(0, 100, 50, 60, 30);
    is_quota(1, 5000, 4900, 86400, 3600);
}

Test(rate_fields, reads_the_older_drafts)
{
    say("RateLimit", "limit=100, remaining=50, reset=5");
    cr_assert_eq(hear(), 1);
    is_quota(0, 100, 50, -1, 5);
    clear();
    say("RateLimit-Limit", "100, 100;w=10");
    say("RateLimit-Remaining", "60");
    say("RateLimit-Reset", "7");
    cr_assert_eq(hear(), 1);
    is_quota(0, 100, 60, 10, 7);
}

Test(rate_fields, reads_the_fields_that_atlassian_tries_out)
{
    say("Beta-RateLimit-Policy", "\"global-app-quota\";q=65000;w=3600");
    say("Beta-RateLimit", "\"global-app-quota\";r=64990;t=120");
    cr_assert_eq(hear(), 1);
    is_quota(0, 65000, 64990, 3600, 120);
}

Test(rate_fields, reads_resets_of_every_form)
{
    static const struct {
        const char *text;
        int64_t seconds;
    } resets[] = {
        {"30", 30},
        {"1795341905", 60},
        {"1795341905000", 60},
        {"2026-11-22T10:05:05Z", 60},
        {"2026-11-22T10:05Z", 55},
        {"Sun, 22 Nov 2026 10:05:05 GMT", 60},
        {"1795341800", 0},
        {"soon", -1},
        {"", -1},
    };
    for (size_t i = 0; i < sizeof resets / sizeof resets[0]; i++) {
        say("X-RateLimit-Limit", "100");
        say("X-RateLimit-Remaining", "3");
        say("X-RateLimit-Reset", resets[i].text);
        cr_assert_eq(hear(), 1);
        is_quota(0, 100, 3, -1, resets[i].seconds);
    }
}

Test(rate_fields, reads_the_names_single_makers_gave)
{
    say("X-Rate-Limit", "700");
    say("X-Rate-Limit-Remaining", "699");
    cr_assert_eq(hear(), 1);
    is_quota(0, 700, 699, -1, -1);
}

Test(rate_fields, counts_a_call_as_dear_as_its_source_says)
{
    say("X-RateLimit-Total", "140");
    say("X-RateLimit-Remaining", "100");
    say("X-RateLimit-Used-CurrentRequest", "2");
    cr_assert_eq(hear(), 1);
    is_quota(0, 70, 50, -1, -1);
}

Test(rate_fields, believes_no_nonsense)
{
    static const char *const nonsense[] = {
        "-5",
        "abc",
        "\"",
        ";;;",
        ",,,,",
        "\"x;q=5",
        "q",
        "=",
        "=;=;=",
        "\"a\";q=;w=;r=;t=",
        "99999999999999999999999999999999999999",
        "\"a\";q=\"5\"",
    };
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        for (size_t j = 0; j < MSP_RATE_FIELDS; j++) {
            (void)snprintf(fields[j].value, sizeof fields[j].value, "%s", nonsense[i]);
        }
        size_t count = hear();
        for (size_t k = 0; k < count; k++) {
            cr_assert(quotas[k].limit <= INT64_C(10000000000000));
            cr_assert(quotas[k].limit > 0 || quotas[k].remaining >= 0);
        }
    }
}

Test(rate_fields, keeps_a_bounded_number_of_quotas)
{
    char many[MSP_EGRESS_FIELD_BYTES] = "";
    for (int i = 0; i < 100; i++) {
        size_t used = strlen(many);
        (void)snprintf(many + used, sizeof many - used, "\"p%d\";q=10;w=1,", i);
    }
    say("RateLimit-Policy", many);
    say("X-RateLimit-Limit", "5");
    cr_assert_eq(hear(), MSP_RATE_QUOTAS);
}
