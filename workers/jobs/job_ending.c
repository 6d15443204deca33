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
#define PAUSE_MAX_MS              2000
#define RETRY_FIRST_SECONDS       4
#define RETRY_MAX_SECONDS         300

/* A source that asks for patience all day long is a fault that a person must see. */
#define PUT_OFF_MAX_US (INT64_C(24) * 3600 * 1000000)

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

int msp_job_put_off_seconds(int retry_after_seconds, int times, unsigned random_bits)
{
    return retry_after_seconds + msp_job_retry_seconds(times + 1, random_bits);
}

static bool is_retryable(enum msp_result outcome)
{
    return outcome == MSP_UNAVAILABLE || outcome == MSP_TIMED_OUT || outcome == MSP_BUSY ||
           outcome == MSP_CANCELLED;
}

enum msp_job_ending_kind msp_job_ending_choose(const struct msp_job_ending *ending, int64_t now_us)
{
    const struct msp_job_run *run = ending->run;
    if (ending->outcome == MSP_OK) {
        return MSP_END_SUCCEED;
    }
    if (ending->outcome == MSP_CANCELLED && strcmp(ending->error->code, "job_cancelled") == 0) {
        return MSP_END_CANCEL;
    }
    if (ending->outcome == MSP_CANCELLED && atomic_load(run->stopping)) {
        return MSP_END_HAND_BACK;
    }
    if (ending->outcome == MSP_BUSY && run->put_off) {
        return now_us - run->job->started_us < PUT_OFF_MAX_US ? MSP_END_PUT_OFF : MSP_END_FAIL;
    }
    if (is_retryable(ending->outcome) && run->job->attempt < ending->max_attempts) {
        return MSP_END_RETRY;
    }
    return MSP_END_FAIL;
}

static bool is_lost(enum msp_result result, const struct msp_error *error)
{
    return result == MSP_CONFLICT && strcmp(error->code, "job_lost") == 0;
}

/* How long until the job may be taken again, where it may. */
static int seconds_until_next(const struct msp_job_run *run, enum msp_job_ending_kind kind)
{
    if (kind == MSP_END_RETRY) {
        return msp_job_retry_seconds(run->job->attempt, arc4random());
    }
    if (kind == MSP_END_PUT_OFF) {
        return msp_job_put_off_seconds(run->put_off_seconds, run->job->rate_limited, arc4random());
    }
    return 0;
}

static enum msp_result write_once(const struct msp_job_ending *ending,
                                  enum msp_job_ending_kind kind, int in_seconds,
                                  const char *result_text, struct msp_error *error)
{
    const struct msp_job_run *run = ending->run;
    int64_t deadline_ms =
        msp_clock_monotonic_ms() +
        (atomic_load(run->stopping) ? LEAVING_WRITE_DEADLINE_MS : WRITE_DEADLINE_MS);
    switch (kind) {
    case MSP_END_SUCCEED:
        return msp_job_succeed(run->db, &run->fence, result_text, deadline_ms, error);
    case MSP_END_CANCEL:
        return msp_job_end_cancelled(run->db, &run->fence, deadline_ms, error);
    case MSP_END_FAIL:
        return msp_job_fail(run->db, &run->fence, ending->error->code, ending->error->detail,
                            deadline_ms, error);
    case MSP_END_RETRY:
    case MSP_END_PUT_OFF:
    case MSP_END_HAND_BACK:
        break;
    }
    bool failed = kind != MSP_END_HAND_BACK;
    struct msp_job_requeue requeue = {
        .in_seconds = in_seconds,
        .excused = kind != MSP_END_RETRY,
        .rate_limited = kind == MSP_END_PUT_OFF,
        .code = failed ? ending->error->code : NULL,
        .detail = failed ? ending->error->detail : NULL,
    };
    return msp_job_requeue(run->db, &run->fence, &requeue, deadline_ms, error);
}

/* 0.2 s doubling to some two, cut short when the process is to leave. */
static void pause_before(int try, const atomic_bool *stopping)
{
    int64_t ms = 200;
    for (int i = 1; i < try && ms < PAUSE_MAX_MS; i++) {
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
static enum msp_result write_until_heard(const struct msp_job_ending *ending,
                                         enum msp_job_ending_kind kind, const char *result_text,
                                         struct msp_error *error)
{
    int in_seconds = seconds_until_next(ending->run, kind);
    bool unsure = false;
    int leaving_tries = 0;
    for (int try = 1;; try++) {
        enum msp_result result = write_once(ending, kind, in_seconds, result_text, error);
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
                    ending->run->job->id, "detail", error->detail, "trace",
                    msp_job_trace(ending->run->job), NULL);
        }
        pause_before(try, ending->run->stopping);
    }
}

static const struct ending_word {
    const char *sentence;
    enum msp_log_level level;
    bool tells_why;
} ending_words[] = {
    [MSP_END_SUCCEED] = {"Job succeeded", MSP_LOG_INFO, false},
    [MSP_END_FAIL] = {"Job failed", MSP_LOG_WARNING, true},
    [MSP_END_CANCEL] = {"Job cancelled", MSP_LOG_INFO, false},
    [MSP_END_RETRY] = {"Job failed; it is tried again", MSP_LOG_WARNING, true},
    [MSP_END_PUT_OFF] = {"Job put off", MSP_LOG_INFO, true},
    [MSP_END_HAND_BACK] = {"Job handed back to the queue", MSP_LOG_INFO, false},
};

static void count(const struct msp_job_ending *ending, enum msp_job_ending_kind kind)
{
    struct msp_board_job_kind *figures = ending->figures;
    int64_t *const counters[] = {
        [MSP_END_SUCCEED] = &figures->succeeded, [MSP_END_FAIL] = &figures->failed,
        [MSP_END_CANCEL] = &figures->cancelled,  [MSP_END_RETRY] = &figures->retried,
        [MSP_END_PUT_OFF] = &figures->put_off,   [MSP_END_HAND_BACK] = &figures->handed_back,
    };
    msp_board_add(counters[kind], 1);
    if (kind == MSP_END_SUCCEED || kind == MSP_END_FAIL) {
        msp_board_add(kind == MSP_END_FAIL ? &ending->slot->jobs_failed : &ending->slot->jobs_done,
                      1);
    }
}

static void tell(const struct msp_job_ending *ending, enum msp_job_ending_kind kind)
{
    const struct msp_job *job = ending->run->job;
    const struct ending_word *word = &ending_words[kind];
    char attempt[16];
    (void)snprintf(attempt, sizeof attempt, "%d", job->attempt);
    msp_log(word->level, word->sentence, "job", job->id, "kind", job->kind, "tenant",
            job->tenant[0] != '\0' ? job->tenant : NULL, "attempt", attempt, "code",
            word->tells_why ? ending->error->code : NULL, "detail",
            word->tells_why ? ending->error->detail : NULL, "trace", msp_job_trace(job), NULL);
    count(ending, kind);
    if (kind == MSP_END_SUCCEED || kind == MSP_END_FAIL || kind == MSP_END_CANCEL) {
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

static void tell_lost(const struct msp_job_ending *ending)
{
    msp_log(MSP_LOG_WARNING, "Job was taken from this worker; its work is dropped", "job",
            ending->run->job->id, "trace", msp_job_trace(ending->run->job), NULL);
    msp_board_add(&ending->figures->lost, 1);
}

bool msp_job_ending_write(struct msp_job_ending *ending)
{
    const char *result_text = finish_result(ending);
    struct msp_error error = {.result = MSP_OK};
    if (is_lost(ending->outcome, ending->error)) {
        tell_lost(ending);
        return true;
    }
    enum msp_job_ending_kind kind = msp_job_ending_choose(ending, msp_clock_unix_us());
    enum msp_result result = write_until_heard(ending, kind, result_text, &error);
    if (result != MSP_OK && !is_lost(result, &error) && !is_retryable(result) &&
        kind == MSP_END_SUCCEED) {
        *ending->error = error;
        (void)snprintf(ending->error->code, sizeof ending->error->code, "result_not_stored");
        kind = MSP_END_FAIL;
        result = write_until_heard(ending, kind, NULL, &error);
    }
    if (result == MSP_OK) {
        tell(ending, kind);
        return true;
    }
    if (is_lost(result, &error)) {
        tell_lost(ending);
        return true;
    }
    msp_log(MSP_LOG_ERROR,
            "Cannot write a job's end; it runs again once its holder is found silent", "job",
            ending->run->job->id, "detail", error.detail, "trace", msp_job_trace(ending->run->job),
            NULL);
    return false;
}
