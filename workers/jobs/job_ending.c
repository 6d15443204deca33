/*
 * The last write of an attempt. Retryable failures go back to the queue with exponential back-off
 * and full jitter ("Exponential Backoff And Jitter", M. Brooker, AWS Architecture Blog, 2015).
 */
#include "job_ending.h"

#include "msp/clock.h"
#include "msp/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WRITE_DEADLINE_MS         10000
#define LEAVING_WRITE_DEADLINE_MS 1500
#define LEAVING_TRIES             3
#define RETRY_FIRST_SECONDS       4
#define RETRY_MAX_SECONDS         300

enum ending_kind { END_SUCCEED, END_FAIL, END_RETRY, END_HAND_BACK };

int msp_job_retry_seconds(int attempt, unsigned random_bits)
{
    int ceiling = RETRY_FIRST_SECONDS;
    for (int i = 1; i < attempt && ceiling < RETRY_MAX_SECONDS; i++) {
        ceiling *= 2;
    }
    if (ceiling > RETRY_MAX_SECONDS) {
        ceiling = RETRY_MAX_SECONDS;
    }
    return 1 + (int)(random_bits % (unsigned)ceiling);
}

static bool is_retryable(enum msp_result outcome)
{
    return outcome == MSP_UNAVAILABLE || outcome == MSP_TIMED_OUT || outcome == MSP_BUSY ||
           outcome == MSP_CANCELLED;
}

static enum ending_kind choose_kind(const struct msp_job_ending *ending)
{
    if (ending->outcome == MSP_OK) {
        return END_SUCCEED;
    }
    if (ending->outcome == MSP_CANCELLED && atomic_load(ending->run->stopping)) {
        return END_HAND_BACK;
    }
    if (is_retryable(ending->outcome) && ending->run->job->attempt < ending->max_attempts) {
        return END_RETRY;
    }
    return END_FAIL;
}

static bool is_lost(enum msp_result result, const struct msp_error *error)
{
    return result == MSP_CONFLICT && strcmp(error->code, "job_lost") == 0;
}

static enum msp_result write_once(const struct msp_job_ending *ending, enum ending_kind kind,
                                  int retry_seconds, const char *result_text,
                                  struct msp_error *error)
{
    const struct msp_job_run *run = ending->run;
    int64_t deadline_ms =
        msp_clock_monotonic_ms() +
        (atomic_load(run->stopping) ? LEAVING_WRITE_DEADLINE_MS : WRITE_DEADLINE_MS);
    switch (kind) {
    case END_SUCCEED:
        return msp_job_succeed(run->db, &run->fence, result_text, deadline_ms, error);
    case END_HAND_BACK:
        return msp_job_hand_back(run->db, &run->fence, deadline_ms, error);
    case END_FAIL:
    case END_RETRY:
        break;
    }
    return msp_job_fail(run->db, &run->fence, ending->error->code, ending->error->detail,
                        kind == END_RETRY ? retry_seconds : -1, deadline_ms, error);
}

/* 0.2 s doubling to 5 s, cut short when the process is to leave. */
static void pause_before(int try, const atomic_bool *stopping)
{
    int64_t ms = 200;
    for (int i = 1; i < try && ms < 5000; i++) {
        ms *= 2;
    }
    struct timespec slice = {.tv_nsec = 100 * 1000000L};
    for (int64_t waited = 0; waited < ms && !atomic_load(stopping); waited += 100) {
        (void)nanosleep(&slice, NULL);
    }
}

/*
 * Tries until the database has taken or refused it. A lost job is no failure of writing: when an
 * earlier try may have gone through unheard, it was written by that try.
 */
static enum msp_result write_until_heard(const struct msp_job_ending *ending, enum ending_kind kind,
                                         const char *result_text, struct msp_error *error)
{
    int retry_seconds = msp_job_retry_seconds(ending->run->job->attempt, arc4random());
    bool unsure = false;
    int leaving_tries = 0;
    for (int try = 1;; try++) {
        enum msp_result result = write_once(ending, kind, retry_seconds, result_text, error);
        if (is_lost(result, error) && unsure) {
            return MSP_OK;
        }
        if (!is_retryable(result)) {
            return result;
        }
        unsure = true;
        if (atomic_load(ending->run->stopping) && ++leaving_tries >= LEAVING_TRIES) {
            return result;
        }
        if (try == 1) {
            msp_log(MSP_LOG_WARNING, "Cannot write a job's end yet; trying again", "job",
                    ending->run->job->id, "detail", error->detail, NULL);
        }
        pause_before(try, ending->run->stopping);
    }
}

static void tell(const struct msp_job_ending *ending, enum ending_kind kind)
{
    const struct msp_job *job = ending->run->job;
    char attempt[16];
    (void)snprintf(attempt, sizeof attempt, "%d", job->attempt);
    static const char *const sentences[] = {
        [END_SUCCEED] = "Job succeeded",
        [END_FAIL] = "Job failed",
        [END_RETRY] = "Job failed; it is tried again",
        [END_HAND_BACK] = "Job handed back to the queue",
    };
    bool failed = kind == END_FAIL || kind == END_RETRY;
    msp_log(failed ? MSP_LOG_WARNING : MSP_LOG_INFO, sentences[kind], "job", job->id, "kind",
            job->kind, "tenant", job->tenant[0] != '\0' ? job->tenant : NULL, "attempt", attempt,
            "code", failed ? ending->error->code : NULL, "detail",
            failed ? ending->error->detail : NULL, NULL);
    if (kind == END_SUCCEED || kind == END_FAIL) {
        msp_board_add(kind == END_FAIL ? &ending->slot->jobs_failed : &ending->slot->jobs_done, 1);
        msp_job_events_push(ending->run->events, MSP_EVENT_ENDED, job, job->done, job->total);
    }
}

/* The result as text that ends; a result that outgrew its limit turns the success into a failure.
 */
static const char *finish_result(struct msp_job_ending *ending)
{
    if (ending->outcome != MSP_OK) {
        return NULL;
    }
    msp_buffer_append(ending->result, "", 1);
    if (ending->result->failed) {
        ending->outcome = msp_fail(ending->error, MSP_BROKEN, "result_too_large",
                                   "The work was done, but its result is too large to be stored.");
        return NULL;
    }
    return ending->result->data;
}

bool msp_job_ending_write(struct msp_job_ending *ending)
{
    const char *result_text = finish_result(ending);
    struct msp_error error = {.result = MSP_OK};
    if (is_lost(ending->outcome, ending->error)) {
        msp_log(MSP_LOG_WARNING, "Job was taken from this worker; its work is dropped", "job",
                ending->run->job->id, NULL);
        return true;
    }
    enum ending_kind kind = choose_kind(ending);
    enum msp_result result = write_until_heard(ending, kind, result_text, &error);
    if (result != MSP_OK && !is_lost(result, &error) && !is_retryable(result) &&
        kind == END_SUCCEED) {
        *ending->error = error;
        (void)snprintf(ending->error->code, sizeof ending->error->code, "result_not_stored");
        kind = END_FAIL;
        result = write_until_heard(ending, kind, NULL, &error);
    }
    if (result == MSP_OK) {
        tell(ending, kind);
        return true;
    }
    if (is_lost(result, &error)) {
        msp_log(MSP_LOG_WARNING, "Job was taken from this worker; its end is dropped", "job",
                ending->run->job->id, NULL);
        return true;
    }
    msp_log(MSP_LOG_ERROR,
            "Cannot write a job's end; it runs again once its holder is found silent", "job",
            ending->run->job->id, "detail", error.detail, NULL);
    return false;
}
