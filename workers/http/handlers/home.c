/* The page at "/": says what answers here and where to read on. It shows no figures. */
#include "handlers.h"

static const char page[] =
    "<!doctype html>\n"
    "<html lang=\"en\">\n"
    "<head>\n"
    "<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>MSP Analytics</title>\n"
    "</head>\n"
    "<body>\n"
    "<main>\n"
    "<h1>MSP Analytics</h1>\n"
    "<p>This server turns the tickets of a managed service provider's customers into daily "
    "figures: backlog, resolution and response times, service levels, satisfaction.</p>\n"
    "<ul>\n"
    "<li><a href=\"/healthz\">Health of this server</a></li>\n"
    "<li><a href=\"/openapi.json\">Every address, its parameters and answers (OpenAPI "
    "3.1)</a></li>\n"
    "<li><code>GET /v1/kpis/definitions</code> (with a token): every metric and what it "
    "means</li>\n"
    "<li>How to install, ask and operate it: <code>README.md</code> in the source</li>\n"
    "</ul>\n"
    "</main>\n"
    "</body>\n"
    "</html>\n";

int msp_handle_home(const struct msp_request *request, struct msp_response *response)
{
    (void)request;
    response->content_type = "text/html; charset=utf-8";
    msp_buffer_append(&response->body, page, sizeof page - 1);
    return 200;
}
