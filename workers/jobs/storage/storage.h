/*
 * Where exported files go. A stage collects the files of one export under temporary names, only
 * one stage a prefix at a time; commit makes all of them appear whole, in the order they were
 * ended; a stage that is dropped leaves nothing. Says nothing about what is in the files.
 */
#ifndef MSP_STORAGE_H
#define MSP_STORAGE_H

#include "msp/result.h"
#include "msp/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct msp_egress;
struct msp_storage;

/* An open stage. Each storage's own struct begins with this. */
struct msp_storage_stage {
    const struct msp_storage *storage;
};

struct msp_storage_request {
    const struct msp_settings *settings; /* for storages that need more than the URL */
    const char *url;                     /* EXPORT_STORAGE */
    const char *prefix; /* "tenant=…/dataset=…": what the stage locks and where names are below */
    const char *token; /* names this writer in temporary names */
    /* Asked while another stage holds the prefix; false gives up with MSP_BUSY. */
    bool (*keep_waiting)(void *context);
    /* Asked while a storage waits for another machine; true ends that with MSP_CANCELLED. NULL is
     * fine. Must be callable until the stage has ended. */
    bool (*should_stop)(void *context);
    void *context;
};

/* A file being written. Each storage's own struct begins with this. */
struct msp_storage_file {
    struct msp_storage_stage *stage;
};

/* So many files of a stage are being written at a time: a partition and the one that joins all. */
#define MSP_STORAGE_OPEN_FILES 2

#define MSP_STORAGE_VERSION_BYTES 128

/* Takes bytes in their order; false ends the reading. */
typedef bool (*msp_storage_sink)(void *context, const void *bytes, size_t size);

/* A part of one committed file. */
struct msp_storage_read {
    const struct msp_settings *settings;
    /* The reader's connections to other machines, kept from read to read; NULL for a single read.
     */
    struct msp_egress *egress;
    const char *url;      /* EXPORT_STORAGE */
    const char *location; /* below it: "tenant=…/dataset=…/latest.csv" */
    int64_t offset, length;
    int64_t deadline_ms; /* msp_clock_monotonic_ms */
    msp_storage_sink sink;
    /* Asked while another machine is waited for; true ends that with MSP_CANCELLED. NULL is fine.
     */
    bool (*should_stop)(void *context);
    void *context; /* of both */
    /* In: "" for whatever is there, or what an earlier read said. Out: which content this is, in
     * the storage's own words, so that parts of two contents are never put together. */
    char version[MSP_STORAGE_VERSION_BYTES];
    int64_t file_bytes; /* out: the whole file's */
};

/*
 * Failures of writing (full disk, no right) are MSP_BROKEN "storage_failed" with the system's own
 * words; a storage on another machine that does not answer is MSP_UNAVAILABLE. Names are relative
 * to the prefix. Callers write in large pieces, so nothing need be gathered here.
 */
struct msp_storage {
    const char *scheme; /* "file://" */
    enum msp_result (*begin)(const struct msp_storage_request *request,
                             struct msp_storage_stage **out, struct msp_error *error);
    enum msp_result (*file_begin)(struct msp_storage_stage *stage, const char *name,
                                  struct msp_storage_file **out, struct msp_error *error);
    enum msp_result (*file_write)(struct msp_storage_file *file, const void *bytes, size_t size,
                                  struct msp_error *error);
    /* The file is whole and will appear with the commit, after those ended before it. It is the
     * stage's again, also on failure. */
    enum msp_result (*file_end)(struct msp_storage_file *file, struct msp_error *error);
    /* As if it had not been begun. NULL is fine. */
    void (*file_drop)(struct msp_storage_file *file);
    /* Whether the committed file is there and has this many bytes; < 0 asks for no number. Asked
     * of every file on record, so many answers at once are better than many calls. */
    bool (*holds)(struct msp_storage_stage *stage, const char *name, int64_t bytes);
    enum msp_result (*commit)(struct msp_storage_stage *stage, struct msp_error *error);
    /* Removes what was not committed and lets the next stage in. NULL is fine. */
    void (*end)(struct msp_storage_stage *stage);
    /*
     * Hands exactly `length` bytes from `offset` to the sink, or fails: MSP_NOT_FOUND
     * "file_missing", MSP_CONFLICT "file_changed" (another version), MSP_BROKEN "file_short" (it
     * ends sooner), MSP_CANCELLED (the sink said so), MSP_TIMED_OUT, MSP_UNAVAILABLE. Bytes may
     * have been handed over before a failure. Needs no stage; any thread.
     */
    enum msp_result (*read_range)(struct msp_storage_read *read, struct msp_error *error);
    /*
     * Removes for ever every file below the request's prefix, which ends a path ("tenant=…"), files
     * of broken-off writers included. Nobody may be writing there. Safe to repeat.
     */
    enum msp_result (*remove_all)(const struct msp_storage_request *request, int64_t *out_removed,
                                  struct msp_error *error);
};

/* MSP_INVALID "storage_unknown" if no storage serves the URL. */
enum msp_result msp_storage_find(const char *url, const struct msp_storage **out,
                                 struct msp_error *error) MSP_MUST_CHECK;

extern const struct msp_storage msp_file_storage;
extern const struct msp_storage msp_s3_storage;

#endif
