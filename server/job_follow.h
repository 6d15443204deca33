/* A job as a command line starts it, waits for it and prints it. */
#ifndef MSP_JOB_FOLLOW_H
#define MSP_JOB_FOLLOW_H

#include "admin_database.h"

#include "msp/job_store.h"
#include "msp/json_writer.h"

struct msp_job_order {
    const char *tenant; /* slug; NULL = all tenants */
    struct msp_job_request request;
};

/* Inserts the job, wakes the worker and, unless --no-wait was given, follows it. The result is the
 * exit code. */
int msp_job_start(const struct msp_invocation *invocation, const struct msp_job_order *order);

/* Prints progress to standard error until the job ends, then its result. The result is the exit
 * code. */
int msp_job_follow(const struct msp_invocation *invocation, struct msp_db *db, const char *id,
                   long timeout_seconds);

/* One job as JSON, in the shape of the HTTP API, or as lines for people. */
void msp_job_print(const struct msp_job *job, bool as_json);
void msp_job_write_json(struct msp_json_writer *writer, const struct msp_job *job);

#endif
