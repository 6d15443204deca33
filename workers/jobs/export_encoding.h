/*
 * How an exported file is put together: the same prefix in every file of a dataset, a body a day,
 * and a suffix. Bodies may be joined under one prefix, which is how latest.csv is made of
 * partitions without encoding a row twice. Knows no files.
 */
#ifndef MSP_EXPORT_ENCODING_H
#define MSP_EXPORT_ENCODING_H

#include "msp/buffer.h"
#include "msp/export_store.h"

#define MSP_EXPORT_SUFFIX_BYTES 10

/* What a text is checked by: gzip ends with both. All 0 where nothing checks them. */
struct msp_export_text {
    int64_t bytes;
    uint32_t crc;
};

struct msp_export_encoder;

/* `head` is the text that every file begins with. */
enum msp_result msp_export_encoder_new(enum msp_export_format format, const char *head,
                                       struct msp_export_encoder **out,
                                       struct msp_error *error) MSP_MUST_CHECK;
void msp_export_encoder_free(struct msp_export_encoder *encoder);

const struct msp_buffer *msp_export_prefix(const struct msp_export_encoder *encoder);

/* The body begun last, as far as it was not taken: the caller may empty it at any time. */
struct msp_buffer *msp_export_body(struct msp_export_encoder *encoder);

void msp_export_body_begin(struct msp_export_encoder *encoder);
void msp_export_body_add(struct msp_export_encoder *encoder, const char *rows, size_t size);
/* MSP_NO_MEMORY if an addition failed. */
enum msp_result msp_export_body_end(struct msp_export_encoder *encoder,
                                    struct msp_export_text *out_text,
                                    struct msp_error *error) MSP_MUST_CHECK;

/* The suffix of a file whose bodies hold these texts together, in order; returns its size. */
size_t msp_export_suffix(const struct msp_export_encoder *encoder,
                         const struct msp_export_text *text, char out[MSP_EXPORT_SUFFIX_BYTES]);
size_t msp_export_suffix_bytes(const struct msp_export_encoder *encoder);

/* The text of both, `behind` coming after `text`. */
void msp_export_text_join(const struct msp_export_encoder *encoder, struct msp_export_text *text,
                          const struct msp_export_text *behind);

#endif
