/* Filling an answer and putting its head into bytes. Sends nothing. */
#include "answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    int status;
    const char *phrase;
} phrases[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

/* The same for every answer: nothing here may be kept by a cache or guessed at by a browser. */
static const char common_fields[] = "Vary: Authorization, Cookie, X-API-Key\r\n"
                                    "X-Content-Type-Options: nosniff\r\n"
                                    "Cache-Control: ";

/* RFC 9213. A shared cache that was told to keep everything goes by this rather than by the other;
 * Cloudflare keeps *.csv by itself. */
static const char not_at_the_edge[] = "\r\nCDN-Cache-Control: no-store";

static const char *const connection_fields[] = {
    [MSP_ANSWER_CLOSE] = "\r\nConnection: close\r\n",
    [MSP_ANSWER_KEEP] = "\r\n",
    [MSP_ANSWER_KEEP_HTTP_1_0] = "\r\nConnection: keep-alive\r\n",
};

const char *msp_status_phrase(int status)
{
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "Unknown";
}

static size_t body_bytes(const struct msp_response *response)
{
    if (response->stream_bytes > 0)
        return (size_t)response->stream_bytes;
    return response->content_type != NULL ? response->body.length : 0;
}

void msp_answer_write_head(const struct msp_answer_head *head, const struct msp_response *response,
                           struct msp_buffer *out)
{
    msp_buffer_append_text(out, "HTTP/1.1 ");
    msp_buffer_append_int(out, head->status);
    msp_buffer_append_text(out, " ");
    msp_buffer_append_text(out, msp_status_phrase(head->status));
    msp_buffer_append_text(out, "\r\nDate: ");
    msp_buffer_append_text(out, head->date);
    if (response->content_type != NULL) {
        msp_buffer_append_text(out, "\r\nContent-Type: ");
        msp_buffer_append_text(out, response->content_type);
    }
    /* RFC 9110 section 8.6: neither of the two may say anything about a body. */
    if (head->status != 204 && head->status != 304) {
        msp_buffer_append_text(out, "\r\nContent-Length: ");
        msp_buffer_append_int(out, (int64_t)body_bytes(response));
    }
    msp_buffer_append_text(out, "\r\n");
    msp_buffer_append(out, common_fields, sizeof common_fields - 1);
    const char *cache_control =
        response->cache_control != NULL ? response->cache_control : "no-store";
    msp_buffer_append_text(out, cache_control);
    if (strncmp(cache_control, "public", 6) != 0)
        msp_buffer_append_text(out, not_at_the_edge);
    msp_buffer_append_text(out, "\r\nX-Request-Id: ");
    msp_buffer_append_text(out, head->request_id);
    msp_buffer_append_text(out, connection_fields[head->connection]);
    if (response->headers.length > 0)
        msp_buffer_append(out, response->headers.data, response->headers.length);
    msp_buffer_append_text(out, "\r\n");
}

void msp_response_header(struct msp_response *response, const char *name, const char *format, ...)
{
    char value[1024];
    va_list arguments;
    va_start(arguments, format);
    /* clang-analyzer 14 loses sight of va_start here.
     * NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    int length = vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    /* A line end in a field would let its text write the rest of our answer. */
    if (length < 0 || (size_t)length >= sizeof value || strpbrk(value, "\r\n") != NULL ||
        strpbrk(name, "\r\n: ") != NULL)
        abort();
    msp_buffer_printf(&response->headers, "%s: %s\r\n", name, value);
}
