/* Reading a request that the router has filled in. Decides nothing. */
#include "request.h"

#include "msp/clock.h"

#include <civetweb.h>
#include <string.h>
#include <strings.h>

/* Proxies give up waiting for an answer at about 100 s; a job goes on without its asker. */
#define LONGEST_WAIT_SECONDS 60

int64_t msp_request_db_deadline_ms(const struct msp_request *request)
{
    return msp_clock_monotonic_ms() +
           (int64_t)request->settings->db_statement_timeout_seconds * 1000;
}

const char *msp_request_query(const struct msp_request *request, const char *name)
{
    for (size_t i = 0; i < request->query_count; i++)
        if (strcmp(request->query[i].name, name) == 0)
            return request->query[i].value;
    return NULL;
}

const char *msp_request_header(const struct msp_request *request, const char *name)
{
    return mg_get_header(request->connection, name);
}

/* RFC 7240: preferences are separated by commas, their parameters by semicolons. */
int msp_request_prefer_wait_seconds(const struct msp_request *request)
{
    static const char wait[] = "wait";
    const char *at = request->prefer;
    while (at != NULL && *at != '\0') {
        at += strspn(at, " \t,;");
        size_t length = strcspn(at, ",;");
        if (length > sizeof wait - 1 && strncasecmp(at, wait, sizeof wait - 1) == 0) {
            const char *value = at + sizeof wait - 1;
            value += strspn(value, " \t");
            if (*value == '=') {
                value += 1 + strspn(value + 1, " \t\"");
                int seconds = 0;
                while (*value >= '0' && *value <= '9' && seconds <= LONGEST_WAIT_SECONDS)
                    seconds = seconds * 10 + (*value++ - '0');
                return seconds < LONGEST_WAIT_SECONDS ? seconds : LONGEST_WAIT_SECONDS;
            }
        }
        at += length;
    }
    return 0;
}
