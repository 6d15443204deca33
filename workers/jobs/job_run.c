/* What every kind of job asks of its attempt. Knows no kind. */
#include "job_run.h"

#include "msp/clock.h"
#include "msp/timestamp.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PROGRESS_EVERY_MS    1000
#define PROGRESS_DEADLINE_MS 10000
#define PUT_OFF_MAX_SECONDS  86400

/* A first export of three years in two datasets describes 2,200 files in about 600 KiB. */
const struct msp_json_limits msp_job_json_limits = {
    .max_bytes = 8U << 20,
    .max_depth = 16,
    .max_elements = 1000000,
};

static int interruption_of(const struct msp_job_run *run)
{
    return run->interruption != NULL ? atomic_load(run->interruption) : MSP_NOT_INTERRUPTED;
}

bool msp_job_run_should_stop(const struct msp_job_run *run)
{
    return atomic_load(run->stopping) || interruption_of(run) != MSP_NOT_INTERRUPTED ||
           msp_clock_monotonic_ms() >= run->deadline_ms;
}

enum msp_result msp_job_run_check(const struct msp_job_run *run, struct msp_error *error)
{
    if (interruption_of(run) == MSP_INTERRUPTED_LOST) {
        return msp_fail(error, MSP_CONFLICT, "job_lost",
                        "This worker no longer holds the job; another attempt does its work.");
    }
    if (interruption_of(run) == MSP_INTERRUPTED_CANCELLED) {
        return msp_fail(error, MSP_CANCELLED, "job_cancelled", "The job was cancelled.");
    }
    if (atomic_load(run->stopping)) {
        return msp_fail(error, MSP_CANCELLED, "stopping",
                        "The job worker is leaving; the job goes back to the queue.");
    }
    if (msp_clock_monotonic_ms() >= run->deadline_ms) {
        return msp_fail(error, MSP_TIMED_OUT, "job_too_long",
                        "The job took longer than its kind may; ask for a smaller range.");
    }
    return MSP_OK;
}

enum msp_result msp_job_run_progress(struct msp_job_run *run, int64_t done, int64_t total,
                                     const char *stage, struct msp_error *error)
{
    enum msp_result result = msp_job_run_check(run, error);
    if (result != MSP_OK) {
        return result;
    }
    int64_t now_ms = msp_clock_monotonic_ms();
    bool same_stage = strcmp(run->stage, stage) == 0;
    if (run->progress_written_ms != 0 && same_stage &&
        now_ms - run->progress_written_ms < PROGRESS_EVERY_MS) {
        return MSP_OK;
    }
    result = msp_job_progress(run->db, &run->fence, done, total, stage,
                              msp_job_run_deadline_in(run, PROGRESS_DEADLINE_MS), error);
    if (result != MSP_OK) {
        return result;
    }
    run->progress_written_ms = now_ms;
    if (run->told_done != NULL) {
        atomic_store(run->told_done, MSP_NOTHING_TOLD);
    }
    (void)strncpy(run->stage, stage, sizeof run->stage - 1);
    msp_job_events_push(run->events, MSP_EVENT_PROGRESS, run->job, done, total);
    return MSP_OK;
}

void msp_job_run_tell(struct msp_job_run *run, int64_t done, int64_t total)
{
    atomic_store(run->told_done, done);
    int64_t now_ms = msp_clock_monotonic_ms();
    if (now_ms - run->progress_told_ms >= PROGRESS_EVERY_MS) {
        run->progress_told_ms = now_ms;
        msp_job_events_push(run->events, MSP_EVENT_PROGRESS, run->job, done, total);
    }
}

void msp_job_run_put_off(struct msp_job_run *run, int64_t seconds)
{
    int64_t most = seconds < PUT_OFF_MAX_SECONDS ? seconds : PUT_OFF_MAX_SECONDS;
    run->put_off = true;
    run->put_off_seconds = most > 0 ? (int)most : 0;
}

enum msp_result msp_job_run_slow_down(struct msp_job_run *run, int64_t retry_after_seconds,
                                      struct msp_error *error, const char *format, ...)
{
    char sentence[sizeof error->detail];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    msp_job_run_put_off(run, retry_after_seconds);
    return msp_fail(error, MSP_BUSY, "rate_limited", "%s", sentence);
}

enum msp_result msp_job_run_parameters(const struct msp_job_run *run, json_t **out_parameters,
                                       struct msp_error *error)
{
    const char *text = run->job->parameters;
    if (text == NULL) {
        text = "{}";
    }
    return msp_json_parse(text, strlen(text), &msp_job_json_limits, out_parameters, error);
}

enum msp_result msp_job_parameter_day(const json_t *parameters, const char *name, int32_t *out_day,
                                      struct msp_error *error)
{
    const json_t *value = json_object_get(parameters, name);
    if (value == NULL || json_is_null(value)) {
        *out_day = MSP_NO_DAY;
        return MSP_OK;
    }
    if (json_is_string(value) &&
        msp_day_parse(json_string_value(value), json_string_length(value), out_day)) {
        return MSP_OK;
    }
    return msp_fail(error, MSP_INVALID, "day_malformed",
                    "The parameter \"%s\" must be a calendar day written YYYY-MM-DD.", name);
}

enum msp_result msp_job_run_tenant(const struct msp_job_run *run, struct msp_tenant *out,
                                   struct msp_error *error)
{
    if (msp_tenant_cache_find(run->tenants, run->job->tenant, out) &&
        out->id == run->job->tenant_id) {
        return MSP_OK;
    }
    return msp_fail(error, MSP_UNAVAILABLE, "tenant_not_known_yet",
                    "This node has not read tenant \"%s\" yet; the job is tried again.",
                    run->job->tenant);
}

int64_t msp_job_run_deadline_in(const struct msp_job_run *run, int64_t ms)
{
    int64_t wanted_ms = msp_clock_monotonic_ms() + ms;
    return wanted_ms < run->deadline_ms ? wanted_ms : run->deadline_ms;
}
