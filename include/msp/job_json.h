/* A job as callers see it: the same text in an answer of the HTTP workers and in a callback. */
#ifndef MSP_JOB_JSON_H
#define MSP_JOB_JSON_H

#include "msp/job_store.h"
#include "msp/json_writer.h"

/* One job as an object. */
void msp_job_write(struct msp_json_writer *writer, const struct msp_job *job);

#endif
