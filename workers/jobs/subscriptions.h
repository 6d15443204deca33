/*
 * The clients of the job socket: HTTP workers that wake us, or wait for a job's end. Bounded
 * in number, in what they may send and in what may wait for them; one that does not read is
 * dropped. Knows nothing of the database. The main loop's thread only.
 */
#ifndef MSP_SUBSCRIPTIONS_H
#define MSP_SUBSCRIPTIONS_H

#include "job_events.h"

#include <poll.h>

#define MSP_SUBSCRIBERS_MAX 1024

struct msp_subscriptions;

/* `listener` is borrowed and made non-blocking. */
struct msp_subscriptions *msp_subscriptions_new(int listener) MSP_MUST_CHECK;

/* Closes every client. NULL is fine. */
void msp_subscriptions_free(struct msp_subscriptions *subscriptions);

/* Fills what the loop shall wait for: at most MSP_SUBSCRIBERS_MAX + 1 entries. Returns how many. */
size_t msp_subscriptions_watch(const struct msp_subscriptions *subscriptions,
                               struct pollfd *entries);

/* Does what those entries are ready for; *out_wake becomes true when a client said there is work.
 */
void msp_subscriptions_serve(struct msp_subscriptions *subscriptions, const struct pollfd *entries,
                             size_t count, bool *out_wake);

/* Passes news on to who waits for that job. */
void msp_subscriptions_tell(struct msp_subscriptions *subscriptions,
                            const struct msp_job_event *event);

/* Takes no further clients: the process is leaving. */
void msp_subscriptions_close_door(struct msp_subscriptions *subscriptions);

#endif
