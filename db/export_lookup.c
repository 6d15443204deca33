/* One export on record, as somebody wants to read it. Writing the record is in export_store.c. */
#include "msp/export_lookup.h"

#include "job_row.h"
#include "wire.h"

#include <stdio.h>

#define FILE_COLUMNS                                                                               \
    "e.export_id::text, e.dataset, e.day, e.revision, e.location, e.row_count, e.bytes, e.sha256," \
    " e.created_at"

static const struct msp_statement by_id_statement = {
    "export_by_id",
    "SELECT " FILE_COLUMNS "  FROM msp.exports e"
    " WHERE e.tenant_id = $1::bigint AND e.export_id = $2::uuid",
    true};

/* Each format has a latest file of its own. Plain CSV is for everybody; but where only the other is
 * still exported, which shows after a day, it would be old. */
static const struct msp_statement latest_statement = {
    "export_latest",
    "SELECT " FILE_COLUMNS "  FROM msp.exports e"
    " WHERE e.tenant_id = $1::bigint AND e.dataset = $2::text AND e.day IS NULL"
    " ORDER BY e.created_at < max(e.created_at) OVER () - interval '1 day', length(e.location)"
    " LIMIT 1",
    true};

static enum msp_result read_file(const PGresult *rows, struct msp_arena *arena,
                                 struct msp_export_file *out, struct msp_error *error)
{
    struct msp_export_file file = {.day = msp_wire_day(rows, 0, 2),
                                   .revision = msp_result_int(rows, 0, 3),
                                   .rows = msp_result_int(rows, 0, 5),
                                   .bytes = msp_result_int(rows, 0, 6),
                                   .created_us = msp_wire_time(rows, 0, 8)};
    (void)snprintf(file.id, sizeof(file.id), "%s", msp_result_text(rows, 0, 0));
    (void)snprintf(file.sha256, sizeof(file.sha256), "%s", msp_result_text(rows, 0, 7));
    if (!msp_dataset_parse(msp_result_text(rows, 0, 1), &file.dataset))
        return msp_fail(error, MSP_BROKEN, "dataset_unknown",
                        "An export on record is of a dataset that this program does not know.");
    file.location = msp_arena_copy(arena, PQgetvalue(rows, 0, 4), (size_t)PQgetlength(rows, 0, 4));
    if (file.location == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for an export's record.");
    *out = file;
    return MSP_OK;
}

static enum msp_result read_one(struct msp_db *db, int64_t tenant_id, struct msp_call *call,
                                struct msp_arena *arena, int64_t deadline_ms,
                                struct msp_export_file *out, struct msp_error *error)
{
    struct msp_scope scope = {tenant_id, NULL};
    enum msp_result result = msp_db_transact(db, &scope, call, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    if (PQntuples(call->result) == 0)
        result = msp_fail(error, MSP_NOT_FOUND, "export_unknown", "There is no such export.");
    else
        result = read_file(call->result, arena, out, error);
    msp_calls_clear(call, 1);
    return result;
}

enum msp_result msp_export_find(struct msp_db *db, int64_t tenant_id, const char *id,
                                struct msp_arena *arena, int64_t deadline_ms,
                                struct msp_export_file *out, struct msp_error *error)
{
    struct msp_params params;
    /* The same answer as for an id that nobody has. */
    if (!msp_job_id_is_well_formed(id))
        return msp_fail(error, MSP_NOT_FOUND, "export_unknown", "There is no such export.");
    msp_params_init(&params);
    msp_params_int(&params, tenant_id);
    msp_params_text(&params, id);
    struct msp_call call = {&by_id_statement, &params, NULL};
    return read_one(db, tenant_id, &call, arena, deadline_ms, out, error);
}

enum msp_result msp_export_latest(struct msp_db *db, int64_t tenant_id, enum msp_dataset dataset,
                                  struct msp_arena *arena, int64_t deadline_ms,
                                  struct msp_export_file *out, struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, tenant_id);
    msp_params_text(&params, msp_dataset_name(dataset));
    struct msp_call call = {&latest_statement, &params, NULL};
    return read_one(db, tenant_id, &call, arena, deadline_ms, out, error);
}
