/*
 * The HTTP side of the job worker's socket: waking it, and waiting for a job's end. The row in
 * PostgreSQL is the job; a socket that is gone costs delay, never a job.
 */
#ifndef MSP_HTTP_JOB_CLIENT_H
#define MSP_HTTP_JOB_CLIENT_H

#include "msp/job_store.h"
#include "request.h"

/* Says that there is something to claim. */
void msp_job_client_wake(const struct msp_http_worker *worker, const struct msp_job *job);

/* Says that the job's row asks it to stop. The worker would see it by itself, a little later. */
void msp_job_client_cancel(const struct msp_http_worker *worker, const struct msp_job *job);

/*
 * Wakes the job worker and waits until the job has ended, the deadline (msp_clock_monotonic_ms) has
 * passed or this process is asked to leave. *job becomes what was last read of it. `tenant_id` as
 * in msp_job_get. The caller must hold no database connection: none is held while waiting.
 */
void msp_job_client_wait(const struct msp_request *request, int64_t tenant_id, int64_t deadline_ms,
                         struct msp_job *job);

#endif
