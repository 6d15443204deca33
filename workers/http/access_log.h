/* One line in the log a request. Names the route's pattern, never the query, a token or a body. */
#ifndef MSP_HTTP_ACCESS_LOG_H
#define MSP_HTTP_ACCESS_LOG_H

#include "request_figures.h"

/* `route` is NULL for a request that found none. Health checks that pass are worth a line at debug
 * only. */
struct msp_access {
    int status;
    size_t bytes;
    int64_t took_us;
    enum msp_cache_use cache;
};

void msp_access_log(const struct msp_request *request, const struct msp_route *route,
                    const struct msp_access *access);

/* For what never became a request. */
void msp_access_log_refused(const char *request_id, int status, const char *code);

#endif
