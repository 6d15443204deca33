/* Puts a finished request into words. */
#include "access_log.h"

#include "http_worker.h"
#include "trace_context.h"

#include "msp/clock.h"
#include "msp/log.h"

#include <stdint.h>
#include <stdio.h>

static const char *caller_name(const struct msp_caller *caller)
{
    if (caller->credential == MSP_CREDENTIAL_SERVICE)
        return "service";
    return caller->credential != MSP_CREDENTIAL_NONE ? msp_role_name(caller->role) : NULL;
}

/* Enough for a number of 64 bits, a point and a NUL. */
#define NUMBER_BYTES 24

/* Writes it backwards from the end of `out`, with a point before the last `decimals` digits;
 * returns where it begins. */
static const char *write_number(uint64_t number, int decimals, char out[NUMBER_BYTES])
{
    char *at = out + NUMBER_BYTES - 1;
    *at = '\0';
    for (int digit = 1; number > 0 || digit <= decimals + 1; digit++) {
        *--at = (char)('0' + number % 10);
        number /= 10;
        if (digit == decimals)
            *--at = '.';
    }
    return at;
}

void msp_access_log(const struct msp_request *request, const struct msp_route *route,
                    const struct msp_access *access)
{
    bool quiet = route != NULL && route->credential == MSP_CREDENTIAL_NONE && !route->has_body &&
                 access->status < 400;
    if (quiet && request->settings->log_level > MSP_LOG_DEBUG)
        return;
    char status_text[NUMBER_BYTES];
    char took[NUMBER_BYTES];
    char size[NUMBER_BYTES];
    char trace[MSP_TRACE_ID_BYTES];
    bool traced = msp_trace_id_read(msp_request_header(request, "traceparent"), trace);
    const char *tenant = request->caller.tenant.slug;
    msp_log(quiet ? MSP_LOG_DEBUG : MSP_LOG_INFO, "Request", "request_id", request->id, "tenant",
            tenant[0] != '\0' ? tenant : NULL, "role", caller_name(&request->caller), "method",
            request->method, "route", route != NULL ? route->path : "-", "status",
            write_number((uint64_t)access->status, 0, status_text), "ms",
            write_number((uint64_t)access->took_us, 3, took), "bytes",
            write_number(access->bytes, 0, size), "cache", msp_cache_use_name(access->cache),
            "trace", traced ? trace : NULL, NULL);
}

void msp_access_log_refused(const char *request_id, int status, const char *code)
{
    char status_text[8];
    (void)snprintf(status_text, sizeof status_text, "%d", status);
    msp_log(MSP_LOG_INFO, "Request refused", "request_id", request_id, "status", status_text,
            "code", code, NULL);
}
