/* Puts the days asked for and the files on record together. Writes nothing. */
#include "export_plan.h"

#include "export_names.h"
#include "msp/timestamp.h"

#define STORE_DEADLINE_MS 30000

/* What a plan is made of. */
struct sources {
    const struct msp_export_writer_options *target;
    const struct msp_export_order *order;
    const struct msp_export_writer *writer;
    struct msp_export_day *days; /* asked for, or changed; ascending */
    size_t day_count;
    struct msp_export_file *files; /* on record in this format; ascending, the latest last */
    size_t file_count;
};

static enum msp_result no_memory(struct msp_error *error)
{
    return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the days to export.");
}

static enum msp_result read_days(const struct sources *sources, int32_t from, int32_t to,
                                 struct msp_export_day **out_days, size_t *out_count,
                                 struct msp_error *error)
{
    const struct msp_job_run *run = sources->target->run;
    return msp_export_days(
        run->db, run->job->tenant_id, sources->target->dataset, sources->target->format, from, to,
        run->arena, msp_job_run_deadline_in(run, STORE_DEADLINE_MS), out_days, out_count, error);
}

static enum msp_result refuse_incomplete(const struct sources *sources, struct msp_error *error)
{
    size_t incomplete = 0;
    int32_t first = MSP_NO_DAY;
    for (size_t i = 0; i < sources->day_count; i++) {
        if (!sources->days[i].complete) {
            first = incomplete == 0 ? sources->days[i].day : first;
            incomplete++;
        }
    }
    if (incomplete == 0 || sources->order->force) {
        return MSP_OK;
    }
    char text[MSP_DAY_TEXT_BYTES];
    msp_day_format(first, text);
    return msp_fail(error, MSP_CONFLICT, "day_not_complete",
                    "%zu of the days asked for %s not complete yet, the first is %s. Wait until "
                    "they are, or send \"force\": true to export them as they stand.",
                    incomplete, incomplete == 1 ? "is" : "are", text);
}

/* Reads what is on record, in this format and in others. */
static enum msp_result read_files(struct sources *sources, struct msp_export_plan *plan,
                                  struct msp_error *error)
{
    const struct msp_job_run *run = sources->target->run;
    struct msp_export_file *files;
    size_t count;
    enum msp_result result =
        msp_export_files(run->db, run->job->tenant_id, sources->target->dataset, run->arena,
                         msp_job_run_deadline_in(run, STORE_DEADLINE_MS), &files, &count, error);
    if (result != MSP_OK) {
        return result;
    }
    sources->files = msp_arena_calloc(run->arena, count + 1, sizeof *sources->files);
    plan->others = msp_arena_calloc(run->arena, count + 1, sizeof *plan->others);
    if (sources->files == NULL || plan->others == NULL) {
        return no_memory(error);
    }
    for (size_t i = 0; i < count; i++) {
        if (files[i].format == sources->target->format) {
            sources->files[sources->file_count++] = files[i];
        } else {
            plan->others[plan->other_count++] = files[i];
        }
    }
    return MSP_OK;
}

static bool is_intact(const struct sources *sources, const struct msp_export_file *file)
{
    const struct msp_export_writer_options *target = sources->target;
    char name[MSP_EXPORT_NAME_BYTES];
    msp_export_file_name(file->day, target->format, name);
    return file->revision != MSP_EXPORT_UNSURE &&
           file->columns == msp_export_columns(target->dataset) &&
           target->storage->holds(target->stage, name, file->bytes);
}

/* Each day asked for and each partition on record, once, in order. */
static enum msp_result merge(const struct sources *sources, struct msp_export_plan *plan,
                             struct msp_error *error)
{
    struct msp_arena *arena = sources->target->run->arena;
    size_t room = sources->day_count + sources->file_count + 1;
    plan->parts = msp_arena_calloc(arena, room, sizeof *plan->parts);
    plan->due = msp_arena_calloc(arena, room, sizeof *plan->due);
    if (plan->parts == NULL || plan->due == NULL) {
        return no_memory(error);
    }
    size_t day = 0;
    for (size_t file = 0; file < sources->file_count || day < sources->day_count;) {
        const struct msp_export_file *known =
            file < sources->file_count ? &sources->files[file] : NULL;
        if (known != NULL && known->day == MSP_NO_DAY) {
            plan->latest = (struct msp_export_before){known, is_intact(sources, known), -1};
            file++;
            continue;
        }
        const struct msp_export_day *asked = day < sources->day_count ? &sources->days[day] : NULL;
        struct msp_export_part *part = &plan->parts[plan->part_count++];
        part->before.offset = -1;
        if (known != NULL && (asked == NULL || known->day <= asked->day)) {
            part->day = known->day;
            part->revision = known->revision;
            part->before.file = known;
            part->before.intact = is_intact(sources, known);
            file++;
        }
        if (asked != NULL && (known == NULL || asked->day <= known->day)) {
            part->day = asked->day;
            part->revision = asked->revision;
            part->due = true;
            day++;
        }
    }
    return MSP_OK;
}

/* Partitions that have to be written anew though nobody asked. */
static enum msp_result add_broken(const struct sources *sources, struct msp_export_plan *plan,
                                  struct msp_error *error)
{
    const struct msp_export_part *first = NULL;
    const struct msp_export_part *last = NULL;
    for (size_t i = 0; i < plan->part_count; i++) {
        if (!plan->parts[i].due && !plan->parts[i].before.intact) {
            first = first != NULL ? first : &plan->parts[i];
            last = &plan->parts[i];
        }
    }
    if (first == NULL) {
        return MSP_OK;
    }
    struct msp_export_day *days;
    size_t count;
    int32_t from = first->day;
    enum msp_result result = read_days(sources, from, last->day, &days, &count, error);
    for (size_t i = 0; i < plan->part_count && result == MSP_OK; i++) {
        struct msp_export_part *part = &plan->parts[i];
        if (!part->due && !part->before.intact) {
            size_t at = (size_t)(part->day - from); /* every day of the range is there */
            part->due = true;
            part->revision = at < count ? days[at].revision : 0;
        }
    }
    return result;
}

static void list_due(struct msp_export_plan *plan)
{
    for (size_t i = 0; i < plan->part_count; i++) {
        const struct msp_export_part *part = &plan->parts[i];
        if (part->due) {
            plan->due[plan->due_count++] =
                (struct msp_export_day){.day = part->day, .revision = part->revision};
        }
    }
}

/* Finds the partitions' bodies in the latest file, if it is the sum of them. */
static void find_offsets(const struct sources *sources, struct msp_export_plan *plan)
{
    if (!plan->latest.intact) {
        return;
    }
    int64_t frame = msp_export_frame_bytes(sources->writer);
    int64_t at = msp_export_prefix_bytes(sources->writer);
    int64_t whole = frame;
    for (size_t i = 0; i < plan->part_count; i++) {
        const struct msp_export_file *file = plan->parts[i].before.file;
        whole += file != NULL ? file->bytes - frame : 0;
    }
    for (size_t i = 0; i < plan->part_count && whole == plan->latest.file->bytes; i++) {
        struct msp_export_before *before = &plan->parts[i].before;
        if (before->file != NULL) {
            before->offset = at;
            at += before->file->bytes - frame;
        }
    }
}

enum msp_result msp_export_plan_make(const struct msp_export_writer_options *target,
                                     const struct msp_export_order *order,
                                     const struct msp_export_writer *writer,
                                     struct msp_export_plan *out, struct msp_error *error)
{
    struct sources sources = {.target = target, .order = order, .writer = writer};
    struct msp_export_plan plan = {.latest = {.offset = -1}};
    enum msp_result result =
        read_days(&sources, order->from, order->to, &sources.days, &sources.day_count, error);
    if (result == MSP_OK && order->from != MSP_NO_DAY) {
        result = refuse_incomplete(&sources, error);
    }
    if (result == MSP_OK) {
        result = read_files(&sources, &plan, error);
    }
    if (result == MSP_OK) {
        result = merge(&sources, &plan, error);
    }
    if (result == MSP_OK) {
        result = add_broken(&sources, &plan, error);
    }
    if (result != MSP_OK) {
        return result;
    }
    list_due(&plan);
    find_offsets(&sources, &plan);
    plan.manifest_missing = !target->storage->holds(target->stage, "manifest.json", -1);
    *out = plan;
    return MSP_OK;
}

bool msp_export_plan_has_work(const struct msp_export_plan *plan, enum msp_dataset dataset)
{
    return !msp_dataset_has_days(dataset) || plan->due_count > 0 ||
           (plan->part_count > 0 && (!plan->latest.intact || plan->manifest_missing));
}
