/*
 * What a request must know about tenants without asking the database, in
 * shared memory. One writer, the snapshot keeper; any number of readers, which
 * never wait: two halves and a generation, a reader copies what it needs and checks
 * that the generation did not move past its half meanwhile. No pointers, no locks.
 */
#ifndef MSP_TENANT_CACHE_H
#define MSP_TENANT_CACHE_H

#include "msp/rate_limits.h"
#include "msp/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MSP_TENANT_SLUG_BYTES     64 /* 63 characters and a NUL */
#define MSP_TENANT_NAME_BYTES     200
#define MSP_TENANT_TIMEZONE_BYTES 64
#define MSP_TENANT_SOURCE_BYTES   32
#define MSP_TENANT_CACHE_TENANTS  16384 /* memory is touched only as far as it is used */

struct msp_tenant {
    int64_t id; /* the database key; never leaves the server */
    char slug[MSP_TENANT_SLUG_BYTES];
    char name[MSP_TENANT_NAME_BYTES];
    char timezone[MSP_TENANT_TIMEZONE_BYTES]; /* IANA name */
    char source[MSP_TENANT_SOURCE_BYTES];     /* "" = tickets are pushed; "mock", … = pulled */
    char limits[MSP_RATE_LIMITS_TEXT_BYTES];  /* over those of RATE_LIMITS; "" = none of its own */
    bool active;
};

struct msp_tenant_cache; /* lives in the shared map */

size_t msp_tenant_cache_bytes(void);

/* Makes an empty cache in `memory` (msp_tenant_cache_bytes of zeroes). The master, before the first
 * fork. */
struct msp_tenant_cache *msp_tenant_cache_init(void *memory);

/*
 * Replaces the content: fills the spare half, then flips. `tenants` are sorted here; slugs
 * must be unique. MSP_TOO_LARGE past MSP_TENANT_CACHE_TENANTS, with the old content kept.
 * Only the snapshot keeper calls this.
 */
enum msp_result msp_tenant_cache_publish(struct msp_tenant_cache *cache,
                                         const struct msp_tenant *tenants, size_t count,
                                         struct msp_error *error) MSP_MUST_CHECK;

/* Copies the tenant of that slug; false if there is none (or nothing was published yet). */
bool msp_tenant_cache_find(const struct msp_tenant_cache *cache, const char *slug,
                           struct msp_tenant *out) MSP_MUST_CHECK;

/*
 * Copies the tenant at `position` in slug order for paging through all of them; false at the end.
 * A flip between two calls may skip or repeat one.
 */
bool msp_tenant_cache_at(const struct msp_tenant_cache *cache, size_t position,
                         struct msp_tenant *out) MSP_MUST_CHECK;

/* Raised by one at each publish; 0 = nothing published yet, or the number was damaged. */
uint64_t msp_tenant_cache_generation(const struct msp_tenant_cache *cache);

/* Whether all of the `count` tenants published last are as they were written; the keeper publishes
 * again if not. */
bool msp_tenant_cache_is_whole(const struct msp_tenant_cache *cache, size_t count);

#endif
