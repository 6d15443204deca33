/* What `status` says of jobs: the queue, what became of attempts, and how the job worker is. */
#ifndef MSP_STATUS_JOBS_H
#define MSP_STATUS_JOBS_H

#include "command.h"

#include "msp/json_writer.h"
#include "msp/status_board.h"

/* The second asks the job worker too, and waits no longer than half a second for its answer. */
void msp_status_jobs_print(const struct msp_status_board *board);
void msp_status_worker_print(const struct msp_invocation *invocation);

/* The same as members of an object that is open: "jobs" and "job_worker" (null = no answer). */
void msp_status_jobs_write(const struct msp_status_board *board, struct msp_json_writer *writer);
void msp_status_worker_write(const struct msp_invocation *invocation,
                             struct msp_json_writer *writer);

#endif
