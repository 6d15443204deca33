/*
 * One dataset: plan, read and write in one pass, describe all of it in manifest.json, then let what
 * changed appear and record it. Files are whole or not there; the record never vouches for one that
 * it does not describe.
 */
#include "export_dataset.h"

#include "export_plan.h"
#include "export_wait.h"
#include "export_writer.h"
#include "msp/clock.h"
#include "msp/log.h"

#include <stdio.h>
#include <string.h>

#define SCHEMA_VERSION    1
#define STORE_DEADLINE_MS 30000
#define STREAM_IDLE_MS    60000 /* from row to row; sorting a big tenant comes before the first */
#define LOCK_PATIENCE_MS  600000

struct dataset_export {
    const struct msp_export_order *order;
    struct msp_export_writer_options target;
    char prefix[MSP_TENANT_SLUG_BYTES + 64];
    int64_t lock_until_ms;
    struct msp_export_writer *writer;
    struct msp_export_plan plan;

    struct msp_export_file *files; /* one a part of the plan, then the latest */
    bool *written;                 /* which of them are new */
    bool any_written;
    size_t at;   /* the part being streamed */
    size_t done; /* of those that are due */
    bool open;   /* it was begun */
    struct msp_error *stream_error;
    enum msp_result stream_result;
};

static bool keep_waiting(void *context)
{
    const struct dataset_export *export = context;
    return !msp_job_run_should_stop(export->target.run) &&
           msp_clock_monotonic_ms() < export->lock_until_ms;
}

static bool should_stop(void *context)
{
    const struct dataset_export *export = context;
    return msp_job_run_should_stop(export->target.run);
}

static enum msp_result begin_stage(struct dataset_export *export, struct msp_error *error)
{
    struct msp_job_run *run = export->target.run;
    const char *url = run->settings->export_storage;
    char token[MSP_JOB_ID_BYTES + 16];
    (void)snprintf(token, sizeof token, "%s.%d", run->job->id, run->fence.claim);
    enum msp_result result = msp_storage_find(url, &export->target.storage, error);
    if (result != MSP_OK) {
        return result;
    }
    export->lock_until_ms = msp_clock_monotonic_ms() + LOCK_PATIENCE_MS;
    struct msp_storage_request request = {
        .settings = run->settings,
        .url = url,
        .prefix = export->prefix,
        .token = token,
        .keep_waiting = keep_waiting,
        .should_stop = should_stop,
        .context = export,
    };
    return export->target.storage->begin(&request, &export->target.stage, error);
}

/* ---- rows ---- */

static enum msp_result end_part(struct dataset_export *export, struct msp_error *error)
{
    const struct msp_export_part *part = &export->plan.parts[export->at];
    struct msp_export_file *file = &export->files[export->at];
    bool *written = &export->written[export->at];
    enum msp_result result =
        msp_export_part_end(export->writer, &part->before, file, written, error);
    file->revision = part->revision;
    export->any_written |= *written;
    export->open = false;
    export->at++;
    export->done++;
    msp_job_run_tell(export->target.run, (int64_t) export->done, (int64_t) export->plan.due_count);
    return result;
}

static enum msp_result keep_part(struct dataset_export *export, struct msp_error *error)
{
    const struct msp_export_before *before = &export->plan.parts[export->at].before;
    export->files[export->at++] = *before->file;
    return msp_export_part_keep(export->writer, before, error);
}

/* Ends or keeps the parts before `day`, each with at least its header, and opens its own. */
static enum msp_result go_to_day(struct dataset_export *export, int32_t day,
                                 struct msp_error *error)
{
    const struct msp_export_plan *plan = &export->plan;
    enum msp_result result = msp_job_run_check(export->target.run, error);
    while (result == MSP_OK && export->at < plan->part_count && plan->parts[export->at].day < day) {
        if (!plan->parts[export->at].due) {
            result = keep_part(export, error);
            continue;
        }
        if (!export->open) {
            result = msp_export_part_begin(export->writer, plan->parts[export->at].day, error);
        }
        if (result == MSP_OK) {
            result = end_part(export, error);
        }
    }
    if (result != MSP_OK || day == INT32_MAX || export->open) {
        return result;
    }
    if (export->at == plan->part_count || plan->parts[export->at].day != day) {
        return msp_fail(error, MSP_BROKEN, "export_out_of_order",
                        "The database gave a row of a day that was not asked for.");
    }
    export->open = true;
    return msp_export_part_begin(export->writer, day, error);
}

static bool take_row(void *context, int32_t day, const char *row, size_t length)
{
    struct dataset_export *export = context;
    bool has_days = msp_dataset_has_days(export->target.dataset);
    if (has_days && (!export->open || export->plan.parts[export->at].day != day)) {
        export->stream_result = go_to_day(export, day, export->stream_error);
    }
    if (export->stream_result == MSP_OK) {
        export->stream_result =
            msp_export_part_add(export->writer, row, length, export->stream_error);
    }
    return export->stream_result == MSP_OK;
}

static enum msp_result stream_rows(struct dataset_export *export, struct msp_error *error)
{
    const struct msp_job_run *run = export->target.run;
    struct msp_error stream_error;
    export->stream_error = &stream_error;
    enum msp_result result =
        msp_export_stream(run->db, run->job->tenant_id, export->target.dataset, export->plan.due,
                          export->plan.due_count, STREAM_IDLE_MS, take_row, export, error);
    if (export->stream_result != MSP_OK) {
        *error = stream_error;
        return export->stream_result;
    }
    return result;
}

/* All partitions, then the latest file. */
static enum msp_result write_files(struct dataset_export *export, struct msp_error *error)
{
    const struct msp_export_plan *plan = &export->plan;
    enum msp_result result = MSP_OK;
    if (!msp_dataset_has_days(export->target.dataset)) {
        result = msp_export_part_begin(export->writer, MSP_NO_DAY, error);
    }
    if (result == MSP_OK) {
        result = stream_rows(export, error);
    }
    if (result == MSP_OK) {
        result = go_to_day(export, INT32_MAX, error);
    }
    if (result != MSP_OK) {
        return result;
    }
    struct msp_export_file *latest = &export->files[plan->part_count];
    bool *written = &export->written[plan->part_count];
    result = msp_export_latest_end(export->writer, &plan->latest, latest, written, error);
    latest->revision = 0;
    export->any_written |= *written;
    return result;
}

/* ---- what is told of them ---- */

static void describe(const struct msp_export_file *file, struct msp_json_writer *json)
{
    msp_json_begin_object(json);
    msp_json_key_string(json, "location", file->location);
    msp_json_key_int(json, "rows", file->rows);
    msp_json_key_int(json, "bytes", file->bytes);
    msp_json_key_string(json, "sha256", file->sha256);
    msp_json_end_object(json);
}

static void write_manifest_text(const struct dataset_export *export, struct msp_buffer *out)
{
    const struct msp_export_plan *plan = &export->plan;
    struct msp_json_writer json;
    msp_json_writer_init(&json, out);
    msp_json_begin_object(&json);
    msp_json_key_int(&json, "schema_version", SCHEMA_VERSION);
    msp_json_key_string(&json, "dataset", msp_dataset_name(export->target.dataset));
    msp_json_key_string(&json, "tenant", export->target.run->job->tenant);
    msp_json_key_time(&json, "generated_at", msp_clock_unix_us());
    msp_json_key(&json, "files");
    msp_json_begin_array(&json);
    for (size_t i = 0; i <= plan->part_count; i++) {
        describe(&export->files[i], &json);
    }
    for (size_t i = 0; i < plan->other_count; i++) {
        if (plan->others[i].revision != MSP_EXPORT_UNSURE) {
            describe(&plan->others[i], &json);
        }
    }
    msp_json_end_array(&json);
    msp_json_end_object(&json);
}

static enum msp_result write_manifest(struct dataset_export *export, struct msp_error *error)
{
    const struct msp_storage *storage = export->target.storage;
    struct msp_storage_file *file = NULL;
    struct msp_buffer text;
    msp_buffer_init(&text, 0);
    write_manifest_text(export, &text);
    enum msp_result result =
        text.failed ? msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the manifest.")
                    : storage->file_begin(export->target.stage, "manifest.json", &file, error);
    if (result == MSP_OK) {
        result = storage->file_write(file, text.data, text.length, error);
        if (result == MSP_OK) {
            result = storage->file_end(file, error);
        } else {
            storage->file_drop(file);
        }
    }
    msp_buffer_done(&text);
    return result;
}

static void tell_location(const struct dataset_export *export, const struct msp_export_file *file,
                          struct msp_json_writer *json)
{
    const char *url = export->target.run->settings->export_storage;
    size_t length = strlen(url);
    char location[MSP_SETTINGS_TEXT_BYTES + 256];
    (void)snprintf(location, sizeof location, "%s%s%s", url,
                   length > 0 && url[length - 1] == '/' ? "" : "/", file->location);
    msp_json_begin_object(json);
    msp_json_key_string(json, "tenant_id", export->target.run->job->tenant);
    msp_json_key_string(json, "dataset", msp_dataset_name(export->target.dataset));
    msp_json_key_string(json, "location", location);
    msp_json_key_int(json, "rows", file->rows);
    msp_json_key_int(json, "bytes", file->bytes);
    msp_json_key_string(json, "sha256", file->sha256);
    msp_json_end_object(json);
}

/* The files this export was about, new or found unchanged. */
static void tell_locations(const struct dataset_export *export, struct msp_json_writer *json)
{
    const struct msp_export_plan *plan = &export->plan;
    bool asked = export->order->from != MSP_NO_DAY;
    for (size_t i = 0; i < plan->part_count; i++) {
        if (plan->parts[i].due) {
            tell_location(export, &export->files[i], json);
        }
    }
    if (plan->due_count > 0 || asked || export->written[plan->part_count]) {
        tell_location(export, &export->files[plan->part_count], json);
    }
}

/* ---- the last steps ---- */

/* Moves what `wanted` says of the plan's files to the front of a new list. */
static enum msp_result list_files(const struct dataset_export *export, bool only_written,
                                  struct msp_export_file **out, size_t *out_count,
                                  struct msp_error *error)
{
    size_t count = export->plan.part_count + 1;
    size_t listed = 0;
    *out = msp_arena_calloc(export->target.run->arena, count, sizeof **out);
    if (*out == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the list of files.");
    }
    for (size_t i = 0; i < count; i++) {
        bool is_latest = i == count - 1;
        if (export->written[i] || (!only_written && (is_latest || export->plan.parts[i].due))) {
            (*out)[listed++] = export->files[i];
        }
    }
    *out_count = listed;
    return MSP_OK;
}

/*
 * The record is made unsure first, then the files appear, then they are recorded: whoever dies on
 * the way leaves a record that makes the next export write the same files once more.
 */
static enum msp_result show_files(struct dataset_export *export, struct msp_error *error)
{
    struct msp_job_run *run = export->target.run;
    struct msp_export_file *files = NULL;
    size_t count = 0;
    enum msp_result result = write_manifest(export, error);
    if (result == MSP_OK) {
        result = list_files(export, true, &files, &count, error);
    }
    if (result == MSP_OK && count > 0) {
        result = msp_export_announce(run->db, run->job->tenant_id, &run->fence, files, count,
                                     msp_job_run_deadline_in(run, STORE_DEADLINE_MS), error);
    }
    return result == MSP_OK ? export->target.storage->commit(export->target.stage, error) : result;
}

/* When the turn was lost on the way, another may have recorded its files while ours appeared. */
static enum msp_result record_files(const struct dataset_export *export,
                                    const struct msp_export_file *files, size_t count,
                                    struct msp_error *error)
{
    struct msp_job_run *run = export->target.run;
    enum msp_result result =
        msp_export_record(run->db, run->job->tenant_id, &run->fence, files, count,
                          msp_job_run_deadline_in(run, STORE_DEADLINE_MS), error);
    struct msp_error ignored;
    if (result != MSP_OK &&
        msp_export_distrust(run->db, run->job->tenant_id, &run->fence, files, count,
                            msp_job_run_deadline_in(run, STORE_DEADLINE_MS), &ignored) != MSP_OK) {
        msp_log(MSP_LOG_WARNING, "Cannot note that exported files are unsure", "job", run->job->id,
                "detail", ignored.detail, "trace", msp_job_trace(run->job), NULL);
    }
    return result;
}

static enum msp_result publish(struct dataset_export *export, struct msp_error *error)
{
    struct msp_export_file *files = NULL;
    size_t count = 0;
    enum msp_result result = MSP_OK;
    if (export->any_written || export->plan.manifest_missing) {
        result = show_files(export, error);
    }
    if (result == MSP_OK) {
        result = list_files(export, false, &files, &count, error);
    }
    return result == MSP_OK ? record_files(export, files, count, error) : result;
}

static enum msp_result plan_dataset(struct dataset_export *export, struct msp_error *error)
{
    struct msp_arena *arena = export->target.run->arena;
    enum msp_result result = msp_export_writer_new(&export->target, &export->writer, error);
    if (result == MSP_OK) {
        result = msp_export_plan_make(&export->target, export->order, export->writer, &export->plan,
                                      error);
    }
    if (result != MSP_OK) {
        return result;
    }
    size_t count = export->plan.part_count + 1;
    export->files = msp_arena_calloc(arena, count, sizeof *export->files);
    export->written = msp_arena_calloc(arena, count, sizeof *export->written);
    return export->files != NULL && export->written != NULL
               ? MSP_OK
               : msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the files to write.");
}

/* Nothing has changed; the record says of when that is true. */
static enum msp_result confirm_latest(const struct dataset_export *export, struct msp_error *error)
{
    struct msp_job_run *run = export->target.run;
    const struct msp_export_file *latest = export->plan.latest.file;
    return latest == NULL || !export->plan.latest.intact
               ? MSP_OK
               : msp_export_record(run->db, run->job->tenant_id, &run->fence, latest, 1,
                                   msp_job_run_deadline_in(run, STORE_DEADLINE_MS), error);
}

/* What happens while the prefix is ours. */
static enum msp_result export_to_stage(struct dataset_export *export,
                                       struct msp_json_writer *locations, struct msp_error *error)
{
    struct msp_job_run *run = export->target.run;
    char stage[64];
    (void)snprintf(stage, sizeof stage, "exporting %s", msp_dataset_name(export->target.dataset));
    enum msp_result result = plan_dataset(export, error);
    if (result != MSP_OK) {
        return result;
    }
    if (!msp_export_plan_has_work(&export->plan, export->target.dataset)) {
        return confirm_latest(export, error);
    }
    /* A dataset without days is one piece of work. */
    int64_t total = export->plan.due_count > 0 ? (int64_t) export->plan.due_count : 1;
    result = msp_job_run_progress(run, 0, total, stage, error);
    if (result == MSP_OK) {
        result = write_files(export, error);
    }
    if (result == MSP_OK) {
        result = publish(export, error);
    }
    if (result == MSP_OK) {
        result = msp_job_run_progress(run, total, total, stage, error);
    }
    if (result == MSP_OK) {
        tell_locations(export, locations);
    }
    return result;
}

enum msp_result msp_export_dataset(struct msp_job_run *run, const struct msp_export_order *order,
                                   struct msp_json_writer *locations, struct msp_error *error)
{
    struct dataset_export export = {
        .order = order,
        .target = {.run = run, .dataset = order->dataset, .format = order->format},
    };
    (void)snprintf(export.prefix, sizeof export.prefix, "tenant=%s/dataset=%s", run->job->tenant,
                   msp_dataset_name(order->dataset));
    export.target.prefix = export.prefix;
    enum msp_result result = msp_export_turn_wait(run, order->dataset, error);
    if (result != MSP_OK) {
        return result;
    }
    result = begin_stage(&export, error);
    if (result == MSP_OK) {
        result = export_to_stage(&export, locations, error);
        msp_export_writer_free(export.writer);
        export.target.storage->end(export.target.stage);
    }
    msp_export_turn_leave(run, order->dataset);
    /* A storage that was told to stop does not know why. */
    bool was_told = result == MSP_BUSY || result == MSP_CANCELLED;
    enum msp_result stopped = was_told ? msp_job_run_check(run, error) : MSP_OK;
    return stopped != MSP_OK ? stopped : result;
}
