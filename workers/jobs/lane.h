/*
 * Which job a lane's threads take next: tenants in turn, none with more threads than it may hold.
 * Claims of a lane go one after the other, so that the count is exact and a wake-up that finds
 * nothing costs one question, not one a thread. Knows nothing of what jobs do.
 */
#ifndef MSP_LANE_H
#define MSP_LANE_H

#include "msp/job_store.h"

#include <pthread.h>
#include <stdatomic.h>

#define MSP_LANE_MAX_THREADS 64

struct msp_lane {
    enum msp_job_lane number;
    int threads;
    int tenant_threads; /* how many of them one tenant may hold */
    pthread_mutex_t lock;
    /* Under the lock: */
    int64_t after_tenant;
    int64_t full_tenants[MSP_LANE_MAX_THREADS]; /* scratch of a claim */
    /* The tenant whose job each thread runs, NO_TENANT = none. Taken under the lock, freed without.
     */
    atomic_llong tenants[MSP_LANE_MAX_THREADS];
    atomic_ullong found_empty_at; /* 1 + the wake-up after which nothing was found; 0 = unknown */
};

/* `tenant_threads` 0: all but one, which stays for other tenants. */
void msp_lane_init(struct msp_lane *lane, enum msp_job_lane number, int threads,
                   int tenant_threads);
void msp_lane_done(struct msp_lane *lane);

/* What a thread of the lane claims with. */
struct msp_lane_claim {
    int thread; /* 0 to threads - 1 */
    struct msp_db *db;
    const char *worker;
    struct msp_arena *arena;
    uint64_t wake; /* number of the last wake-up that this thread knows of */
    int64_t deadline_ms;
};

/* As msp_job_claim. The thread counts for the job's tenant until msp_lane_release. */
enum msp_result msp_lane_claim(struct msp_lane *lane, const struct msp_lane_claim *claim,
                               bool *out_found, struct msp_job *out,
                               struct msp_error *error) MSP_MUST_CHECK;
void msp_lane_release(struct msp_lane *lane, int thread);

#endif
