/* A job as a command line starts it and waits for its end. */
#ifndef MSP_JOB_FOLLOW_H
#define MSP_JOB_FOLLOW_H

#include "admin_database.h"

#include "msp/job_store.h"

struct msp_job_order {
    const char *tenant; /* slug; NULL = all tenants */
    struct msp_job_request request;
    const char
        *sentence; /* the member of its result that says all in a line; NULL = print it all */
};

/* Inserts the job, wakes the worker and, unless --no-wait was given, follows it. The result is the
 * exit code. */
int msp_job_start(const struct msp_invocation *invocation, const struct msp_job_order *order);

/*
 * `sentence` is as above. Shows progress on standard error until the job ends, then prints its
 * result. Ctrl-C and SIGTERM end the watching, not the job. The result is the exit code.
 */
int msp_job_follow(const struct msp_invocation *invocation, const struct msp_settings *settings,
                   struct msp_db *db, const char *id, const char *sentence, long timeout_seconds);

#endif
