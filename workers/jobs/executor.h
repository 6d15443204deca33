/*
 * The threads that run jobs, in two lanes, so that a pull of tickets never waits behind a long
 * recompute. Each has its own connection and memory; they share a wake-up and nothing else.
 */
#ifndef MSP_EXECUTOR_H
#define MSP_EXECUTOR_H

#include "job_events.h"
#include "lane.h"
#include "msp/child.h"
#include "sources/source_budget.h"

#include <stdbool.h>

struct msp_executors;

/* Threads of both lanes together, at most. */
#define MSP_EXECUTORS_MAX (2 * MSP_LANE_MAX_THREADS)

/* What is given must outlive the executors. */
struct msp_executors *msp_executors_new(const struct msp_child *child, const char *worker,
                                        struct msp_job_events *events,
                                        struct msp_source_budgets *budgets) MSP_MUST_CHECK;

/*
 * Lets the threads claim. Only after what earlier lives of this node held has been taken back:
 * from then on jobs under the node's name are ours.
 */
void msp_executors_open(struct msp_executors *executors);

/*
 * The jobs that threads hold now, at most one each. Each thread holds jobs under a name of its own
 * and takes a new one when it cannot know whether a claim went through: nobody beats for the old
 * name, so such a job comes back by itself. So does one whose attempt has outlived its kind's time
 * by far, stuck where no deadline reaches: it is left out here.
 */
size_t msp_executors_holds(struct msp_executors *executors, struct msp_job_hold *out,
                           size_t capacity) MSP_MUST_CHECK;

/* How many threads a lane has, and how many of them hold a job. */
void msp_executors_busy(struct msp_executors *executors, enum msp_job_lane lane,
                        int64_t *out_threads, int64_t *out_busy);

/* Starts JOB_THREADS threads, at least one a lane. */
enum msp_result msp_executors_start(struct msp_executors *executors,
                                    struct msp_error *error) MSP_MUST_CHECK;

/* There may be something to claim. Any thread. */
void msp_executors_wake(struct msp_executors *executors);

/*
 * Tells the thread that runs this job to stop, and PostgreSQL to stop its statement. For a job that
 * was asked to be cancelled in the database before: the database decides, this makes it quick. Any
 * thread; does nothing if no thread here runs that job.
 */
void msp_executors_cancel(struct msp_executors *executors, const char *job_id);

/* The same for an attempt whose job is no longer ours: another attempt does its work. */
void msp_executors_drop(struct msp_executors *executors, const char *job_id, int claim);

/* Asks PostgreSQL again to stop the statements of attempts that shall stop: a request may fall
 * between two statements. To be called every half second or so. */
void msp_executors_insist(struct msp_executors *executors);

/* No more claims; what runs is interrupted and handed back. May be called again to insist. */
void msp_executors_stop(struct msp_executors *executors);

/* How many threads have not ended yet. */
int msp_executors_alive(const struct msp_executors *executors);

/* Joins the threads, which must have been stopped. NULL is fine. */
void msp_executors_free(struct msp_executors *executors);

#endif
