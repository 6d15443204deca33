/*
 * The files of one dataset in one pass: each partition as its rows come, and behind it, of the same
 * bytes, the latest file that joins them all. What has not changed is not written. Partitions are
 * told in the order of their days, each either as kept or as begun, added to and ended.
 */
#ifndef MSP_EXPORT_WRITER_H
#define MSP_EXPORT_WRITER_H

#include "job_run.h"
#include "msp/export_store.h"
#include "storage/storage.h"

struct msp_export_writer_options {
    struct msp_job_run *run;
    const struct msp_storage *storage;
    struct msp_storage_stage *stage;
    const char *prefix; /* of the stage */
    enum msp_dataset dataset;
    enum msp_export_format format;
};

/* A partition, or the latest file, as it was before. */
struct msp_export_before {
    const struct msp_export_file *file; /* on record; NULL = none */
    bool intact;                        /* the storage holds what is on record */
    int64_t offset; /* of a partition's body in the latest file; < 0 = not to be had there */
};

struct msp_export_writer;

/* Options are copied, what they point to is borrowed; the texts of files come from run->arena. */
enum msp_result msp_export_writer_new(const struct msp_export_writer_options *options,
                                      struct msp_export_writer **out,
                                      struct msp_error *error) MSP_MUST_CHECK;
void msp_export_writer_free(struct msp_export_writer *writer);

/* The bytes around the rows of every file. */
int64_t msp_export_frame_bytes(const struct msp_export_writer *writer);
int64_t msp_export_prefix_bytes(const struct msp_export_writer *writer);

/* A partition on record, intact, that stays. */
enum msp_result msp_export_part_keep(struct msp_export_writer *writer,
                                     const struct msp_export_before *before,
                                     struct msp_error *error) MSP_MUST_CHECK;

enum msp_result msp_export_part_begin(struct msp_export_writer *writer, int32_t day,
                                      struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_export_part_add(struct msp_export_writer *writer, const char *row,
                                    size_t length, struct msp_error *error) MSP_MUST_CHECK;
/* Describes the partition but for its revision; *out_written is false if it had not changed. */
enum msp_result msp_export_part_end(struct msp_export_writer *writer,
                                    const struct msp_export_before *before,
                                    struct msp_export_file *out, bool *out_written,
                                    struct msp_error *error) MSP_MUST_CHECK;

/* Ends the latest file. A dataset without days has one part, begun for MSP_NO_DAY, not ended. */
enum msp_result msp_export_latest_end(struct msp_export_writer *writer,
                                      const struct msp_export_before *before,
                                      struct msp_export_file *out, bool *out_written,
                                      struct msp_error *error) MSP_MUST_CHECK;

#endif
