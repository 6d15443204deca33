/*
 * A job's progress while somebody watches, on standard error: a bar that moves on a terminal, else
 * a line a change, so that a log of it stays readable.
 */
#ifndef MSP_JOB_PROGRESS_H
#define MSP_JOB_PROGRESS_H

#include "msp/job_store.h"

struct msp_job_progress {
    bool bar;
    bool shown;     /* a bar stands on the terminal's last line */
    char last[256]; /* what was said last */
    int64_t said_ms;
};

void msp_job_progress_init(struct msp_job_progress *progress);
void msp_job_progress_show(struct msp_job_progress *progress, const struct msp_job *job);

/* Takes the bar away, so that other lines may follow. */
void msp_job_progress_clear(struct msp_job_progress *progress);

#endif
