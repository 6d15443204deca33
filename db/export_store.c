/* The days an export is due for, and the record of the files made of them. Reads no rows. */
#include "msp/export_store.h"

#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* complete: ended, computed, without a mark, and drained after its end where the source is pulled.
 */
#define DAY_STATE                                                                                  \
    "WITH place AS (SELECT t.timezone AS zone, t.source, c.drained_at"                             \
    "                 FROM msp.tenants t LEFT JOIN msp.ingest_cursors c"                           \
    "                   ON c.tenant_id = t.tenant_id AND c.source = t.source"                      \
    "                WHERE t.tenant_id = $1::bigint),"                                             \
    " state AS (SELECT w.day, coalesce(k.revision, 0) AS revision,"                                \
    "       k.computed_at IS NOT NULL AND d.day IS NULL"                                           \
    "       AND msp.local_day(now(), p.zone) > w.day"                                              \
    "       AND (p.source = '' OR coalesce(msp.local_day(p.drained_at, p.zone) > w.day, false))"   \
    "           AS complete"                                                                       \
    "  FROM wanted w CROSS JOIN place p"                                                           \
    "  LEFT JOIN msp.kpi_days k ON k.tenant_id = $1::bigint AND k.day = w.day"                     \
    "  LEFT JOIN msp.kpi_dirty_days d ON d.tenant_id = $1::bigint AND d.day = w.day)"

static const struct msp_statement range_statement = {
    "export_days_range",
    "WITH wanted AS (SELECT $2::date + step AS day FROM generate_series(0, $3::date - $2::date) AS "
    "step) "
    "SELECT * FROM (" DAY_STATE " SELECT day, revision, complete FROM state) AS s ORDER BY day",
    true};

static const struct msp_statement changed_statement = {
    "export_days_changed",
    "WITH wanted AS (SELECT k.day FROM msp.kpi_days k WHERE k.tenant_id = $1::bigint) "
    "SELECT * FROM (" DAY_STATE " SELECT s.day, s.revision, s.complete FROM state s"
    "   LEFT JOIN msp.exports e"
    "     ON e.tenant_id = $1::bigint AND e.dataset = $2::text AND e.day = s.day"
    "  WHERE s.complete AND e.revision IS DISTINCT FROM s.revision) AS changed ORDER BY day",
    true};

static const struct msp_statement files_statement = {
    "export_files",
    "SELECT export_id::text, day, revision, location, row_count, bytes, sha256, created_at"
    "  FROM msp.exports WHERE tenant_id = $1::bigint AND dataset = $2::text"
    " ORDER BY day NULLS LAST",
    true};

static const struct msp_statement record_statement = {
    "export_record",
    "INSERT INTO msp.exports AS e (tenant_id, dataset, day, revision, location, row_count, bytes,"
    "                              sha256, job_id)"
    " VALUES ($1::bigint, $2::text, $3::date, $4::bigint, $5::text, $6::bigint, $7::bigint,"
    "         $8::text, $9::uuid)"
    " ON CONFLICT (tenant_id, dataset, day) DO UPDATE"
    "   SET revision = EXCLUDED.revision, location = EXCLUDED.location,"
    "       row_count = EXCLUDED.row_count, bytes = EXCLUDED.bytes, sha256 = EXCLUDED.sha256,"
    "       job_id = EXCLUDED.job_id, created_at = EXCLUDED.created_at",
    false};

static const struct msp_statement record_fence_statement = {
    "export_fence", "SELECT msp.job_fence($1::uuid, $2::bigint::integer, $3::text)", false};

enum msp_result msp_export_days(struct msp_db *db, int64_t tenant_id, enum msp_dataset dataset,
                                int32_t from, int32_t to, struct msp_arena *arena,
                                int64_t deadline_ms, struct msp_export_day **out_days,
                                size_t *out_count, struct msp_error *error)
{
    bool changed = from == MSP_NO_DAY || to == MSP_NO_DAY;
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, tenant_id);
    if (changed) {
        msp_params_text(&params, msp_dataset_name(dataset));
    } else {
        msp_params_day(&params, from);
        msp_params_day(&params, to);
    }
    struct msp_call call = {changed ? &changed_statement : &range_statement, &params, NULL};
    struct msp_scope scope = {tenant_id, NULL};
    enum msp_result result = msp_db_transact(db, &scope, &call, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    size_t count = (size_t)PQntuples(call.result);
    struct msp_export_day *days = msp_arena_calloc(arena, count + 1, sizeof(*days));
    for (size_t i = 0; i < count && days != NULL; i++) {
        days[i].day = msp_wire_day(call.result, (int)i, 0);
        days[i].revision = msp_result_int(call.result, (int)i, 1);
        days[i].complete = msp_result_bool(call.result, (int)i, 2);
    }
    msp_calls_clear(&call, 1);
    if (days == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the days to export.");
    *out_days = days;
    *out_count = count;
    return MSP_OK;
}

static bool read_file(const PGresult *rows, int row, enum msp_dataset dataset,
                      struct msp_arena *arena, struct msp_export_file *out)
{
    snprintf(out->id, sizeof(out->id), "%s", msp_result_text(rows, row, 0));
    out->dataset = dataset;
    out->day = msp_wire_day(rows, row, 1);
    out->revision = msp_result_int(rows, row, 2);
    out->location =
        msp_arena_copy(arena, PQgetvalue(rows, row, 3), (size_t)PQgetlength(rows, row, 3));
    out->rows = msp_result_int(rows, row, 4);
    out->bytes = msp_result_int(rows, row, 5);
    snprintf(out->sha256, sizeof(out->sha256), "%s", msp_result_text(rows, row, 6));
    out->created_us = msp_wire_time(rows, row, 7);
    return out->location != NULL;
}

enum msp_result msp_export_files(struct msp_db *db, int64_t tenant_id, enum msp_dataset dataset,
                                 struct msp_arena *arena, int64_t deadline_ms,
                                 struct msp_export_file **out_files, size_t *out_count,
                                 struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, tenant_id);
    msp_params_text(&params, msp_dataset_name(dataset));
    struct msp_call call = {&files_statement, &params, NULL};
    struct msp_scope scope = {tenant_id, NULL};
    enum msp_result result = msp_db_transact(db, &scope, &call, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    size_t count = (size_t)PQntuples(call.result);
    struct msp_export_file *files = msp_arena_calloc(arena, count + 1, sizeof(*files));
    bool good = files != NULL;
    for (size_t i = 0; i < count && good; i++)
        good = read_file(call.result, (int)i, dataset, arena, &files[i]);
    msp_calls_clear(&call, 1);
    if (!good)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the list of exports.");
    *out_files = files;
    *out_count = count;
    return MSP_OK;
}

/* A file's row costs a round trip less for each that travels with it. */
#define RECORD_BATCH 32

static void record_params(struct msp_params *params, int64_t tenant_id, const char *job_id,
                          const struct msp_export_file *file)
{
    msp_params_init(params);
    msp_params_int(params, tenant_id);
    msp_params_text(params, msp_dataset_name(file->dataset));
    msp_params_day(params, file->day);
    msp_params_int(params, file->revision);
    msp_params_text(params, file->location);
    msp_params_int(params, file->rows);
    msp_params_int(params, file->bytes);
    msp_params_text(params, file->sha256);
    msp_params_text(params, job_id);
}

static enum msp_result record_files(struct msp_db *db, int64_t tenant_id, const char *job_id,
                                    const struct msp_export_file *files, size_t count,
                                    int64_t deadline_ms, struct msp_error *error)
{
    enum msp_result result = MSP_OK;
    for (size_t done = 0; done < count && result == MSP_OK; done += RECORD_BATCH) {
        struct msp_params params[RECORD_BATCH];
        struct msp_call calls[RECORD_BATCH];
        size_t batch = count - done < RECORD_BATCH ? count - done : RECORD_BATCH;
        for (size_t i = 0; i < batch; i++) {
            record_params(&params[i], tenant_id, job_id, &files[done + i]);
            calls[i] = (struct msp_call){&record_statement, &params[i], NULL};
        }
        result = msp_db_run(db, calls, batch, deadline_ms, error);
        msp_calls_clear(calls, batch);
    }
    return result;
}

enum msp_result msp_export_record(struct msp_db *db, int64_t tenant_id,
                                  const struct msp_fence *fence,
                                  const struct msp_export_file *files, size_t count,
                                  int64_t deadline_ms, struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, fence->job_id);
    msp_params_int(&params, fence->claim);
    msp_params_text(&params, fence->worker);
    struct msp_call call = {&record_fence_statement, &params, NULL};
    struct msp_scope scope = {tenant_id, NULL};
    enum msp_result result = msp_db_begin(db, &scope, deadline_ms, error);
    if (result == MSP_OK)
        result = msp_db_run(db, &call, 1, deadline_ms, error);
    msp_calls_clear(&call, 1);
    if (result == MSP_OK)
        result = record_files(db, tenant_id, fence->job_id, files, count, deadline_ms, error);
    if (result == MSP_OK)
        result = msp_db_commit(db, deadline_ms, error);
    return result;
}
