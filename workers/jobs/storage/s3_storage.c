/*
 * Exported files in a bucket (s3://bucket/prefix). A stage keeps its files in local files without
 * a name; nothing leaves this machine before the commit, so a stage that is dropped leaves nothing.
 *
 * S3 has no rename, so a commit works in two steps. First the large files are uploaded in parts,
 * which nobody sees yet; then all files appear one by one in the order in which they were ended,
 * each whole at once, latest.csv and manifest.json last. A reader meanwhile sees old or new
 * partitions, each whole, and a latest.csv that is whole by itself; sums in an old manifest may not
 * fit a partition that is already new. Should a commit break in its second step, what appeared
 * stays, whole, and the export done again replaces it. Uploads in parts are aborted, and those of a
 * writer that died are swept by the next one.
 */
#include "storage/storage.h"

#include "msp/clock.h"
#include "msp/log.h"
#include "storage/s3_client.h"
#include "storage/s3_remove.h"
#include "storage/s3_spool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NAME_BYTES    128 /* "date=2026-01-31/part-0.csv.gz" and room */
#define PREFIX_BYTES  512
#define LOCK_RETRY_MS 100
#define SINGLE_BYTES  (64LL << 20) /* from here on in parts */
#define PART_BYTES    (16LL << 20)
#define MOST_PARTS    10000 /* of S3 */

struct s3_writer {
    struct msp_storage_file base; /* must be first */
    bool is_open;
    char name[NAME_BYTES];
    struct msp_s3_spool spool;
    int64_t offset; /* where the file begins */
};

struct staged_file {
    char name[NAME_BYTES];
    int fd; /* of a spool */
    int64_t offset, bytes;
    struct msp_s3_upload upload; /* of a large file, once begun */
};

struct stored_object {
    char name[NAME_BYTES];
    int64_t bytes;
};

struct s3_stage {
    struct msp_storage_stage base; /* must be first */
    struct msp_s3_client client;
    const char *state_dir;
    char prefix[PREFIX_BYTES]; /* ends with "/" */
    int lock_fd;
    struct s3_writer writers[MSP_STORAGE_OPEN_FILES];
    struct staged_file *files; /* ended, in order */
    size_t count;
    size_t capacity;
    bool listed;                  /* `stored` was filled */
    struct stored_object *stored; /* by name */
    size_t stored_count;
    size_t stored_capacity;
};

static enum msp_result no_memory(struct msp_error *error)
{
    return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to write files.");
}

/* Doubles an array that is full; false without memory. */
static bool make_room(void **array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return true;
    }
    size_t wanted = *capacity == 0 ? 64 : *capacity * 2;
    void *larger = reallocarray(*array, wanted, size);
    if (larger == NULL) {
        return false;
    }
    *array = larger;
    *capacity = wanted;
    return true;
}

/* ---- begin and end ---- */

static enum msp_result take_lock(struct s3_stage *stage, const struct msp_storage_request *request,
                                 struct msp_error *error)
{
    for (;;) {
        enum msp_result result =
            msp_s3_lock(stage->state_dir, stage->prefix, &stage->lock_fd, error);
        if (result != MSP_BUSY || !request->keep_waiting(request->context)) {
            return result;
        }
        struct timespec pause = {.tv_nsec = LOCK_RETRY_MS * 1000000L};
        (void)nanosleep(&pause, NULL);
    }
}

static void drop_file(struct msp_storage_file *base)
{
    struct s3_writer *writer = (struct s3_writer *)base;
    if (writer != NULL) {
        msp_s3_spool_cut(&writer->spool, writer->offset);
        writer->is_open = false;
    }
}

/* One that cannot be reached is not asked again: the next writer sweeps. */
static void abort_uploads(struct s3_stage *stage)
{
    struct msp_error error;
    enum msp_result result = MSP_OK;
    for (size_t i = 0; i < stage->count && result == MSP_OK; i++) {
        const struct msp_s3_upload *upload = &stage->files[i].upload;
        if (upload->id[0] != '\0') {
            result = msp_s3_upload_abort(&stage->client, upload->key, upload->id, &error);
            result = result == MSP_NOT_FOUND ? MSP_OK : result;
        }
    }
    if (result != MSP_OK) {
        msp_log(MSP_LOG_INFO, "Parts of an upload stay behind until the next export", "prefix",
                stage->prefix, "detail", error.detail, NULL);
    }
}

static void end_stage(struct msp_storage_stage *base)
{
    struct s3_stage *stage = (struct s3_stage *)base;
    if (stage == NULL) {
        return;
    }
    abort_uploads(stage);
    msp_s3_client_done(&stage->client);
    for (size_t i = 0; i < stage->count; i++) {
        free(stage->files[i].upload.etags);
    }
    for (int i = 0; i < MSP_STORAGE_OPEN_FILES; i++) {
        msp_s3_spool_close(&stage->writers[i].spool);
    }
    struct msp_s3_spool lock = {.fd = stage->lock_fd};
    msp_s3_spool_close(&lock);
    free(stage->files);
    free(stage->stored);
    free(stage);
}

static enum msp_result open_stage(struct s3_stage *stage, const struct msp_storage_request *request,
                                  struct msp_error *error)
{
    int length = snprintf(stage->prefix, sizeof stage->prefix, "%s/", request->prefix);
    if (length < 0 || (size_t)length >= sizeof stage->prefix) {
        return msp_fail(error, MSP_INVALID, "storage_malformed", "A prefix is too long to export.");
    }
    enum msp_result result =
        msp_s3_client_init(&stage->client, request->settings, request->url, NULL,
                           request->should_stop, request->context, error);
    if (result == MSP_OK) {
        result = take_lock(stage, request, error);
    }
    /* Also tells at once, before any work is done, that keys and bucket are right. */
    return result == MSP_OK ? msp_s3_sweep(&stage->client, stage->prefix, error) : result;
}

static enum msp_result begin_stage(const struct msp_storage_request *request,
                                   struct msp_storage_stage **out, struct msp_error *error)
{
    struct s3_stage *stage = calloc(1, sizeof *stage);
    if (stage == NULL) {
        return no_memory(error);
    }
    stage->base.storage = &msp_s3_storage;
    stage->state_dir = request->settings->state_dir;
    stage->lock_fd = -1;
    for (int i = 0; i < MSP_STORAGE_OPEN_FILES; i++) {
        stage->writers[i] = (struct s3_writer){.base.stage = &stage->base, .spool.fd = -1};
    }
    enum msp_result result = open_stage(stage, request, error);
    if (result != MSP_OK) {
        end_stage(&stage->base);
        return result;
    }
    *out = &stage->base;
    return MSP_OK;
}

/* ---- files ---- */

static struct s3_writer *free_writer(struct s3_stage *stage)
{
    for (int i = 0; i < MSP_STORAGE_OPEN_FILES; i++) {
        if (!stage->writers[i].is_open) {
            return &stage->writers[i];
        }
    }
    return NULL;
}

static enum msp_result begin_file(struct msp_storage_stage *base, const char *name,
                                  struct msp_storage_file **out, struct msp_error *error)
{
    struct s3_stage *stage = (struct s3_stage *)base;
    struct s3_writer *writer = free_writer(stage);
    if (writer == NULL || strlen(name) >= NAME_BYTES) {
        return msp_fail(error, MSP_BROKEN, "storage_failed", "The file %s cannot be begun: %s.",
                        name,
                        writer == NULL ? "too many are being written" : "its name is too long");
    }
    enum msp_result result = msp_s3_spool_open(&writer->spool, stage->state_dir, error);
    if (result != MSP_OK) {
        return result;
    }
    (void)snprintf(writer->name, sizeof writer->name, "%s", name);
    writer->offset = writer->spool.bytes;
    writer->is_open = true;
    *out = &writer->base;
    return MSP_OK;
}

static enum msp_result write_file(struct msp_storage_file *base, const void *bytes, size_t size,
                                  struct msp_error *error)
{
    struct s3_writer *writer = (struct s3_writer *)base;
    return msp_s3_spool_write(&writer->spool, bytes, size, error);
}

static enum msp_result end_file(struct msp_storage_file *base, struct msp_error *error)
{
    struct s3_writer *writer = (struct s3_writer *)base;
    struct s3_stage *stage = (struct s3_stage *)base->stage;
    void *files = stage->files;
    if (!make_room(&files, stage->count, &stage->capacity, sizeof *stage->files)) {
        drop_file(base);
        return no_memory(error);
    }
    stage->files = files;
    struct staged_file *file = &stage->files[stage->count++];
    *file = (struct staged_file){.fd = writer->spool.fd,
                                 .offset = writer->offset,
                                 .bytes = writer->spool.bytes - writer->offset};
    memcpy(file->name, writer->name, sizeof file->name);
    writer->is_open = false;
    return MSP_OK;
}

/* ---- what is there ---- */

static bool remember(void *context, const char *name, int64_t bytes)
{
    struct s3_stage *stage = context;
    void *stored = stage->stored;
    if (strlen(name) >= NAME_BYTES) {
        return true; /* not one of ours */
    }
    if (!make_room(&stored, stage->stored_count, &stage->stored_capacity, sizeof *stage->stored)) {
        return false;
    }
    stage->stored = stored;
    struct stored_object *object = &stage->stored[stage->stored_count++];
    (void)snprintf(object->name, sizeof object->name, "%s", name);
    object->bytes = bytes;
    return true;
}

static int compare_names(const void *left, const void *right)
{
    const struct stored_object *a = left;
    const struct stored_object *b = right;
    return strcmp(a->name, b->name);
}

/* A list that breaks off makes files look missing: they are written anew, which is right. */
static void list_stored(struct s3_stage *stage)
{
    struct msp_error error;
    stage->listed = true;
    if (msp_s3_list(&stage->client, stage->prefix, remember, stage, &error) != MSP_OK) {
        msp_log(MSP_LOG_INFO, "Cannot list what is in the object storage", "prefix", stage->prefix,
                "detail", error.detail, NULL);
    }
    if (stage->stored_count > 0) {
        qsort(stage->stored, stage->stored_count, sizeof *stage->stored, compare_names);
    }
}

static bool holds(struct msp_storage_stage *base, const char *name, int64_t bytes)
{
    struct s3_stage *stage = (struct s3_stage *)base;
    struct stored_object wanted = {.bytes = bytes};
    if (!stage->listed) {
        list_stored(stage);
    }
    if (stage->stored_count == 0 || strlen(name) >= sizeof wanted.name) {
        return false;
    }
    (void)snprintf(wanted.name, sizeof wanted.name, "%s", name);
    const struct stored_object *found =
        bsearch(&wanted, stage->stored, stage->stored_count, sizeof wanted, compare_names);
    return found != NULL && (bytes < 0 || found->bytes == bytes);
}

/* ---- commit ---- */

static void key_of(const struct s3_stage *stage, const struct staged_file *file,
                   char out[PREFIX_BYTES + NAME_BYTES])
{
    (void)snprintf(out, PREFIX_BYTES + NAME_BYTES, "%s%s", stage->prefix, file->name);
}

/* The etags of a large file's parts, and its key in the room behind them. */
static bool prepare_upload(const struct s3_stage *stage, struct staged_file *file,
                           int64_t *out_part_bytes)
{
    int64_t part_bytes = PART_BYTES;
    while (part_bytes * MOST_PARTS < file->bytes) {
        part_bytes *= 2;
    }
    size_t parts = (size_t)((file->bytes + part_bytes - 1) / part_bytes);
    size_t etags = parts * sizeof *file->upload.etags;
    char *room = malloc(etags + PREFIX_BYTES + NAME_BYTES);
    if (room == NULL) {
        return false;
    }
    key_of(stage, file, room + etags);
    file->upload.etags = (char(*)[MSP_S3_ETAG_BYTES])room;
    file->upload.key = room + etags;
    file->upload.bytes = file->bytes;
    *out_part_bytes = part_bytes;
    return true;
}

static enum msp_result send_parts(struct s3_stage *stage, struct staged_file *file,
                                  struct msp_error *error)
{
    int64_t part_bytes;
    if (!prepare_upload(stage, file, &part_bytes)) {
        return no_memory(error);
    }
    enum msp_result result = msp_s3_upload_begin(&stage->client, &file->upload, error);
    for (int64_t at = 0; result == MSP_OK && at < file->bytes; at += part_bytes) {
        int64_t left = file->bytes - at;
        struct msp_s3_body body = {.fd = file->fd,
                                   .offset = file->offset + at,
                                   .bytes = left < part_bytes ? left : part_bytes};
        result = msp_s3_upload_part(&stage->client, &file->upload, &body, error);
    }
    return result;
}

static enum msp_result show(struct s3_stage *stage, struct staged_file *file,
                            struct msp_error *error)
{
    if (file->upload.id[0] != '\0') {
        enum msp_result result = msp_s3_upload_complete(&stage->client, &file->upload, error);
        if (result == MSP_OK) {
            file->upload.id[0] = '\0'; /* nothing to abort */
        }
        return result;
    }
    char key[PREFIX_BYTES + NAME_BYTES];
    struct msp_s3_body body = {.fd = file->fd, .offset = file->offset, .bytes = file->bytes};
    key_of(stage, file, key);
    return msp_s3_put(&stage->client, key, &body, error);
}

static enum msp_result commit_stage(struct msp_storage_stage *base, struct msp_error *error)
{
    struct s3_stage *stage = (struct s3_stage *)base;
    enum msp_result result = MSP_OK;
    for (size_t i = 0; i < stage->count && result == MSP_OK; i++) {
        if (stage->files[i].bytes > SINGLE_BYTES) {
            result = send_parts(stage, &stage->files[i], error);
        }
    }
    for (size_t i = 0; i < stage->count && result == MSP_OK; i++) {
        result = show(stage, &stage->files[i], error);
    }
    return result;
}

/* ---- reading ---- */

static enum msp_result read_range(struct msp_storage_read *read, struct msp_error *error)
{
    struct msp_s3_client client;
    struct msp_s3_get get = {
        .key = read->location,
        .offset = read->offset,
        .length = read->length,
        .deadline_ms = read->deadline_ms,
        .sink = read->sink,
        .context = read->context,
    };
    enum msp_result result = msp_s3_client_init(&client, read->settings, read->url, read->egress,
                                                read->should_stop, read->context, error);
    if (result != MSP_OK) {
        return result;
    }
    (void)snprintf(get.etag, sizeof get.etag, "%s", read->version);
    result = msp_s3_get(&client, &get, error);
    msp_s3_client_done(&client);
    if (result == MSP_OK && get.given_bytes < read->length) {
        return msp_fail(error, MSP_BROKEN, "file_short",
                        "%s in the export storage ends sooner than its record says; export it "
                        "again.",
                        read->location);
    }
    if (result == MSP_OK) {
        memcpy(read->version, get.etag, sizeof read->version);
        read->file_bytes = get.object_bytes;
    }
    return result;
}

const struct msp_storage msp_s3_storage = {
    .scheme = "s3://",
    .begin = begin_stage,
    .file_begin = begin_file,
    .file_write = write_file,
    .file_end = end_file,
    .file_drop = drop_file,
    .holds = holds,
    .commit = commit_stage,
    .end = end_stage,
    .read_range = read_range,
    .remove_all = msp_s3_remove_all,
};
