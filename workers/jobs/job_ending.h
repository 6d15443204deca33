/* How an attempt ends: succeeded, failed for good, cancelled, to be tried again, put off, or handed
 * back, written until PostgreSQL has it. */
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
    struct msp_board_job_kind *figures;
};

enum msp_job_ending_kind {
    MSP_END_SUCCEED,
    MSP_END_FAIL,
    MSP_END_CANCEL,
    MSP_END_RETRY,     /* failed, to be tried again */
    MSP_END_PUT_OFF,   /* somebody asked us to slow down */
    MSP_END_HAND_BACK, /* the process is leaving */
};

/* What an outcome means for the job: `now_us` against the day a job may be put off for. */
enum msp_job_ending_kind msp_job_ending_choose(const struct msp_job_ending *ending, int64_t now_us);

/*
 * Writes the end, trying again while the database is away and this process stays; logs what came of
 * it. False: it was not written, and the job waits for somebody to find its holder silent.
 */
bool msp_job_ending_write(struct msp_job_ending *ending);

/* Seconds until attempt number `attempt` + 1: exponential, with full jitter drawn from
 * `random_bits`. */
int msp_job_retry_seconds(int attempt, unsigned random_bits);

/* The same for a job that was put off `times` times before: never sooner than was asked for. */
int msp_job_put_off_seconds(int retry_after_seconds, int times, unsigned random_bits);

#endif
