/* What an outcome means for a job, and how long it rests before its next attempt. */
#include "job_ending.h"

#include <criterion/criterion.h>
#include <string.h>

#define HOUR_US (INT64_C(3600) * 1000000)

struct attempt {
    struct msp_job job;
    atomic_bool stopping;
    struct msp_job_run run;
    struct msp_error error;
    struct msp_job_ending ending;
};

static struct attempt *attempt_with(struct attempt *out, enum msp_result outcome, const char *code)
{
    *out = (struct attempt){.job = {.attempt = 1}, .error = {.result = outcome}};
    out->run = (struct msp_job_run){.job = &out->job, .stopping = &out->stopping};
    (void)strncpy(out->error.code, code, sizeof out->error.code - 1);
    out->ending = (struct msp_job_ending){
        .run = &out->run, .max_attempts = 3, .outcome = outcome, .error = &out->error};
    return out;
}

Test(job_ending, tries_again_what_may_pass_until_the_attempts_are_used)
{
    static const enum msp_result passing[] = {MSP_UNAVAILABLE, MSP_TIMED_OUT, MSP_BUSY};
    static const enum msp_result lasting[] = {MSP_INVALID, MSP_NOT_FOUND, MSP_FORBIDDEN, MSP_BROKEN,
                                              MSP_CONFLICT};
    struct attempt attempt;
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++) {
        attempt_with(&attempt, passing[i], "some_code");
        cr_expect(msp_job_ending_choose(&attempt.ending, 0) == MSP_END_RETRY);
        attempt.job.attempt = 3;
        cr_expect(msp_job_ending_choose(&attempt.ending, 0) == MSP_END_FAIL);
    }
    for (size_t i = 0; i < sizeof lasting / sizeof lasting[0]; i++) {
        attempt_with(&attempt, lasting[i], "some_code");
        cr_expect(msp_job_ending_choose(&attempt.ending, 0) == MSP_END_FAIL);
    }
}

Test(job_ending, puts_off_for_a_day_at_most_whatever_the_attempt)
{
    struct attempt attempt;
    attempt_with(&attempt, MSP_BUSY, "rate_limited");
    attempt.run.put_off = true;
    attempt.job.attempt = 3;
    attempt.job.started_us = 5 * HOUR_US;
    cr_expect(msp_job_ending_choose(&attempt.ending, 28 * HOUR_US) == MSP_END_PUT_OFF);
    cr_expect(msp_job_ending_choose(&attempt.ending, 29 * HOUR_US) == MSP_END_FAIL);
}

Test(job_ending, tells_a_cancelled_job_from_a_leaving_worker)
{
    struct attempt attempt;
    attempt_with(&attempt, MSP_CANCELLED, "job_cancelled");
    cr_expect(msp_job_ending_choose(&attempt.ending, 0) == MSP_END_CANCEL);
    atomic_store(&attempt.stopping, true);
    cr_expect(msp_job_ending_choose(&attempt.ending, 0) == MSP_END_CANCEL);
    attempt_with(&attempt, MSP_CANCELLED, "stopping");
    atomic_store(&attempt.stopping, true);
    cr_expect(msp_job_ending_choose(&attempt.ending, 0) == MSP_END_HAND_BACK);
}

Test(job_ending, rests_longer_each_time_but_never_for_ever)
{
    for (unsigned bits = 0; bits < 1000; bits++) {
        for (int attempt = 1; attempt < 40; attempt++) {
            int ceiling = attempt < 8 ? 4 << (attempt - 1) : 300;
            int seconds = msp_job_retry_seconds(attempt, bits);
            cr_assert(seconds >= 1 && seconds <= (ceiling < 300 ? ceiling : 300));
        }
    }
    cr_expect(msp_job_retry_seconds(20, 299) == 300);
}

Test(job_ending, comes_back_no_sooner_than_was_asked)
{
    for (unsigned bits = 0; bits < 1000; bits++) {
        for (int times = 0; times < 40; times++) {
            int seconds = msp_job_put_off_seconds(60, times, bits);
            cr_assert(seconds > 60 && seconds <= 360);
        }
    }
}

Test(job_ending, remembers_what_was_asked_within_bounds)
{
    struct msp_job_run run = {0};
    struct msp_error error;
    cr_expect(msp_job_run_slow_down(&run, 30, &error, "%s asks for patience.", "Source") ==
              MSP_BUSY);
    cr_expect(run.put_off && run.put_off_seconds == 30);
    cr_expect_str_eq(error.code, "rate_limited");
    cr_expect_str_eq(error.detail, "Source asks for patience.");
    (void)msp_job_run_slow_down(&run, INT64_MAX, &error, "Again.");
    cr_expect(run.put_off_seconds == 86400);
    (void)msp_job_run_slow_down(&run, -5, &error, "Again.");
    cr_expect(run.put_off_seconds == 0);
}

Test(job_ending, an_interrupted_attempt_says_why)
{
    atomic_bool stopping = false;
    atomic_int interruption = MSP_NOT_INTERRUPTED;
    struct msp_error error;
    struct msp_job_run run = {
        .stopping = &stopping, .interruption = &interruption, .deadline_ms = INT64_MAX};
    cr_expect(!msp_job_run_should_stop(&run));
    cr_expect(msp_job_run_check(&run, &error) == MSP_OK);
    atomic_store(&interruption, MSP_INTERRUPTED_CANCELLED);
    cr_expect(msp_job_run_should_stop(&run));
    cr_expect(msp_job_run_check(&run, &error) == MSP_CANCELLED);
    cr_expect_str_eq(error.code, "job_cancelled");
    atomic_store(&interruption, MSP_INTERRUPTED_LOST);
    cr_expect(msp_job_run_check(&run, &error) == MSP_CONFLICT);
    cr_expect_str_eq(error.code, "job_lost");
}
