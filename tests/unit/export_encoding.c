/* Bodies stand one behind another, under one prefix and before one suffix, in either format. */
#include "export_encoding.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define HEAD                                                                                       \
    "\xEF\xBB\xBF"                                                                                 \
    "a,b\r\n"

static struct msp_export_encoder *make(enum msp_export_format format)
{
    struct msp_export_encoder *encoder = NULL;
    struct msp_error error;
    cr_assert(msp_export_encoder_new(format, HEAD, &encoder, &error) == MSP_OK);
    return encoder;
}

/* Appends a body of these rows to `file`; the text goes behind `text`. */
static void add_body(struct msp_export_encoder *encoder, const char *rows, struct msp_buffer *file,
                     struct msp_export_text *text)
{
    struct msp_export_text own;
    struct msp_error error;
    msp_export_body_begin(encoder);
    for (const char *at = rows; *at != '\0'; at++)
        msp_export_body_add(encoder, at, 1);
    cr_assert(msp_export_body_end(encoder, &own, &error) == MSP_OK);
    struct msp_buffer *body = msp_export_body(encoder);
    msp_buffer_append(file, body->data, body->length);
    msp_export_text_join(encoder, text, &own);
}

static void add_suffix(struct msp_export_encoder *encoder, const struct msp_export_text *text,
                       struct msp_buffer *file)
{
    char suffix[MSP_EXPORT_SUFFIX_BYTES];
    size_t size = msp_export_suffix(encoder, text, suffix);
    cr_assert(size == msp_export_suffix_bytes(encoder));
    msp_buffer_append(file, suffix, size);
}

static void join(enum msp_export_format format, const char *const *bodies, struct msp_buffer *file)
{
    struct msp_export_encoder *encoder = make(format);
    struct msp_export_text text = {0, 0};
    const struct msp_buffer *prefix = msp_export_prefix(encoder);
    msp_buffer_init(file, 0);
    msp_buffer_append(file, prefix->data, prefix->length);
    for (; *bodies != NULL; bodies++)
        add_body(encoder, *bodies, file, &text);
    add_suffix(encoder, &text, file);
    msp_export_encoder_free(encoder);
}

/* The text in a file of exactly one gzip member, which zlib checks by its CRC and length. */
static void unzip(const struct msp_buffer *file, char *out, size_t size)
{
    z_stream inflater = {.next_in = (Bytef *)file->data, .avail_in = (uInt)file->length};
    cr_assert(inflateInit2(&inflater, 15 + 16) == Z_OK);
    inflater.next_out = (Bytef *)out;
    inflater.avail_out = (uInt)size - 1;
    cr_assert(inflate(&inflater, Z_FINISH) == Z_STREAM_END);
    cr_assert(inflater.avail_in == 0);
    out[inflater.total_out] = '\0';
    inflateEnd(&inflater);
}

Test(export_encoding, plain_files_are_head_and_rows)
{
    struct msp_buffer file;
    join(MSP_EXPORT_CSV, (const char *const[]){"1,x\r\n", "", "2,y\r\n", NULL}, &file);
    cr_assert(file.length == strlen(HEAD "1,x\r\n2,y\r\n"));
    cr_assert(memcmp(file.data, HEAD "1,x\r\n2,y\r\n", file.length) == 0);
    msp_buffer_done(&file);
}

Test(export_encoding, compressed_bodies_join_to_one_member_of_the_whole_text)
{
    struct msp_buffer file;
    char text[256];
    join(MSP_EXPORT_CSV_GZ,
         (const char *const[]){"1,xxxxxxxxxxxxxx\r\n", "", "2,y\r\n", "1,xx\r\n", NULL}, &file);
    unzip(&file, text, sizeof text);
    cr_assert_str_eq(text, HEAD "1,xxxxxxxxxxxxxx\r\n2,y\r\n1,xx\r\n");
    msp_buffer_done(&file);
}

Test(export_encoding, a_compressed_file_may_hold_its_head_alone)
{
    struct msp_buffer file;
    char text[64];
    join(MSP_EXPORT_CSV_GZ, (const char *const[]){"", NULL}, &file);
    unzip(&file, text, sizeof text);
    cr_assert_str_eq(text, HEAD);
    msp_buffer_done(&file);
}

Test(export_encoding, equal_content_has_equal_bytes_and_names_no_time)
{
    struct msp_buffer first;
    struct msp_buffer second;
    const char *const bodies[] = {"1,x\r\n", "2,y\r\n", NULL};
    join(MSP_EXPORT_CSV_GZ, bodies, &first);
    join(MSP_EXPORT_CSV_GZ, bodies, &second);
    cr_assert(first.length == second.length);
    cr_assert(memcmp(first.data, second.data, first.length) == 0);
    cr_assert(memcmp(first.data, "\x1f\x8b\x08\0\0\0\0\0", 8) == 0);
    msp_buffer_done(&first);
    msp_buffer_done(&second);
}

Test(export_encoding, a_body_may_be_taken_piece_by_piece)
{
    struct msp_export_encoder *encoder = make(MSP_EXPORT_CSV_GZ);
    struct msp_export_text text;
    struct msp_error error;
    struct msp_buffer file;
    const size_t rows = 40000;
    char row[16];
    char *out = malloc(1 << 20);
    msp_buffer_init(&file, 0);
    msp_buffer_append(&file, msp_export_prefix(encoder)->data, msp_export_prefix(encoder)->length);
    msp_export_body_begin(encoder);
    struct msp_buffer *body = msp_export_body(encoder);
    for (size_t i = 0; i < rows; i++) {
        snprintf(row, sizeof row, "%05zu,row\r\n", i);
        msp_export_body_add(encoder, row, 11);
        msp_buffer_append(&file, body->data, body->length);
        body->length = 0;
    }
    cr_assert(msp_export_body_end(encoder, &text, &error) == MSP_OK);
    msp_buffer_append(&file, body->data, body->length);
    cr_assert(text.bytes == (int64_t)(11 * rows));
    add_suffix(encoder, &text, &file);
    unzip(&file, out, 1 << 20);
    cr_assert(strlen(out) == strlen(HEAD) + 11 * rows);
    cr_assert_str_eq(out + strlen(HEAD) + 11 * (rows - 1), "39999,row\r\n");
    msp_buffer_done(&file);
    msp_export_encoder_free(encoder);
    free(out);
}
