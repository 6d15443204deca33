/* Bounds and guards of every call. Knows no method, no body and no letter. */
#include "egress/egress_handle.h"

#include "egress/egress_address.h"
#include "msp/clock.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#define CONNECT_MS         5000L
#define LOW_SPEED_BYTES    100L /* a second */
#define LOW_SPEED_SECONDS  30L
#define SHORTEST_WAIT_MS   1L /* 0 would mean for ever */
#define KEEP_ALIVE_SECONDS 30L

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool is_ready;

static void make_ready(void)
{
    is_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

bool msp_egress_ready(void)
{
    return pthread_once(&once, make_ready) == 0 && is_ready;
}

/*
 * Sees the resolved address of each attempt, so that a name that leads elsewhere the second time,
 * or an address in a guise, is judged by where it leads.
 */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct egress_guard *guard = context;
    if (purpose != CURLSOCKTYPE_IPCXN ||
        (guard->public_only && !msp_egress_address_is_public(&address->addr))) {
        guard->refused_address = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static int look_around(void *context, curl_off_t to_receive, curl_off_t received,
                       curl_off_t to_send, curl_off_t sent)
{
    struct egress_guard *guard = context;
    (void)to_receive;
    (void)received;
    (void)to_send;
    (void)sent;
    guard->was_stopped = guard->should_stop != NULL && guard->should_stop(guard->context);
    return guard->was_stopped ? 1 : 0;
}

static bool set_bounds(CURL *handle, const struct egress_guard *guard)
{
    int64_t left_ms = guard->deadline_ms - msp_clock_monotonic_ms();
    long total_ms = left_ms < SHORTEST_WAIT_MS ? SHORTEST_WAIT_MS : (long)left_ms;
    return curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, total_ms) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                            total_ms < CONNECT_MS ? total_ms : CONNECT_MS) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, LOW_SPEED_BYTES) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, LOW_SPEED_SECONDS) == CURLE_OK;
}

/* The environment must not choose where a call goes: a proxy would resolve the name itself. */
static bool set_limits(CURL *handle, const char *protocols)
{
    return curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, protocols) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_REDIR_PROTOCOLS_STR, "https") == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_NOPROXY, "*") == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           /* A lookup cannot be ended from outside; who gave up on it must not wait for it. */
           curl_easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_PATH_AS_IS, 1L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) ==
               CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_TCP_KEEPIDLE, KEEP_ALIVE_SECONDS) == CURLE_OK;
}

static bool set_callbacks(CURL *handle, struct egress_guard *guard)
{
    return curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, guard->words) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_OPENSOCKETDATA, guard) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_XFERINFOFUNCTION, look_around) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_XFERINFODATA, guard) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_NOPROGRESS, 0L) == CURLE_OK;
}

bool msp_egress_guard_handle(CURL *handle, struct egress_guard *guard, const char *protocols)
{
    return set_bounds(handle, guard) && set_limits(handle, protocols) &&
           set_callbacks(handle, guard);
}

enum msp_result msp_egress_fail(const struct egress_guard *guard, CURLcode code, const char *host,
                                struct msp_error *error)
{
    if (guard->was_stopped) {
        return msp_fail(error, MSP_CANCELLED, "stopping", "The call to %s was stopped.", host);
    }
    if (guard->refused_address) {
        return msp_fail(error, MSP_FORBIDDEN, "egress_refused",
                        "The name %s leads to an address that is not public; if that is meant, "
                        "EGRESS_ALLOW must name it with +private behind it.",
                        host);
    }
    bool has_words = guard->words[0] != '\0' && !guard->is_terse;
    const char *words = has_words ? guard->words : curl_easy_strerror(code);
    if (code == CURLE_OUT_OF_MEMORY) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a call to %s.", host);
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        return msp_fail(error, MSP_TIMED_OUT, "egress_timed_out",
                        "The call to %s took too long: %s.", host, words);
    }
    return msp_fail(error, MSP_UNAVAILABLE, "egress_unreachable", "The call to %s failed: %s.",
                    host, words);
}
