/*
 * The snapshot keeper: reads tenants and credentials out of PostgreSQL into shared memory whenever
 * they change, and watches the health of PostgreSQL and Redis. It is the only writer of both, has
 * one thread, and serves nobody.
 */
#include "credential_keeping.h"
#include "dependency_health.h"

#include "msp/child.h"
#include "msp/clock.h"
#include "msp/db.h"
#include "msp/health_store.h"
#include "msp/redis.h"
#include "msp/tenant_store.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A notification may be lost with its connection: reading every 5 s bounds how old a tenant can be.
 */
#define READ_EVERY_MS  5000
#define READ_APART_MS  20 /* however fast changes come */
#define LOOK_EVERY_MS  1000
#define FIRST_RETRY_MS 125

/* Past these an answer is as good as none; they also bound how late a request to stop is heard. */
#define LOOK_TIMEOUT_MS  2000
#define READ_TIMEOUT_MS  5000
#define REDIS_TIMEOUT_MS 1000

struct keeper {
    const struct msp_child *child;
    struct msp_settings settings;
    uint64_t settings_generation;
    struct msp_db *db;
    struct msp_db *listener; /* has nothing to do but to be notified */
    struct msp_redis *redis; /* NULL = single node */
    struct dependency postgres_health;
    struct dependency redis_health;
    bool login_checked;
    bool listening;
    bool published;
    int64_t look_at_ms;
    int64_t read_at_ms;
    int retry_ms;               /* grows while PostgreSQL is away */
    int64_t read_apart_ms;      /* no reading before this moment */
    struct msp_tenant *tenants; /* as last published */
    size_t tenant_count;
    struct credential_keeping credentials;
};

static void close_all(struct keeper *keeper)
{
    msp_db_free(keeper->db);
    msp_db_free(keeper->listener);
    msp_redis_free(keeper->redis);
    keeper->db = NULL;
    keeper->listener = NULL;
    keeper->redis = NULL;
    keeper->listening = false;
    keeper->login_checked = false;
}

static enum msp_result open_all(struct keeper *keeper, struct msp_error *error)
{
    struct msp_db_options options = {
        .url = keeper->settings.database_url,
        .role = "msp_api",
        .application_name = "msp-analytics snapshot",
        .statement_timeout_ms = READ_TIMEOUT_MS,
    };
    keeper->db = msp_db_new(&options);
    options.application_name = "msp-analytics snapshot listener";
    keeper->listener = msp_db_new(&options);
    if (keeper->db == NULL || keeper->listener == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "Out of memory");
    const bool with_redis = keeper->settings.redis_url[0] != '\0';
    __atomic_store_n(&keeper->child->shared->board->health.redis_configured, with_redis ? 1 : 0,
                     __ATOMIC_RELAXED);
    keeper->look_at_ms = 0;
    keeper->read_at_ms = 0;
    keeper->retry_ms = FIRST_RETRY_MS;
    if (!with_redis)
        return MSP_OK;
    return msp_redis_new(keeper->settings.redis_url, REDIS_TIMEOUT_MS, &keeper->redis, error);
}

/* A reload moved the generation: new addresses need new connections. */
static enum msp_result follow_settings(struct keeper *keeper, struct msp_error *error)
{
    const struct msp_settings_cache *cache = keeper->child->shared->settings;
    const uint64_t generation = msp_settings_cache_generation(cache);
    if (generation == keeper->settings_generation)
        return MSP_OK;
    keeper->settings_generation = generation;
    struct msp_settings now;
    msp_settings_cache_read(cache, &now);
    msp_log_configure(now.log_level, now.log_format);
    const bool moved = strcmp(now.database_url, keeper->settings.database_url) != 0 ||
                       strcmp(now.redis_url, keeper->settings.redis_url) != 0;
    keeper->settings = now;
    if (!moved && keeper->db != NULL)
        return MSP_OK;
    close_all(keeper);
    return open_all(keeper, error);
}

static enum msp_result look_at_sources(struct keeper *keeper, int64_t deadline_ms,
                                       struct msp_error *error)
{
    struct msp_board_sources *board = &keeper->child->shared->board->sources;
    struct msp_board_source rows[MSP_BOARD_SOURCES];
    const enum msp_result result = msp_health_sources(keeper->db, deadline_ms, rows, error);
    for (size_t i = 0; i < MSP_BOARD_SOURCES && result == MSP_OK; i++) {
        __atomic_store_n(&board->kinds[i].never_drained, rows[i].never_drained, __ATOMIC_RELAXED);
        __atomic_store_n(&board->kinds[i].failing, rows[i].failing, __ATOMIC_RELAXED);
        __atomic_store_n(&board->kinds[i].oldest_drained_us, rows[i].oldest_drained_us,
                         __ATOMIC_RELAXED);
        __atomic_store_n(&board->kinds[i].tenants, rows[i].tenants, __ATOMIC_RELAXED);
    }
    if (result == MSP_OK)
        __atomic_store_n(&board->checked_us, msp_clock_unix_us(), __ATOMIC_RELAXED);
    return result;
}

/* Whether the login may serve at all is asked before anything else is: MSP_INVALID ends the
 * process. */
static enum msp_result look_at_postgres(struct keeper *keeper, struct msp_error *error)
{
    const int64_t deadline_ms = msp_clock_monotonic_ms() + LOOK_TIMEOUT_MS;
    enum msp_result result = MSP_OK;
    if (!keeper->login_checked)
        result = msp_db_check(keeper->db, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    keeper->login_checked = true;
    int queued = 0;
    result = msp_health_look(keeper->db, deadline_ms, &queued, error);
    if (result != MSP_OK)
        return result;
    __atomic_store_n(&keeper->child->shared->board->health.jobs_queued, queued, __ATOMIC_RELAXED);
    return look_at_sources(keeper, deadline_ms, error);
}

/* Nobody knows what was not heard: no answer made until now is given again. */
static void forget_answers(struct keeper *keeper)
{
    msp_answer_cache_raise_all(keeper->child->shared->answers);
}

static enum msp_result look(struct keeper *keeper, struct msp_error *error)
{
    const enum msp_result result = look_at_postgres(keeper, error);
    if (result == MSP_INVALID)
        return result;
    if (dependency_note(&keeper->postgres_health, result, error)) {
        keeper->retry_ms = FIRST_RETRY_MS;
    } else {
        keeper->retry_ms =
            keeper->retry_ms * 2 < LOOK_EVERY_MS ? keeper->retry_ms * 2 : LOOK_EVERY_MS;
        keeper->listening = false; /* its connection went the same way, or will be found out */
        forget_answers(keeper);
    }
    if (keeper->redis != NULL) {
        const enum msp_result pinged = msp_redis_ping(keeper->redis, error);
        (void)dependency_note(&keeper->redis_health, pinged, error);
    }
    keeper->look_at_ms =
        msp_clock_monotonic_ms() + (result == MSP_OK ? LOOK_EVERY_MS : keeper->retry_ms);
    __atomic_store_n(&keeper->child->shared->board->health.checked_us, msp_clock_unix_us(),
                     __ATOMIC_RELAXED);
    return MSP_OK;
}

/* Listens before reading, so that a change between the two is not missed. */
static void listen_again(struct keeper *keeper)
{
    struct msp_error error;
    keeper->listening = msp_db_listen(keeper->listener, "msp_tenants,msp_data",
                                      msp_clock_monotonic_ms() + LOOK_TIMEOUT_MS, &error) == MSP_OK;
    forget_answers(keeper);
    if (keeper->listening)
        keeper->read_at_ms = 0;
}

static bool is_published(const struct keeper *keeper, const struct msp_tenant *tenants,
                         size_t count)
{
    /* Both are cleared memory filled by the same store: equal content is equal bytes. */
    return keeper->published && count == keeper->tenant_count &&
           (count == 0 || memcmp(tenants, keeper->tenants, count * sizeof(*tenants)) == 0);
}

static void publish(struct keeper *keeper, struct msp_tenant *tenants, size_t count)
{
    struct msp_error error;
    if (msp_tenant_cache_publish(keeper->child->shared->tenants, tenants, count, &error) !=
        MSP_OK) {
        msp_log(MSP_LOG_ERROR, "Cannot publish the tenants; the old ones stay", "detail",
                error.detail, NULL);
        free(tenants);
        return;
    }
    /* A name or a time zone stands in answers too. */
    forget_answers(keeper);
    free(keeper->tenants);
    keeper->tenants = tenants;
    keeper->tenant_count = count;
    char number[24];
    (void)snprintf(number, sizeof(number), "%zu", count);
    msp_log(MSP_LOG_INFO, "Tenants published", "count", number, NULL);
    keeper->published = true;
}

static enum msp_result read_tenants(struct keeper *keeper, int64_t deadline_ms,
                                    struct msp_error *error)
{
    struct msp_tenant *tenants = NULL;
    size_t count = 0;
    const enum msp_result result =
        msp_tenant_store_all(keeper->db, deadline_ms, &tenants, &count, error);
    if (result != MSP_OK)
        return result;
    bool changed = !is_published(keeper, tenants, count);
    if (!changed && !msp_tenant_cache_is_whole(keeper->child->shared->tenants, count)) {
        msp_log(MSP_LOG_ERROR, "The shared tenants were damaged; publishing them again", NULL);
        changed = true;
    }
    if (changed)
        publish(keeper, tenants, count);
    else
        free(tenants);
    return MSP_OK;
}

/* Tenants first: a key whose tenant is not there yet would open nothing. */
static void read_all(struct keeper *keeper)
{
    const struct msp_shared_map *shared = keeper->child->shared;
    const int64_t began_us = msp_clock_monotonic_us();
    const int64_t deadline_ms = msp_clock_monotonic_ms() + READ_TIMEOUT_MS;
    const bool was_ready = keeper->published && keeper->credentials.published;
    struct msp_error error;
    enum msp_result result = read_tenants(keeper, deadline_ms, &error);
    if (result == MSP_OK)
        result =
            credential_keeping_read(&keeper->credentials, keeper->db, shared, deadline_ms, &error);
    if (result == MSP_OK) {
        msp_credential_cache_note_read(shared->credentials, began_us);
        result = credential_keeping_note_uses(&keeper->credentials, keeper->db, shared->key_uses,
                                              deadline_ms, &error);
    }
    const int64_t now_ms = msp_clock_monotonic_ms();
    keeper->read_at_ms = now_ms + (result == MSP_OK ? READ_EVERY_MS : LOOK_EVERY_MS);
    keeper->read_apart_ms = now_ms + READ_APART_MS;
    if (result != MSP_OK)
        (void)dependency_note(&keeper->postgres_health, result, &error);
    if (!was_ready && keeper->published && keeper->credentials.published)
        msp_child_ready(keeper->child);
}

static bool postgres_is_well(const struct keeper *keeper)
{
    return *keeper->postgres_health.ok_since_us != 0;
}

struct heard {
    const struct msp_shared_map *shared;
    bool tenants; /* tenants or credentials changed */
};

static void hear(void *context, const char *channel, const char *payload)
{
    struct heard *heard = context;
    if (strcmp(channel, "msp_data") == 0)
        msp_answer_cache_raise(heard->shared->answers, strtoll(payload, NULL, 10));
    else
        heard->tenants = true;
}

/* Sleeps until something is due, a notification comes, or the process shall leave. */
static void wait_for_something(struct keeper *keeper)
{
    int64_t due_ms = keeper->look_at_ms;
    if (postgres_is_well(keeper) && keeper->read_at_ms < due_ms)
        due_ms = keeper->read_at_ms;
    const int64_t left_ms = due_ms - msp_clock_monotonic_ms();
    struct pollfd waited[] = {
        {.fd = keeper->child->stop_fd, .events = POLLIN},
        {.fd = keeper->listening ? msp_db_socket(keeper->listener) : -1, .events = POLLIN},
    };
    (void)poll(waited, 2, left_ms > 0 ? (int)left_ms : 0);
    if (waited[1].revents == 0)
        return;
    int count = 0;
    struct msp_error error;
    struct heard heard = {.shared = keeper->child->shared};
    if (msp_db_notifications(keeper->listener, hear, &heard, &count, &error) != MSP_OK) {
        keeper->listening = false;
        forget_answers(keeper);
    }
    if (heard.tenants || !keeper->listening)
        keeper->read_at_ms = keeper->read_apart_ms;
}

static int keep(struct keeper *keeper)
{
    struct msp_error error;
    while (!msp_child_should_stop(keeper->child, 0)) {
        enum msp_result result = follow_settings(keeper, &error);
        if (result == MSP_OK && msp_clock_monotonic_ms() >= keeper->look_at_ms)
            result = look(keeper, &error);
        if (result != MSP_OK) {
            msp_log(MSP_LOG_ERROR, "Cannot keep the tenants", "detail", error.detail, NULL);
            return result == MSP_INVALID ? MSP_EXIT_MISCONFIGURED : MSP_EXIT_RESTART;
        }
        if (postgres_is_well(keeper) && !keeper->listening)
            listen_again(keeper);
        if (postgres_is_well(keeper) && msp_clock_monotonic_ms() >= keeper->read_at_ms)
            read_all(keeper);
        wait_for_something(keeper);
    }
    return MSP_EXIT_DONE;
}

int msp_snapshot_keeper_main(const struct msp_child *child)
{
    struct msp_board_health *health = &child->shared->board->health;
    struct keeper keeper = {
        .child = child,
        .postgres_health = {"PostgreSQL", MSP_LOG_ERROR, &health->postgres_ok_since_us,
                            &health->postgres_failed_since_us},
        /* Nothing is refused for want of Redis. */
        .redis_health = {"Redis", MSP_LOG_WARNING, &health->redis_ok_since_us,
                         &health->redis_failed_since_us},
    };
    const int code = keep(&keeper);
    close_all(&keeper);
    free(keeper.tenants);
    credential_keeping_done(&keeper.credentials);
    return code;
}
