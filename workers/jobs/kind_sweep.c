/* Finds the tickets of a tenant that its source no longer has, by the list of all its ids, and
 * moves them out of the way. Reads no tickets. */
#include "job_kinds.h"
#include "msp/json_writer.h"
#include "msp/log.h"
#include "msp/sweep_store.h"
#include "sources/source_open.h"

#include <string.h>

#define STORE_DEADLINE_MS 120000
#define PAGE_IDS          10000

struct sweeping {
    struct msp_job_run *run;
    struct msp_tenant tenant;
    struct msp_open_source opened;
    struct msp_sweep sweep;
    struct msp_arena *arena; /* the ids of a page */
    const char **ids;
    size_t count, room;
    int64_t listed;
    bool lists_ids;
};

static bool take_id(void *context, const char *external_id)
{
    struct sweeping *sweeping = context;
    if (sweeping->count == sweeping->room) {
        size_t room = sweeping->room == 0 ? PAGE_IDS : 2 * sweeping->room;
        const char **ids = msp_arena_calloc(sweeping->arena, room, sizeof *ids);
        if (ids == NULL) {
            return false;
        }
        if (sweeping->count > 0) {
            memcpy(ids, sweeping->ids, sweeping->count * sizeof *ids);
        }
        sweeping->ids = ids;
        sweeping->room = room;
    }
    const char *id = msp_arena_copy(sweeping->arena, external_id, strlen(external_id));
    if (id == NULL) {
        return false;
    }
    sweeping->ids[sweeping->count++] = id;
    return true;
}

static enum msp_result list_page(struct sweeping *sweeping, char place[MSP_CURSOR_BYTES],
                                 bool *out_done, struct msp_error *error)
{
    struct msp_source_reader *reader = sweeping->opened.reader;
    msp_arena_reset(sweeping->arena);
    sweeping->count = 0;
    sweeping->room = 0;
    enum msp_result result = reader->source->ids(reader, place, take_id, sweeping,
                                                 sweeping->run->deadline_ms, out_done, error);
    if (result == MSP_OK) {
        result = msp_sweep_list(sweeping->run->db, &sweeping->sweep, sweeping->ids, sweeping->count,
                                msp_job_run_deadline_in(sweeping->run, STORE_DEADLINE_MS), error);
    }
    if (result == MSP_OK) {
        sweeping->listed += (int64_t)sweeping->count;
        result = msp_job_run_progress(sweeping->run, sweeping->listed, 0, "listing ids", error);
    }
    return result;
}

static enum msp_result list_all(struct sweeping *sweeping, struct msp_error *error)
{
    char place[MSP_CURSOR_BYTES] = "";
    bool done = false;
    enum msp_result result = MSP_OK;
    while (result == MSP_OK && !done) {
        result = list_page(sweeping, place, &done, error);
    }
    return result;
}

/* The days that lost tickets are computed anew by a job of its own. */
static void queue_recompute(struct sweeping *sweeping)
{
    const struct msp_job_request request = {
        .kind = "kpi",
        .lane = msp_job_kind_find("kpi")->lane,
        .parameters = "{\"dirty_only\":true}",
        .merges = true,
        .trace = sweeping->run->job->trace,
    };
    struct msp_job queued;
    struct msp_error error;
    if (msp_job_insert(sweeping->run->db, sweeping->tenant.id, &request, sweeping->run->arena,
                       msp_job_run_deadline_in(sweeping->run, STORE_DEADLINE_MS), &queued,
                       &error) == MSP_OK) {
        sweeping->run->queued_more = true;
        return;
    }
    msp_log(MSP_LOG_WARNING, "Cannot queue the recompute of swept days", "tenant",
            sweeping->tenant.slug, "detail", error.detail, "trace",
            msp_job_trace(sweeping->run->job), NULL);
}

static void write_result(const struct sweeping *sweeping, int64_t buried, struct msp_buffer *out)
{
    struct msp_json_writer writer;
    msp_json_writer_init(&writer, out);
    msp_json_begin_object(&writer);
    msp_json_key_string(&writer, "tenant_id", sweeping->tenant.slug);
    msp_json_key_bool(&writer, "lists_ids", sweeping->lists_ids);
    msp_json_key_int(&writer, "stored", sweeping->sweep.stored);
    msp_json_key_int(&writer, "listed", sweeping->listed);
    msp_json_key_int(&writer, "buried", buried);
    msp_json_end_object(&writer);
}

/* From an opened source that can list. */
static enum msp_result sweep_source(struct sweeping *sweeping, bool force, int64_t *out_buried,
                                    struct msp_error *error)
{
    struct msp_job_run *run = sweeping->run;
    enum msp_result result =
        msp_sweep_begin(run->db, sweeping->tenant.id, sweeping->tenant.source,
                        msp_job_run_deadline_in(run, STORE_DEADLINE_MS), &sweeping->sweep, error);
    if (result == MSP_OK) {
        result = list_all(sweeping, error);
    }
    if (result == MSP_NOT_FOUND && strcmp(error->code, "source_lists_no_ids") == 0) {
        sweeping->lists_ids = false;
        return MSP_OK;
    }
    if (result == MSP_OK) {
        result = msp_sweep_end(run->db, &sweeping->sweep, force,
                               msp_job_run_deadline_in(run, STORE_DEADLINE_MS), out_buried, error);
    }
    if (result == MSP_OK && *out_buried > 0) {
        queue_recompute(sweeping);
    }
    return result;
}

static enum msp_result sweep_tenant(struct sweeping *sweeping, bool force, struct msp_buffer *out,
                                    struct msp_error *error)
{
    int64_t buried = 0;
    enum msp_result result = msp_job_run_tenant(sweeping->run, &sweeping->tenant, error);
    if (result == MSP_OK) {
        result = msp_open_source_open(sweeping->run, &sweeping->tenant, &sweeping->opened, error);
    }
    sweeping->lists_ids = result == MSP_OK && sweeping->opened.reader->source->ids != NULL;
    if (sweeping->lists_ids) {
        result = sweep_source(sweeping, force, &buried, error);
    }
    if (result == MSP_OK) {
        write_result(sweeping, buried, out);
    }
    result = msp_open_source_wait(sweeping->run, &sweeping->opened, result, error);
    msp_open_source_close(&sweeping->opened);
    return result;
}

enum msp_result msp_kind_sweep_run(struct msp_job_run *run, struct msp_buffer *result,
                                   struct msp_error *error)
{
    json_t *parameters;
    enum msp_result outcome = msp_job_run_parameters(run, &parameters, error);
    if (outcome != MSP_OK) {
        return outcome;
    }
    struct sweeping *sweeping = msp_arena_calloc(run->arena, 1, sizeof *sweeping);
    struct msp_arena *ids = msp_arena_new(256U << 10);
    if (sweeping == NULL || ids == NULL) {
        outcome = msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a sweep.");
    } else {
        sweeping->run = run;
        sweeping->arena = ids;
        outcome = sweep_tenant(sweeping, json_is_true(json_object_get(parameters, "force")), result,
                               error);
    }
    msp_arena_free(ids);
    json_decref(parameters);
    return outcome;
}
