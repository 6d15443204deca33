/*
 * News of jobs on their way from the executors to the main loop, which passes them on to
 * subscribers. Bounded: when the loop does not keep up, news is dropped, because the row in
 * PostgreSQL is the truth and whoever waits looks there too.
 */
#ifndef MSP_JOB_EVENTS_H
#define MSP_JOB_EVENTS_H

#include "msp/job_store.h"

#include <stdbool.h>
#include <stddef.h>

enum msp_job_event_kind {
    MSP_EVENT_BEGAN, /* an attempt began: what was said of its end before is void */
    MSP_EVENT_PROGRESS,
    MSP_EVENT_ENDED,
};

struct msp_job_event {
    enum msp_job_event_kind kind;
    char job_id[MSP_JOB_ID_BYTES];
    char job_kind[MSP_JOB_KIND_BYTES];
    int64_t tenant_id;
    int64_t done, total;
};

struct msp_job_events;

struct msp_job_events *msp_job_events_new(void) MSP_MUST_CHECK;
void msp_job_events_free(struct msp_job_events *events);

/* Readable while there is news. */
int msp_job_events_fd(const struct msp_job_events *events);

/* Any thread; never waits for the reader. */
void msp_job_events_push(struct msp_job_events *events, enum msp_job_event_kind kind,
                         const struct msp_job *job, int64_t done, int64_t total);

/* Makes the fd readable without news, so that the loop looks around. */
void msp_job_events_nudge(struct msp_job_events *events);

/* Takes the oldest; false when there is none (and the fd is quiet again). The main loop only. */
bool msp_job_events_take(struct msp_job_events *events, struct msp_job_event *out) MSP_MUST_CHECK;

#endif
