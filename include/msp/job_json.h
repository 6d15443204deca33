/* A job as callers see it: the same text in an answer of the HTTP workers and in a callback. */
#ifndef MSP_JOB_JSON_H
#define MSP_JOB_JSON_H

#include "msp/job_store.h"
#include "msp/json_writer.h"

/* Seconds until all is done if it goes on as it went since the attempt began; false when that
 * cannot be told yet. */
bool msp_job_estimate_end(const struct msp_job *job, int64_t now_us, int64_t *out_seconds);

/* One job as an object. */
void msp_job_write(struct msp_json_writer *writer, const struct msp_job *job);

#endif
