/*
 * From a KPI back to its tickets. Each metric's condition stands here once more, beside that of
 * queries/kpi_compute.sql; a test holds the two together.
 */
#include "msp/drill_down_store.h"

#include "msp/buffer.h"
#include "queries.h"
#include "wire.h"

#include <string.h>

#define TENANT_ZONE "(SELECT t.timezone FROM msp.tenants t WHERE t.tenant_id = $1::bigint)"
#define RANGE_START "(SELECT msp.day_start($2::date, " TENANT_ZONE "))"
#define RANGE_END   "(SELECT msp.day_start($3::date + 1, " TENANT_ZONE "))"
#define LAST_COMPUTED_END                                                                          \
    "(SELECT msp.day_start(max(d.day) + 1, " TENANT_ZONE ") FROM msp.kpi_days d"                   \
    "  WHERE d.tenant_id = $1::bigint AND d.day BETWEEN $2::date AND $3::date"                     \
    "    AND d.computed_at IS NOT NULL)"

/* The columns in the order of enum column. */
#define TICKETS_WHERE(instant, condition)                                                          \
    "SELECT " instant ", r.external_id, r.title, r.status, r.source_status, r.priority,"           \
    "       r.category, r.assignee, r.requester, r.\"group\", r.channel, r.created_at,"            \
    "       r.updated_at, r.first_response_at, r.resolved_at, r.closed_at, r.due_at, r.sla_met,"   \
    "       r.reopen_count, r.reassignment_count, r.csat, r.version"                               \
    "  FROM msp.raw_tickets r"                                                                     \
    " WHERE r.tenant_id = $1::bigint AND " condition "   AND ($5::text IS NULL OR CASE $4::text"   \
    "        WHEN 'priority' THEN coalesce(r.priority, '')"                                        \
    "        WHEN 'category' THEN coalesce(r.category, '')"                                        \
    "        WHEN 'assignee' THEN coalesce(r.assignee, '')"                                        \
    "        WHEN 'group' THEN coalesce(r.\"group\", '') END = $5::text)"                          \
    "   AND ($6::timestamptz IS NULL"                                                              \
    "        OR (" instant ", r.external_id) < ($6::timestamptz, $7::text COLLATE \"C\"))"         \
    " ORDER BY 1 DESC, r.external_id DESC LIMIT $8::bigint"

#define IN_RANGE(instant) instant " >= " RANGE_START " AND " instant " < " RANGE_END

/* Literals that run together cannot stand in parentheses. NOLINTBEGIN(bugprone-macro-parentheses)
 */
#define COUNTED(metric, instant, also)                                                             \
    {                                                                                              \
        metric,                                                                                    \
        {                                                                                          \
            "drill_down_" metric, TICKETS_WHERE(instant, IN_RANGE(instant) also), true             \
        }                                                                                          \
    }

/* NOLINTEND(bugprone-macro-parentheses) */

struct msp_counted_metric {
    const char *name;
    struct msp_statement statement;
};

static const struct msp_counted_metric metrics[] = {
    COUNTED("tickets_created", "r.created_at", ""),
    COUNTED("tickets_resolved", "r.resolved_at", ""),
    COUNTED("tickets_closed", "r.closed_at", ""),
    COUNTED("tickets_reopened", "r.resolved_at", " AND r.reopen_count > 0"),
    {"backlog",
     {"drill_down_backlog",
      TICKETS_WHERE("r.created_at",
                    "r.created_at < " LAST_COMPUTED_END
                    " AND (coalesce(r.resolved_at, r.closed_at) >= " LAST_COMPUTED_END
                    "      OR (r.resolved_at IS NULL AND r.closed_at IS NULL))"),
      true}},
    COUNTED("sla_known", "r.resolved_at",
            " AND coalesce(r.sla_met, r.resolved_at <= r.due_at) IS NOT NULL"),
    COUNTED("sla_met", "r.resolved_at", " AND coalesce(r.sla_met, r.resolved_at <= r.due_at)"),
    COUNTED("resolution_count", "r.resolved_at", " AND r.resolved_at >= r.created_at"),
    COUNTED("first_response_count", "r.first_response_at",
            " AND r.first_response_at >= r.created_at"),
    COUNTED("csat_count", "r.resolved_at", " AND r.csat IS NOT NULL"),
};

#define METRICS (sizeof(metrics) / sizeof(metrics[0]))

static const struct msp_statement arrivals_statement = {"kpi_arrivals", msp_query_kpi_arrivals,
                                                        true};
static const struct msp_statement backlog_age_statement = {"kpi_backlog_age",
                                                           msp_query_kpi_backlog_age, true};

const int msp_backlog_ages_days[MSP_BACKLOG_AGES] = {0, 1, 3, 7, 14, 30, 90};

const struct msp_counted_metric *msp_counted_metric_find(const char *name)
{
    for (size_t i = 0; i < METRICS; i++) {
        if (strcmp(metrics[i].name, name) == 0)
            return &metrics[i];
    }
    return NULL;
}

const char *msp_counted_metric_name(size_t index)
{
    return index < METRICS ? metrics[index].name : NULL;
}

const char *msp_counted_metric_name_of(const struct msp_counted_metric *metric)
{
    return metric->name;
}

enum column {
    COLUMN_COUNTED,
    COLUMN_EXTERNAL_ID,
    COLUMN_TITLE,
    COLUMN_STATUS,
    COLUMN_SOURCE_STATUS,
    COLUMN_PRIORITY,
    COLUMN_CATEGORY,
    COLUMN_ASSIGNEE,
    COLUMN_REQUESTER,
    COLUMN_GROUP,
    COLUMN_CHANNEL,
    COLUMN_CREATED,
    COLUMN_UPDATED,
    COLUMN_FIRST_RESPONSE,
    COLUMN_RESOLVED,
    COLUMN_CLOSED,
    COLUMN_DUE,
    COLUMN_SLA_MET,
    COLUMN_REOPENS,
    COLUMN_REASSIGNMENTS,
    COLUMN_CSAT,
    COLUMN_VERSION,
};

static int32_t read_count(const PGresult *rows, int row, int column)
{
    return msp_result_is_null(rows, row, column) ? MSP_NO_COUNT
                                                 : (int32_t)msp_result_int(rows, row, column);
}

static enum msp_verdict read_verdict(const PGresult *rows, int row, int column)
{
    if (msp_result_is_null(rows, row, column))
        return MSP_VERDICT_UNKNOWN;
    return msp_result_bool(rows, row, column) ? MSP_VERDICT_MET : MSP_VERDICT_MISSED;
}

/* Where each text column goes. */
static const struct {
    enum column column;
    size_t offset;
} texts[] = {
    {COLUMN_EXTERNAL_ID, offsetof(struct msp_ticket, external_id)},
    {COLUMN_TITLE, offsetof(struct msp_ticket, title)},
    {COLUMN_STATUS, offsetof(struct msp_ticket, status)},
    {COLUMN_SOURCE_STATUS, offsetof(struct msp_ticket, source_status)},
    {COLUMN_PRIORITY, offsetof(struct msp_ticket, priority)},
    {COLUMN_CATEGORY, offsetof(struct msp_ticket, category)},
    {COLUMN_ASSIGNEE, offsetof(struct msp_ticket, assignee)},
    {COLUMN_REQUESTER, offsetof(struct msp_ticket, requester)},
    {COLUMN_GROUP, offsetof(struct msp_ticket, group)},
    {COLUMN_CHANNEL, offsetof(struct msp_ticket, channel)},
};

static bool read_texts(const PGresult *rows, int row, struct msp_arena *arena,
                       struct msp_ticket *out)
{
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int column = (int)texts[i].column;
        if (msp_result_is_null(rows, row, column))
            continue;
        const char *copy = msp_arena_copy(arena, PQgetvalue(rows, row, column),
                                          (size_t)PQgetlength(rows, row, column));
        if (copy == NULL)
            return false;
        memcpy((char *)out + texts[i].offset, &copy, sizeof(copy));
    }
    return true;
}

static bool read_ticket(const PGresult *rows, int row, struct msp_arena *arena,
                        struct msp_counted_ticket *out)
{
    struct msp_ticket *ticket = &out->ticket;
    out->counted_us = msp_wire_time(rows, row, COLUMN_COUNTED);
    ticket->created_us = msp_wire_time(rows, row, COLUMN_CREATED);
    ticket->updated_us = msp_wire_time(rows, row, COLUMN_UPDATED);
    ticket->first_response_us = msp_wire_time(rows, row, COLUMN_FIRST_RESPONSE);
    ticket->resolved_us = msp_wire_time(rows, row, COLUMN_RESOLVED);
    ticket->closed_us = msp_wire_time(rows, row, COLUMN_CLOSED);
    ticket->due_us = msp_wire_time(rows, row, COLUMN_DUE);
    ticket->sla_met = read_verdict(rows, row, COLUMN_SLA_MET);
    ticket->reopen_count = read_count(rows, row, COLUMN_REOPENS);
    ticket->reassignment_count = read_count(rows, row, COLUMN_REASSIGNMENTS);
    ticket->csat = read_count(rows, row, COLUMN_CSAT);
    ticket->version = msp_result_is_null(rows, row, COLUMN_VERSION)
                          ? MSP_NO_VERSION
                          : msp_result_int(rows, row, COLUMN_VERSION);
    return read_texts(rows, row, arena, ticket);
}

static enum msp_result read_tickets(const PGresult *rows, struct msp_arena *arena,
                                    struct msp_counted_ticket **out_tickets, size_t *out_count,
                                    struct msp_error *error)
{
    size_t count = (size_t)PQntuples(rows);
    struct msp_counted_ticket *tickets = msp_arena_calloc(arena, count + 1, sizeof(*tickets));
    bool good = tickets != NULL;
    for (size_t i = 0; good && i < count; i++)
        good = read_ticket(rows, (int)i, arena, &tickets[i]);
    if (!good)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to read tickets.");
    *out_tickets = tickets;
    *out_count = count;
    return MSP_OK;
}

enum msp_result msp_drill_down_tickets(struct msp_db *db, int64_t tenant_id,
                                       const struct msp_drill_down *question,
                                       struct msp_arena *arena, int64_t deadline_ms,
                                       struct msp_counted_ticket **out_tickets, size_t *out_count,
                                       struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, tenant_id);
    msp_params_day(&params, question->from);
    msp_params_day(&params, question->to);
    msp_params_text(&params, question->dimension);
    msp_params_text(&params, question->dimension != NULL ? question->member : NULL);
    msp_params_time(&params, question->before_us);
    msp_params_text(&params, question->before_us != MSP_NO_TIME ? question->before_id : NULL);
    msp_params_int(&params, question->limit);
    struct msp_call call = {&question->metric->statement, &params, NULL};
    struct msp_scope scope = {tenant_id, NULL};
    enum msp_result result = msp_db_transact(db, &scope, &call, 1, deadline_ms, error);
    if (result == MSP_OK)
        result = read_tickets(call.result, arena, out_tickets, out_count, error);
    msp_calls_clear(&call, 1);
    return result;
}

enum msp_result msp_drill_down_arrivals(struct msp_db *db, int64_t tenant_id, int32_t from,
                                        int32_t to, int64_t deadline_ms, struct msp_arrivals *out,
                                        struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, tenant_id);
    msp_params_day(&params, from);
    msp_params_day(&params, to);
    struct msp_call call = {&arrivals_statement, &params, NULL};
    struct msp_scope scope = {tenant_id, NULL};
    enum msp_result result = msp_db_transact(db, &scope, &call, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    *out = (struct msp_arrivals){{{0}}};
    for (int row = 0; row < PQntuples(call.result); row++) {
        int64_t weekday = msp_result_int(call.result, row, 0);
        int64_t hour = msp_result_int(call.result, row, 1);
        if (weekday >= 1 && weekday <= 7 && hour >= 0 && hour < 24)
            out->tickets[weekday - 1][hour] = msp_result_int(call.result, row, 2);
    }
    msp_calls_clear(&call, 1);
    return MSP_OK;
}

static enum msp_result write_bounds(struct msp_buffer *out, struct msp_error *error)
{
    for (int i = 0; i < MSP_BACKLOG_AGES; i++)
        msp_buffer_printf(out, "%c%d", i == 0 ? '{' : ',', msp_backlog_ages_days[i] * 86400);
    msp_buffer_append(out, "}", 2); /* with its NUL */
    if (out->failed)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to read the backlog.");
    return MSP_OK;
}

enum msp_result msp_drill_down_backlog_age(struct msp_db *db, int64_t tenant_id, int32_t day,
                                           int64_t deadline_ms, struct msp_backlog_age *out,
                                           struct msp_error *error)
{
    struct msp_buffer bounds;
    struct msp_params params;
    struct msp_call call = {&backlog_age_statement, &params, NULL};
    struct msp_scope scope = {tenant_id, NULL};
    msp_buffer_init(&bounds, 0);
    enum msp_result result = write_bounds(&bounds, error);
    if (result == MSP_OK) {
        msp_params_init(&params);
        msp_params_int(&params, tenant_id);
        msp_params_day(&params, day);
        msp_params_text(&params, bounds.data);
        result = msp_db_transact(db, &scope, &call, 1, deadline_ms, error);
    }
    msp_buffer_done(&bounds);
    if (result != MSP_OK)
        return result;
    *out = (struct msp_backlog_age){{0}};
    for (int row = 0; row < PQntuples(call.result); row++) {
        int64_t bucket = msp_result_int(call.result, row, 0);
        if (bucket >= 1 && bucket <= MSP_BACKLOG_AGES)
            out->tickets[bucket - 1] = msp_result_int(call.result, row, 1);
    }
    msp_calls_clear(&call, 1);
    return MSP_OK;
}
