/* Stands in place of the page at "/" in the program bench_open: an answer that asks for nothing, of
 * as many bytes as the query says, as in "/?20000". Measured beside what an answer costs that must
 * be let through. */
#include "handlers/handlers.h"

#include <civetweb.h>
#include <stdlib.h>

#define LARGEST_BYTES 1000000

/* The linker asks for this name: see tests/CMakeLists.txt. */
int __wrap_msp_handle_dashboard(const struct msp_request *request, struct msp_response *response);

int __wrap_msp_handle_dashboard(const struct msp_request *request, struct msp_response *response)
{
    static const char body[LARGEST_BYTES];
    const char *wanted = mg_get_request_info(request->connection)->query_string;
    long bytes = wanted != NULL ? strtol(wanted, NULL, 10) : 0;
    if (bytes < 0 || bytes > LARGEST_BYTES)
        return 400;
    response->content_type = "application/json";
    msp_buffer_append(&response->body, body, (size_t)bytes);
    return 200;
}
