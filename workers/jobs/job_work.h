/* What an attempt consists of: a kind's work, or one of a parent's two visits. Writes no end. */
#ifndef MSP_JOB_WORK_H
#define MSP_JOB_WORK_H

#include "job_kinds.h"

/*
 * Does the work of one attempt; `kind` is NULL for a job of a kind that this program does not know.
 * *out_parked: the job waits for its children now and is in nobody's hands.
 */
enum msp_result msp_job_work(struct msp_job_run *run, const struct msp_job_kind *kind,
                             struct msp_buffer *result, bool *out_parked,
                             struct msp_error *error) MSP_MUST_CHECK;

#endif
