/* GET /openapi.json: the description made when the worker began. It holds nobody's data. */
#include "handlers.h"

#include "../conditional.h"
#include "../http_worker.h"
#include "../openapi/openapi.h"

/* It changes with the program alone, so that five minutes are soon enough. */
#define MAY_BE_SHARED "public, max-age=300"

int msp_handle_openapi(const struct msp_request *request, struct msp_response *response)
{
    const struct msp_openapi *openapi = request->worker->openapi;
    response->cache_control = MAY_BE_SHARED;
    msp_response_header(response, "ETag", "%s", openapi->etag);
    if (msp_if_none_match(msp_request_header(request, "If-None-Match"), openapi->etag))
        return 304;
    response->content_type = "application/json";
    msp_buffer_append(&response->body, openapi->text.data, openapi->text.length);
    return 200;
}
