/* Jobs as people and programs read them on standard output. */
#ifndef MSP_JOB_PRINT_H
#define MSP_JOB_PRINT_H

#include "msp/job_store.h"

#include <stdio.h>

/* One job as JSON, in the shape of the HTTP API, or as lines for people. */
void msp_job_print(const struct msp_job *job, bool as_json);

/* The text member of a job's result or error, as a line. */
void msp_job_print_member(const char *json, const char *member, FILE *out);

/* Many, a line each. */
void msp_job_print_list(const struct msp_job *jobs, size_t count, bool as_json);

#endif
