/*
 * The strict check of a request's head, before anything else looks at it. CivetWeb's parser passes
 * on what other servers read differently (hidden lines, doubled lengths, odd spacing), which is
 * how requests are smuggled past a proxy; here only one reading is left. Pure: no connection, no
 * clock.
 */
#ifndef MSP_HTTP_REQUEST_CHECK_H
#define MSP_HTTP_REQUEST_CHECK_H

#include "msp/result.h"

#include <civetweb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the head says, each field at most once. Texts lie in CivetWeb's buffer. NULL = not sent. */
struct msp_request_head {
    size_t length;          /* of the head itself, its empty line included */
    int64_t content_length; /* -1 = chunked, 0 = no body */
    const char *host;
    const char *content_type;
    const char *authorization;
    const char *api_key; /* X-API-Key */
    const char *cookie;
    const char *origin;
    const char *prefer;
    bool expects_continue;
    bool forwarded;  /* a proxy left its mark: CF-*, X-Forwarded-*, Forwarded */
    bool keep_alive; /* the client wants the connection to stay open, as CivetWeb reads it too */
};

/*
 * `buffer` and `size` are CivetWeb's head buffer, which `info` must point into from its first byte
 * on. Returns 0 and fills *out, or the HTTP status to refuse with (400, 417, 431) and `error` with
 * code and detail; the connection must be closed then.
 */
int msp_request_check(const struct mg_request_info *info, const char *buffer, size_t size,
                      struct msp_request_head *out, struct msp_error *error) MSP_MUST_CHECK;

#endif
