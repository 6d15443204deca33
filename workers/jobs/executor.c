/*
 * Claim, run, write the end; again. Knows no kind: what a job does is in the table of kinds.
 * Waits are bounded: for work by the main loop's poll, for the database by deadlines.
 */
#include "executor.h"

#include "job_ending.h"
#include "job_kinds.h"
#include "msp/clock.h"
#include "msp/log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLAIM_DEADLINE_MS       10000
#define DATABASE_BACKOFF_MS     1000 /* doubled at each failure */
#define DATABASE_BACKOFF_MAX_MS 5000
#define ARENA_CHUNK_BYTES       (64U << 10)
#define RESULT_LIMIT_BYTES      (64U << 20)

struct executor {
    struct msp_executors *all;
    pthread_t thread;
    enum msp_job_lane lane;
    struct msp_db *db;
    struct msp_arena *arena;
    int index;
    unsigned names_used; /* makes the next name differ */
    pthread_mutex_t lock;
    /* Under the lock, for other threads to look at: */
    bool interruptible; /* a kind's work may be cancelled now */
    bool holding;       /* a job, under `name` */
    char name[MSP_EXECUTOR_NAME_BYTES];
};

struct msp_executors {
    const struct msp_child *child;
    const char *worker;
    struct msp_job_events *events;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    uint64_t wake_generation; /* under lock */
    atomic_bool stopping;
    atomic_bool open;
    atomic_bool database_away; /* already logged */
    atomic_int alive;
    int started;
    int count;
    struct executor threads[];
};

static int lane_threads(int job_threads, enum msp_job_lane lane)
{
    int short_threads = job_threads / 2 > 1 ? job_threads / 2 : 1;
    int long_threads = job_threads - short_threads > 1 ? job_threads - short_threads : 1;
    return lane == MSP_LANE_SHORT ? short_threads : long_threads;
}

/* ---- waiting ---- */

/* Until woken after `seen` was read, or stopping; `ms` < 0 waits for that alone. */
static void wait_for_wake(struct msp_executors *all, uint64_t seen, int64_t ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += ms % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    (void)pthread_mutex_lock(&all->lock);
    int timed_out = 0;
    while (!atomic_load(&all->stopping) && timed_out == 0 &&
           (ms >= 0 || all->wake_generation == seen)) {
        timed_out = ms < 0 ? pthread_cond_wait(&all->wake, &all->lock)
                           : pthread_cond_timedwait(&all->wake, &all->lock, &until);
    }
    (void)pthread_mutex_unlock(&all->lock);
}

static uint64_t wake_generation(struct msp_executors *all)
{
    (void)pthread_mutex_lock(&all->lock);
    uint64_t generation = all->wake_generation;
    (void)pthread_mutex_unlock(&all->lock);
    return generation;
}

/* ---- one job ---- */

static void set_state(struct executor *executor, bool holding, bool interruptible)
{
    (void)pthread_mutex_lock(&executor->lock);
    executor->holding = holding;
    executor->interruptible = interruptible;
    (void)pthread_mutex_unlock(&executor->lock);
}

static void take_new_name(struct executor *executor)
{
    (void)pthread_mutex_lock(&executor->lock);
    (void)snprintf(executor->name, sizeof executor->name, "%s.%d.%u", executor->all->worker,
                   executor->index, executor->names_used++);
    (void)pthread_mutex_unlock(&executor->lock);
}

/* A parent's second visit: its children have ended. */
static enum msp_result collect_children(const struct msp_job_run *run,
                                        const struct msp_job_kind *kind, struct msp_buffer *result,
                                        struct msp_error *error)
{
    struct msp_job *children;
    size_t count;
    enum msp_result outcome = msp_job_children(run->db, run->job->id, run->arena, run->deadline_ms,
                                               &children, &count, error);
    return outcome == MSP_OK ? msp_job_kind_collect(kind, children, count, result, error) : outcome;
}

static enum msp_result do_work(struct msp_job_run *run, const struct msp_job_kind *kind,
                               struct msp_buffer *result, bool *out_parked, struct msp_error *error)
{
    enum msp_result outcome = msp_job_run_check(run, error);
    if (outcome != MSP_OK) {
        return outcome;
    }
    if (run->job->tenant_id != 0) {
        return kind->run(run, result, error);
    }
    if (kind->collect == NULL) {
        return msp_fail(error, MSP_INVALID, "tenant_required",
                        "A job of kind \"%s\" is for one tenant; name it.", kind->name);
    }
    if (run->job->children_ended) {
        return collect_children(run, kind, result, error);
    }
    outcome = msp_job_fan_out(run->db, &run->fence, kind->lane, run->deadline_ms, error);
    *out_parked = outcome == MSP_OK;
    return outcome;
}

static void run_job(struct executor *executor, const struct msp_job *job)
{
    struct msp_executors *all = executor->all;
    const struct msp_job_kind *kind = msp_job_kind_find(job->kind);
    struct msp_job_run run = {
        .job = job,
        .settings = all->child->settings,
        .tenants = all->child->shared->tenants,
        .db = executor->db,
        .arena = executor->arena,
        .fence = {.job_id = job->id, .claim = job->claim, .worker = executor->name},
        .deadline_ms =
            msp_clock_monotonic_ms() + (kind != NULL ? kind->max_run_seconds : 60) * 1000LL,
        .stopping = &all->stopping,
        .events = all->events,
    };
    struct msp_buffer result;
    struct msp_error error = {.result = MSP_OK};
    bool parked = false;
    enum msp_result outcome;
    msp_buffer_init(&result, RESULT_LIMIT_BYTES);
    msp_job_events_push(all->events, MSP_EVENT_BEGAN, job, 0, 0);
    msp_board_add(&all->child->slot->jobs_running, 1);
    set_state(executor, true, true);
    if (kind == NULL) {
        outcome = msp_fail(&error, MSP_INVALID, "job_kind_unknown",
                           "This server knows no jobs of kind \"%s\".", job->kind);
    } else {
        outcome = do_work(&run, kind, &result, &parked, &error);
    }
    set_state(executor, true, false);
    if (!parked) {
        struct msp_job_ending ending = {
            .run = &run,
            .max_attempts = kind != NULL ? kind->max_attempts : 1,
            .outcome = outcome,
            .result = &result,
            .error = &error,
            .slot = all->child->slot,
        };
        if (!msp_job_ending_write(&ending)) {
            take_new_name(executor);
        }
    }
    set_state(executor, false, false);
    msp_board_add(&all->child->slot->jobs_running, -1);
    msp_buffer_done(&result);
    /* Children, a parent's second visit or a queued recompute may be waiting in either lane. */
    if (parked || run.queued_more || job->parent_id[0] != '\0') {
        msp_executors_wake(all);
    }
}

/* ---- the thread ---- */

static void note_database(struct msp_executors *all, enum msp_result result,
                          const struct msp_error *error)
{
    bool away = result != MSP_OK;
    if (away == atomic_exchange(&all->database_away, away)) {
        return;
    }
    if (away) {
        msp_log(MSP_LOG_ERROR, "Cannot claim jobs; trying again", "code", error->code, "detail",
                error->detail, NULL);
    } else {
        msp_log(MSP_LOG_INFO, "Jobs can be claimed again", NULL);
    }
}

static void *run_executor(void *context)
{
    struct executor *executor = context;
    struct msp_executors *all = executor->all;
    int64_t backoff_ms = DATABASE_BACKOFF_MS;
    while (!atomic_load(&all->stopping)) {
        uint64_t seen = wake_generation(all);
        if (!atomic_load(&all->open)) {
            wait_for_wake(all, seen, -1);
            continue;
        }
        struct msp_job job;
        struct msp_error error;
        bool found = false;
        msp_arena_reset(executor->arena);
        enum msp_result result =
            msp_job_claim(executor->db, executor->lane, executor->name, executor->arena,
                          msp_clock_monotonic_ms() + CLAIM_DEADLINE_MS, &found, &job, &error);
        note_database(all, result, &error);
        if (result != MSP_OK) {
            take_new_name(executor);
            wait_for_wake(all, seen, backoff_ms);
            backoff_ms =
                backoff_ms * 2 < DATABASE_BACKOFF_MAX_MS ? backoff_ms * 2 : DATABASE_BACKOFF_MAX_MS;
            continue;
        }
        backoff_ms = DATABASE_BACKOFF_MS;
        if (found) {
            run_job(executor, &job);
        } else {
            wait_for_wake(all, seen, -1);
        }
    }
    atomic_fetch_sub(&all->alive, 1);
    msp_job_events_nudge(all->events);
    return NULL;
}

/* ---- all of them ---- */

static bool init_executor(struct executor *executor, struct msp_executors *all, int index,
                          enum msp_job_lane lane)
{
    struct msp_db_options options = {
        .url = all->child->settings->jobs_database_url,
        .role = "msp_jobs",
        .application_name =
            lane == MSP_LANE_SHORT ? "msp-analytics short job" : "msp-analytics long job",
    };
    executor->all = all;
    executor->index = index;
    executor->lane = lane;
    (void)pthread_mutex_init(&executor->lock, NULL);
    take_new_name(executor);
    executor->db = msp_db_new(&options);
    executor->arena = msp_arena_new(ARENA_CHUNK_BYTES);
    return executor->db != NULL && executor->arena != NULL;
}

static void init_wake(struct msp_executors *all)
{
    pthread_condattr_t attributes;
    (void)pthread_mutex_init(&all->lock, NULL);
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&all->wake, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

struct msp_executors *msp_executors_new(const struct msp_child *child, const char *worker,
                                        struct msp_job_events *events)
{
    int short_threads = lane_threads(child->settings->job_threads, MSP_LANE_SHORT);
    int count = short_threads + lane_threads(child->settings->job_threads, MSP_LANE_LONG);
    struct msp_executors *all = calloc(1, sizeof *all + (size_t)count * sizeof all->threads[0]);
    if (all == NULL) {
        return NULL;
    }
    all->child = child;
    all->worker = worker;
    all->events = events;
    init_wake(all);
    for (; all->count < count; all->count++) {
        enum msp_job_lane lane = all->count < short_threads ? MSP_LANE_SHORT : MSP_LANE_LONG;
        if (!init_executor(&all->threads[all->count], all, all->count, lane)) {
            all->count++;
            msp_executors_free(all);
            return NULL;
        }
    }
    return all;
}

enum msp_result msp_executors_start(struct msp_executors *executors, struct msp_error *error)
{
    for (; executors->started < executors->count; executors->started++) {
        struct executor *executor = &executors->threads[executors->started];
        atomic_fetch_add(&executors->alive, 1);
        int failure = pthread_create(&executor->thread, NULL, run_executor, executor);
        if (failure != 0) {
            atomic_fetch_sub(&executors->alive, 1);
            return msp_fail(error, MSP_NO_MEMORY, "no_thread", "Cannot start a job thread: %s.",
                            strerror(failure));
        }
    }
    return MSP_OK;
}

void msp_executors_wake(struct msp_executors *executors)
{
    (void)pthread_mutex_lock(&executors->lock);
    executors->wake_generation++;
    (void)pthread_cond_broadcast(&executors->wake);
    (void)pthread_mutex_unlock(&executors->lock);
}

void msp_executors_stop(struct msp_executors *executors)
{
    atomic_store(&executors->stopping, true);
    msp_executors_wake(executors);
    for (int i = 0; i < executors->started; i++) {
        struct executor *executor = &executors->threads[i];
        (void)pthread_mutex_lock(&executor->lock);
        if (executor->interruptible) {
            msp_db_cancel(executor->db);
        }
        (void)pthread_mutex_unlock(&executor->lock);
    }
}

int msp_executors_alive(const struct msp_executors *executors)
{
    return atomic_load(&executors->alive);
}

void msp_executors_open(struct msp_executors *executors)
{
    atomic_store(&executors->open, true);
    msp_executors_wake(executors);
}

int msp_executors_count(const struct msp_executors *executors)
{
    return executors->count;
}

bool msp_executors_holder(struct msp_executors *executors, int index,
                          char out[MSP_EXECUTOR_NAME_BYTES])
{
    struct executor *executor = &executors->threads[index];
    (void)pthread_mutex_lock(&executor->lock);
    bool holding = executor->holding;
    memcpy(out, executor->name, sizeof executor->name);
    (void)pthread_mutex_unlock(&executor->lock);
    return holding;
}

void msp_executors_busy(struct msp_executors *executors, enum msp_job_lane lane,
                        int64_t *out_threads, int64_t *out_busy)
{
    char unused[MSP_EXECUTOR_NAME_BYTES];
    int64_t threads = 0;
    int64_t busy = 0;
    for (int i = 0; i < executors->count; i++) {
        if (executors->threads[i].lane == lane) {
            threads++;
            busy += msp_executors_holder(executors, i, unused) ? 1 : 0;
        }
    }
    *out_threads = threads;
    *out_busy = busy;
}

void msp_executors_free(struct msp_executors *executors)
{
    if (executors == NULL) {
        return;
    }
    for (int i = 0; i < executors->started; i++) {
        (void)pthread_join(executors->threads[i].thread, NULL);
    }
    for (int i = 0; i < executors->count; i++) {
        msp_db_free(executors->threads[i].db);
        msp_arena_free(executors->threads[i].arena);
        (void)pthread_mutex_destroy(&executors->threads[i].lock);
    }
    (void)pthread_cond_destroy(&executors->wake);
    (void)pthread_mutex_destroy(&executors->lock);
    free(executors);
}
