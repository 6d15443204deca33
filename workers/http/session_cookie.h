/*
 * The session cookie and where a request that carries it may come from. The cookie is the browser's
 * to send by itself, so everything here is about other sites not making use of that.
 */
#ifndef MSP_HTTP_SESSION_COOKIE_H
#define MSP_HTTP_SESSION_COOKIE_H

#include "response.h"

#include "msp/arena.h"

#include <stdbool.h>
#include <stdint.h>

/* Whether the browser speaks https with us: all but a loopback Host that no proxy passed on. */
bool msp_session_is_secure(const char *host, bool forwarded);

/*
 * The value of our cookie among those of a Cookie field (NULL = none): "__Host-msp_session" where
 * `secure`, so that no neighbour of our domain can have set it, else "msp_session". *out is NULL if
 * it is not there. MSP_INVALID if it is there twice, MSP_NO_MEMORY.
 */
enum msp_result msp_session_find(const char *cookies, bool secure, struct msp_arena *arena,
                                 const char **out, struct msp_error *error) MSP_MUST_CHECK;

/* Hands the browser a session, or takes it back. */
void msp_session_set(struct msp_response *response, bool secure, const char *token,
                     int64_t max_age_seconds);
void msp_session_clear(struct msp_response *response, bool secure);

/* Whether an Origin field (RFC 6454) names the site that Host does. */
bool msp_origin_is_ours(const char *origin, const char *host, bool secure);

#endif
