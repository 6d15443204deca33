/*
 * The threads that tell of jobs' ends: one that takes up what is due and writes down what came of
 * it, with the only connection, and a few that send, so that a receiver that does not answer holds
 * nobody else up. Several nodes share the deliveries.
 */
#ifndef MSP_CALLBACKS_H
#define MSP_CALLBACKS_H

#include "job_events.h"
#include "msp/child.h"

#include <stdbool.h>

struct msp_callbacks;

/* What `child` points to must outlive it, and so must `events`, which are nudged when a thread
 * ends.
 */
struct msp_callbacks *msp_callbacks_new(const struct msp_child *child,
                                        struct msp_job_events *events) MSP_MUST_CHECK;
enum msp_result msp_callbacks_start(struct msp_callbacks *callbacks,
                                    struct msp_error *error) MSP_MUST_CHECK;

/* A job has ended: there may be something to tell. Any thread. */
void msp_callbacks_wake(struct msp_callbacks *callbacks);

/* Takes up no more and cuts short what is being sent, which is then due again. May be called again
 * to insist. */
void msp_callbacks_stop(struct msp_callbacks *callbacks);
bool msp_callbacks_alive(const struct msp_callbacks *callbacks);

/* Joins the threads, which must have been stopped. NULL is fine. */
void msp_callbacks_free(struct msp_callbacks *callbacks);

#endif
