/* Packs an answer that was made: what has many days has many bytes that repeat. It knows nothing of
 * who asked. */
#include "gzip_body.h"

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

static const char magic[] = {'\x1f', '\x8b'};

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

void msp_gzip_body(struct msp_buffer *body, struct msp_arena *arena)
{
    if (body->failed || body->length < LEAST_BYTES || body->length > MOST_BYTES)
        return;
    size_t room = body->length / 2;
    unsigned char *packed = msp_arena_alloc(arena, room);
    size_t bytes = packed == NULL ? 0 : pack(body, packed, room);
    if (bytes == 0)
        return;
    msp_buffer_clear(body);
    msp_buffer_append(body, packed, bytes);
}

bool msp_body_is_gzip(const struct msp_buffer *body)
{
    return body->length >= sizeof magic && memcmp(body->data, magic, sizeof magic) == 0;
}
