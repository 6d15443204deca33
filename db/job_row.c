/* Reading rows of msp.jobs. */
#include "job_row.h"

#include "wire.h"

#include <stdio.h>
#include <string.h>

enum job_column {
    JOB_ID,
    JOB_KIND,
    JOB_TENANT_ID,
    JOB_TENANT,
    JOB_PARENT_ID,
    JOB_STATE,
    JOB_DONE,
    JOB_TOTAL,
    JOB_STAGE,
    JOB_CLAIMS,
    JOB_EXCUSED,
    JOB_CREATED,
    JOB_STARTED,
    JOB_FINISHED,
    JOB_PARAMETERS,
    JOB_RESULT,
    JOB_ERROR,
    JOB_CHILDREN_ENDED,
    JOB_CLAIMED,
    JOB_RATE_LIMITED,
    JOB_CANCEL_REQUESTED,
    JOB_TRACE,
};

static enum msp_job_state parse_state(const char *name)
{
    for (int state = MSP_JOB_QUEUED; state <= MSP_JOB_CANCELLED; state++) {
        if (strcmp(msp_job_state_name((enum msp_job_state)state), name) == 0)
            return (enum msp_job_state)state;
    }
    return MSP_JOB_FAILED;
}

/* A copy in the arena; NULL for null. False when memory is short. */
static bool copy_json(const PGresult *rows, int row, int column, struct msp_arena *arena,
                      const char **out)
{
    *out = NULL;
    if (PQgetisnull(rows, row, column))
        return true;
    *out = msp_arena_copy(arena, PQgetvalue(rows, row, column),
                          (size_t)PQgetlength(rows, row, column));
    return *out != NULL;
}

static void copy_text(char *out, size_t size, const PGresult *rows, int row, int column)
{
    snprintf(out, size, "%s", msp_result_text(rows, row, column));
}

enum msp_result msp_job_read_row(const PGresult *rows, int row, struct msp_arena *arena,
                                 struct msp_job *out, struct msp_error *error)
{
    struct msp_job job = {.tenant_id = msp_result_int(rows, row, JOB_TENANT_ID)};
    copy_text(job.id, sizeof(job.id), rows, row, JOB_ID);
    copy_text(job.kind, sizeof(job.kind), rows, row, JOB_KIND);
    copy_text(job.tenant, sizeof(job.tenant), rows, row, JOB_TENANT);
    copy_text(job.parent_id, sizeof(job.parent_id), rows, row, JOB_PARENT_ID);
    copy_text(job.stage, sizeof(job.stage), rows, row, JOB_STAGE);
    copy_text(job.trace, sizeof(job.trace), rows, row, JOB_TRACE);
    job.state = parse_state(msp_result_text(rows, row, JOB_STATE));
    job.done = msp_result_int(rows, row, JOB_DONE);
    job.total = msp_result_int(rows, row, JOB_TOTAL);
    job.claim = (int)msp_result_int(rows, row, JOB_CLAIMS);
    job.attempt = job.claim - (int)msp_result_int(rows, row, JOB_EXCUSED);
    job.created_us = msp_wire_time(rows, row, JOB_CREATED);
    job.started_us = msp_wire_time(rows, row, JOB_STARTED);
    job.finished_us = msp_wire_time(rows, row, JOB_FINISHED);
    job.claimed_us = msp_wire_time(rows, row, JOB_CLAIMED);
    job.rate_limited = (int)msp_result_int(rows, row, JOB_RATE_LIMITED);
    job.cancel_requested = msp_result_bool(rows, row, JOB_CANCEL_REQUESTED);
    job.children_ended = msp_result_bool(rows, row, JOB_CHILDREN_ENDED);
    if (!copy_json(rows, row, JOB_PARAMETERS, arena, &job.parameters) ||
        !copy_json(rows, row, JOB_RESULT, arena, &job.result) ||
        !copy_json(rows, row, JOB_ERROR, arena, &job.error))
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to read a job.");
    *out = job;
    return MSP_OK;
}

enum msp_result msp_job_read_rows(const PGresult *rows, struct msp_arena *arena,
                                  struct msp_job **out_jobs, size_t *out_count,
                                  struct msp_error *error)
{
    size_t count = (size_t)PQntuples(rows);
    struct msp_job *jobs = msp_arena_calloc(arena, count + 1, sizeof(*jobs));
    if (jobs == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to read jobs.");
    for (size_t i = 0; i < count; i++) {
        enum msp_result result = msp_job_read_row(rows, (int)i, arena, &jobs[i], error);
        if (result != MSP_OK)
            return result;
    }
    *out_jobs = jobs;
    *out_count = count;
    return MSP_OK;
}
