/* A ring under a mutex and an eventfd beside it. Drops the new when full; keeps no history. */
#include "job_events.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RING_EVENTS 1024

struct msp_job_events {
    pthread_mutex_t lock;
    int wake_fd;
    size_t first;
    size_t count;
    struct msp_job_event ring[RING_EVENTS];
};

struct msp_job_events *msp_job_events_new(void)
{
    struct msp_job_events *events = calloc(1, sizeof *events);
    if (events == NULL) {
        return NULL;
    }
    events->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (events->wake_fd < 0 || pthread_mutex_init(&events->lock, NULL) != 0) {
        if (events->wake_fd >= 0) {
            (void)close(events->wake_fd);
        }
        free(events);
        return NULL;
    }
    return events;
}

void msp_job_events_free(struct msp_job_events *events)
{
    if (events == NULL) {
        return;
    }
    (void)pthread_mutex_destroy(&events->lock);
    (void)close(events->wake_fd);
    free(events);
}

int msp_job_events_fd(const struct msp_job_events *events)
{
    return events->wake_fd;
}

void msp_job_events_nudge(struct msp_job_events *events)
{
    uint64_t one = 1;
    /* Fails only when the counter is full, and then the reader is awake already. */
    ssize_t ignored = write(events->wake_fd, &one, sizeof one);
    (void)ignored;
}

void msp_job_events_push(struct msp_job_events *events, enum msp_job_event_kind kind,
                         const struct msp_job *job, int64_t done, int64_t total)
{
    (void)pthread_mutex_lock(&events->lock);
    if (events->count < RING_EVENTS) {
        struct msp_job_event *event = &events->ring[(events->first + events->count) % RING_EVENTS];
        *event = (struct msp_job_event){
            .kind = kind, .tenant_id = job->tenant_id, .done = done, .total = total};
        memcpy(event->job_id, job->id, sizeof event->job_id);
        memcpy(event->job_kind, job->kind, sizeof event->job_kind);
        events->count++;
    }
    (void)pthread_mutex_unlock(&events->lock);
    msp_job_events_nudge(events);
}

bool msp_job_events_take(struct msp_job_events *events, struct msp_job_event *out)
{
    (void)pthread_mutex_lock(&events->lock);
    bool found = events->count > 0;
    if (found) {
        *out = events->ring[events->first];
        events->first = (events->first + 1) % RING_EVENTS;
        events->count--;
    } else {
        uint64_t drained;
        ssize_t ignored = read(events->wake_fd, &drained, sizeof drained);
        (void)ignored;
    }
    (void)pthread_mutex_unlock(&events->lock);
    return found;
}
