/* From a number to what it counts: the tickets of a KPI cell, page by page, and how tickets lie in
 * time. */
#include "handlers.h"

#include "../http_worker.h"
#include "inputs.h"
#include "job_answer.h"
#include "kpi_inputs.h"
#include "msp/drill_down_store.h"
#include "ticket_cursor.h"

#include <string.h>

#define LONGEST_RANGE_DAYS 1100
#define DEFAULT_PAGE       50
#define LARGEST_PAGE       500

/* ---- the tickets of a cell ---- */

static enum msp_result read_metric(const struct msp_request *request,
                                   struct msp_drill_down *question, struct msp_error *error)
{
    const char *name = msp_request_query(request, "metric");

    question->metric = msp_counted_metric_find(name != NULL ? name : "tickets_created");
    if (question->metric != NULL)
        return MSP_OK;
    return msp_query_fail(error, "query_malformed", "metric",
                          "\"metric\" must be one that counts tickets: tickets_created, "
                          "tickets_resolved, tickets_closed, tickets_reopened, backlog, sla_known, "
                          "sla_met, resolution_count, first_response_count or csat_count.");
}

static enum msp_result read_range(const struct msp_request *request,
                                  struct msp_drill_down *question, struct msp_error *error)
{
    enum msp_result result;

    if (msp_request_query(request, "day") == NULL)
        return msp_query_days(request, LONGEST_RANGE_DAYS, &question->from, &question->to, error);
    if (msp_request_query(request, "from") != NULL || msp_request_query(request, "to") != NULL)
        return msp_query_fail(error, "day_and_range", "day",
                              "Give either \"day\" or \"from\" and \"to\", not both.");
    result = msp_query_day(request, "day", &question->from, error);
    question->to = question->from;
    return result;
}

static enum msp_result read_cursor(const struct msp_request *request,
                                   struct msp_drill_down *question,
                                   struct msp_ticket_cursor *cursor, struct msp_error *error)
{
    const char *text = msp_request_query(request, "cursor");

    if (text == NULL)
        return MSP_OK;
    if (!msp_ticket_cursor_parse(text, request->caller.tenant.id, question, cursor))
        return msp_query_fail(error, "cursor_malformed", "cursor",
                              "This \"cursor\" was not given out for this question; start again "
                              "without it.");
    question->before_us = cursor->counted_us;
    question->before_id = cursor->external_id;
    return MSP_OK;
}

static enum msp_result read_question(const struct msp_request *request,
                                     struct msp_drill_down *question,
                                     struct msp_ticket_cursor *cursor, struct msp_error *error)
{
    enum msp_result result = read_metric(request, question, error);

    if (result == MSP_OK)
        result = read_range(request, question, error);
    if (result == MSP_OK)
        result = msp_query_by(request, &question->dimension, error);
    if (result == MSP_OK)
        result = msp_query_member(request, question->dimension, &question->member, error);
    if (result == MSP_OK)
        result = msp_query_limit(request, LARGEST_PAGE, &question->limit, error);
    if (result == MSP_OK)
        result = read_cursor(request, question, cursor, error);
    return result;
}

static void write_count(struct msp_json_writer *writer, const char *name, int32_t count)
{
    msp_json_key(writer, name);
    if (count == MSP_NO_COUNT)
        msp_json_null(writer);
    else
        msp_json_int(writer, count);
}

static void write_verdict(struct msp_json_writer *writer, enum msp_verdict verdict)
{
    msp_json_key(writer, "sla_met");
    if (verdict == MSP_VERDICT_UNKNOWN)
        msp_json_null(writer);
    else
        msp_json_bool(writer, verdict == MSP_VERDICT_MET);
}

static void write_ticket(struct msp_json_writer *writer, const struct msp_counted_ticket *counted,
                         bool shows_technician)
{
    const struct msp_ticket *ticket = &counted->ticket;

    msp_json_begin_object(writer);
    msp_json_key_string(writer, "external_id", ticket->external_id);
    msp_json_key_time(writer, "counted_at", counted->counted_us);
    msp_json_key_string(writer, "title", ticket->title);
    msp_json_key_string(writer, "status", ticket->status);
    msp_json_key_string(writer, "source_status", ticket->source_status);
    msp_json_key_string(writer, "priority", ticket->priority);
    msp_json_key_string(writer, "category", ticket->category);
    if (shows_technician)
        msp_json_key_string(writer, "assignee", ticket->assignee);
    msp_json_key_string(writer, "requester", ticket->requester);
    msp_json_key_string(writer, "group", ticket->group);
    msp_json_key_string(writer, "channel", ticket->channel);
    msp_json_key_time(writer, "created_at", ticket->created_us);
    msp_json_key_time(writer, "updated_at", ticket->updated_us);
    msp_json_key_time(writer, "first_response_at", ticket->first_response_us);
    msp_json_key_time(writer, "resolved_at", ticket->resolved_us);
    msp_json_key_time(writer, "closed_at", ticket->closed_us);
    msp_json_key_time(writer, "due_at", ticket->due_us);
    write_verdict(writer, ticket->sla_met);
    write_count(writer, "reopen_count", ticket->reopen_count);
    write_count(writer, "reassignment_count", ticket->reassignment_count);
    write_count(writer, "csat", ticket->csat);
    msp_json_end_object(writer);
}

static void begin_answer(struct msp_json_writer *writer, const struct msp_request *request,
                         struct msp_response *response)
{
    msp_json_writer_init(writer, &response->body);
    msp_json_begin_object(writer);
    msp_json_key_string(writer, "tenant", request->caller.tenant.slug);
    msp_json_key_string(writer, "timezone", request->caller.tenant.timezone);
}

static int answer_tickets(const struct msp_request *request, struct msp_response *response,
                          const struct msp_drill_down *question,
                          const struct msp_counted_ticket *tickets, size_t count, bool more)
{
    struct msp_json_writer writer;
    char cursor[MSP_TICKET_CURSOR_BYTES];

    begin_answer(&writer, request, response);
    msp_json_key_day(&writer, "from", question->from);
    msp_json_key_day(&writer, "to", question->to);
    msp_json_key_string(&writer, "metric", msp_counted_metric_name_of(question->metric));
    msp_json_key_string(&writer, "by", question->dimension);
    msp_json_key_string(&writer, "member", question->member);
    msp_json_key(&writer, "tickets");
    msp_json_begin_array(&writer);
    for (size_t i = 0; i < count; i++)
        write_ticket(&writer, &tickets[i], request->caller.role != MSP_ROLE_CLIENT);
    msp_json_end_array(&writer);
    if (more)
        msp_ticket_cursor_format(request->caller.tenant.id, question, &tickets[count - 1], cursor);
    msp_json_key_string(&writer, "next_cursor", more ? cursor : NULL);
    msp_json_end_object(&writer);
    return msp_json_answer(request, response);
}

int msp_handle_tickets(const struct msp_request *request, struct msp_response *response)
{
    struct msp_drill_down question = {.before_us = MSP_NO_TIME, .limit = DEFAULT_PAGE};
    struct msp_counted_ticket *tickets;
    struct msp_ticket_cursor cursor;
    struct msp_error error;
    struct msp_db *db;
    size_t count;
    enum msp_result result = read_question(request, &question, &cursor, &error);
    int limit = question.limit;

    if (result == MSP_OK)
        result = msp_input_database(request, &db, &error);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    question.limit = limit + 1; /* one more tells whether there is a next page */
    result = msp_drill_down_tickets(db, request->caller.tenant.id, &question, request->arena,
                                    msp_request_db_deadline_ms(request), &tickets, &count, &error);
    msp_pool_give(request->worker->pool, db);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    bool more = count > (size_t)limit;
    return answer_tickets(request, response, &question, tickets, more ? (size_t)limit : count,
                          more);
}

/* ---- tickets in time ---- */

static void write_arrivals(struct msp_json_writer *writer, const struct msp_arrivals *arrivals)
{
    msp_json_key(writer, "cells");
    msp_json_begin_array(writer);
    for (int weekday = 0; weekday < 7; weekday++) {
        for (int hour = 0; hour < 24; hour++) {
            msp_json_begin_object(writer);
            msp_json_key_int(writer, "weekday", weekday + 1);
            msp_json_key_int(writer, "hour", hour);
            msp_json_key_int(writer, "tickets_created", arrivals->tickets[weekday][hour]);
            msp_json_end_object(writer);
        }
    }
    msp_json_end_array(writer);
}

int msp_handle_kpis_arrivals(const struct msp_request *request, struct msp_response *response)
{
    struct msp_json_writer writer;
    struct msp_arrivals arrivals;
    struct msp_error error;
    struct msp_db *db;
    int32_t from;
    int32_t to;
    enum msp_result result = msp_query_days(request, LONGEST_RANGE_DAYS, &from, &to, &error);

    if (result == MSP_OK)
        result = msp_input_database(request, &db, &error);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    result = msp_drill_down_arrivals(db, request->caller.tenant.id, from, to,
                                     msp_request_db_deadline_ms(request), &arrivals, &error);
    msp_pool_give(request->worker->pool, db);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    begin_answer(&writer, request, response);
    msp_json_key_day(&writer, "from", from);
    msp_json_key_day(&writer, "to", to);
    write_arrivals(&writer, &arrivals);
    msp_json_end_object(&writer);
    return msp_json_answer(request, response);
}

static void write_ages(struct msp_json_writer *writer, const struct msp_backlog_age *ages)
{
    int64_t total = 0;

    msp_json_key(writer, "buckets");
    msp_json_begin_array(writer);
    for (int i = 0; i < MSP_BACKLOG_AGES; i++) {
        msp_json_begin_object(writer);
        msp_json_key_int(writer, "from_days", msp_backlog_ages_days[i]);
        msp_json_key(writer, "to_days");
        if (i + 1 < MSP_BACKLOG_AGES)
            msp_json_int(writer, msp_backlog_ages_days[i + 1]);
        else
            msp_json_null(writer);
        msp_json_key_int(writer, "tickets", ages->tickets[i]);
        msp_json_end_object(writer);
        total += ages->tickets[i];
    }
    msp_json_end_array(writer);
    msp_json_key_int(writer, "backlog", total);
}

int msp_handle_kpis_backlog_age(const struct msp_request *request, struct msp_response *response)
{
    struct msp_json_writer writer;
    struct msp_backlog_age ages;
    struct msp_error error;
    struct msp_db *db;
    int32_t day;
    enum msp_result result = msp_query_day(request, "day", &day, &error);

    if (result == MSP_OK)
        result = msp_input_database(request, &db, &error);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    result = msp_drill_down_backlog_age(db, request->caller.tenant.id, day,
                                        msp_request_db_deadline_ms(request), &ages, &error);
    msp_pool_give(request->worker->pool, db);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    begin_answer(&writer, request, response);
    msp_json_key_day(&writer, "day", day);
    write_ages(&writer, &ages);
    msp_json_end_object(&writer);
    return msp_json_answer(request, response);
}
