/* Chores, each when it is due. A notification is only a hint; nothing depends on it. */
#include "housekeeper.h"

#include "msp/clock.h"
#include "msp/job_store.h"
#include "msp/log.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define BEAT_EVERY_MS    10000
#define LOOK_EVERY_MS    1000 /* a cancelled job stops within 2 s */
#define TELL_EVERY_MS    1000
#define RECOVER_EVERY_MS 5000
#define FIGURES_EVERY_MS 5000
#define PRUNE_EVERY_MS   600000
#define PRUNE_BATCH      1000
/* A database that was away makes every worker look silent: each first gets the time to beat. */
#define RECOVER_PATIENCE_MS 15000
#define RETRY_MS            1000 /* of whatever failed */
#define LISTEN_RETRY_MAX_MS 30000
#define CALL_DEADLINE_MS    5000
#define EVERY_NODE          "" /* the store then looks for silent workers */

enum chore_number { BEAT, LOOK, TELL, RECOVER, FIGURES, PRUNE, CHORES };

struct msp_housekeeper {
    const struct msp_child *child;
    const struct msp_node_identity *identity;
    struct msp_executors *executors;
    struct msp_db *db;
    struct msp_db *listen_db;
    int stop_fd;
    atomic_bool stopping;
    atomic_bool alive;
    bool started;
    pthread_t thread;
    /* The thread's own: */
    bool opened; /* what earlier lives of this node held is taken back */
    bool listening;
    bool database_away; /* already logged */
    int64_t open_due_ms, listen_due_ms;
    int64_t due_ms[CHORES];
    int64_t listen_retry_ms;
    struct msp_job_hold holds[MSP_EXECUTORS_MAX];
};

static int64_t call_deadline_ms(void)
{
    return msp_clock_monotonic_ms() + CALL_DEADLINE_MS;
}

static void note_database(struct msp_housekeeper *keeper, enum msp_result result,
                          const struct msp_error *error)
{
    if (atomic_load(&keeper->stopping)) {
        return; /* we cut its statement off ourselves */
    }
    bool away = result != MSP_OK;
    if (away && !keeper->database_away) {
        msp_log(MSP_LOG_ERROR, "Cannot look after the jobs in PostgreSQL; trying again", "code",
                error->code, "detail", error->detail, NULL);
    } else if (!away && keeper->database_away) {
        msp_log(MSP_LOG_INFO, "Looking after the jobs in PostgreSQL again", NULL);
    }
    keeper->database_away = away;
}

/* ---- chores ---- */

static enum msp_result beat(struct msp_housekeeper *keeper, struct msp_error *error)
{
    size_t count = msp_executors_holds(keeper->executors, keeper->holds, MSP_EXECUTORS_MAX);
    return count == 0
               ? MSP_OK
               : msp_job_heartbeat(keeper->db, keeper->holds, count, call_deadline_ms(), error);
}

/* Stops what somebody cancelled, and what was taken from us while we were thought dead. */
static enum msp_result look(struct msp_housekeeper *keeper, struct msp_error *error)
{
    size_t count = msp_executors_holds(keeper->executors, keeper->holds, MSP_EXECUTORS_MAX);
    enum msp_result result = count == 0 ? MSP_OK
                                        : msp_job_look_at_holds(keeper->db, keeper->holds, count,
                                                                call_deadline_ms(), error);
    for (size_t i = 0; result == MSP_OK && i < count; i++) {
        const struct msp_job_hold *hold = &keeper->holds[i];
        if (hold->lost) {
            msp_executors_drop(keeper->executors, hold->job_id, hold->claim);
        } else if (hold->cancel_requested) {
            msp_executors_cancel(keeper->executors, hold->job_id);
        }
    }
    return result;
}

/* Writes how far the jobs are whose own connections are busy. */
static enum msp_result tell(struct msp_housekeeper *keeper, struct msp_error *error)
{
    size_t count = msp_executors_holds(keeper->executors, keeper->holds, MSP_EXECUTORS_MAX);
    size_t telling = 0;
    for (size_t i = 0; i < count; i++) {
        if (keeper->holds[i].done >= 0) {
            keeper->holds[telling++] = keeper->holds[i];
        }
    }
    return telling == 0
               ? MSP_OK
               : msp_job_heartbeat(keeper->db, keeper->holds, telling, call_deadline_ms(), error);
}

static void note_recovered(struct msp_housekeeper *keeper, int count)
{
    if (count == 0) {
        return;
    }
    char text[16];
    (void)snprintf(text, sizeof text, "%d", count);
    msp_log(MSP_LOG_WARNING, "Took back jobs of workers that died", "jobs", text, NULL);
    msp_board_add(&keeper->child->shared->board->jobs.workers_lost, count);
    msp_executors_wake(keeper->executors);
}

static enum msp_result recover(struct msp_housekeeper *keeper, struct msp_error *error)
{
    int count = 0;
    enum msp_result result = msp_job_recover(keeper->db, EVERY_NODE, keeper->identity->worker,
                                             call_deadline_ms(), &count, error);
    note_recovered(keeper, result == MSP_OK ? count : 0);
    return result;
}

static enum msp_result read_figures(struct msp_housekeeper *keeper, struct msp_error *error)
{
    struct msp_board_jobs *board = &keeper->child->shared->board->jobs;
    struct msp_job_figures figures[MSP_JOB_LANES];
    enum msp_result result = msp_job_read_figures(keeper->db, call_deadline_ms(), figures, error);
    if (result != MSP_OK) {
        return result;
    }
    for (int lane = 0; lane < MSP_JOB_LANES; lane++) {
        msp_board_set(&board->lanes[lane].queued, figures[lane].queued);
        msp_board_set(&board->lanes[lane].scheduled, figures[lane].scheduled);
        msp_board_set(&board->lanes[lane].oldest_queued_seconds,
                      figures[lane].oldest_queued_seconds);
        msp_board_set(&board->lanes[lane].running, figures[lane].running);
    }
    msp_board_set(&board->checked_us, msp_clock_unix_us());
    return MSP_OK;
}

static enum msp_result prune(struct msp_housekeeper *keeper, struct msp_error *error)
{
    int count = 0;
    enum msp_result result = msp_job_prune(keeper->db, keeper->child->settings->job_history_days,
                                           PRUNE_BATCH, call_deadline_ms(), &count, error);
    if (result == MSP_OK && count > 0) {
        msp_board_add(&keeper->child->shared->board->jobs.pruned, count);
    }
    if (result == MSP_OK && count == PRUNE_BATCH) {
        keeper->due_ms[PRUNE] = 0;
    }
    return result;
}

/* In the order in which they matter once a database is back. */
static const struct chore {
    enum msp_result (*run)(struct msp_housekeeper *keeper, struct msp_error *error);
    int64_t every_ms;
} chores[CHORES] = {
    [BEAT] = {beat, BEAT_EVERY_MS},
    [LOOK] = {look, LOOK_EVERY_MS},
    [TELL] = {tell, TELL_EVERY_MS},
    [RECOVER] = {recover, RECOVER_EVERY_MS},
    [FIGURES] = {read_figures, FIGURES_EVERY_MS},
    [PRUNE] = {prune, PRUNE_EVERY_MS},
};

static void do_chores(struct msp_housekeeper *keeper)
{
    for (int i = 0; i < CHORES && !atomic_load(&keeper->stopping); i++) {
        int64_t now_ms = msp_clock_monotonic_ms();
        if (now_ms < keeper->due_ms[i]) {
            continue;
        }
        struct msp_error error;
        keeper->due_ms[i] = now_ms + chores[i].every_ms;
        enum msp_result result = chores[i].run(keeper, &error);
        note_database(keeper, result, &error);
        if (result != MSP_OK) {
            now_ms = msp_clock_monotonic_ms();
            keeper->due_ms[i] = now_ms + RETRY_MS;
            keeper->due_ms[BEAT] = now_ms + RETRY_MS;
            keeper->due_ms[RECOVER] = now_ms + RECOVER_PATIENCE_MS;
            return;
        }
    }
}

/* Takes back what our own earlier lives held, before anything is claimed under this node's name. */
static void open_for_work(struct msp_housekeeper *keeper, int64_t now_ms)
{
    struct msp_error error;
    int count = 0;
    enum msp_result result =
        msp_job_recover(keeper->db, keeper->identity->node, keeper->identity->worker,
                        call_deadline_ms(), &count, &error);
    note_database(keeper, result, &error);
    keeper->open_due_ms = now_ms + RETRY_MS;
    if (result == MSP_OK) {
        note_recovered(keeper, count);
        keeper->opened = true;
        msp_executors_open(keeper->executors);
    }
}

/* ---- listening ---- */

static void listen_again(struct msp_housekeeper *keeper, int64_t now_ms)
{
    struct msp_error error;
    enum msp_result result = msp_db_listen(keeper->listen_db, "msp_jobs, msp_jobs_cancel",
                                           msp_clock_monotonic_ms() + CALL_DEADLINE_MS, &error);
    keeper->listening = result == MSP_OK;
    if (keeper->listening) {
        keeper->listen_retry_ms = RETRY_MS;
        msp_executors_wake(keeper->executors); /* for what was not heard meanwhile */
        return;
    }
    keeper->listen_due_ms = now_ms + keeper->listen_retry_ms;
    keeper->listen_retry_ms = keeper->listen_retry_ms * 2 < LISTEN_RETRY_MAX_MS
                                  ? keeper->listen_retry_ms * 2
                                  : LISTEN_RETRY_MAX_MS;
}

static void hear(struct msp_housekeeper *keeper)
{
    int count = 0;
    struct msp_error error;
    if (msp_db_notifications(keeper->listen_db, NULL, NULL, &count, &error) != MSP_OK) {
        keeper->listening = false;
        keeper->listen_due_ms = 0;
    } else if (count > 0) {
        msp_executors_wake(keeper->executors);
        keeper->due_ms[LOOK] = 0;
    }
}

/* ---- the thread ---- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int wait_ms(const struct msp_housekeeper *keeper)
{
    int64_t due_ms = keeper->open_due_ms;
    if (keeper->opened) {
        due_ms = keeper->due_ms[0];
        for (int i = 1; i < CHORES; i++) {
            due_ms = earlier(due_ms, keeper->due_ms[i]);
        }
    }
    due_ms = keeper->listening ? due_ms : earlier(due_ms, keeper->listen_due_ms);
    int64_t left_ms = due_ms - msp_clock_monotonic_ms();
    return left_ms > 0 ? (int)left_ms : 0;
}

static void wait_for_more(struct msp_housekeeper *keeper)
{
    struct pollfd waited[2] = {
        {.fd = keeper->stop_fd, .events = POLLIN},
        {.fd = keeper->listening ? msp_db_socket(keeper->listen_db) : -1, .events = POLLIN},
    };
    int ready = poll(waited, 2, wait_ms(keeper));
    if (ready > 0 && waited[1].revents != 0) {
        hear(keeper);
    }
}

static void *keep_house(void *context)
{
    struct msp_housekeeper *keeper = context;
    while (!atomic_load(&keeper->stopping)) {
        int64_t now_ms = msp_clock_monotonic_ms();
        if (!keeper->opened && now_ms >= keeper->open_due_ms) {
            open_for_work(keeper, now_ms);
        }
        if (keeper->opened) {
            do_chores(keeper);
        }
        if (!keeper->listening && now_ms >= keeper->listen_due_ms) {
            listen_again(keeper, now_ms);
        }
        wait_for_more(keeper);
    }
    atomic_store(&keeper->alive, false);
    return NULL;
}

struct msp_housekeeper *msp_housekeeper_new(const struct msp_child *child,
                                            const struct msp_node_identity *identity,
                                            struct msp_executors *executors)
{
    struct msp_housekeeper *keeper = calloc(1, sizeof *keeper);
    if (keeper == NULL) {
        return NULL;
    }
    struct msp_db_options options = {
        .url = child->settings->jobs_database_url,
        .role = "msp_jobs",
        .application_name = "msp-analytics job keeper",
    };
    keeper->child = child;
    keeper->identity = identity;
    keeper->executors = executors;
    keeper->listen_retry_ms = RETRY_MS;
    keeper->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    keeper->db = msp_db_new(&options);
    options.application_name = "msp-analytics job listener";
    keeper->listen_db = msp_db_new(&options);
    if (keeper->stop_fd < 0 || keeper->db == NULL || keeper->listen_db == NULL) {
        msp_housekeeper_free(keeper);
        return NULL;
    }
    return keeper;
}

enum msp_result msp_housekeeper_start(struct msp_housekeeper *keeper, struct msp_error *error)
{
    atomic_store(&keeper->alive, true);
    int failure = pthread_create(&keeper->thread, NULL, keep_house, keeper);
    if (failure != 0) {
        atomic_store(&keeper->alive, false);
        return msp_fail(error, MSP_NO_MEMORY, "no_thread",
                        "Cannot start the thread that looks after the jobs: %s.",
                        strerror(failure));
    }
    keeper->started = true;
    return MSP_OK;
}

void msp_housekeeper_stop(struct msp_housekeeper *keeper)
{
    atomic_store(&keeper->stopping, true);
    uint64_t one = 1;
    ssize_t ignored = write(keeper->stop_fd, &one, sizeof one);
    (void)ignored;
    msp_db_cancel(keeper->db);
}

bool msp_housekeeper_alive(const struct msp_housekeeper *keeper)
{
    return atomic_load(&keeper->alive);
}

void msp_housekeeper_free(struct msp_housekeeper *keeper)
{
    if (keeper == NULL) {
        return;
    }
    if (keeper->started) {
        (void)pthread_join(keeper->thread, NULL);
    }
    msp_db_free(keeper->db);
    msp_db_free(keeper->listen_db);
    if (keeper->stop_fd >= 0) {
        (void)close(keeper->stop_fd);
    }
    free(keeper);
}
