/* A row of msp.jobs and how it becomes a struct msp_job, for both sides of the queue. */
#ifndef MSP_JOB_ROW_H
#define MSP_JOB_ROW_H

#include "msp/job_store.h"

/* Out of `j` (msp.jobs) and `t` (msp.tenants); read in binary form. */
#define JOB_COLUMNS                                                                                \
    "j.job_id::text, j.kind, coalesce(j.tenant_id, 0), coalesce(t.slug, ''),"                      \
    " coalesce(j.parent_id::text, ''), j.state, j.done, j.total, j.stage, j.claims, j.excused,"    \
    " j.created_at, j.started_at, j.finished_at, j.parameters::text, j.result::text,"              \
    " j.error::text, j.children_ended, j.claimed_at, j.rate_limited,"                              \
    " j.cancel_requested_at IS NOT NULL, j.trace"

bool msp_job_id_is_well_formed(const char *id);

enum msp_result msp_job_read_row(const PGresult *rows, int row, struct msp_arena *arena,
                                 struct msp_job *out, struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_job_read_rows(const PGresult *rows, struct msp_arena *arena,
                                  struct msp_job **out_jobs, size_t *out_count,
                                  struct msp_error *error) MSP_MUST_CHECK;

#endif
