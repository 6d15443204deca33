/* Datasets as CSV rows straight from PostgreSQL, and the record of the files made of them. */
#include "msp/export_store.h"

#include "msp/buffer.h"
#include "msp/clock.h"
#include "msp/timestamp.h"
#include "wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * A dataset: its header, and a COPY query over one tenant's days. Free text goes through
 * msp.csv_text; the first column is the row's day, and the `time_columns` behind it are instants
 * that are rewritten to RFC 3339 here, since formatting them in SQL costs more than the rest of the
 * row. Placeholders: %1$s the tenant's database key, %2$s an array of days, %3$s and %4$s the first
 * and last day.
 */
static const struct dataset {
    const char *name;
    const char *header;
    int time_columns;
    const char *query;
} datasets[MSP_DATASETS] = {
    [MSP_DATASET_KPI_DAILY] =
        {"kpi_daily",
         "day,tenant_id,dimension,member,tickets_created,tickets_resolved,tickets_closed,"
         "tickets_reopened,backlog,sla_known,sla_met,resolution_count,resolution_seconds_sum,"
         "first_response_count,first_response_seconds_sum,csat_count,csat_sum\r\n",
         0,
         "COPY (SELECT k.day, (SELECT slug FROM msp.tenants WHERE tenant_id = %1$s), k.dimension,"
         " msp.csv_text(k.member), k.tickets_created, k.tickets_resolved, k.tickets_closed,"
         " k.tickets_reopened, k.backlog, k.sla_known, k.sla_met, k.resolution_count,"
         " k.resolution_seconds_sum, k.first_response_count, k.first_response_seconds_sum,"
         " k.csat_count, k.csat_sum"
         " FROM msp.kpi_daily k WHERE k.tenant_id = %1$s AND k.day BETWEEN '%3$s' AND '%4$s'"
         " AND k.dimension IN ('all', 'priority', 'category', 'assignee', 'group')"
         " AND k.day = ANY ('%2$s'::date[])"
         " ORDER BY k.day, k.dimension, k.member) TO STDOUT (FORMAT csv)"},
    [MSP_DATASET_TICKETS] =
        {"tickets",
         "created_day,created_at,updated_at,first_response_at,resolved_at,closed_at,due_at,tenant_"
         "id,"
         "external_id,title,status,source_status,priority,category,assignee,requester,group,"
         "channel,"
         "sla_met,reopen_count,reassignment_count,csat,version\r\n",
         6,
         "COPY (SELECT msp.local_day(r.created_at, t.timezone) AS day, r.created_at, r.updated_at, "
         "r.first_response_at, r.resolved_at,"
         " r.closed_at, r.due_at, t.slug, msp.csv_text(r.external_id), msp.csv_text(r.title),"
         " r.status, msp.csv_text(r.source_status), r.priority, msp.csv_text(r.category),"
         " msp.csv_text(r.assignee), msp.csv_text(r.requester), msp.csv_text(r.\"group\"),"
         " msp.csv_text(r.channel),"
         " CASE WHEN r.sla_met THEN 'true' WHEN NOT r.sla_met THEN 'false' END,"
         " r.reopen_count, r.reassignment_count, r.csat, r.version"
         " FROM msp.tenants t"
         " JOIN msp.raw_tickets r ON r.tenant_id = %1$s"
         "  AND r.created_at >= (SELECT msp.day_start('%3$s', timezone)"
         "                         FROM msp.tenants WHERE tenant_id = %1$s)"
         "  AND r.created_at < (SELECT msp.day_start(date '%4$s' + 1, timezone)"
         "                        FROM msp.tenants WHERE tenant_id = %1$s)"
         " WHERE t.tenant_id = %1$s"
         " AND msp.local_day(r.created_at, t.timezone) = ANY ('%2$s'::date[])"
         " ORDER BY day, r.created_at, r.external_id) TO STDOUT (FORMAT csv)"},
};

const char *msp_dataset_name(enum msp_dataset dataset)
{
    return datasets[dataset].name;
}

bool msp_dataset_parse(const char *name, enum msp_dataset *out)
{
    for (int i = 0; i < MSP_DATASETS; i++) {
        if (strcmp(datasets[i].name, name) == 0) {
            *out = (enum msp_dataset)i;
            return true;
        }
    }
    return false;
}

const char *msp_dataset_header(enum msp_dataset dataset)
{
    return datasets[dataset].header;
}

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
        msp_params_text(&params, datasets[dataset].name);
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

struct stream {
    int time_columns;
    struct msp_buffer row;
    msp_export_take take;
    void *context;
};

/*
 * PostgreSQL writes instants as "2016-02-29 01:16:00+00" (datestyle ISO, timezone UTC), with a
 * fraction where there is one. Appends them as RFC 3339 ("2016-02-29T01:16:00Z") and returns where
 * the cells behind them start.
 */
static const char *append_times(struct msp_buffer *out, const char *at, const char *end, int count)
{
    for (int i = 0; i < count && at < end; i++) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        if (comma == NULL)
            break;
        size_t length = (size_t)(comma - at);
        if (length > 13 && at[10] == ' ') {
            msp_buffer_append(out, at, 10);
            msp_buffer_append(out, "T", 1);
            msp_buffer_append(out, at + 11, length - 14);
            msp_buffer_append(out, "Z,", 2);
        } else {
            msp_buffer_append(out, at, length + 1);
        }
        at = comma + 1;
    }
    return at;
}

static bool take_row(void *context, const char *row, size_t length)
{
    struct stream *stream = context;
    int32_t day;
    if (length < 12 || row[length - 1] != '\n' || !msp_day_parse(row, 10, &day))
        return false;
    const char *end = row + length - 1;
    msp_buffer_clear(&stream->row);
    msp_buffer_append(&stream->row, row, 11);
    const char *rest = append_times(&stream->row, row + 11, end, stream->time_columns);
    msp_buffer_append(&stream->row, rest, (size_t)(end - rest));
    msp_buffer_append(&stream->row, "\r\n", 2);
    return !stream->row.failed &&
           stream->take(stream->context, day, stream->row.data, stream->row.length);
}

/* The COPY statement for these days; freed by the caller, NULL when memory is short. */
static char *copy_query(enum msp_dataset dataset, int64_t tenant_id,
                        const struct msp_export_day *days, size_t count)
{
    struct msp_buffer list;
    msp_buffer_init(&list, 0);
    char first[MSP_DAY_TEXT_BYTES];
    char last[MSP_DAY_TEXT_BYTES];
    char tenant[24];
    msp_day_format(days[0].day, first);
    msp_day_format(days[count - 1].day, last);
    snprintf(tenant, sizeof(tenant), "%" PRId64, tenant_id);
    for (size_t i = 0; i < count; i++) {
        char day[MSP_DAY_TEXT_BYTES];
        msp_day_format(days[i].day, day);
        msp_buffer_printf(&list, "%c%s", i == 0 ? '{' : ',', day);
    }
    msp_buffer_append(&list, "}", 2); /* with its NUL */
    char *query = NULL;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored                                                                     \
    "-Wformat-nonliteral" /* the formats are the table's, with numbered places */
    if (!list.failed &&
        asprintf(&query, datasets[dataset].query, tenant, list.data, first, last) < 0)
        query = NULL;
#pragma GCC diagnostic pop
    msp_buffer_done(&list);
    return query;
}

enum msp_result msp_export_stream(struct msp_db *db, int64_t tenant_id, enum msp_dataset dataset,
                                  const struct msp_export_day *days, size_t count, int64_t idle_ms,
                                  msp_export_take take, void *context, struct msp_error *error)
{
    if (count == 0)
        return MSP_OK;
    char *query = copy_query(dataset, tenant_id, days, count);
    if (query == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to export.");
    struct stream stream = {datasets[dataset].time_columns, {0}, take, context};
    msp_buffer_init(&stream.row, 0);
    struct msp_scope scope = {tenant_id, NULL};
    int64_t begin_ms = msp_clock_monotonic_ms() + idle_ms;
    enum msp_result result = msp_db_begin(db, &scope, begin_ms, error);
    if (result == MSP_OK)
        result = msp_db_copy_out(db, query, idle_ms, take_row, &stream, error);
    if (result == MSP_OK)
        result = msp_db_commit(db, msp_clock_monotonic_ms() + idle_ms, error);
    msp_buffer_done(&stream.row);
    free(query);
    return result;
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
    msp_params_text(&params, datasets[dataset].name);
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
    msp_params_text(params, datasets[file->dataset].name);
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
