/*
 * Claim, run, write the end; again. Knows no kind: what a job does is in the table of kinds.
 * Waits are bounded: for work by the main loop's poll, for the database by deadlines.
 */
#include "executor.h"

#include "job_ending.h"
#include "job_figures.h"
#include "job_kinds.h"
#include "job_work.h"
#include "msp/clock.h"
#include "msp/log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLAIM_DEADLINE_MS       10000
#define DATABASE_BACKOFF_MS     1000 /* doubled at each failure */
#define DATABASE_BACKOFF_MAX_MS 2000
#define ARENA_CHUNK_BYTES       (64U << 10)
#define RESULT_LIMIT_BYTES      (64U << 20)
#define OVERTIME_MS             60000 /* past a kind's time, before its job is given up on */

struct executor {
    struct msp_executors *all;
    pthread_t thread;
    struct msp_lane *lane;
    int number; /* in its lane */
    struct msp_db *db;
    struct msp_arena *arena;
    int index;
    unsigned names_used;     /* makes the next name differ */
    atomic_llong told_done;  /* of the attempt that runs */
    atomic_int interruption; /* enum msp_job_interruption of the attempt that runs */
    pthread_mutex_t lock;
    /* Under the lock, for other threads to look at: */
    bool interruptible; /* a kind's work may be cancelled now */
    bool holding;       /* the job of `hold` */
    struct msp_job_hold hold;
    int64_t deadline_ms; /* of the attempt */
};

struct msp_executors {
    const struct msp_child *child;
    const char *worker;
    struct msp_job_events *events;
    struct msp_source_budgets *budgets;
    struct msp_lane lanes[MSP_JOB_LANES];
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

static void take_new_name(struct executor *executor)
{
    (void)pthread_mutex_lock(&executor->lock);
    (void)snprintf(executor->hold.worker, sizeof executor->hold.worker, "%s.%d.%u",
                   executor->all->worker, executor->index, executor->names_used++);
    (void)pthread_mutex_unlock(&executor->lock);
}

static void begin_holding(struct executor *executor, const struct msp_job *job, int64_t deadline_ms)
{
    (void)pthread_mutex_lock(&executor->lock);
    memcpy(executor->hold.job_id, job->id, sizeof executor->hold.job_id);
    executor->hold.claim = job->claim;
    executor->deadline_ms = deadline_ms;
    /* It may have been asked to stop between being queued again and being taken. */
    atomic_store(&executor->interruption,
                 job->cancel_requested ? MSP_INTERRUPTED_CANCELLED : MSP_NOT_INTERRUPTED);
    atomic_store(&executor->told_done, MSP_NOTHING_TOLD);
    executor->holding = true;
    executor->interruptible = true;
    (void)pthread_mutex_unlock(&executor->lock);
}

static bool shall_stop(struct executor *executor)
{
    return atomic_load(&executor->all->stopping) ||
           atomic_load(&executor->interruption) != MSP_NOT_INTERRUPTED ||
           msp_clock_monotonic_ms() >= executor->deadline_ms;
}

/*
 * From here on nobody stops this thread's statements. Requests that are still on their way to
 * PostgreSQL name the connection: after one, the connection is given up, lest they hit the write of
 * the job's end.
 */
static void end_interruptions(struct executor *executor)
{
    (void)pthread_mutex_lock(&executor->lock);
    executor->interruptible = false;
    if (shall_stop(executor)) {
        msp_db_hang_up(executor->db);
    }
    (void)pthread_mutex_unlock(&executor->lock);
}

static void end_holding(struct executor *executor)
{
    (void)pthread_mutex_lock(&executor->lock);
    executor->holding = false;
    (void)pthread_mutex_unlock(&executor->lock);
}

static void write_end(struct executor *executor, struct msp_job_run *run,
                      const struct msp_job_kind *kind, enum msp_result outcome,
                      struct msp_buffer *result, struct msp_error *error)
{
    struct msp_executors *all = executor->all;
    struct msp_job_ending ending = {
        .run = run,
        .max_attempts = kind != NULL ? kind->max_attempts : 1,
        .outcome = outcome,
        .result = result,
        .error = error,
        .slot = all->child->slot,
        .figures = msp_job_figures_find(&all->child->shared->board->jobs, run->job->kind),
    };
    /* Whoever hears of the end shall read what the job wrote. */
    if (run->job->tenant_id != 0)
        msp_answer_cache_raise(all->child->shared->answers, run->job->tenant_id);
    if (!msp_job_ending_write(&ending)) {
        take_new_name(executor);
    }
}

static void run_job(struct executor *executor, const struct msp_job *job)
{
    struct msp_executors *all = executor->all;
    const struct msp_job_kind *kind = msp_job_kind_find(job->kind);
    struct msp_board_job_kind *figures =
        msp_job_figures_find(&all->child->shared->board->jobs, job->kind);
    int64_t begun_ms = msp_clock_monotonic_ms();
    struct msp_job_run run = {
        .job = job,
        .settings = all->child->settings,
        .tenants = all->child->shared->tenants,
        .db = executor->db,
        .arena = executor->arena,
        .fence = {.job_id = job->id, .claim = job->claim, .worker = executor->hold.worker},
        .deadline_ms = begun_ms + (kind != NULL ? kind->max_run_seconds : 60) * 1000LL,
        .stopping = &all->stopping,
        .told_done = &executor->told_done,
        .interruption = &executor->interruption,
        .events = all->events,
        .budgets = all->budgets,
    };
    struct msp_buffer result;
    struct msp_error error = {.result = MSP_OK};
    bool parked = false;
    msp_buffer_init(&result, RESULT_LIMIT_BYTES);
    begin_holding(executor, job, run.deadline_ms);
    msp_job_events_push(all->events, MSP_EVENT_BEGAN, job, 0, 0);
    msp_board_add(&all->child->slot->jobs_running, 1);
    msp_board_add(&figures->attempts, 1);
    enum msp_result outcome = msp_job_work(&run, kind, &result, &parked, &error);
    end_interruptions(executor);
    if (!parked) {
        write_end(executor, &run, kind, outcome, &result, &error);
    }
    end_holding(executor);
    msp_lane_release(executor->lane, executor->number);
    msp_board_add(&all->child->slot->jobs_running, -1);
    msp_board_add_run(figures, (msp_clock_monotonic_ms() - begun_ms) * 1000);
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
        struct msp_lane_claim claim = {
            .thread = executor->number,
            .db = executor->db,
            .worker = executor->hold.worker,
            .arena = executor->arena,
            .wake = seen,
            .deadline_ms = msp_clock_monotonic_ms() + CLAIM_DEADLINE_MS,
        };
        enum msp_result result = msp_lane_claim(executor->lane, &claim, &found, &job, &error);
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
                          enum msp_job_lane lane, int number)
{
    struct msp_db_options options = {
        .url = all->child->settings->jobs_database_url,
        .role = "msp_jobs",
        .application_name =
            lane == MSP_LANE_SHORT ? "msp-analytics short job" : "msp-analytics long job",
    };
    executor->all = all;
    executor->index = index;
    executor->lane = &all->lanes[lane];
    executor->number = number;
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
                                        struct msp_job_events *events,
                                        struct msp_source_budgets *budgets)
{
    const struct msp_settings *settings = child->settings;
    int short_threads = lane_threads(settings->job_threads, MSP_LANE_SHORT);
    int long_threads = lane_threads(settings->job_threads, MSP_LANE_LONG);
    int count = short_threads + long_threads;
    struct msp_executors *all = calloc(1, sizeof *all + (size_t)count * sizeof all->threads[0]);
    if (all == NULL) {
        return NULL;
    }
    all->child = child;
    all->worker = worker;
    all->events = events;
    all->budgets = budgets;
    init_wake(all);
    msp_lane_init(&all->lanes[MSP_LANE_SHORT], MSP_LANE_SHORT, short_threads,
                  settings->job_tenant_threads);
    msp_lane_init(&all->lanes[MSP_LANE_LONG], MSP_LANE_LONG, long_threads,
                  settings->job_tenant_threads);
    msp_job_figures_init(&child->shared->board->jobs);
    for (int i = 0; i < count; i++) {
        bool is_short = i < short_threads;
        all->count++;
        if (!init_executor(&all->threads[i], all, i, is_short ? MSP_LANE_SHORT : MSP_LANE_LONG,
                           is_short ? i : i - short_threads)) {
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

/* Stops the statement under way, if there is one, of an attempt that may be stopped. The caller
 * holds the lock. */
static void stop_statement(struct executor *executor)
{
    if (executor->holding && executor->interruptible) {
        msp_db_cancel(executor->db);
    }
}

void msp_executors_insist(struct msp_executors *executors)
{
    for (int i = 0; i < executors->started; i++) {
        struct executor *executor = &executors->threads[i];
        (void)pthread_mutex_lock(&executor->lock);
        if (executor->holding && shall_stop(executor)) {
            stop_statement(executor);
        }
        (void)pthread_mutex_unlock(&executor->lock);
    }
}

void msp_executors_stop(struct msp_executors *executors)
{
    atomic_store(&executors->stopping, true);
    msp_executors_wake(executors);
    msp_executors_insist(executors);
}

/* `claim` 0: whichever. */
static void interrupt(struct msp_executors *executors, const char *job_id, int claim,
                      enum msp_job_interruption why)
{
    for (int i = 0; i < executors->started; i++) {
        struct executor *executor = &executors->threads[i];
        (void)pthread_mutex_lock(&executor->lock);
        if (executor->holding && strcmp(executor->hold.job_id, job_id) == 0 &&
            (claim == 0 || executor->hold.claim == claim)) {
            atomic_store(&executor->interruption, why);
            stop_statement(executor);
        }
        (void)pthread_mutex_unlock(&executor->lock);
    }
}

void msp_executors_cancel(struct msp_executors *executors, const char *job_id)
{
    interrupt(executors, job_id, 0, MSP_INTERRUPTED_CANCELLED);
}

void msp_executors_drop(struct msp_executors *executors, const char *job_id, int claim)
{
    interrupt(executors, job_id, claim, MSP_INTERRUPTED_LOST);
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

size_t msp_executors_holds(struct msp_executors *executors, struct msp_job_hold *out,
                           size_t capacity)
{
    size_t count = 0;
    int64_t now_ms = msp_clock_monotonic_ms();
    for (int i = 0; i < executors->started && count < capacity; i++) {
        struct executor *executor = &executors->threads[i];
        (void)pthread_mutex_lock(&executor->lock);
        if (executor->holding && now_ms < executor->deadline_ms + OVERTIME_MS) {
            out[count] = executor->hold;
            out[count++].done = atomic_load(&executor->told_done);
        }
        (void)pthread_mutex_unlock(&executor->lock);
    }
    return count;
}

void msp_executors_busy(struct msp_executors *executors, enum msp_job_lane lane,
                        int64_t *out_threads, int64_t *out_busy)
{
    int64_t busy = 0;
    for (int i = 0; i < executors->count; i++) {
        struct executor *executor = &executors->threads[i];
        (void)pthread_mutex_lock(&executor->lock);
        busy += executor->lane == &executors->lanes[lane] && executor->holding ? 1 : 0;
        (void)pthread_mutex_unlock(&executor->lock);
    }
    *out_threads = executors->lanes[lane].threads;
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
    for (int i = 0; i < MSP_JOB_LANES; i++) {
        msp_lane_done(&executors->lanes[i]);
    }
    (void)pthread_cond_destroy(&executors->wake);
    (void)pthread_mutex_destroy(&executors->lock);
    free(executors);
}
