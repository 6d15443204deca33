/* The members of a job, in the order in which callers read them. */
#include "msp/job_json.h"

static const char *text_or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

void msp_job_write(struct msp_json_writer *writer, const struct msp_job *job)
{
    msp_json_begin_object(writer);
    msp_json_key_string(writer, "id", job->id);
    msp_json_key_string(writer, "kind", job->kind);
    msp_json_key_string(writer, "state", msp_job_state_name(job->state));
    msp_json_key_string(writer, "tenant_id", text_or_null(job->tenant));
    msp_json_key(writer, "progress");
    msp_json_begin_object(writer);
    msp_json_key_int(writer, "done", job->done);
    msp_json_key_int(writer, "total", job->total);
    msp_json_key_string(writer, "stage", text_or_null(job->stage));
    msp_json_end_object(writer);
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
