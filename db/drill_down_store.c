/* From a KPI back to its tickets, and how tickets lie in time. Which tickets those are is in
 * counted_metric.c. */
#include "msp/drill_down_store.h"

#include "counted_metric.h"
#include "msp/buffer.h"
#include "queries.h"
#include "wire.h"

#include <string.h>

#define SECONDS_A_DAY 86400

/* How many tickets of a walk are in memory at a time. */
#define WALK_ROWS      1000
#define WALK_ROWS_TEXT "1000"
#define WALK_CHUNK     65536

static const struct msp_statement fetch_statement = {
    "drill_down_fetch", "FETCH FORWARD " WALK_ROWS_TEXT " FROM " MSP_TICKETS_CURSOR, true};
static const struct msp_statement arrivals_statement = {"kpi_arrivals", msp_query_kpi_arrivals,
                                                        true};
static const struct msp_statement backlog_age_statement = {"kpi_backlog_age",
                                                           msp_query_kpi_backlog_age, true};

const struct msp_backlog_age msp_backlog_ages[MSP_BACKLOG_AGES] = {
    {"0-1", 0, 1},     {"1-3", 1, 3},     {"3-7", 3, 7},           {"7-14", 7, 14},
    {"14-30", 14, 30}, {"30-90", 30, 90}, {"90-", 90, MSP_NO_END},
};

const struct msp_backlog_age *msp_backlog_age_find(const char *name)
{
    for (size_t i = 0; i < MSP_BACKLOG_AGES; i++) {
        if (strcmp(msp_backlog_ages[i].name, name) == 0)
            return &msp_backlog_ages[i];
    }
    return NULL;
}

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
    enum msp_ticket_column column;
    size_t offset;
} texts[] = {
    {MSP_TICKET_EXTERNAL_ID, offsetof(struct msp_ticket, external_id)},
    {MSP_TICKET_TITLE, offsetof(struct msp_ticket, title)},
    {MSP_TICKET_STATUS, offsetof(struct msp_ticket, status)},
    {MSP_TICKET_SOURCE_STATUS, offsetof(struct msp_ticket, source_status)},
    {MSP_TICKET_PRIORITY, offsetof(struct msp_ticket, priority)},
    {MSP_TICKET_CATEGORY, offsetof(struct msp_ticket, category)},
    {MSP_TICKET_ASSIGNEE, offsetof(struct msp_ticket, assignee)},
    {MSP_TICKET_REQUESTER, offsetof(struct msp_ticket, requester)},
    {MSP_TICKET_GROUP, offsetof(struct msp_ticket, group)},
    {MSP_TICKET_CHANNEL, offsetof(struct msp_ticket, channel)},
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
    out->counted_us = msp_wire_time(rows, row, MSP_TICKET_COUNTED);
    ticket->created_us = msp_wire_time(rows, row, MSP_TICKET_CREATED);
    ticket->updated_us = msp_wire_time(rows, row, MSP_TICKET_UPDATED);
    ticket->first_response_us = msp_wire_time(rows, row, MSP_TICKET_FIRST_RESPONSE);
    ticket->resolved_us = msp_wire_time(rows, row, MSP_TICKET_RESOLVED);
    ticket->closed_us = msp_wire_time(rows, row, MSP_TICKET_CLOSED);
    ticket->due_us = msp_wire_time(rows, row, MSP_TICKET_DUE);
    ticket->sla_met = read_verdict(rows, row, MSP_TICKET_SLA_MET);
    ticket->reopen_count = read_count(rows, row, MSP_TICKET_REOPENS);
    ticket->reassignment_count = read_count(rows, row, MSP_TICKET_REASSIGNMENTS);
    ticket->csat = read_count(rows, row, MSP_TICKET_CSAT);
    ticket->version = msp_result_is_null(rows, row, MSP_TICKET_VERSION)
                          ? MSP_NO_VERSION
                          : msp_result_int(rows, row, MSP_TICKET_VERSION);
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

static void age_params(struct msp_params *params, const struct msp_drill_down *question)
{
    const struct msp_backlog_age *age = question->age;
    if (age != NULL)
        msp_params_int(params, (int64_t)age->from_days * SECONDS_A_DAY);
    else
        msp_params_null(params);
    if (age != NULL && age->to_days != MSP_NO_END)
        msp_params_int(params, (int64_t)age->to_days * SECONDS_A_DAY);
    else
        msp_params_null(params);
    msp_params_time(params, question->now_us);
}

static void hour_params(struct msp_params *params, const struct msp_drill_down *question)
{
    if (question->weekday != MSP_ANY_WEEKDAY)
        msp_params_int(params, question->weekday);
    else
        msp_params_null(params);
    if (question->hour != MSP_ANY_HOUR)
        msp_params_int(params, question->hour);
    else
        msp_params_null(params);
}

/* The question from its beginning on, or behind its place. */
static void question_params(struct msp_params *params, int64_t tenant_id,
                            const struct msp_drill_down *question, bool behind_place)
{
    bool behind = behind_place && question->before_us != MSP_NO_TIME;
    msp_params_init(params);
    msp_params_int(params, tenant_id);
    msp_params_day(params, question->from);
    msp_params_day(params, question->to);
    msp_params_text(params, question->dimension);
    msp_params_text(params, question->dimension != NULL ? question->member : NULL);
    msp_params_time(params, behind ? question->before_us : MSP_NO_TIME);
    msp_params_text(params, behind ? question->before_id : NULL);
    if (behind_place)
        msp_params_int(params, question->limit);
    else
        msp_params_null(params);
    if (question->metric->narrowing == MSP_NARROWS_BY_AGE)
        age_params(params, question);
    else if (question->metric->narrowing == MSP_NARROWS_BY_HOUR)
        hour_params(params, question);
}

enum msp_result msp_drill_down_tickets(struct msp_db *db, int64_t tenant_id,
                                       const struct msp_drill_down *question,
                                       struct msp_arena *arena, int64_t deadline_ms,
                                       struct msp_counted_ticket **out_tickets, size_t *out_count,
                                       int64_t *out_total, struct msp_error *error)
{
    struct msp_params page;
    struct msp_params whole;
    question_params(&page, tenant_id, question, true);
    question_params(&whole, tenant_id, question, false);
    struct msp_call calls[] = {{&question->metric->list, &page, NULL},
                               {&question->metric->count, &whole, NULL}};
    size_t count = out_total != NULL ? 2 : 1;
    struct msp_scope scope = {tenant_id, NULL};
    enum msp_result result = msp_db_transact(db, &scope, calls, count, deadline_ms, error);
    if (result == MSP_OK)
        result = read_tickets(calls[0].result, arena, out_tickets, out_count, error);
    if (result == MSP_OK && out_total != NULL)
        *out_total = msp_result_int(calls[1].result, 0, 0);
    msp_calls_clear(calls, count);
    return result;
}

struct walk {
    struct msp_db *db;
    struct msp_arena *arena; /* of the part at hand */
    int64_t deadline_ms;
    msp_counted_ticket_take take;
    void *context;
};

static enum msp_result open_walk(const struct walk *walk, int64_t tenant_id,
                                 const struct msp_drill_down *question, struct msp_error *error)
{
    struct msp_params params;
    question_params(&params, tenant_id, question, true);
    struct msp_call call = {&question->metric->open, &params, NULL};
    struct msp_scope scope = {tenant_id, NULL};
    enum msp_result result = msp_db_begin(walk->db, &scope, walk->deadline_ms, error);
    if (result == MSP_OK)
        result = msp_db_run(walk->db, &call, 1, walk->deadline_ms, error);
    msp_calls_clear(&call, 1);
    return result;
}

static enum msp_result walk_part(const struct walk *walk, bool *out_more, struct msp_error *error)
{
    struct msp_call call = {&fetch_statement, NULL, NULL};
    struct msp_counted_ticket *tickets = NULL;
    size_t count = 0;
    msp_arena_reset(walk->arena);
    enum msp_result result = msp_db_run(walk->db, &call, 1, walk->deadline_ms, error);
    if (result == MSP_OK)
        result = read_tickets(call.result, walk->arena, &tickets, &count, error);
    msp_calls_clear(&call, 1);
    for (size_t i = 0; i < count && result == MSP_OK; i++)
        result = walk->take(walk->context, &tickets[i], error);
    *out_more = count == WALK_ROWS;
    return result;
}

enum msp_result msp_drill_down_walk(struct msp_db *db, int64_t tenant_id,
                                    const struct msp_drill_down *question, int64_t deadline_ms,
                                    msp_counted_ticket_take take, void *context,
                                    struct msp_error *error)
{
    struct walk walk = {db, msp_arena_new(WALK_CHUNK), deadline_ms, take, context};
    bool more = true;
    if (walk.arena == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to read tickets.");
    enum msp_result result = open_walk(&walk, tenant_id, question, error);
    while (result == MSP_OK && more)
        result = walk_part(&walk, &more, error);
    msp_arena_free(walk.arena);
    if (result == MSP_OK)
        return msp_db_commit(db, deadline_ms, error);
    msp_db_rollback(db);
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
        msp_buffer_printf(out, "%c%d", i == 0 ? '{' : ',',
                          msp_backlog_ages[i].from_days * SECONDS_A_DAY);
    msp_buffer_append(out, "}", 2); /* with its NUL */
    if (out->failed)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to read the backlog.");
    return MSP_OK;
}

enum msp_result msp_drill_down_backlog_age(struct msp_db *db, int64_t tenant_id, int32_t day,
                                           int64_t now_us, int64_t deadline_ms,
                                           int64_t out_tickets[MSP_BACKLOG_AGES],
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
        msp_params_time(&params, now_us);
        result = msp_db_transact(db, &scope, &call, 1, deadline_ms, error);
    }
    msp_buffer_done(&bounds);
    if (result != MSP_OK)
        return result;
    memset(out_tickets, 0, MSP_BACKLOG_AGES * sizeof(out_tickets[0]));
    for (int row = 0; row < PQntuples(call.result); row++) {
        int64_t bucket = msp_result_int(call.result, row, 0);
        if (bucket >= 1 && bucket <= MSP_BACKLOG_AGES)
            out_tickets[bucket - 1] = msp_result_int(call.result, row, 1);
    }
    msp_calls_clear(&call, 1);
    return MSP_OK;
}
