/* Times of requests, for callers and for the status board. Measures nothing itself. */
#include "request_figures.h"

#include "http_worker.h"

#include "msp/clock.h"

#include <assert.h>
#include <string.h>

static_assert((int)MSP_LIMIT_CLASSES <= MSP_BOARD_LIMIT_CLASSES, "the board has a row a class");

const char *msp_cache_use_name(enum msp_cache_use use)
{
    static const char *const names[] = {
        [MSP_CACHE_NOT_ASKED] = NULL, [MSP_CACHE_HIT] = "hit", [MSP_CACHE_MISS] = "miss"};
    return names[use];
}

static void append_ms(struct msp_buffer *out, const char *name, int64_t us)
{
    char thousandths[] = {'.', (char)('0' + us / 100 % 10), (char)('0' + us / 10 % 10),
                          (char)('0' + us % 10)};
    msp_buffer_append_text(out, name);
    msp_buffer_append_text(out, ";dur=");
    msp_buffer_append_int(out, us / 1000);
    msp_buffer_append(out, thousandths, sizeof thousandths);
}

void msp_request_tell_time(const struct msp_request *request, int status, int64_t database_us,
                           enum msp_cache_use cache, struct msp_response *response)
{
    struct msp_buffer *out = &response->headers;
    const struct msp_route *route = request->route;
    if (status >= 400 || route == NULL || route->credential == MSP_CREDENTIAL_NONE ||
        strncmp(request->path, "/v1/", 4) != 0)
        return;
    msp_buffer_append_text(out, "Server-Timing: ");
    append_ms(out, "total", msp_clock_monotonic_us() - request->started_us);
    if (database_us > 0)
        append_ms(out, ", db", database_us);
    if (cache != MSP_CACHE_NOT_ASKED) {
        msp_buffer_append_text(out, ", cache;desc=");
        msp_buffer_append_text(out, msp_cache_use_name(cache));
    }
    msp_buffer_append_text(out, "\r\n");
}

void msp_request_count(const struct msp_request *request, const struct msp_route *route, int status,
                       int64_t took_us)
{
    struct msp_board_http *http = &request->worker->child->shared->board->http;
    const size_t number = route != NULL ? (size_t)(route - msp_routes) : MSP_BOARD_ROUTES;
    msp_board_add_request(&http->routes[number < MSP_BOARD_ROUTES ? number : MSP_BOARD_ROUTES - 1],
                          status, took_us);
    if (status == 429 && route != NULL)
        msp_board_add(&http->limited[route->limit_class], 1);
}
