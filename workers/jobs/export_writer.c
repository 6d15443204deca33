/*
 * A partition is held in memory until its sum tells whether it changed; one too large for that goes
 * to the storage as it comes and is dropped there if it did not. The latest file is begun at the
 * first change: what stands before it is read from the one that is there.
 */
#include "export_writer.h"

#include "export_encoding.h"
#include "export_names.h"
#include "msp/csv.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PART_MEMORY_BYTES (4U << 20)
#define SHA256_BYTES      32

/* One file that is being made. */
struct making {
    struct msp_storage_file *file; /* NULL while nothing of it has been written */
    EVP_MD_CTX *sum;
    int64_t bytes;
    int64_t rows;
    struct msp_export_text text;
};

/* Bytes of the latest file that is there, to be taken over as they are. */
struct run_of_bytes {
    int64_t from;
    int64_t length;
};

struct msp_export_writer {
    struct msp_export_writer_options options;
    struct msp_export_encoder *encoder;
    EVP_MD *algorithm;
    struct making part;
    struct making latest;
    struct run_of_bytes kept;
    int32_t day; /* of the part */
    struct msp_error *error;
};

int64_t msp_export_prefix_bytes(const struct msp_export_writer *writer)
{
    return (int64_t)msp_export_prefix(writer->encoder)->length;
}

int64_t msp_export_frame_bytes(const struct msp_export_writer *writer)
{
    return msp_export_prefix_bytes(writer) + (int64_t)msp_export_suffix_bytes(writer->encoder);
}

static enum msp_result sum_failed(struct msp_error *error)
{
    return msp_fail(error, MSP_BROKEN, "export_failed", "Cannot compute SHA-256.");
}

/* ---- one file ---- */

static enum msp_result add_to_sum(struct making *making, const void *bytes, size_t size,
                                  struct msp_error *error)
{
    making->bytes += (int64_t)size;
    return size == 0 || EVP_DigestUpdate(making->sum, bytes, size) == 1 ? MSP_OK
                                                                        : sum_failed(error);
}

static enum msp_result begin_sum(struct msp_export_writer *writer, struct making *making,
                                 struct msp_error *error)
{
    const struct msp_buffer *prefix = msp_export_prefix(writer->encoder);
    making->file = NULL;
    making->bytes = 0;
    making->rows = 0;
    making->text = (struct msp_export_text){0, 0};
    if (EVP_DigestInit_ex(making->sum, writer->algorithm, NULL) != 1) {
        return sum_failed(error);
    }
    return add_to_sum(making, prefix->data, prefix->length, error);
}

static enum msp_result begin_file(struct msp_export_writer *writer, struct making *making,
                                  int32_t day, struct msp_error *error)
{
    const struct msp_export_writer_options *options = &writer->options;
    const struct msp_buffer *prefix = msp_export_prefix(writer->encoder);
    char name[MSP_EXPORT_NAME_BYTES];
    msp_export_file_name(day, options->format, name);
    enum msp_result result =
        options->storage->file_begin(options->stage, name, &making->file, error);
    return result == MSP_OK
               ? options->storage->file_write(making->file, prefix->data, prefix->length, error)
               : result;
}

static enum msp_result write_bytes(struct msp_export_writer *writer, struct making *making,
                                   const void *bytes, size_t size, struct msp_error *error)
{
    return size == 0 ? MSP_OK
                     : writer->options.storage->file_write(making->file, bytes, size, error);
}

static void drop_file(struct msp_export_writer *writer, struct making *making)
{
    writer->options.storage->file_drop(making->file);
    making->file = NULL;
}

static enum msp_result end_file(struct msp_export_writer *writer, struct making *making,
                                struct msp_error *error)
{
    struct msp_storage_file *file = making->file;
    making->file = NULL;
    return writer->options.storage->file_end(file, error);
}

/* Describes a file whose last byte is in its sum. */
static enum msp_result describe(const struct msp_export_writer *writer, struct making *making,
                                int32_t day, struct msp_export_file *out, struct msp_error *error)
{
    const struct msp_export_writer_options *options = &writer->options;
    unsigned char digest[SHA256_BYTES];
    if (EVP_DigestFinal_ex(making->sum, digest, NULL) != 1) {
        return sum_failed(error);
    }
    char name[MSP_EXPORT_NAME_BYTES];
    msp_export_file_name(day, options->format, name);
    *out = (struct msp_export_file){
        .dataset = options->dataset,
        .format = options->format,
        .columns = msp_export_columns(options->dataset),
        .day = day,
        .location = msp_arena_printf(options->run->arena, "%s/%s", options->prefix, name),
        .rows = making->rows,
        .bytes = making->bytes,
        .text_bytes = making->text.bytes,
        .text_crc = making->text.crc,
    };
    for (int i = 0; i < SHA256_BYTES; i++) {
        (void)snprintf(out->sha256 + 2L * i, 3, "%02x", digest[i]);
    }
    return out->location != NULL
               ? MSP_OK
               : msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a file's name.");
}

static bool is_same(const struct msp_export_before *before, const struct msp_export_file *now)
{
    return before->intact && before->file != NULL && before->file->bytes == now->bytes &&
           strcmp(before->file->sha256, now->sha256) == 0;
}

/* ---- the latest file ---- */

static bool take_bytes(void *context, const void *bytes, size_t size)
{
    struct msp_export_writer *writer = context;
    enum msp_result result = msp_job_run_check(writer->options.run, writer->error);
    if (result == MSP_OK) {
        result = add_to_sum(&writer->latest, bytes, size, writer->error);
    }
    if (result == MSP_OK) {
        result = write_bytes(writer, &writer->latest, bytes, size, writer->error);
    }
    return result == MSP_OK;
}

static bool should_stop_reading(void *context)
{
    const struct msp_export_writer *writer = context;
    return msp_job_run_should_stop(writer->options.run);
}

/* Appends a part of a committed file to the latest one. */
static enum msp_result append_range(struct msp_export_writer *writer, const char *location,
                                    const struct run_of_bytes *range, struct msp_error *error)
{
    const struct msp_job_run *run = writer->options.run;
    struct msp_error own = {.result = MSP_OK};
    struct msp_storage_read read = {
        .settings = run->settings,
        .url = run->settings->export_storage,
        .location = location,
        .offset = range->from,
        .length = range->length,
        .deadline_ms = run->deadline_ms,
        .sink = take_bytes,
        .should_stop = should_stop_reading,
        .context = writer,
    };
    writer->error = &own;
    enum msp_result result = writer->options.storage->read_range(&read, error);
    if (own.result != MSP_OK) {
        *error = own;
        return own.result;
    }
    return result;
}

/* Begins the latest file if need be, and takes over what was kept so far. */
static enum msp_result settle_latest(struct msp_export_writer *writer, struct msp_error *error)
{
    enum msp_result result = MSP_OK;
    if (writer->latest.file == NULL) {
        result = begin_file(writer, &writer->latest, MSP_NO_DAY, error);
    }
    if (result == MSP_OK && writer->kept.length > 0) {
        char name[MSP_EXPORT_NAME_BYTES];
        char location[MSP_TENANT_SLUG_BYTES + 128];
        msp_export_file_name(MSP_NO_DAY, writer->options.format, name);
        (void)snprintf(location, sizeof location, "%s/%s", writer->options.prefix, name);
        result = append_range(writer, location, &writer->kept, error);
        writer->kept.length = 0;
    }
    return result;
}

static enum msp_result append_to_latest(struct msp_export_writer *writer, const void *bytes,
                                        size_t size, struct msp_error *error)
{
    enum msp_result result = settle_latest(writer, error);
    if (result == MSP_OK) {
        result = add_to_sum(&writer->latest, bytes, size, error);
    }
    return result == MSP_OK ? write_bytes(writer, &writer->latest, bytes, size, error) : result;
}

static void count_in_latest(struct msp_export_writer *writer, int64_t rows,
                            const struct msp_export_text *text)
{
    writer->latest.rows += rows;
    msp_export_text_join(writer->encoder, &writer->latest.text, text);
}

/* Takes the bytes of a partition's rows over from the latest file that is there. */
static enum msp_result keep_run(struct msp_export_writer *writer, int64_t from, int64_t length,
                                struct msp_error *error)
{
    struct run_of_bytes *kept = &writer->kept;
    if (kept->length > 0 && kept->from + kept->length != from) {
        enum msp_result result = settle_latest(writer, error);
        if (result != MSP_OK) {
            return result;
        }
    }
    if (kept->length == 0) {
        kept->from = from;
    }
    kept->length += length;
    return MSP_OK;
}

enum msp_result msp_export_part_keep(struct msp_export_writer *writer,
                                     const struct msp_export_before *before,
                                     struct msp_error *error)
{
    const struct msp_export_file *file = before->file;
    struct msp_export_text text = {file->text_bytes, file->text_crc};
    struct run_of_bytes body = {before->offset, file->bytes - msp_export_frame_bytes(writer)};
    count_in_latest(writer, file->rows, &text);
    if (body.from >= 0) {
        return keep_run(writer, body.from, body.length, error);
    }
    body.from = msp_export_prefix_bytes(writer);
    enum msp_result result = settle_latest(writer, error);
    return result == MSP_OK ? append_range(writer, file->location, &body, error) : result;
}

/* ---- a partition ---- */

enum msp_result msp_export_part_begin(struct msp_export_writer *writer, int32_t day,
                                      struct msp_error *error)
{
    writer->day = day;
    msp_export_body_begin(writer->encoder);
    return begin_sum(writer, &writer->part, error);
}

/* Writes what has gathered of the part, to both files. */
static enum msp_result spill(struct msp_export_writer *writer, struct msp_error *error)
{
    struct msp_buffer *body = msp_export_body(writer->encoder);
    struct making *part = &writer->part;
    enum msp_result result = msp_job_run_check(writer->options.run, error);
    if (result == MSP_OK && part->file == NULL) {
        result = begin_file(writer, part, writer->day, error);
    }
    if (result == MSP_OK) {
        result = add_to_sum(part, body->data, body->length, error);
    }
    if (result == MSP_OK) {
        result = write_bytes(writer, part, body->data, body->length, error);
    }
    if (result == MSP_OK) {
        result = append_to_latest(writer, body->data, body->length, error);
    }
    body->length = 0;
    return result;
}

enum msp_result msp_export_part_add(struct msp_export_writer *writer, const char *row,
                                    size_t length, struct msp_error *error)
{
    msp_export_body_add(writer->encoder, row, length);
    writer->part.rows++;
    return msp_export_body(writer->encoder)->length < PART_MEMORY_BYTES ? MSP_OK
                                                                        : spill(writer, error);
}

/* Ends a part whose bytes are in its file already, but for the last. */
static enum msp_result end_spilled(struct msp_export_writer *writer, const char *suffix,
                                   size_t suffix_bytes, bool same, struct msp_error *error)
{
    if (same) {
        drop_file(writer, &writer->part);
        return MSP_OK;
    }
    enum msp_result result = write_bytes(writer, &writer->part, suffix, suffix_bytes, error);
    return result == MSP_OK ? end_file(writer, &writer->part, error) : result;
}

/* Ends a part that is in memory, all of it. */
static enum msp_result end_gathered(struct msp_export_writer *writer, const char *suffix,
                                    size_t suffix_bytes, const struct msp_export_before *before,
                                    bool same, struct msp_error *error)
{
    const struct msp_buffer *body = msp_export_body(writer->encoder);
    struct making *part = &writer->part;
    if (same && before->offset >= 0) {
        return keep_run(writer, before->offset, (int64_t)body->length, error);
    }
    enum msp_result result = MSP_OK;
    if (!same) {
        result = begin_file(writer, part, writer->day, error);
        if (result == MSP_OK) {
            result = write_bytes(writer, part, body->data, body->length, error);
        }
        if (result == MSP_OK) {
            result = write_bytes(writer, part, suffix, suffix_bytes, error);
        }
        if (result == MSP_OK) {
            result = end_file(writer, part, error);
        }
    }
    return result == MSP_OK ? append_to_latest(writer, body->data, body->length, error) : result;
}

enum msp_result msp_export_part_end(struct msp_export_writer *writer,
                                    const struct msp_export_before *before,
                                    struct msp_export_file *out, bool *out_written,
                                    struct msp_error *error)
{
    struct making *part = &writer->part;
    const struct msp_buffer *body = msp_export_body(writer->encoder);
    char suffix[MSP_EXPORT_SUFFIX_BYTES];
    enum msp_result result = msp_export_body_end(writer->encoder, &part->text, error);
    bool spilled = part->file != NULL;
    if (result == MSP_OK && spilled) {
        result = spill(writer, error);
    }
    if (result == MSP_OK) {
        result = add_to_sum(part, body->data, body->length, error);
    }
    size_t suffix_bytes = msp_export_suffix(writer->encoder, &part->text, suffix);
    if (result == MSP_OK) {
        result = add_to_sum(part, suffix, suffix_bytes, error);
    }
    if (result == MSP_OK) {
        result = describe(writer, part, writer->day, out, error);
    }
    if (result != MSP_OK) {
        return result;
    }
    bool same = is_same(before, out);
    *out_written = !same;
    count_in_latest(writer, part->rows, &part->text);
    return spilled ? end_spilled(writer, suffix, suffix_bytes, same, error)
                   : end_gathered(writer, suffix, suffix_bytes, before, same, error);
}

/* ---- the end ---- */

/* Whether every byte of the file that is there was kept, so that there is nothing to write. */
static bool kept_all(const struct msp_export_writer *writer, const struct msp_export_before *before)
{
    return writer->latest.file == NULL && before->intact && before->file != NULL &&
           writer->kept.length == before->file->bytes - msp_export_frame_bytes(writer) &&
           writer->kept.length > 0;
}

/* A dataset without days has its rows nowhere else. */
static enum msp_result take_only_part(struct msp_export_writer *writer, struct msp_error *error)
{
    const struct msp_buffer *body = msp_export_body(writer->encoder);
    enum msp_result result = msp_export_body_end(writer->encoder, &writer->part.text, error);
    if (result == MSP_OK) {
        count_in_latest(writer, writer->part.rows, &writer->part.text);
        result = append_to_latest(writer, body->data, body->length, error);
    }
    return result;
}

enum msp_result msp_export_latest_end(struct msp_export_writer *writer,
                                      const struct msp_export_before *before,
                                      struct msp_export_file *out, bool *out_written,
                                      struct msp_error *error)
{
    struct making *latest = &writer->latest;
    if (kept_all(writer, before)) {
        *out = *before->file;
        *out_written = false;
        return MSP_OK;
    }
    char suffix[MSP_EXPORT_SUFFIX_BYTES];
    enum msp_result result = msp_dataset_has_days(writer->options.dataset)
                                 ? settle_latest(writer, error)
                                 : take_only_part(writer, error);
    size_t suffix_bytes = msp_export_suffix(writer->encoder, &latest->text, suffix);
    if (result == MSP_OK) {
        result = append_to_latest(writer, suffix, suffix_bytes, error);
    }
    if (result == MSP_OK) {
        result = describe(writer, latest, MSP_NO_DAY, out, error);
    }
    if (result != MSP_OK) {
        return result;
    }
    *out_written = !is_same(before, out);
    if (*out_written) {
        return end_file(writer, latest, error);
    }
    drop_file(writer, latest);
    return MSP_OK;
}

enum msp_result msp_export_writer_new(const struct msp_export_writer_options *options,
                                      struct msp_export_writer **out, struct msp_error *error)
{
    struct msp_export_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to write an export.");
    }
    char head[1024];
    int length =
        snprintf(head, sizeof head, "%s%s", MSP_CSV_BOM, msp_dataset_header(options->dataset));
    writer->options = *options;
    writer->algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    writer->part.sum = EVP_MD_CTX_new();
    writer->latest.sum = EVP_MD_CTX_new();
    enum msp_result result = MSP_OK;
    if (writer->algorithm == NULL || writer->part.sum == NULL || writer->latest.sum == NULL ||
        length < 0 || (size_t)length >= sizeof head) {
        result = sum_failed(error);
    }
    if (result == MSP_OK) {
        result = msp_export_encoder_new(options->format, head, &writer->encoder, error);
    }
    if (result == MSP_OK) {
        result = begin_sum(writer, &writer->latest, error);
    }
    if (result != MSP_OK) {
        msp_export_writer_free(writer);
        return result;
    }
    *out = writer;
    return MSP_OK;
}

void msp_export_writer_free(struct msp_export_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    if (writer->part.file != NULL) {
        drop_file(writer, &writer->part);
    }
    if (writer->latest.file != NULL) {
        drop_file(writer, &writer->latest);
    }
    msp_export_encoder_free(writer->encoder);
    EVP_MD_CTX_free(writer->part.sum);
    EVP_MD_CTX_free(writer->latest.sum);
    EVP_MD_free(writer->algorithm);
    free(writer);
}
