/* What a call by HTTP and a letter by SMTP have in common: the bounds and the guard at the socket.
 */
#ifndef MSP_EGRESS_HANDLE_H
#define MSP_EGRESS_HANDLE_H

#include "egress/egress.h"

#include <curl/curl.h>

struct msp_egress {
    CURL *kept[MSP_EGRESS_OWNERS]; /* with their connections; NULL until there is one */
    char *allow;
    char trace[MSP_TRACE_ID_BYTES]; /* "" = none */
};

/* What libcurl's callbacks know of the call under way. */
struct egress_guard {
    bool public_only;
    bool is_terse; /* a caller is told neither addresses nor times of what he named */
    bool refused_address;
    bool was_stopped;
    int64_t deadline_ms;
    bool (*should_stop)(void *context);
    void *context;
    char words[CURL_ERROR_SIZE]; /* libcurl's own, of a failure */
};

/*
 * Sets what holds for every call: protocols, no proxy, no redirect, no netrc, deadlines, the guard.
 * False if libcurl did not take a setting; then the call must not be made.
 */
bool msp_egress_guard_handle(CURL *handle, struct egress_guard *guard, const char *protocols);

/* The failure of a call to `host` as a result of ours. */
enum msp_result msp_egress_fail(const struct egress_guard *guard, CURLcode code, const char *host,
                                struct msp_error *error);

/* libcurl's global part, once a process; false if it cannot be had. */
bool msp_egress_ready(void);

#endif
