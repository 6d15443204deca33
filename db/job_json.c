/* The members of a job, in the order in which callers read them. */
#include "msp/job_json.h"

#include "msp/clock.h"
#include "msp/no_value.h"

#define ESTIMATE_MAX_SECONDS (INT64_C(30) * 86400) /* beyond that it is no estimate */

static const char *text_or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

bool msp_job_estimate_end(const struct msp_job *job, int64_t now_us, int64_t *out_seconds)
{
    if (job->state != MSP_JOB_RUNNING || job->claimed_us == MSP_NO_TIME ||
        job->claimed_us > now_us || job->done <= 0 || job->total < job->done)
        return false;
    int64_t run_us = now_us - job->claimed_us;
    double left = (double)(job->total - job->done) / (double)job->done;
    double seconds = left * ((double)run_us / 1e6);
    if (seconds > (double)ESTIMATE_MAX_SECONDS)
        return false;
    *out_seconds = (int64_t)(seconds + 0.5);
    return true;
}

static void write_progress(struct msp_json_writer *writer, const struct msp_job *job)
{
    int64_t eta_seconds;
    msp_json_begin_object(writer);
    msp_json_key_int(writer, "done", job->done);
    msp_json_key_int(writer, "total", job->total);
    msp_json_key_string(writer, "stage", text_or_null(job->stage));
    msp_json_key(writer, "eta_seconds");
    if (msp_job_estimate_end(job, msp_clock_unix_us(), &eta_seconds))
        msp_json_int(writer, eta_seconds);
    else
        msp_json_null(writer);
    msp_json_end_object(writer);
}

void msp_job_write(struct msp_json_writer *writer, const struct msp_job *job)
{
    msp_json_begin_object(writer);
    msp_json_key_string(writer, "id", job->id);
    msp_json_key_string(writer, "kind", job->kind);
    msp_json_key_string(writer, "state", msp_job_state_name(job->state));
    msp_json_key_string(writer, "tenant_id", text_or_null(job->tenant));
    msp_json_key(writer, "progress");
    write_progress(writer, job);
    msp_json_key_int(writer, "attempt", job->attempt);
    msp_json_key_time(writer, "created_at", job->created_us);
    msp_json_key_time(writer, "started_at", job->started_us);
    msp_json_key_time(writer, "finished_at", job->finished_us);
    msp_json_key(writer, "result");
    msp_json_raw(writer, job->result);
    msp_json_key(writer, "error");
    msp_json_raw(writer, job->error);
    msp_json_end_object(writer);
}
