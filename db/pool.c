/* Few connections for many threads. A thread waits its turn, but only so long: past it the caller
 * says 503. */
#include "msp/db.h"

#include "msp/clock.h"
#include "msp/status_board.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct msp_pool {
    pthread_mutex_t lock;
    pthread_cond_t freed;
    int size;
    int free_count;
    int64_t *in_use; /* of the status board, or unwatched */
    int64_t *refused;
    int64_t unwatched[2];
    struct msp_db **free; /* a stack: the connection used last is the warmest */
};

struct msp_pool *msp_pool_new(const struct msp_db_options *options, int size)
{
    struct msp_pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL)
        return NULL;
    pool->in_use = &pool->unwatched[0];
    pool->refused = &pool->unwatched[1];
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->freed, &attributes);
    pthread_condattr_destroy(&attributes);
    pool->free = calloc((size_t)size, sizeof(struct msp_db *));
    while (pool->free != NULL && pool->size < size) {
        struct msp_db *db = msp_db_new(options);
        if (db == NULL)
            break;
        pool->free[pool->size++] = db;
    }
    pool->free_count = pool->size;
    if (pool->size < size) {
        msp_pool_free(pool);
        return NULL;
    }
    return pool;
}

void msp_pool_free(struct msp_pool *pool)
{
    if (pool == NULL)
        return;
    for (int i = 0; pool->free != NULL && i < pool->free_count; i++)
        msp_db_free(pool->free[i]);
    free(pool->free);
    pthread_cond_destroy(&pool->freed);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

void msp_pool_watch(struct msp_pool *pool, int64_t *in_use, int64_t *refused)
{
    pool->in_use = in_use;
    pool->refused = refused;
}

enum msp_result msp_pool_take(struct msp_pool *pool, int wait_ms, struct msp_db **out,
                              struct msp_error *error)
{
    int64_t deadline_ms = msp_clock_monotonic_ms() + wait_ms;
    struct timespec until = {.tv_sec = deadline_ms / 1000,
                             .tv_nsec = (deadline_ms % 1000) * 1000000};
    pthread_mutex_lock(&pool->lock);
    int waited = 0;
    while (pool->free_count == 0 && waited != ETIMEDOUT)
        waited = pthread_cond_timedwait(&pool->freed, &pool->lock, &until);
    struct msp_db *db = pool->free_count > 0 ? pool->free[--pool->free_count] : NULL;
    msp_board_add(db != NULL ? pool->in_use : pool->refused, 1);
    pthread_mutex_unlock(&pool->lock);
    if (db == NULL)
        return msp_fail(error, MSP_BUSY, "database_busy",
                        "All database connections are in use. Try again in a moment.");
    *out = db;
    return MSP_OK;
}

void msp_pool_give(struct msp_pool *pool, struct msp_db *db)
{
    pthread_mutex_lock(&pool->lock);
    pool->free[pool->free_count++] = db;
    msp_board_add(pool->in_use, -1);
    pthread_cond_signal(&pool->freed);
    pthread_mutex_unlock(&pool->lock);
}
