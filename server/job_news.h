/*
 * What a command says to the job worker and hears from it. All of it only makes things quicker: the
 * row in PostgreSQL is the job, and a worker that is away finds it by itself.
 */
#ifndef MSP_JOB_NEWS_H
#define MSP_JOB_NEWS_H

#include "msp/job_store.h"
#include "msp/settings.h"

#include <signal.h>

/* MSP_JOB_WAKE: there is a job to take. MSP_JOB_CANCEL: this one shall stop. */
void msp_job_news_tell(const struct msp_settings *settings, enum msp_job_operation operation,
                       const struct msp_job *job);

/* A connection on which news of the job comes, or -1. */
int msp_job_news_open(const struct msp_settings *settings, const char *job_id);

/*
 * Waits until there is news, `wait_ms` have passed or a signal that `unblocked` lets in arrives.
 * *fd becomes -1 when no more news will come: the job has ended, or the worker is away.
 */
void msp_job_news_wait(int *fd, int wait_ms, const sigset_t *unblocked);

#endif
