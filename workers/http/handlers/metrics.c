/* GET /metrics: the figures of this node. Asks nobody. */
#include "handlers.h"

#include "../http_worker.h"
#include "../metrics_text.h"

int msp_handle_metrics(const struct msp_request *request, struct msp_response *response)
{
    msp_metrics_write(request->worker->child->shared, &response->body);
    response->content_type = MSP_METRICS_CONTENT_TYPE;
    return 200;
}
