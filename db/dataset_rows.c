/*
 * Datasets as CSV rows. PostgreSQL only sends its own binary forms, in order: making text of a row
 * costs more than reading it, and is done here meanwhile. Keeps no rows.
 */
#include "dataset_row.h"
#include "msp/buffer.h"
#include "msp/clock.h"
#include "msp/export_store.h"
#include "msp/timestamp.h"
#include "wire.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The first instant or day of a day asked for, and the first behind it. */
struct bounds {
    int64_t start;
    int64_t end;
};

/*
 * A dataset: its header, the form of each column, and the COPY query up to its key: the first
 * column, a day or an instant whose day is put in front, by which rows are asked for and come.
 */
static const struct dataset {
    const char *name;
    const char *header;
    const char *cells;
    const char *query;
    const char *key;   /* NULL = it has no days, and the rows come in any order */
    const char *range; /* PostgreSQL's type of a set of ranges of keys */
    const char *order; /* within one key */
} datasets[MSP_DATASETS] = {
    [MSP_DATASET_KPI_DAILY] =
        {"kpi_daily",
         "day,tenant_id,dimension,member,tickets_created,tickets_resolved,tickets_closed,"
         "tickets_reopened,backlog,sla_known,sla_met,resolution_count,resolution_seconds_sum,"
         "first_response_count,first_response_seconds_sum,csat_count,csat_sum\r\n",
         "dsssiiiiiiiiiiiii",
         "SELECT r.day, (SELECT slug FROM msp.tenants"
         " WHERE tenant_id = current_setting('msp.tenant_id')::bigint), r.dimension,"
         " r.member, r.tickets_created, r.tickets_resolved, r.tickets_closed, r.tickets_reopened,"
         " r.backlog, r.sla_known, r.sla_met, r.resolution_count, r.resolution_seconds_sum,"
         " r.first_response_count, r.first_response_seconds_sum, r.csat_count, r.csat_sum"
         " FROM msp.kpi_daily r"
         " WHERE r.dimension IN ('all', 'priority', 'category', 'assignee', 'group')",
         "r.day", "datemultirange", "r.dimension, r.member"},
    [MSP_DATASET_TICKETS] =
        {"tickets",
         "created_day,created_at,updated_at,first_response_at,resolved_at,closed_at,due_at,tenant_"
         "id,external_id,title,status,source_status,priority,category,assignee,requester,group,"
         "channel,sla_met,reopen_count,reassignment_count,csat,version\r\n",
         "ttttttsssssssssssbiiii",
         "SELECT r.created_at, r.updated_at, r.first_response_at, r.resolved_at, r.closed_at,"
         " r.due_at, (SELECT slug FROM msp.tenants"
         " WHERE tenant_id = current_setting('msp.tenant_id')::bigint), r.external_id, r.title, "
         "r.status,"
         " r.source_status, r.priority, r.category, r.assignee, r.requester, r.\"group\","
         " r.channel, r.sla_met, r.reopen_count, r.reassignment_count, r.csat, r.version"
         " FROM msp.raw_tickets r WHERE true",
         "r.created_at", "tstzmultirange", "r.external_id"},
    [MSP_DATASET_TENANTS] =
        {"tenants", "tenant_id,name,timezone,status,source,created_at\r\n", "ssssst",
         "SELECT r.slug, r.name, r.timezone,"
         " CASE WHEN r.active THEN 'active' ELSE 'disabled' END, nullif(r.source, ''), r.created_at"
         " FROM msp.tenants r WHERE true",
         NULL, NULL, NULL},
};

static const char *const formats[MSP_EXPORT_FORMATS] = {
    [MSP_EXPORT_CSV] = "csv",
    [MSP_EXPORT_CSV_GZ] = "csv.gz",
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

bool msp_dataset_has_days(enum msp_dataset dataset)
{
    return datasets[dataset].key != NULL;
}

const char *msp_export_format_name(enum msp_export_format format)
{
    return formats[format];
}

bool msp_export_format_parse(const char *name, enum msp_export_format *out)
{
    for (int i = 0; i < MSP_EXPORT_FORMATS; i++) {
        if (strcmp(formats[i], name) == 0) {
            *out = (enum msp_export_format)i;
            return true;
        }
    }
    return false;
}

const char *msp_dataset_header(enum msp_dataset dataset)
{
    return datasets[dataset].header;
}

struct stream {
    const struct dataset *dataset;
    int64_t tenant_id;
    const struct msp_export_day *days;
    struct bounds *bounds; /* one a day */
    size_t count;
    size_t at;                         /* the day of the last row, */
    char day_text[MSP_DAY_TEXT_BYTES]; /* which this is, "" before the first */
    bool begun;
    bool broken;
    struct msp_buffer row;
    msp_export_take take;
    void *context;
};

static bool keyed_by_instant(const struct stream *stream)
{
    return stream->dataset->cells[0] == MSP_CELL_INSTANT;
}

/*
 * Where days start: the KPIs count by the same bounds. Trying instants around midnight costs much,
 * so it is left to the days before whose noon the clocks were set.
 */
static const struct msp_statement bounds_statement = {
    "export_bounds",
    "WITH place AS (SELECT timezone AS zone FROM msp.tenants WHERE tenant_id = $1::bigint),"
    " noons AS (SELECT d.day, p.zone, (d.day + time '12:00') AT TIME ZONE p.zone AS noon,"
    "                  (d.day - 1 + time '12:00') AT TIME ZONE p.zone AS before,"
    "                  (d.day + 1 + time '12:00') AT TIME ZONE p.zone AS behind"
    "             FROM unnest($2::text::date[]) AS d (day) CROSS JOIN place p)"
    " SELECT CASE WHEN noon - before = interval '24 hours' THEN noon - interval '12 hours'"
    "             ELSE msp.day_start(day, zone) END,"
    "        CASE WHEN behind - noon = interval '24 hours' THEN noon + interval '12 hours'"
    "             ELSE msp.day_start(day + 1, zone) END"
    "   FROM noons ORDER BY day",
    true};

static enum msp_result read_bounds(struct stream *stream, struct msp_db *db, int64_t deadline_ms,
                                   struct msp_error *error)
{
    struct msp_buffer list;
    msp_buffer_init(&list, 0);
    for (size_t i = 0; i < stream->count; i++) {
        char day[MSP_DAY_TEXT_BYTES];
        msp_day_format(stream->days[i].day, day);
        msp_buffer_printf(&list, "%c%s", i == 0 ? '{' : ',', day);
    }
    msp_buffer_append(&list, "}", 2); /* with its NUL */
    if (list.failed) {
        msp_buffer_done(&list);
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to export.");
    }
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, stream->tenant_id);
    msp_params_text(&params, list.data);
    struct msp_call call = {&bounds_statement, &params, NULL};
    enum msp_result result = msp_db_run(db, &call, 1, deadline_ms, error);
    if (result == MSP_OK && (size_t)PQntuples(call.result) != stream->count)
        result = msp_fail(error, MSP_NOT_FOUND, "tenant_unknown", "The tenant is not there.");
    for (size_t i = 0; i < stream->count && result == MSP_OK; i++)
        stream->bounds[i] = (struct bounds){msp_wire_time(call.result, (int)i, 0),
                                            msp_wire_time(call.result, (int)i, 1)};
    msp_calls_clear(&call, 1);
    msp_buffer_done(&list);
    return result;
}

static enum msp_result find_bounds(struct stream *stream, struct msp_db *db, int64_t deadline_ms,
                                   struct msp_error *error)
{
    stream->bounds = calloc(stream->count, sizeof(*stream->bounds));
    if (stream->bounds == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to export.");
    if (keyed_by_instant(stream))
        return read_bounds(stream, db, deadline_ms, error);
    for (size_t i = 0; i < stream->count; i++)
        stream->bounds[i] = (struct bounds){stream->days[i].day, (int64_t)stream->days[i].day + 1};
    return MSP_OK;
}

static void append_key(const struct stream *stream, struct msp_buffer *out, int64_t key)
{
    char text[MSP_TIMESTAMP_TEXT_BYTES];
    if (keyed_by_instant(stream))
        msp_timestamp_format(key, text);
    else
        msp_day_format((int32_t)key, text);
    msp_buffer_append_text(out, text);
}

/* The stretches of days without a gap, as a literal: "{[a,b),[c,d)}". Returns their number. */
static size_t append_stretches(const struct stream *stream, struct msp_buffer *out)
{
    size_t number = 0;
    for (size_t i = 0; i < stream->count; i++) {
        if (i > 0 && stream->bounds[i].start == stream->bounds[i - 1].end)
            continue;
        if (i > 0) {
            append_key(stream, out, stream->bounds[i - 1].end);
            msp_buffer_append_text(out, ")");
        }
        msp_buffer_append_text(out, i == 0 ? "{[" : ",[");
        append_key(stream, out, stream->bounds[i].start);
        msp_buffer_append_text(out, ",");
        number++;
    }
    append_key(stream, out, stream->bounds[stream->count - 1].end);
    msp_buffer_append_text(out, ")}");
    return number;
}

static void append_all_query(const struct stream *stream, struct msp_buffer *out)
{
    msp_buffer_printf(out, "COPY (%s AND r.tenant_id = %" PRId64 ") TO STDOUT (FORMAT binary)",
                      stream->dataset->query, stream->tenant_id);
    msp_buffer_append(out, "", 1);
}

/*
 * The COPY statement. First and last bound are what the index is searched by; they stand there as
 * constants, or PostgreSQL takes so few rows to come that it sorts them all anew.
 */
static void append_query(const struct stream *stream, struct msp_buffer *out)
{
    const struct dataset *dataset = stream->dataset;
    msp_buffer_printf(out, "COPY (%s AND r.tenant_id = %" PRId64 " AND %s >= '", dataset->query,
                      stream->tenant_id, dataset->key);
    append_key(stream, out, stream->bounds[0].start);
    msp_buffer_printf(out, "' AND %s < '", dataset->key);
    append_key(stream, out, stream->bounds[stream->count - 1].end);
    msp_buffer_append_text(out, "'");

    size_t unfiltered = out->length;
    msp_buffer_printf(out, " AND %s <@ '", dataset->key);
    if (append_stretches(stream, out) > 1)
        msp_buffer_printf(out, "'::%s", dataset->range);
    else
        out->length = unfiltered;
    msp_buffer_printf(out, " ORDER BY %s, %s) TO STDOUT (FORMAT binary)", dataset->key,
                      dataset->order);
    msp_buffer_append(out, "", 1);
}

/* Finds the day of a row; false if it is of none that was asked for. */
static bool find_day(struct stream *stream, const char *row, size_t length, int32_t *out_day)
{
    int64_t key;
    if (stream->dataset->key == NULL) {
        *out_day = MSP_NO_DAY;
        return true;
    }
    if (!msp_copy_row_key(stream->dataset->cells, row, length, &key))
        return false;
    while (stream->at < stream->count && key >= stream->bounds[stream->at].end) {
        stream->at++;
        stream->day_text[0] = '\0';
    }
    if (stream->at == stream->count || key < stream->bounds[stream->at].start)
        return false;
    *out_day = stream->days[stream->at].day;
    return true;
}

static bool take_csv(struct stream *stream, const char *row, size_t length)
{
    int32_t day;
    stream->broken = !find_day(stream, row, length, &day);
    if (stream->broken)
        return false;
    struct msp_csv_writer writer = {.out = &stream->row};
    msp_buffer_clear(&stream->row);
    if (keyed_by_instant(stream)) { /* the day it falls on in the tenant's time zone */
        if (stream->day_text[0] == '\0')
            msp_day_format(day, stream->day_text);
        msp_csv_plain(&writer, stream->day_text);
    }
    stream->broken = !msp_copy_row_csv(stream->dataset->cells, row, length, &writer);
    msp_csv_end_row(&writer);
    return !stream->broken && !stream->row.failed &&
           stream->take(stream->context, day, stream->row.data, stream->row.length);
}

static bool take_message(void *context, const char *message, size_t length)
{
    struct stream *stream = context;
    enum msp_copy_part part = msp_copy_message(!stream->begun, &message, &length);
    stream->begun = true;
    if (part == MSP_COPY_ROW)
        return take_csv(stream, message, length);
    stream->broken = part == MSP_COPY_BROKEN;
    return part == MSP_COPY_END;
}

static enum msp_result copy_rows(struct stream *stream, struct msp_db *db, int64_t idle_ms,
                                 struct msp_error *error)
{
    bool has_days = stream->dataset->key != NULL;
    enum msp_result result =
        has_days ? find_bounds(stream, db, msp_clock_monotonic_ms() + idle_ms, error) : MSP_OK;
    if (result != MSP_OK)
        return result;
    struct msp_buffer query;
    msp_buffer_init(&query, 0);
    if (has_days)
        append_query(stream, &query);
    else
        append_all_query(stream, &query);
    result = query.failed ? msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to export.")
                          : msp_db_copy_out(db, query.data, idle_ms, take_message, stream, error);
    msp_buffer_done(&query);
    if (stream->broken)
        return msp_fail(error, MSP_BROKEN, "export_malformed",
                        "PostgreSQL sent a row that is not as it was asked for.");
    return result;
}

enum msp_result msp_export_stream(struct msp_db *db, int64_t tenant_id, enum msp_dataset dataset,
                                  const struct msp_export_day *days, size_t count, int64_t idle_ms,
                                  msp_export_take take, void *context, struct msp_error *error)
{
    if (count == 0 && msp_dataset_has_days(dataset))
        return MSP_OK;
    struct stream stream = {.dataset = &datasets[dataset],
                            .tenant_id = tenant_id,
                            .days = days,
                            .count = count,
                            .take = take,
                            .context = context};
    msp_buffer_init(&stream.row, 0);
    struct msp_scope scope = {tenant_id, NULL};
    enum msp_result result = msp_db_begin(db, &scope, msp_clock_monotonic_ms() + idle_ms, error);
    if (result == MSP_OK)
        result = copy_rows(&stream, db, idle_ms, error);
    if (result == MSP_OK)
        result = msp_db_commit(db, msp_clock_monotonic_ms() + idle_ms, error);
    else
        msp_db_rollback(db);
    msp_buffer_done(&stream.row);
    free(stream.bounds);
    return result;
}
