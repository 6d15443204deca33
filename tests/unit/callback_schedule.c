/* What a receiver's answer means for a callback, and when it is told again. */
#include "callback_schedule.h"

#include <criterion/criterion.h>

#define DAY_MS (INT64_C(24) * 3600 * 1000)

static struct msp_callback_outcome judge(struct msp_callback_try tried)
{
    struct msp_callback_outcome outcome;
    cr_assert(msp_callback_judge(&tried, &outcome) == outcome.verdict);
    return outcome;
}

static struct msp_callback_outcome answered(int status)
{
    return judge((struct msp_callback_try){.result = MSP_OK, .status = status});
}

Test(callback_schedule, takes_success_and_gone_as_taken)
{
    for (int status = 200; status < 300; status++) {
        cr_assert(answered(status).verdict == MSP_CALLBACK_TAKEN && answered(status).accepted);
    }
    cr_assert(answered(410).verdict == MSP_CALLBACK_TAKEN);
    cr_assert_not(answered(410).accepted);
}

Test(callback_schedule, repeats_what_may_pass)
{
    static const int statuses[] = {404, 408, 429, 500, 502, 503, 504, 599};
    static const enum msp_result results[] = {MSP_TIMED_OUT, MSP_UNAVAILABLE, MSP_NO_MEMORY,
                                              MSP_TOO_LARGE, MSP_BROKEN};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        struct msp_callback_outcome outcome = answered(statuses[i]);
        cr_assert(outcome.verdict == MSP_CALLBACK_AGAIN && !outcome.conflict, "%d", statuses[i]);
        cr_assert_eq(outcome.status, statuses[i]);
    }
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        struct msp_callback_outcome outcome =
            judge((struct msp_callback_try){.result = results[i]});
        cr_assert(outcome.verdict == MSP_CALLBACK_AGAIN && outcome.status == 0);
    }
}

Test(callback_schedule, fails_for_good_on_what_will_not_pass)
{
    static const int statuses[] = {301, 302, 307, 400, 401, 403, 405, 413, 422};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        cr_assert(answered(statuses[i]).verdict == MSP_CALLBACK_FAILED, "%d", statuses[i]);
        cr_assert(answered(statuses[i]).reason != NULL);
    }
    cr_assert(judge((struct msp_callback_try){.result = MSP_FORBIDDEN}).verdict ==
              MSP_CALLBACK_FAILED);
    cr_assert(judge((struct msp_callback_try){.result = MSP_INVALID}).verdict ==
              MSP_CALLBACK_FAILED);
}

Test(callback_schedule, waits_longer_step_by_step_up_to_a_minute)
{
    static const int64_t steps_ms[] = {500, 2000, 5000, 15000, 30000, 60000, 60000, 60000};
    for (int i = 0; i < (int)(sizeof steps_ms / sizeof steps_ms[0]); i++) {
        cr_assert_eq(
            judge((struct msp_callback_try){.result = MSP_OK, .status = 404, .failures = i})
                .delay_ms,
            steps_ms[i]);
    }
    cr_assert_eq(
        judge((struct msp_callback_try){.result = MSP_TIMED_OUT, .failures = 100000}).delay_ms,
        60000);
}

Test(callback_schedule, gives_up_after_a_day_and_tries_at_its_very_end)
{
    struct msp_callback_try tried = {
        .result = MSP_OK, .status = 500, .failures = 1000, .age_ms = DAY_MS - 10000};
    cr_assert(judge(tried).verdict == MSP_CALLBACK_AGAIN && judge(tried).delay_ms == 10000);
    tried.age_ms = DAY_MS;
    cr_assert(judge(tried).verdict == MSP_CALLBACK_FAILED);
    tried.status = 200;
    cr_assert(judge(tried).verdict == MSP_CALLBACK_TAKEN);
}

Test(callback_schedule, honours_retry_after_where_it_is_longer)
{
    struct msp_callback_try tried = {
        .result = MSP_OK, .status = 429, .failures = 2, .retry_after_seconds = 90};
    cr_assert_eq(judge(tried).delay_ms, 90000);
    tried.retry_after_seconds = 1;
    cr_assert_eq(judge(tried).delay_ms, 5000);
    tried.retry_after_seconds = 1000000;
    cr_assert_eq(judge(tried).delay_ms, DAY_MS);
}

Test(callback_schedule, repeats_a_conflict_for_a_minute_and_then_takes_it_as_taken)
{
    struct msp_callback_try tried = {.result = MSP_OK, .status = 409};
    int64_t waited_ms = 0;
    struct msp_callback_outcome outcome = judge(tried);
    cr_assert_eq(outcome.delay_ms, 500);
    for (; outcome.verdict == MSP_CALLBACK_AGAIN; outcome = judge(tried)) {
        cr_assert(outcome.conflict);
        waited_ms += outcome.delay_ms;
        tried.conflicts++;
    }
    cr_assert(outcome.verdict == MSP_CALLBACK_TAKEN && !outcome.accepted);
    cr_assert(waited_ms >= 55000 && waited_ms <= 65000, "%lld", (long long)waited_ms);
}

Test(callback_schedule, gives_back_what_was_cut_short_by_us)
{
    cr_assert(judge((struct msp_callback_try){.result = MSP_CANCELLED}).verdict ==
              MSP_CALLBACK_GIVEN_BACK);
}
