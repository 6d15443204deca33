/*
 * One dataset: choose the days, stream their rows into partitions, join all partitions on record
 * into latest.csv, describe them in manifest.json, then let all of it appear and record it.
 */
#include "export_dataset.h"

#include "msp/clock.h"
#include "msp/csv.h"
#include "msp/timestamp.h"
#include "storage/storage.h"

#include <stdio.h>
#include <string.h>

#define SCHEMA_VERSION    1
#define STORE_DEADLINE_MS 30000
#define STREAM_IDLE_MS    60000 /* from row to row; sorting a big tenant comes before the first */
#define LOCK_PATIENCE_MS  600000
#define NAME_BYTES        64

struct dataset_export {
    struct msp_job_run *run;
    const struct msp_export_order *order;
    const struct msp_storage *storage;
    struct msp_storage_stage *stage;
    char prefix[MSP_TENANT_SLUG_BYTES + 64];
    const char *head; /* byte order mark and header row */
    int64_t head_bytes;
    int64_t lock_until_ms;

    struct msp_export_day *days; /* to be written, ascending */
    size_t day_count;
    struct msp_export_file *recorded; /* partitions on record that stay */
    size_t recorded_count;
    struct msp_export_file *written; /* one a day, then latest.csv */

    size_t at; /* the day being streamed; its file is open */
    bool open;
    struct msp_error *stream_error; /* of `take_row` */
    enum msp_result stream_result;
};

static void part_name(int32_t day, char out[NAME_BYTES])
{
    char text[MSP_DAY_TEXT_BYTES];
    msp_day_format(day, text);
    (void)snprintf(out, NAME_BYTES, "date=%s/part-0.csv", text);
}

static bool keep_waiting(void *context)
{
    const struct dataset_export *export = context;
    return !msp_job_run_should_stop(export->run) &&
           msp_clock_monotonic_ms() < export->lock_until_ms;
}

static bool should_stop(void *context)
{
    const struct dataset_export *export = context;
    return msp_job_run_should_stop(export->run);
}

static enum msp_result begin_stage(struct dataset_export *export, struct msp_error *error)
{
    const struct msp_job *job = export->run->job;
    const char *url = export->run->settings->export_storage;
    char token[MSP_JOB_ID_BYTES + 16];
    (void)snprintf(token, sizeof token, "%s.%d", job->id, export->run->fence.claim);
    (void)snprintf(export->prefix, sizeof export->prefix, "tenant=%s/dataset=%s", job->tenant,
                   msp_dataset_name(export->order->dataset));
    enum msp_result result = msp_storage_find(url, &export->storage, error);
    if (result != MSP_OK) {
        return result;
    }
    export->lock_until_ms = msp_clock_monotonic_ms() + LOCK_PATIENCE_MS;
    struct msp_storage_request request = {
        .settings = export->run->settings,
        .url = url,
        .prefix = export->prefix,
        .token = token,
        .keep_waiting = keep_waiting,
        .should_stop = should_stop,
        .context = export,
    };
    return export->storage->begin(&request, &export->stage, error);
}

static enum msp_result refuse_incomplete(const struct dataset_export *export,
                                         struct msp_error *error)
{
    size_t incomplete = 0;
    int32_t first = MSP_NO_DAY;
    for (size_t i = 0; i < export->day_count; i++) {
        if (!export->days[i].complete) {
            first = incomplete == 0 ? export->days[i].day : first;
            incomplete++;
        }
    }
    if (incomplete == 0 || export->order->force) {
        return MSP_OK;
    }
    char text[MSP_DAY_TEXT_BYTES];
    msp_day_format(first, text);
    return msp_fail(error, MSP_CONFLICT, "day_not_complete",
                    "%zu of the days asked for %s not complete yet, the first is %s. Wait until "
                    "they are, or send \"force\": true to export them as they stand.",
                    incomplete, incomplete == 1 ? "is" : "are", text);
}

static const struct msp_export_day *find_day(const struct msp_export_day *days, size_t count,
                                             int32_t day)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (days[middle].day < day) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && days[low].day == day ? &days[low] : NULL;
}

static enum msp_result add_days(struct dataset_export *export, const int32_t *missing,
                                size_t missing_count, struct msp_error *error)
{
    struct msp_arena *arena = export->run->arena;
    struct msp_export_day *known;
    size_t known_count;
    enum msp_result result = msp_export_days(
        export->run->db, export->run->job->tenant_id, export->order->dataset, missing[0],
        missing[missing_count - 1], arena, msp_job_run_deadline_in(export->run, STORE_DEADLINE_MS),
        &known, &known_count, error);
    if (result != MSP_OK) {
        return result;
    }
    struct msp_export_day *merged =
        msp_arena_calloc(arena, export->day_count + missing_count, sizeof *merged);
    if (merged == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the days to export.");
    }
    size_t count = 0;
    size_t asked = 0;
    for (size_t i = 0; i < missing_count; i++) {
        while (asked < export->day_count && export->days[asked].day < missing[i]) {
            merged[count++] = export->days[asked++];
        }
        const struct msp_export_day *day = find_day(known, known_count, missing[i]);
        merged[count++] = day != NULL ? *day : (struct msp_export_day){.day = missing[i]};
    }
    while (asked < export->day_count) {
        merged[count++] = export->days[asked++];
    }
    export->days = merged;
    export->day_count = count;
    return MSP_OK;
}

/*
 * Sorts the partitions on record into those that stay and those whose file is gone, cut or older
 * than a column of today: they are written anew, so that latest.csv is whole whatever became of the
 * storage.
 */
static enum msp_result look_at_record(struct dataset_export *export, struct msp_error *error)
{
    struct msp_job_run *run = export->run;
    struct msp_export_file *files;
    size_t count;
    enum msp_result result =
        msp_export_files(run->db, run->job->tenant_id, export->order->dataset, run->arena,
                         msp_job_run_deadline_in(run, STORE_DEADLINE_MS), &files, &count, error);
    if (result != MSP_OK) {
        return result;
    }
    int32_t *missing = msp_arena_calloc(run->arena, count + 1, sizeof *missing);
    if (missing == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the files on record.");
    }
    size_t missing_count = 0;
    export->recorded = files;
    for (size_t i = 0; i < count; i++) {
        if (files[i].day == MSP_NO_DAY ||
            find_day(export->days, export->day_count, files[i].day) != NULL) {
            continue;
        }
        char name[NAME_BYTES];
        part_name(files[i].day, name);
        if (export->storage->holds(export->stage, name, files[i].bytes, export->head,
                                   (size_t) export->head_bytes)) {
            export->recorded[export->recorded_count++] = files[i];
        } else {
            missing[missing_count++] = files[i].day;
        }
    }
    return missing_count == 0 ? MSP_OK : add_days(export, missing, missing_count, error);
}

static enum msp_result choose_days(struct dataset_export *export, struct msp_error *error)
{
    struct msp_job_run *run = export->run;
    enum msp_result result = msp_export_days(run->db, run->job->tenant_id, export->order->dataset,
                                             export->order->from, export->order->to, run->arena,
                                             msp_job_run_deadline_in(run, STORE_DEADLINE_MS),
                                             &export->days, &export->day_count, error);
    if (result == MSP_OK) {
        result = refuse_incomplete(export, error);
    }
    if (result == MSP_OK) {
        result = look_at_record(export, error);
    }
    if (result != MSP_OK) {
        return result;
    }
    export->written = msp_arena_calloc(run->arena, export->day_count + 1, sizeof *export->written);
    return export->written != NULL
               ? MSP_OK
               : msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the files to write.");
}

static enum msp_result begin_file(struct dataset_export *export, const char *name,
                                  struct msp_error *error)
{
    enum msp_result result = export->storage->file_begin(export->stage, name, error);
    if (result == MSP_OK) {
        result = export->storage->file_write(export->stage, export->head,
                                             (size_t) export->head_bytes, error);
    }
    return result;
}

/* Ends the open file and describes it. */
static enum msp_result end_file(struct dataset_export *export, const char *name,
                                struct msp_export_file *file, struct msp_error *error)
{
    struct msp_storage_sum sum;
    enum msp_result result = export->storage->file_end(export->stage, &sum, error);
    if (result != MSP_OK) {
        return result;
    }
    file->dataset = export->order->dataset;
    file->bytes = sum.bytes;
    memcpy(file->sha256, sum.sha256, sizeof file->sha256);
    file->location = msp_arena_printf(export->run->arena, "%s/%s", export->prefix, name);
    return file->location != NULL
               ? MSP_OK
               : msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a file's name.");
}

static enum msp_result begin_part(struct dataset_export *export, struct msp_error *error)
{
    char name[NAME_BYTES];
    part_name(export->days[export->at].day, name);
    enum msp_result result = begin_file(export, name, error);
    export->open = result == MSP_OK;
    return result;
}

static enum msp_result end_part(struct dataset_export *export, struct msp_error *error)
{
    const struct msp_export_day *day = &export->days[export->at];
    struct msp_export_file *file = &export->written[export->at];
    char name[NAME_BYTES];
    part_name(day->day, name);
    file->day = day->day;
    file->revision = day->revision;
    export->open = false;
    export->at++;
    return end_file(export, name, file, error);
}

/* Ends the days before `day`, each with at least its header, and opens its own. */
static enum msp_result go_to_day(struct dataset_export *export, int32_t day,
                                 struct msp_error *error)
{
    enum msp_result result = MSP_OK;
    while (result == MSP_OK && export->at < export->day_count &&
           export->days[export->at].day < day) {
        if (!export->open) {
            result = begin_part(export, error);
        }
        if (result == MSP_OK) {
            result = end_part(export, error);
        }
    }
    if (result != MSP_OK || day == INT32_MAX) {
        return result;
    }
    if (export->at == export->day_count || export->days[export->at].day != day) {
        return msp_fail(error, MSP_BROKEN, "export_out_of_order",
                        "The database gave a row of a day that was not asked for.");
    }
    return export->open ? MSP_OK : begin_part(export, error);
}

static bool take_row(void *context, int32_t day, const char *row, size_t length)
{
    struct dataset_export *export = context;
    if (!export->open || export->days[export->at].day != day) {
        if (msp_job_run_should_stop(export->run)) {
            export->stream_result = msp_job_run_check(export->run, export->stream_error);
            return false;
        }
        export->stream_result = go_to_day(export, day, export->stream_error);
        if (export->stream_result != MSP_OK) {
            return false;
        }
    }
    export->written[export->at].rows++;
    export->stream_result =
        export->storage->file_write(export->stage, row, length, export->stream_error);
    return export->stream_result == MSP_OK;
}

static enum msp_result write_parts(struct dataset_export *export, struct msp_error *error)
{
    struct msp_error stream_error;
    export->stream_error = &stream_error;
    enum msp_result result =
        msp_export_stream(export->run->db, export->run->job->tenant_id, export->order->dataset,
                          export->days, export->day_count, STREAM_IDLE_MS, take_row, export, error);
    if (export->stream_result != MSP_OK) {
        *error = stream_error;
        return export->stream_result;
    }
    return result == MSP_OK ? go_to_day(export, INT32_MAX, error) : result;
}

/* Calls `visit` for every partition, kept or new, by day. */
static enum msp_result each_part(struct dataset_export *export,
                                 enum msp_result (*visit)(struct dataset_export *export,
                                                          const struct msp_export_file *file,
                                                          void *context, struct msp_error *error),
                                 void *context, struct msp_error *error)
{
    size_t kept = 0;
    size_t fresh = 0;
    enum msp_result result = MSP_OK;
    while (result == MSP_OK && (kept < export->recorded_count || fresh < export->day_count)) {
        bool take_kept =
            fresh == export->day_count || (kept < export->recorded_count &&
                                           export->recorded[kept].day < export->written[fresh].day);
        const struct msp_export_file *file =
            take_kept ? &export->recorded[kept++] : &export->written[fresh++];
        result = visit(export, file, context, error);
    }
    return result;
}

static enum msp_result append_part(struct dataset_export *export,
                                   const struct msp_export_file *file, void *context,
                                   struct msp_error *error)
{
    struct msp_export_file *latest = context;
    char name[NAME_BYTES];
    part_name(file->day, name);
    latest->rows += file->rows;
    enum msp_result result = msp_job_run_check(export->run, error);
    if (result == MSP_OK) {
        result = export->storage->file_append(export->stage, name, export->head_bytes, error);
    }
    return result;
}

static enum msp_result write_latest(struct dataset_export *export, struct msp_error *error)
{
    struct msp_export_file *latest = &export->written[export->day_count];
    latest->day = MSP_NO_DAY;
    enum msp_result result = begin_file(export, "latest.csv", error);
    if (result == MSP_OK) {
        result = each_part(export, append_part, latest, error);
    }
    if (result == MSP_OK) {
        result = end_file(export, "latest.csv", latest, error);
    }
    return result;
}

static void describe(const struct msp_export_file *file, struct msp_json_writer *json)
{
    msp_json_begin_object(json);
    msp_json_key_string(json, "location", file->location);
    msp_json_key_int(json, "rows", file->rows);
    msp_json_key_int(json, "bytes", file->bytes);
    msp_json_key_string(json, "sha256", file->sha256);
    msp_json_end_object(json);
}

static enum msp_result describe_part(struct dataset_export *export,
                                     const struct msp_export_file *file, void *context,
                                     struct msp_error *error)
{
    (void)export;
    (void)error;
    describe(file, context);
    return MSP_OK;
}

static enum msp_result write_manifest(struct dataset_export *export, struct msp_error *error)
{
    struct msp_buffer text;
    struct msp_json_writer json;
    msp_buffer_init(&text, 0);
    msp_json_writer_init(&json, &text);
    msp_json_begin_object(&json);
    msp_json_key_int(&json, "schema_version", SCHEMA_VERSION);
    msp_json_key_string(&json, "dataset", msp_dataset_name(export->order->dataset));
    msp_json_key_string(&json, "tenant", export->run->job->tenant);
    msp_json_key_time(&json, "generated_at", msp_clock_unix_us());
    msp_json_key(&json, "files");
    msp_json_begin_array(&json);
    enum msp_result result = each_part(export, describe_part, &json, error);
    describe(&export->written[export->day_count], &json);
    msp_json_end_array(&json);
    msp_json_end_object(&json);
    if (result == MSP_OK && text.failed) {
        result = msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the manifest.");
    }
    if (result == MSP_OK) {
        result = export->storage->file_begin(export->stage, "manifest.json", error);
    }
    if (result == MSP_OK) {
        result = export->storage->file_write(export->stage, text.data, text.length, error);
    }
    struct msp_storage_sum ignored;
    if (result == MSP_OK) {
        result = export->storage->file_end(export->stage, &ignored, error);
    }
    msp_buffer_done(&text);
    return result;
}

/*
 * Files first, record second: should we die between the two, the record still differs from
 * the days' revisions and the job, run again, writes the same days once more.
 */
static enum msp_result publish(struct dataset_export *export, struct msp_error *error)
{
    struct msp_job_run *run = export->run;
    enum msp_result result = export->storage->commit(export->stage, error);
    if (result == MSP_OK) {
        result = msp_export_record(run->db, run->job->tenant_id, &run->fence, export->written,
                                   export->day_count + 1,
                                   msp_job_run_deadline_in(run, STORE_DEADLINE_MS), error);
    }
    return result;
}

static void tell_locations(const struct dataset_export *export, struct msp_json_writer *json)
{
    for (size_t i = 0; i <= export->day_count; i++) {
        const struct msp_export_file *file = &export->written[i];
        char location[MSP_SETTINGS_TEXT_BYTES + 256];
        const char *url = export->run->settings->export_storage;
        size_t length = strlen(url);
        (void)snprintf(location, sizeof location, "%s%s%s", url,
                       length > 0 && url[length - 1] == '/' ? "" : "/", file->location);
        msp_json_begin_object(json);
        msp_json_key_string(json, "tenant_id", export->run->job->tenant);
        msp_json_key_string(json, "dataset", msp_dataset_name(export->order->dataset));
        msp_json_key_string(json, "location", location);
        msp_json_key_int(json, "rows", file->rows);
        msp_json_key_int(json, "bytes", file->bytes);
        msp_json_key_string(json, "sha256", file->sha256);
        msp_json_end_object(json);
    }
}

/* What happens while the prefix is ours. */
static enum msp_result write_dataset(struct dataset_export *export,
                                     struct msp_json_writer *locations, struct msp_error *error)
{
    char stage[64];
    (void)snprintf(stage, sizeof stage, "exporting %s", msp_dataset_name(export->order->dataset));
    enum msp_result result = choose_days(export, error);
    if (result != MSP_OK || export->day_count == 0) {
        return result;
    }
    result = msp_job_run_progress(export->run, 0, (int64_t) export->day_count, stage, error);
    if (result == MSP_OK) {
        result = write_parts(export, error);
    }
    if (result == MSP_OK) {
        result = write_latest(export, error);
    }
    if (result == MSP_OK) {
        result = write_manifest(export, error);
    }
    if (result == MSP_OK) {
        /* The fence's last word before anything appears: a job that was lost must not publish. */
        export->run->progress_written_ms = 0;
        result = msp_job_run_progress(export->run, (int64_t) export->day_count,
                                      (int64_t) export->day_count, stage, error);
    }
    if (result == MSP_OK) {
        result = publish(export, error);
    }
    if (result == MSP_OK) {
        tell_locations(export, locations);
    }
    return result;
}

enum msp_result msp_export_dataset(struct msp_job_run *run, const struct msp_export_order *order,
                                   struct msp_json_writer *locations, struct msp_error *error)
{
    struct dataset_export export = {.run = run, .order = order};
    export.head =
        msp_arena_printf(run->arena, "%s%s", MSP_CSV_BOM, msp_dataset_header(order->dataset));
    if (export.head == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a header row.");
    }
    export.head_bytes = (int64_t)strlen(export.head);
    enum msp_result result = begin_stage(&export, error);
    if (result == MSP_OK) {
        result = write_dataset(&export, locations, error);
        export.storage->end(export.stage);
    }
    /* The storage was told to stop and does not know why. */
    bool was_told = result == MSP_BUSY || result == MSP_CANCELLED;
    enum msp_result stopped = was_told ? msp_job_run_check(run, error) : MSP_OK;
    return stopped != MSP_OK ? stopped : result;
}
