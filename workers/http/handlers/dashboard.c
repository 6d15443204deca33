/* The dashboard's page and its files, which hold nobody's data: what it shows it asks of /v1/. */
#include "handlers.h"

#include "../conditional.h"
#include "../dashboard_files.h"

#include <string.h>

/* A file's name changes with its content; a year is the longest that RFC 9111's readers honour. */
#define FOREVER "public, max-age=31536000, immutable"

/* The page names those files, so that every visit asks whether it is still the same. */
#define ASK_EACH_TIME "no-cache"

/* Nothing is loaded from elsewhere, nothing stands inline, nobody frames us. */
#define PAGE_POLICY                                                                                \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src "        \
    "'self'; "                                                                                     \
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "                                \
    "require-trusted-types-for 'script'; trusted-types 'none'"

static const struct msp_dashboard_file *find_file(const char *name)
{
    for (size_t i = 0; i < msp_dashboard_file_count; i++) {
        if (strcmp(msp_dashboard_files[i].name, name) == 0)
            return &msp_dashboard_files[i];
    }
    return NULL;
}

static int answer_file(const struct msp_request *request, struct msp_response *response,
                       const struct msp_dashboard_file *file, const char *cache_control)
{
    bool gzip = msp_accepts_gzip(msp_request_header(request, "Accept-Encoding"));
    const char *etag = gzip ? file->gzip_etag : file->etag;

    response->cache_control = cache_control;
    msp_response_header(response, "ETag", "%s", etag);
    msp_response_header(response, "Vary", "Accept-Encoding");
    if (msp_if_none_match(msp_request_header(request, "If-None-Match"), etag))
        return 304;
    response->content_type = file->content_type;
    if (gzip) {
        msp_response_header(response, "Content-Encoding", "gzip");
        msp_buffer_append(&response->body, file->gzip, file->gzip_bytes);
    } else {
        msp_buffer_append(&response->body, file->plain, file->plain_bytes);
    }
    return 200;
}

int msp_handle_dashboard(const struct msp_request *request, struct msp_response *response)
{
    msp_response_header(response, "Content-Security-Policy", "%s", PAGE_POLICY);
    msp_response_header(response, "Referrer-Policy", "same-origin");
    msp_response_header(response, "Cross-Origin-Opener-Policy", "same-origin");
    msp_response_header(response, "Permissions-Policy",
                        "camera=(), geolocation=(), microphone=(), payment=()");
    return answer_file(request, response, find_file(""), ASK_EACH_TIME);
}

int msp_handle_dashboard_file(const struct msp_request *request, struct msp_response *response)
{
    const struct msp_dashboard_file *file = find_file(request->path_parameters[0]);

    if (file == NULL || *file->name == '\0')
        return msp_problem(request, response, 404, "not_found",
                           "No such file; reload the page, a newer version may be serving it.",
                           NULL);
    return answer_file(request, response, file, FOREVER);
}
