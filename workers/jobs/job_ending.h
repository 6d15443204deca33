/* How an attempt ends: succeeded, failed for good, to be tried again, or handed back, written until
 * PostgreSQL has it. */
#ifndef MSP_JOB_ENDING_H
#define MSP_JOB_ENDING_H

#include "job_run.h"
#include "msp/buffer.h"
#include "msp/status_board.h"

struct msp_job_ending {
    const struct msp_job_run *run;
    int max_attempts;
    enum msp_result outcome;
    struct msp_buffer *result; /* JSON of a success */
    struct msp_error *error;   /* of anything else */
    struct msp_board_slot *slot;
};

/*
 * Writes the end, trying again while the database is away and this process stays; logs what came of
 * it. False: it was not written, and the job waits for somebody to find its holder silent.
 */
bool msp_job_ending_write(struct msp_job_ending *ending);

/* Seconds until attempt number `attempt` + 1: exponential, with full jitter drawn from
 * `random_bits`. */
int msp_job_retry_seconds(int attempt, unsigned random_bits);

#endif
