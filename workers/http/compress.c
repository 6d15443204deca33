/* Compresses an answer that was made. What has many days has many bytes that repeat. */
#include "compress.h"

#include "conditional.h"

#include <string.h>
#include <zlib.h>

/* A year of days is 250 kB, a month 20. Below, the wire is not what one waits for. */
#define LEAST_BYTES 16384

/* Larger ones are for programs on short ways; nobody else should wait while they are packed. */
#define MOST_BYTES 4194304

/* A year's 250 kB become 49 in 1.7 ms; level 6 makes 30 of them in 4.3 ms. */
#define LEVEL 1

/* The largest window, in gzip's format. */
#define GZIP_WINDOW  (15 + 16)
#define MEMORY_LEVEL 8

static bool is_worth_it(const struct msp_response *response)
{
    return response->content_type != NULL && response->next == NULL && !response->body.failed &&
           strcmp(response->content_type, "application/json") == 0 &&
           response->body.length >= LEAST_BYTES && response->body.length <= MOST_BYTES;
}

/* The bytes of it in `out`, 0 if they do not fit. */
static size_t pack(const struct msp_buffer *body, unsigned char *out, size_t size)
{
    z_stream stream = {.next_in = (unsigned char *)body->data,
                       .avail_in = (uInt)body->length,
                       .next_out = out,
                       .avail_out = (uInt)size};
    if (deflateInit2(&stream, LEVEL, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return 0;
    bool whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
    (void)deflateEnd(&stream);
    return whole ? size - stream.avail_out : 0;
}

void msp_response_compress(const struct msp_request *request, struct msp_response *response)
{
    if (!is_worth_it(response))
        return;
    /* A cache between us has to keep both apart, whichever this one is. */
    msp_response_header(response, "Vary", "Accept-Encoding");
    if (!msp_accepts_gzip(msp_request_header(request, "Accept-Encoding")))
        return;
    size_t room = response->body.length / 2;
    unsigned char *packed = msp_arena_alloc(request->arena, room);
    size_t bytes = packed == NULL ? 0 : pack(&response->body, packed, room);
    if (bytes == 0)
        return;
    msp_buffer_clear(&response->body);
    msp_buffer_append(&response->body, packed, bytes);
    msp_response_header(response, "Content-Encoding", "gzip");
}
