/*
 * The thread that talks to PostgreSQL for the worker as a whole, so that the main loop never
 * waits for it: beats for the jobs that run, sees which of them shall stop, takes back what dead
 * workers held, listens for new jobs, reads the queue's figures, forgets what is old.
 */
#ifndef MSP_HOUSEKEEPER_H
#define MSP_HOUSEKEEPER_H

#include "executor.h"
#include "node_identity.h"

struct msp_housekeeper;

/* All that is given must outlive it. */
struct msp_housekeeper *msp_housekeeper_new(const struct msp_child *child,
                                            const struct msp_node_identity *identity,
                                            struct msp_executors *executors) MSP_MUST_CHECK;
enum msp_result msp_housekeeper_start(struct msp_housekeeper *keeper,
                                      struct msp_error *error) MSP_MUST_CHECK;

/* Asks it to end; may be called again to insist. */
void msp_housekeeper_stop(struct msp_housekeeper *keeper);
bool msp_housekeeper_alive(const struct msp_housekeeper *keeper);

/* Joins the thread, which must have been stopped. NULL is fine. */
void msp_housekeeper_free(struct msp_housekeeper *keeper);

#endif
