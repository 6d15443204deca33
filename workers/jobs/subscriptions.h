/*
 * The clients of the job socket: HTTP workers and commands that wake us, cancel a job, wait for its
 * end, ask how we are or read an export. Bounded in number, in what they may send and in what may
 * wait for them; one that does not read is dropped. Knows nothing of the database. The main loop's
 * thread only.
 */
#ifndef MSP_SUBSCRIPTIONS_H
#define MSP_SUBSCRIPTIONS_H

#include "fetches.h"
#include "job_events.h"

#include <poll.h>

#define MSP_SUBSCRIBERS_MAX 1024

struct msp_subscriptions;

/* What is done for clients elsewhere. */
struct msp_subscription_duties {
    void *context;
    void (*wake)(void *context); /* there is something to claim */
    void (*cancel)(void *context, const char *job_id);
    void (*report)(void *context, int64_t figures[MSP_WORKER_FIGURES]);
    struct msp_fetches *fetches; /* NULL: nothing can be fetched */
};

/* `listener` and `duties` are borrowed; the former is made non-blocking. */
struct msp_subscriptions *
msp_subscriptions_new(int listener, const struct msp_subscription_duties *duties) MSP_MUST_CHECK;

/* Closes every client. NULL is fine. */
void msp_subscriptions_free(struct msp_subscriptions *subscriptions);

/* Fills what the loop shall wait for: at most MSP_SUBSCRIBERS_MAX + 1 entries. Returns how many. */
size_t msp_subscriptions_watch(const struct msp_subscriptions *subscriptions,
                               struct pollfd *entries);

/* Does what those entries are ready for, and shows out who was too slow. */
void msp_subscriptions_serve(struct msp_subscriptions *subscriptions, const struct pollfd *entries,
                             size_t count);

/* Sends on what has been read of exports (msp_fetches_fd). */
void msp_subscriptions_pass_pieces_on(struct msp_subscriptions *subscriptions);

/* How many clients there are. */
size_t msp_subscriptions_count(const struct msp_subscriptions *subscriptions);

/* Passes news on to who waits for that job. */
void msp_subscriptions_tell(struct msp_subscriptions *subscriptions,
                            const struct msp_job_event *event);

/* Takes no further clients: the process is leaving. */
void msp_subscriptions_close_door(struct msp_subscriptions *subscriptions);

#endif
