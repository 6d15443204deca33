/* A stack of workspaces behind one short lock. Keeps few and small ones: a rare big answer must not
 * stay. */
#include "workspace.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* A request's own memory at first; most need less than one chunk. */
#define ARENA_CHUNK_BYTES 4096
/* Idle workspaces worth keeping, and the memory each may hold. */
#define KEPT_WORKSPACES   32
#define KEPT_ARENA_BYTES  65536
#define KEPT_BUFFER_BYTES 65536

struct msp_workspace_pool {
    const struct msp_settings_cache *cache;
    pthread_mutex_t lock;
    struct msp_workspace *idle;
    size_t idle_count;
    struct msp_settings_copy *newest; /* one of its users is the pool */
};

/* Under the lock. */
static void drop_settings(struct msp_settings_copy *copy)
{
    if (copy != NULL && --copy->users == 0)
        free(copy);
}

/* Under the lock; false when memory is short, with the older copy kept. */
static bool renew_settings(struct msp_workspace_pool *pool, uint64_t generation)
{
    if (pool->newest != NULL && pool->newest->generation == generation)
        return true;
    struct msp_settings_copy *copy = calloc(1, sizeof *copy);
    if (copy == NULL)
        return pool->newest != NULL;
    /* Read after its number: at worst newer than it says, and then read once more. */
    copy->generation = generation;
    msp_settings_cache_read(pool->cache, &copy->values);
    copy->limits = msp_rate_limits_default();
    struct msp_error error; /* what the cache holds has been checked */
    (void)!msp_rate_limits_parse(copy->values.rate_limits, &copy->limits, &error);
    copy->users = 1;
    drop_settings(pool->newest);
    pool->newest = copy;
    return true;
}

struct msp_workspace_pool *msp_workspace_pool_new(const struct msp_settings_cache *cache)
{
    struct msp_workspace_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return NULL;
    pool->cache = cache;
    (void)pthread_mutex_init(&pool->lock, NULL);
    if (!renew_settings(pool, msp_settings_cache_generation(cache))) {
        msp_workspace_pool_free(pool);
        return NULL;
    }
    return pool;
}

static void free_workspace(struct msp_workspace *workspace)
{
    if (workspace == NULL)
        return;
    msp_arena_free(workspace->arena);
    msp_buffer_done(&workspace->response.body);
    msp_buffer_done(&workspace->response.headers);
    msp_buffer_done(&workspace->out);
    free(workspace);
}

static struct msp_workspace *new_workspace(void)
{
    struct msp_workspace *workspace = calloc(1, sizeof *workspace);
    if (workspace == NULL)
        return NULL;
    workspace->arena = msp_arena_new(ARENA_CHUNK_BYTES);
    if (workspace->arena == NULL) {
        free_workspace(workspace);
        return NULL;
    }
    msp_buffer_init(&workspace->response.body, 0);
    msp_buffer_init(&workspace->response.headers, 0);
    msp_buffer_init(&workspace->out, 0);
    return workspace;
}

void msp_workspace_pool_free(struct msp_workspace_pool *pool)
{
    if (pool == NULL)
        return;
    while (pool->idle != NULL) {
        struct msp_workspace *workspace = pool->idle;
        pool->idle = workspace->next;
        free_workspace(workspace);
    }
    drop_settings(pool->newest);
    (void)pthread_mutex_destroy(&pool->lock);
    free(pool);
}

struct msp_workspace *msp_workspace_take(struct msp_workspace_pool *pool)
{
    uint64_t generation = msp_settings_cache_generation(pool->cache);
    (void)pthread_mutex_lock(&pool->lock);
    struct msp_workspace *workspace = pool->idle;
    if (workspace != NULL) {
        pool->idle = workspace->next;
        pool->idle_count--;
    }
    bool settings_ready = renew_settings(pool, generation);
    struct msp_settings_copy *settings = pool->newest;
    if (settings_ready)
        settings->users++;
    (void)pthread_mutex_unlock(&pool->lock);

    if (workspace == NULL && settings_ready)
        workspace = new_workspace();
    if (workspace == NULL) {
        (void)pthread_mutex_lock(&pool->lock);
        drop_settings(settings);
        (void)pthread_mutex_unlock(&pool->lock);
        return NULL;
    }
    workspace->settings = settings;
    return workspace;
}

static void shrink(struct msp_buffer *buffer)
{
    if (buffer->capacity > KEPT_BUFFER_BYTES)
        msp_buffer_done(buffer);
    else
        msp_buffer_clear(buffer);
}

void msp_workspace_give(struct msp_workspace_pool *pool, struct msp_workspace *workspace)
{
    struct msp_response *response = &workspace->response;
    msp_arena_reset(workspace->arena);
    bool keep = msp_arena_footprint_bytes(workspace->arena) <= KEPT_ARENA_BYTES;
    shrink(&response->body);
    shrink(&response->headers);
    shrink(&workspace->out);
    response->content_type = NULL;
    response->cache_control = NULL;
    response->close = false;
    response->stream_bytes = 0;
    response->next = NULL;
    response->after = NULL;

    (void)pthread_mutex_lock(&pool->lock);
    drop_settings(workspace->settings);
    workspace->settings = NULL;
    keep = keep && pool->idle_count < KEPT_WORKSPACES;
    if (keep) {
        workspace->next = pool->idle;
        pool->idle = workspace;
        pool->idle_count++;
    }
    (void)pthread_mutex_unlock(&pool->lock);
    if (!keep)
        free_workspace(workspace);
}

void msp_workspace_random_hex(struct msp_workspace *workspace, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";
    if (workspace->random_left < size) {
        /* Cannot fail: up to 256 bytes never do, and the pool is ready long before us. */
        for (size_t at = 0; at < sizeof workspace->random; at += 256)
            while (getrandom(workspace->random + at, 256, 0) != 256) {
            }
        workspace->random_left = sizeof workspace->random;
    }
    workspace->random_left -= size;
    const unsigned char *bytes = workspace->random + workspace->random_left;
    for (size_t i = 0; i < size; i++) {
        *out++ = digits[bytes[i] >> 4];
        *out++ = digits[bytes[i] & 15];
    }
    *out = '\0';
}

const char *msp_workspace_date(struct msp_workspace *workspace)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    time_t now = time(NULL);
    if (now == workspace->date_second)
        return workspace->date;
    struct tm utc;
    (void)gmtime_r(&now, &utc);
    (void)snprintf(workspace->date, sizeof workspace->date, "%s, %02d %s %d %02d:%02d:%02d GMT",
                   days[utc.tm_wday], utc.tm_mday, months[utc.tm_mon], utc.tm_year + 1900,
                   utc.tm_hour, utc.tm_min, utc.tm_sec);
    workspace->date_second = now;
    return workspace->date;
}
