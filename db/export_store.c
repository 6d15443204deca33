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
    "     ON e.tenant_id = $1::bigint AND e.dataset = $2::text AND e.format = $3::text"
    "    AND e.day = s.day"
    "  WHERE s.complete AND e.revision IS DISTINCT FROM s.revision) AS changed ORDER BY day",
    true};

static const struct msp_statement files_statement = {
    "export_files",
    "SELECT export_id::text, day, revision, location, row_count, bytes, sha256, created_at, format,"
    "       columns, text_bytes, text_crc"
    "  FROM msp.exports WHERE tenant_id = $1::bigint AND dataset = $2::text"
    " ORDER BY format, day NULLS LAST",
    true};

/* Days travel as numbers of days since 1970. */
static const struct msp_statement announce_statement = {
    "export_announce",
    "UPDATE msp.exports SET revision = -1"
    " WHERE tenant_id = $1::bigint AND dataset = $2::text AND format = $3::text"
    "   AND (day IS NULL OR day IN (SELECT date '1970-01-01' + d FROM unnest($4::integer[]) AS d))",
    false};

static const struct msp_statement record_statement = {
    "export_record",
    "INSERT INTO msp.exports AS e (tenant_id, dataset, format, columns, job_id, day, revision,"
    "                              location, row_count, bytes, sha256, text_bytes, text_crc)"
    " SELECT $1::bigint, $2::text, $3::text, $4::bigint, $5::uuid, date '1970-01-01' + f.day,"
    "        f.revision, f.location, f.row_count, f.bytes, f.sha256, f.text_bytes, f.text_crc"
    "   FROM unnest($6::integer[], $7::bigint[], $8::text[], $9::bigint[], $10::bigint[],"
    "               $11::text[], $12::bigint[], $13::bigint[])"
    "     AS f (day, revision, location, row_count, bytes, sha256, text_bytes, text_crc)"
    " ON CONFLICT (tenant_id, dataset, format, day) DO UPDATE"
    "   SET revision = EXCLUDED.revision, location = EXCLUDED.location,"
    "       columns = EXCLUDED.columns, row_count = EXCLUDED.row_count, bytes = EXCLUDED.bytes,"
    "       sha256 = EXCLUDED.sha256, text_bytes = EXCLUDED.text_bytes,"
    "       text_crc = EXCLUDED.text_crc, job_id = EXCLUDED.job_id,"
    /* A latest file's tells when it was last found right. */
    "       created_at = CASE WHEN e.sha256 = EXCLUDED.sha256 AND e.day IS NOT NULL"
    "                         THEN e.created_at ELSE EXCLUDED.created_at END"
    " WHERE e.day IS NULL OR (e.revision, e.location, e.columns, e.sha256)"
    "       IS DISTINCT FROM (EXCLUDED.revision, EXCLUDED.location, EXCLUDED.columns,"
    "                         EXCLUDED.sha256)",
    false};

static const struct msp_statement turn_statement = {
    "export_turn_hold", "SELECT msp.export_turn_hold($1::bigint, $2::text)", false};

static const struct msp_statement record_fence_statement = {
    "export_fence", "SELECT msp.job_fence($1::uuid, $2::bigint::integer, $3::text)", false};

enum msp_result msp_export_days(struct msp_db *db, int64_t tenant_id, enum msp_dataset dataset,
                                enum msp_export_format format, int32_t from, int32_t to,
                                struct msp_arena *arena, int64_t deadline_ms,
                                struct msp_export_day **out_days, size_t *out_count,
                                struct msp_error *error)
{
    if (!msp_dataset_has_days(dataset)) {
        *out_days = NULL;
        *out_count = 0;
        return MSP_OK;
    }
    bool changed = from == MSP_NO_DAY || to == MSP_NO_DAY;
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, tenant_id);
    if (changed) {
        msp_params_text(&params, msp_dataset_name(dataset));
        msp_params_text(&params, msp_export_format_name(format));
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
    out->columns = (int)msp_result_int(rows, row, 9);
    out->text_bytes = msp_result_int(rows, row, 10);
    out->text_crc = (uint32_t)msp_result_int(rows, row, 11);
    return msp_export_format_parse(msp_result_text(rows, row, 8), &out->format) &&
           out->location != NULL;
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

/* The columns of many files, each an array. */
struct file_arrays {
    struct msp_buffer days, revisions, locations, rows, bytes, sums, text_bytes, text_crcs;
};

static void each_array(struct file_arrays *arrays, void (*visit)(struct msp_buffer *))
{
    struct msp_buffer *all[] = {&arrays->days,       &arrays->revisions, &arrays->locations,
                                &arrays->rows,       &arrays->bytes,     &arrays->sums,
                                &arrays->text_bytes, &arrays->text_crcs};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        visit(all[i]);
}

static void init_array(struct msp_buffer *array)
{
    msp_buffer_init(array, 0);
}

static void fill_days(struct msp_buffer *days, const struct msp_export_file *files, size_t count)
{
    msp_wire_array_begin(days, MSP_OID_INT4, count);
    for (size_t i = 0; i < count; i++) {
        if (files[i].day == MSP_NO_DAY)
            msp_wire_add_null(days);
        else
            msp_wire_add_int(days, files[i].day, 4);
    }
}

static void fill_arrays(struct file_arrays *arrays, const struct msp_export_file *files,
                        size_t count)
{
    fill_days(&arrays->days, files, count);
    msp_wire_array_begin(&arrays->revisions, MSP_OID_INT8, count);
    msp_wire_array_begin(&arrays->locations, MSP_OID_TEXT, count);
    msp_wire_array_begin(&arrays->rows, MSP_OID_INT8, count);
    msp_wire_array_begin(&arrays->bytes, MSP_OID_INT8, count);
    msp_wire_array_begin(&arrays->sums, MSP_OID_TEXT, count);
    msp_wire_array_begin(&arrays->text_bytes, MSP_OID_INT8, count);
    msp_wire_array_begin(&arrays->text_crcs, MSP_OID_INT8, count);
    for (size_t i = 0; i < count; i++) {
        msp_wire_add_int(&arrays->revisions, files[i].revision, 8);
        msp_wire_add_text(&arrays->locations, files[i].location);
        msp_wire_add_int(&arrays->rows, files[i].rows, 8);
        msp_wire_add_int(&arrays->bytes, files[i].bytes, 8);
        msp_wire_add_text(&arrays->sums, files[i].sha256);
        msp_wire_add_int(&arrays->text_bytes, files[i].text_bytes, 8);
        msp_wire_add_int(&arrays->text_crcs, files[i].text_crc, 8);
    }
}

static void array_param(struct msp_params *params, const struct msp_buffer *array)
{
    msp_params_binary(params, array->data, array->length);
}

/* Which files: what all statements about them begin with. */
static void which_params(struct msp_params *params, int64_t tenant_id,
                         const struct msp_export_file *files)
{
    msp_params_init(params);
    msp_params_int(params, tenant_id);
    msp_params_text(params, msp_dataset_name(files[0].dataset));
    msp_params_text(params, msp_export_format_name(files[0].format));
}

/* Runs one statement behind the fence and, unless `dataset` is NULL, in the dataset's turn. */
static enum msp_result write_fenced(struct msp_db *db, int64_t tenant_id, const char *dataset,
                                    const struct msp_fence *fence,
                                    const struct msp_statement *statement,
                                    const struct msp_params *params, int64_t deadline_ms,
                                    struct msp_error *error)
{
    struct msp_params turn;
    msp_params_init(&turn);
    msp_params_int(&turn, tenant_id);
    msp_params_text(&turn, dataset);
    struct msp_params held;
    msp_params_init(&held);
    msp_params_text(&held, fence->job_id);
    msp_params_int(&held, fence->claim);
    msp_params_text(&held, fence->worker);
    struct msp_call calls[] = {{&record_fence_statement, &held, NULL},
                               {statement, params, NULL},
                               {&turn_statement, &turn, NULL}};
    size_t count = dataset != NULL ? 3 : 2;
    struct msp_scope scope = {tenant_id, NULL};
    enum msp_result result = msp_db_transact(db, &scope, calls, count, deadline_ms, error);
    msp_calls_clear(calls, count);
    return result;
}

static enum msp_result make_unsure(struct msp_db *db, int64_t tenant_id, const char *turn,
                                   const struct msp_fence *fence,
                                   const struct msp_export_file *files, size_t count,
                                   int64_t deadline_ms, struct msp_error *error)
{
    struct msp_buffer days;
    msp_buffer_init(&days, 0);
    fill_days(&days, files, count);
    if (days.failed) {
        msp_buffer_done(&days);
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the list of files.");
    }
    struct msp_params params;
    which_params(&params, tenant_id, files);
    array_param(&params, &days);
    enum msp_result result =
        write_fenced(db, tenant_id, turn, fence, &announce_statement, &params, deadline_ms, error);
    msp_buffer_done(&days);
    return result;
}

enum msp_result msp_export_announce(struct msp_db *db, int64_t tenant_id,
                                    const struct msp_fence *fence,
                                    const struct msp_export_file *files, size_t count,
                                    int64_t deadline_ms, struct msp_error *error)
{
    return make_unsure(db, tenant_id, msp_dataset_name(files[0].dataset), fence, files, count,
                       deadline_ms, error);
}

enum msp_result msp_export_distrust(struct msp_db *db, int64_t tenant_id,
                                    const struct msp_fence *fence,
                                    const struct msp_export_file *files, size_t count,
                                    int64_t deadline_ms, struct msp_error *error)
{
    return make_unsure(db, tenant_id, NULL, fence, files, count, deadline_ms, error);
}

static bool any_failed(const struct file_arrays *arrays)
{
    return arrays->days.failed || arrays->revisions.failed || arrays->locations.failed ||
           arrays->rows.failed || arrays->bytes.failed || arrays->sums.failed ||
           arrays->text_bytes.failed || arrays->text_crcs.failed;
}

enum msp_result msp_export_record(struct msp_db *db, int64_t tenant_id,
                                  const struct msp_fence *fence,
                                  const struct msp_export_file *files, size_t count,
                                  int64_t deadline_ms, struct msp_error *error)
{
    struct file_arrays arrays;
    each_array(&arrays, init_array);
    fill_arrays(&arrays, files, count);
    if (any_failed(&arrays)) {
        each_array(&arrays, msp_buffer_done);
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the list of files.");
    }
    struct msp_params params;
    which_params(&params, tenant_id, files);
    msp_params_int(&params, files[0].columns);
    msp_params_text(&params, fence->job_id);
    array_param(&params, &arrays.days);
    array_param(&params, &arrays.revisions);
    array_param(&params, &arrays.locations);
    array_param(&params, &arrays.rows);
    array_param(&params, &arrays.bytes);
    array_param(&params, &arrays.sums);
    array_param(&params, &arrays.text_bytes);
    array_param(&params, &arrays.text_crcs);
    enum msp_result result = write_fenced(db, tenant_id, msp_dataset_name(files[0].dataset), fence,
                                          &record_statement, &params, deadline_ms, error);
    each_array(&arrays, msp_buffer_done);
    return result;
}
