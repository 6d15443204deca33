/* Puts a finished request into words. */
#include "access_log.h"

#include "http_worker.h"

#include "msp/clock.h"
#include "msp/log.h"

#include <inttypes.h>
#include <stdio.h>

static const char *caller_name(const struct msp_caller *caller)
{
    if (caller->credential == MSP_CREDENTIAL_SERVICE)
        return "service";
    return caller->credential != MSP_CREDENTIAL_NONE ? msp_role_name(caller->role) : NULL;
}

void msp_access_log(const struct msp_request *request, const struct msp_route *route, int status,
                    size_t bytes)
{
    bool quiet = route != NULL && route->credential == MSP_CREDENTIAL_NONE && !route->has_body &&
                 status < 400;
    if (quiet && request->settings->log_level > MSP_LOG_DEBUG)
        return;
    int64_t took_us = msp_clock_monotonic_us() - request->started_us;
    char status_text[8];
    char took[32];
    char size[24];
    (void)snprintf(status_text, sizeof status_text, "%d", status);
    (void)snprintf(took, sizeof took, "%" PRId64 ".%03d", took_us / 1000, (int)(took_us % 1000));
    (void)snprintf(size, sizeof size, "%zu", bytes);
    const char *tenant = request->caller.tenant.slug;
    msp_log(quiet ? MSP_LOG_DEBUG : MSP_LOG_INFO, "Request", "request_id", request->id, "tenant",
            tenant[0] != '\0' ? tenant : NULL, "role", caller_name(&request->caller), "method",
            request->method, "route", route != NULL ? route->path : "-", "status", status_text,
            "ms", took, "bytes", size, NULL);
}

void msp_access_log_refused(const char *request_id, int status, const char *code)
{
    char status_text[8];
    (void)snprintf(status_text, sizeof status_text, "%d", status);
    msp_log(MSP_LOG_INFO, "Request refused", "request_id", request_id, "status", status_text,
            "code", code, NULL);
}
