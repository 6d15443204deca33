/*
 * What a request needs while it is worked on, kept for the next one: thousands of connections
 * are open, but only a few requests run at a time.
 */
#ifndef MSP_HTTP_WORKSPACE_H
#define MSP_HTTP_WORKSPACE_H

#include "msp/arena.h"
#include "msp/buffer.h"
#include "msp/settings_cache.h"

#include "response.h"

#include <stddef.h>
#include <time.h>

/* The settings of one generation, shared by the workspaces that took it up; never changed. */
struct msp_settings_copy {
    struct msp_settings values;
    struct msp_rate_limits limits; /* RATE_LIMITS, read */
    uint64_t generation;
    size_t users; /* under the pool's lock */
};

struct msp_workspace {
    struct msp_arena *arena;
    struct msp_response response;
    struct msp_buffer out;              /* head and body on their way to the client */
    struct msp_settings_copy *settings; /* while taken */
    unsigned char random[512];          /* unused bytes of the last getrandom() */
    size_t random_left;
    time_t date_second; /* the second `date` was written for */
    char date[80];
    struct msp_workspace *next; /* in the pool */
};

struct msp_workspace_pool;

/* `cache` must outlive the pool. NULL when memory is short. */
struct msp_workspace_pool *
msp_workspace_pool_new(const struct msp_settings_cache *cache) MSP_MUST_CHECK;
void msp_workspace_pool_free(struct msp_workspace_pool *pool);

/* One with empty buffers and the settings in force; NULL when memory is short. Any thread. */
struct msp_workspace *msp_workspace_take(struct msp_workspace_pool *pool) MSP_MUST_CHECK;
void msp_workspace_give(struct msp_workspace_pool *pool, struct msp_workspace *workspace);

/* `size` random bytes (at most 64) as twice as many hex digits and a NUL. */
void msp_workspace_random_hex(struct msp_workspace *workspace, size_t size, char *out);

/* The Date of an answer made now (RFC 9110 section 5.6.7). */
const char *msp_workspace_date(struct msp_workspace *workspace);

#endif
