/* What a request's time went into: told to the caller in Server-Timing, and added to the figures of
 * its route on the status board. */
#ifndef MSP_HTTP_REQUEST_FIGURES_H
#define MSP_HTTP_REQUEST_FIGURES_H

#include "route.h"

enum msp_cache_use { MSP_CACHE_NOT_ASKED, MSP_CACHE_HIT, MSP_CACHE_MISS };

/* "hit", "miss" or NULL. */
const char *msp_cache_use_name(enum msp_cache_use use);

/*
 * Adds Server-Timing to an answer under /v1: the time so far, of it the wait for the database, and
 * whether shared memory had the answer. Not to a refusal and not to signing in: how long we looked
 * would tell whether what was named exists. The cache is asked with the caller's own tenant.
 */
void msp_request_tell_time(const struct msp_request *request, int status, int64_t database_us,
                           enum msp_cache_use cache, struct msp_response *response);

/* `route` is NULL for a request that found none. */
void msp_request_count(const struct msp_request *request, const struct msp_route *route, int status,
                       int64_t took_us);

#endif
