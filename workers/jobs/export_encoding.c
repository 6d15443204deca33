/*
 * CSV as it is, or in gzip (RFC 1952) as one member: every body is a run of deflate blocks (RFC
 * 1951) that ends on a byte and refers to nothing before it, so that bodies can stand one behind
 * another. The header names no time and no file: equal content has equal bytes.
 */
#include "export_encoding.h"

#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST /* what is read is const */
#include <zlib.h>

#define GZIP_HEAD       "\x1f\x8b\x08\0\0\0\0\0\0\xff"
#define GZIP_HEAD_BYTES 10
#define LAST_BLOCK      0x0003 /* an empty block, marked as the last */
#define RAW_DEFLATE     (-15)  /* no wrapper, 32 KiB window */
#define MEMORY_LEVEL    8
#define ROOM_BYTES      (16U << 10)
/* Of 26 MB of invented tickets, cut into days, makes 4.4 MB in 0.48 s; 6 makes 4.3 in 0.58, 2 makes
 * 5.2 in 0.22. */
#define LEVEL 5

struct msp_export_encoder {
    enum msp_export_format format;
    struct msp_buffer prefix;
    struct msp_buffer body;
    struct msp_export_text head; /* of the prefix */
    struct msp_export_text text; /* of the body under way */
    z_stream deflater;
    bool deflating; /* `deflater` is set up */
};

static void compress_rows(struct msp_export_encoder *encoder, const char *rows, size_t size,
                          int flush)
{
    z_stream *deflater = &encoder->deflater;
    deflater->next_in = (const Bytef *)rows;
    deflater->avail_in = (uInt)size;
    do {
        char *room = msp_buffer_reserve(&encoder->body, ROOM_BYTES);
        if (room == NULL) {
            return;
        }
        size_t left = encoder->body.capacity - encoder->body.length;
        deflater->next_out = (Bytef *)room;
        deflater->avail_out = left < UINT32_MAX ? (uInt)left : UINT32_MAX;
        uInt offered = deflater->avail_out;
        (void)deflate(deflater, flush);
        encoder->body.length += offered - deflater->avail_out;
    } while (deflater->avail_out == 0);
}

void msp_export_body_begin(struct msp_export_encoder *encoder)
{
    msp_buffer_clear(&encoder->body);
    encoder->text = (struct msp_export_text){0, 0};
    if (encoder->deflating) {
        (void)deflateReset(&encoder->deflater);
    }
}

void msp_export_body_add(struct msp_export_encoder *encoder, const char *rows, size_t size)
{
    if (!encoder->deflating) {
        msp_buffer_append(&encoder->body, rows, size);
        return;
    }
    encoder->text.crc = (uint32_t)crc32_z(encoder->text.crc, (const Bytef *)rows, size);
    encoder->text.bytes += (int64_t)size;
    compress_rows(encoder, rows, size, Z_NO_FLUSH);
}

enum msp_result msp_export_body_end(struct msp_export_encoder *encoder,
                                    struct msp_export_text *out_text, struct msp_error *error)
{
    if (encoder->deflating && encoder->text.bytes > 0) {
        compress_rows(encoder, "", 0, Z_FULL_FLUSH);
    }
    if (encoder->body.failed) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to write an export.");
    }
    *out_text = encoder->text;
    return MSP_OK;
}

const struct msp_buffer *msp_export_prefix(const struct msp_export_encoder *encoder)
{
    return &encoder->prefix;
}

struct msp_buffer *msp_export_body(struct msp_export_encoder *encoder)
{
    return &encoder->body;
}

void msp_export_text_join(const struct msp_export_encoder *encoder, struct msp_export_text *text,
                          const struct msp_export_text *behind)
{
    if (encoder->deflating) {
        text->crc = (uint32_t)crc32_combine(text->crc, behind->crc, (z_off_t)behind->bytes);
        text->bytes += behind->bytes;
    }
}

static void put_u32(char *out, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        out[i] = (char)(value >> (8 * i));
    }
}

size_t msp_export_suffix_bytes(const struct msp_export_encoder *encoder)
{
    return encoder->deflating ? MSP_EXPORT_SUFFIX_BYTES : 0;
}

size_t msp_export_suffix(const struct msp_export_encoder *encoder,
                         const struct msp_export_text *text, char out[MSP_EXPORT_SUFFIX_BYTES])
{
    if (encoder->deflating) {
        struct msp_export_text whole = encoder->head;
        msp_export_text_join(encoder, &whole, text);
        put_u32(out, LAST_BLOCK);
        put_u32(out + 2, whole.crc);
        put_u32(out + 6, (uint32_t)whole.bytes); /* modulo 2^32, as the RFC has it */
    }
    return msp_export_suffix_bytes(encoder);
}

static enum msp_result make_prefix(struct msp_export_encoder *encoder, const char *head,
                                   struct msp_error *error)
{
    if (encoder->deflating) {
        msp_buffer_append(&encoder->prefix, GZIP_HEAD, GZIP_HEAD_BYTES);
    }
    msp_export_body_begin(encoder);
    msp_export_body_add(encoder, head, strlen(head));
    enum msp_result result = msp_export_body_end(encoder, &encoder->head, error);
    if (result == MSP_OK) {
        msp_buffer_append(&encoder->prefix, encoder->body.data, encoder->body.length);
    }
    return encoder->prefix.failed
               ? msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to write an export.")
               : result;
}

enum msp_result msp_export_encoder_new(enum msp_export_format format, const char *head,
                                       struct msp_export_encoder **out, struct msp_error *error)
{
    struct msp_export_encoder *encoder = calloc(1, sizeof *encoder);
    if (encoder == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to write an export.");
    }
    encoder->format = format;
    msp_buffer_init(&encoder->prefix, 0);
    msp_buffer_init(&encoder->body, 0);
    if (format == MSP_EXPORT_CSV_GZ) {
        encoder->deflating = deflateInit2(&encoder->deflater, LEVEL, Z_DEFLATED, RAW_DEFLATE,
                                          MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK;
    }
    enum msp_result result =
        encoder->deflating || format == MSP_EXPORT_CSV
            ? make_prefix(encoder, head, error)
            : msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to compress an export.");
    if (result != MSP_OK) {
        msp_export_encoder_free(encoder);
        return result;
    }
    *out = encoder;
    return MSP_OK;
}

void msp_export_encoder_free(struct msp_export_encoder *encoder)
{
    if (encoder == NULL) {
        return;
    }
    if (encoder->deflating) {
        (void)deflateEnd(&encoder->deflater);
    }
    msp_buffer_done(&encoder->prefix);
    msp_buffer_done(&encoder->body);
    free(encoder);
}
