/* Heartbeat, recovery, LISTEN, each when it is due. A notification is only a hint; nothing depends
 * on it. */
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

#define BEAT_EVERY_MS       10000
#define RECOVER_EVERY_MS    15000
#define RETRY_MS            1000 /* of whatever failed */
#define LISTEN_RETRY_MAX_MS 30000
#define CALL_DEADLINE_MS    5000
/* No node is called so: the store then looks for silent workers only. */
#define NO_NODE "-"

struct msp_housekeeper {
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
    bool opened; /* the first recovery is done */
    bool listening;
    bool database_away; /* already logged */
    int64_t beat_due_ms, recover_due_ms, listen_due_ms;
    int64_t listen_retry_ms;
};

static void note_database(struct msp_housekeeper *keeper, enum msp_result result,
                          const struct msp_error *error)
{
    bool away = result != MSP_OK;
    if (away && !keeper->database_away) {
        msp_log(MSP_LOG_ERROR, "Cannot look after the jobs in PostgreSQL; trying again", "code",
                error->code, "detail", error->detail, NULL);
    } else if (!away && keeper->database_away) {
        msp_log(MSP_LOG_INFO, "Looking after the jobs in PostgreSQL again", NULL);
    }
    keeper->database_away = away;
}

static void beat(struct msp_housekeeper *keeper, int64_t now_ms)
{
    struct msp_error error;
    enum msp_result result = MSP_OK;
    for (int i = 0; i < msp_executors_count(keeper->executors) && result == MSP_OK; i++) {
        char name[MSP_EXECUTOR_NAME_BYTES];
        if (msp_executors_holder(keeper->executors, i, name)) {
            result = msp_job_heartbeat(keeper->db, name,
                                       msp_clock_monotonic_ms() + CALL_DEADLINE_MS, &error);
            note_database(keeper, result, &error);
        }
    }
    keeper->beat_due_ms = now_ms + (result == MSP_OK ? BEAT_EVERY_MS : RETRY_MS);
}

/* The first time for our own earlier lives too, before anything is claimed under this node's name.
 */
static void recover(struct msp_housekeeper *keeper, int64_t now_ms)
{
    struct msp_error error;
    int count = 0;
    enum msp_result result = msp_job_recover(
        keeper->db, keeper->opened ? NO_NODE : keeper->identity->node, keeper->identity->worker,
        msp_clock_monotonic_ms() + CALL_DEADLINE_MS, &count, &error);
    note_database(keeper, result, &error);
    keeper->recover_due_ms = now_ms + (result == MSP_OK ? RECOVER_EVERY_MS : RETRY_MS);
    if (result != MSP_OK) {
        return;
    }
    if (count > 0) {
        char text[16];
        (void)snprintf(text, sizeof text, "%d", count);
        msp_log(MSP_LOG_WARNING, "Took back jobs of workers that died", "jobs", text, NULL);
        msp_executors_wake(keeper->executors);
    }
    if (!keeper->opened) {
        keeper->opened = true;
        msp_executors_open(keeper->executors);
    }
}

static void listen_again(struct msp_housekeeper *keeper, int64_t now_ms)
{
    struct msp_error error;
    enum msp_result result = msp_db_listen(keeper->listen_db, "msp_jobs",
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
    if (msp_db_notifications(keeper->listen_db, &count, &error) != MSP_OK) {
        keeper->listening = false;
        keeper->listen_due_ms = 0;
    } else if (count > 0) {
        msp_executors_wake(keeper->executors);
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void *keep_house(void *context)
{
    struct msp_housekeeper *keeper = context;
    while (!atomic_load(&keeper->stopping)) {
        int64_t now_ms = msp_clock_monotonic_ms();
        if (now_ms >= keeper->recover_due_ms) {
            recover(keeper, now_ms);
        }
        if (now_ms >= keeper->beat_due_ms) {
            beat(keeper, now_ms);
        }
        if (!keeper->listening && now_ms >= keeper->listen_due_ms) {
            listen_again(keeper, now_ms);
        }
        int64_t due_ms = earlier(keeper->beat_due_ms, keeper->recover_due_ms);
        due_ms = keeper->listening ? due_ms : earlier(due_ms, keeper->listen_due_ms);
        int64_t wait_ms = due_ms - msp_clock_monotonic_ms();
        struct pollfd waited[2] = {
            {.fd = keeper->stop_fd, .events = POLLIN},
            {.fd = keeper->listening ? msp_db_socket(keeper->listen_db) : -1, .events = POLLIN},
        };
        int ready = poll(waited, 2, wait_ms > 0 ? (int)wait_ms : 0);
        if (ready > 0 && waited[1].revents != 0) {
            hear(keeper);
        }
    }
    atomic_store(&keeper->alive, false);
    return NULL;
}

struct msp_housekeeper *msp_housekeeper_new(const struct msp_settings *settings,
                                            const struct msp_node_identity *identity,
                                            struct msp_executors *executors)
{
    struct msp_housekeeper *keeper = calloc(1, sizeof *keeper);
    if (keeper == NULL) {
        return NULL;
    }
    struct msp_db_options options = {
        .url = settings->jobs_database_url,
        .role = "msp_jobs",
        .application_name = "msp-analytics job keeper",
    };
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
