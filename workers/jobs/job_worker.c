/*
 * The job worker's main function: a loop over sockets and timers that never touches the database
 * and runs no job. Threads do that; this loop wakes them, passes their news on, and sees them out.
 */
#include "callbacks.h"
#include "egress/egress.h"
#include "executor.h"
#include "housekeeper.h"
#include "msp/child.h"
#include "msp/clock.h"
#include "msp/json_reader.h"
#include "msp/log.h"
#include "node_identity.h"
#include "subscriptions.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_FOR_WORK_MS  2000 /* without any hint */
#define CHECK_PATIENCE_MS 5000
#define INSIST_EVERY_MS   500  /* a cancel may fall between two statements */
#define SEE_OFF_EVERY_MS  20   /* the keeper ends without a word */
#define LEAVE_WITHIN_MS   6000 /* then threads stuck in a call are left to the kernel */

struct job_worker {
    const struct msp_child *child;
    struct msp_node_identity identity;
    struct msp_job_events *events;
    struct msp_executors *executors;
    struct msp_source_budgets *budgets;
    struct msp_housekeeper *keeper;
    struct msp_callbacks *callbacks;
    struct msp_fetches *fetches;
    struct msp_subscription_duties duties;
    struct msp_subscriptions *subscriptions;
    uint64_t settings_generation;
    int64_t started_ms;
    int64_t look_due_ms;
    int64_t insist_due_ms;
    int64_t leave_by_ms; /* 0 = not leaving */
    struct pollfd waited[MSP_SUBSCRIBERS_MAX + 4];
};

static void free_worker(struct job_worker *worker)
{
    if (worker == NULL) {
        return;
    }
    msp_housekeeper_free(worker->keeper);
    msp_callbacks_free(worker->callbacks);
    msp_executors_free(worker->executors);
    msp_source_budgets_free(worker->budgets);
    msp_subscriptions_free(worker->subscriptions);
    msp_fetches_free(worker->fetches);
    msp_job_events_free(worker->events);
    msp_node_identity_done(&worker->identity);
    free(worker);
}

/* A login that walks through the wall is refused; a database that is away is waited for by the
 * threads. */
static bool login_is_fit(const struct msp_child *child)
{
    struct msp_db_options options = {
        .url = child->settings->jobs_database_url,
        .role = "msp_jobs",
        .application_name = "msp-analytics job worker",
    };
    struct msp_db *db = msp_db_new(&options);
    struct msp_error error;
    if (db == NULL) {
        return true;
    }
    enum msp_result result = msp_db_check(db, msp_clock_monotonic_ms() + CHECK_PATIENCE_MS, &error);
    msp_db_free(db);
    if (result != MSP_OK) {
        bool unfit = result == MSP_INVALID || result == MSP_FORBIDDEN;
        msp_log(unfit ? MSP_LOG_ERROR : MSP_LOG_WARNING,
                unfit ? "The job worker cannot use this database"
                      : "PostgreSQL cannot be asked yet; jobs start once it answers",
                "code", error.code, "detail", error.detail, NULL);
        return !unfit && !child->on_trial;
    }
    return true;
}

/* ---- what clients of the socket ask for ---- */

static void wake(void *context)
{
    struct job_worker *worker = context;
    msp_executors_wake(worker->executors);
}

static void cancel(void *context, const char *job_id)
{
    struct job_worker *worker = context;
    msp_executors_cancel(worker->executors, job_id);
}

static void report(void *context, int64_t figures[MSP_WORKER_FIGURES])
{
    struct job_worker *worker = context;
    const struct msp_board_jobs *jobs = &worker->child->shared->board->jobs;
    const struct msp_board_lane *brief = &jobs->lanes[MSP_LANE_SHORT];
    const struct msp_board_lane *slow = &jobs->lanes[MSP_LANE_LONG];
    figures[MSP_FIGURE_UPTIME_SECONDS] = (msp_clock_monotonic_ms() - worker->started_ms) / 1000;
    msp_executors_busy(worker->executors, MSP_LANE_SHORT, &figures[MSP_FIGURE_SHORT_THREADS],
                       &figures[MSP_FIGURE_SHORT_BUSY]);
    msp_executors_busy(worker->executors, MSP_LANE_LONG, &figures[MSP_FIGURE_LONG_THREADS],
                       &figures[MSP_FIGURE_LONG_BUSY]);
    figures[MSP_FIGURE_SHORT_QUEUED] = msp_board_read(&brief->queued);
    figures[MSP_FIGURE_LONG_QUEUED] = msp_board_read(&slow->queued);
    figures[MSP_FIGURE_SHORT_OLDEST_SECONDS] = msp_board_read(&brief->oldest_queued_seconds);
    figures[MSP_FIGURE_LONG_OLDEST_SECONDS] = msp_board_read(&slow->oldest_queued_seconds);
    figures[MSP_FIGURE_CLIENTS] = (int64_t)msp_subscriptions_count(worker->subscriptions);
    figures[MSP_FIGURE_FETCHES] = msp_fetches_count(worker->fetches);
}

/* ---- the worker ---- */

static struct job_worker *new_worker(const struct msp_child *child, struct msp_error *error)
{
    struct job_worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL) {
        (void)msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to start the job worker.");
        return NULL;
    }
    worker->child = child;
    worker->identity.lock_fd = -1;
    if (msp_node_identity_init(&worker->identity, child->settings->state_dir, error) != MSP_OK) {
        free_worker(worker);
        return NULL;
    }
    worker->started_ms = msp_clock_monotonic_ms();
    worker->events = msp_job_events_new();
    worker->fetches = msp_fetches_new(child->settings);
    worker->duties =
        (struct msp_subscription_duties){worker, wake, cancel, report, worker->fetches};
    worker->subscriptions = msp_subscriptions_new(child->job_listener, &worker->duties);
    worker->budgets = msp_source_budgets_new();
    if (worker->events != NULL && worker->budgets != NULL) {
        worker->callbacks = msp_callbacks_new(child, worker->events);
        worker->executors =
            msp_executors_new(child, worker->identity.worker, worker->events, worker->budgets);
    }
    if (worker->executors != NULL) {
        worker->keeper = msp_housekeeper_new(child, &worker->identity, worker->executors);
    }
    if (worker->keeper == NULL || worker->callbacks == NULL || worker->subscriptions == NULL ||
        worker->fetches == NULL) {
        (void)msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to start the job worker.");
        free_worker(worker);
        return NULL;
    }
    return worker;
}

static void begin_leaving(struct job_worker *worker, int64_t now_ms)
{
    msp_child_leaving(worker->child);
    worker->leave_by_ms = now_ms + LEAVE_WITHIN_MS;
    msp_subscriptions_close_door(worker->subscriptions);
    msp_fetches_stop(worker->fetches);
    msp_callbacks_stop(worker->callbacks);
    worker->insist_due_ms = now_ms;
}

static bool everyone_left(const struct job_worker *worker)
{
    return msp_executors_alive(worker->executors) == 0 && !msp_housekeeper_alive(worker->keeper) &&
           msp_fetches_alive(worker->fetches) == 0 && !msp_callbacks_alive(worker->callbacks);
}

static void pass_news_on(struct job_worker *worker)
{
    struct msp_job_event event;
    while (msp_job_events_take(worker->events, &event)) {
        msp_subscriptions_tell(worker->subscriptions, &event);
        if (event.kind == MSP_EVENT_ENDED) {
            msp_callbacks_wake(worker->callbacks);
        }
    }
}

static int wait_ms(const struct job_worker *worker, int64_t now_ms)
{
    int64_t due_ms = worker->insist_due_ms;
    if (worker->leave_by_ms == 0 && worker->look_due_ms < due_ms) {
        due_ms = worker->look_due_ms;
    }
    return due_ms > now_ms ? (int)(due_ms - now_ms) : 0;
}

static void insist(struct job_worker *worker)
{
    if (worker->leave_by_ms == 0) {
        msp_executors_insist(worker->executors);
        return;
    }
    msp_executors_stop(worker->executors);
    if (msp_executors_alive(worker->executors) == 0) {
        msp_housekeeper_stop(worker->keeper);
    }
}

/* Of what a reload changes at once, only the log is ours; the rest comes with a new worker. */
static void follow_log_settings(struct job_worker *worker)
{
    const struct msp_settings_cache *cache = worker->child->shared->settings;
    uint64_t now = msp_settings_cache_generation(cache);
    if (now == worker->settings_generation) {
        return;
    }
    struct msp_settings settings;
    msp_settings_cache_read(cache, &settings);
    msp_log_configure(settings.log_level, settings.log_format);
    worker->settings_generation = now;
}

static void do_what_is_due(struct job_worker *worker, int64_t now_ms)
{
    bool only_keeper_left = worker->leave_by_ms != 0 && msp_executors_alive(worker->executors) == 0;
    if (only_keeper_left || now_ms >= worker->insist_due_ms) {
        worker->insist_due_ms = now_ms + (only_keeper_left ? SEE_OFF_EVERY_MS : INSIST_EVERY_MS);
        insist(worker);
    }
    if (worker->leave_by_ms == 0 && now_ms >= worker->look_due_ms) {
        worker->look_due_ms = now_ms + LOOK_FOR_WORK_MS;
        follow_log_settings(worker);
        msp_executors_wake(worker->executors);
    }
}

/* One turn: wait, serve the sockets, pass news on, do what is due. */
static void turn(struct job_worker *worker)
{
    struct pollfd *waited = worker->waited;
    bool leaving = worker->leave_by_ms != 0;
    waited[0] = (struct pollfd){.fd = leaving ? -1 : worker->child->stop_fd, .events = POLLIN};
    waited[1] = (struct pollfd){.fd = msp_job_events_fd(worker->events), .events = POLLIN};
    waited[2] = (struct pollfd){.fd = msp_fetches_fd(worker->fetches), .events = POLLIN};
    size_t clients = msp_subscriptions_watch(worker->subscriptions, waited + 3);
    int ready = poll(waited, clients + 3, wait_ms(worker, msp_clock_monotonic_ms()));
    if (ready >= 0) {
        msp_subscriptions_serve(worker->subscriptions, waited + 3, clients);
        msp_subscriptions_pass_pieces_on(worker->subscriptions);
        pass_news_on(worker);
    }
    int64_t now_ms = msp_clock_monotonic_ms();
    if (ready > 0 && !leaving && waited[0].revents != 0) {
        begin_leaving(worker, now_ms);
    }
    do_what_is_due(worker, now_ms);
}

static int run_until_left(struct job_worker *worker)
{
    struct msp_error error;
    if (msp_fetches_start(worker->fetches, &error) != MSP_OK ||
        msp_executors_start(worker->executors, &error) != MSP_OK ||
        msp_housekeeper_start(worker->keeper, &error) != MSP_OK ||
        msp_callbacks_start(worker->callbacks, &error) != MSP_OK) {
        msp_log(MSP_LOG_ERROR, "The job worker cannot start", "detail", error.detail, NULL);
        return MSP_EXIT_RESTART; /* threads that did start end with the process */
    }
    msp_child_ready(worker->child);
    while (!everyone_left(worker) &&
           (worker->leave_by_ms == 0 || msp_clock_monotonic_ms() < worker->leave_by_ms)) {
        turn(worker);
    }
    pass_news_on(worker);
    if (everyone_left(worker)) {
        free_worker(worker);
    } else {
        /* Its memory stays for the threads; their jobs come back by the next life's first look. */
        msp_log(MSP_LOG_WARNING, "Leaving although PostgreSQL did not let go of a job in time",
                NULL);
    }
    return MSP_EXIT_DONE;
}

int msp_job_worker_main(const struct msp_child *child)
{
    struct msp_error error;
    msp_json_init();
    msp_egress_count_on(child->shared->board);
    if (!login_is_fit(child)) {
        return MSP_EXIT_MISCONFIGURED;
    }
    struct job_worker *worker = new_worker(child, &error);
    if (worker == NULL) {
        msp_log(MSP_LOG_ERROR, "The job worker cannot start", "detail", error.detail, NULL);
        return MSP_EXIT_RESTART;
    }
    return run_until_left(worker);
}
