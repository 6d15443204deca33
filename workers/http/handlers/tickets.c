/* From a number to what it counts: the tickets of a KPI cell, page by page, and how tickets lie in
 * time. */
#include "handlers.h"

#include "../http_worker.h"
#include "../kept_answers.h"
#include "inputs.h"
#include "job_answer.h"
#include "ticket_cursor.h"
#include "ticket_question.h"

#define LONGEST_RANGE_DAYS 1100
#define DEFAULT_PAGE       50
#define LARGEST_PAGE       500
#define NOT_COUNTED        INT64_C(-1)

/* ---- the tickets of a cell ---- */

/* One page of the answer to a question. */
struct page {
    struct msp_ticket_question question;
    struct msp_ticket_cursor cursor; /* where it begins */
    bool counts;                     /* whether the number of all tickets is wanted too */
    int limit;
    struct msp_counted_ticket *tickets;
    size_t count;
    bool more;
    int64_t total; /* or NOT_COUNTED */
};

static enum msp_result read_cursor(const struct msp_request *request, struct page *page,
                                   struct msp_error *error)
{
    struct msp_drill_down *tickets = &page->question.tickets;
    const char *text = msp_request_query(request, "cursor");

    if (text == NULL)
        return MSP_OK;
    if (!msp_ticket_cursor_parse(text, request->caller.tenant.id, tickets, &page->cursor))
        return msp_query_fail(error, "cursor_malformed", "cursor",
                              "This \"cursor\" was not given out for this question; start again "
                              "without it.");
    tickets->before_us = page->cursor.counted_us;
    tickets->before_id = page->cursor.external_id;
    return MSP_OK;
}

static enum msp_result read_page(const struct msp_request *request, struct page *page,
                                 struct msp_error *error)
{
    enum msp_result result = msp_ticket_question_read(request, &page->question, error);

    if (result == MSP_OK)
        result = msp_query_bool(request, "count", &page->counts, error);
    if (result == MSP_OK)
        result = msp_query_limit(request, LARGEST_PAGE, &page->limit, error);
    if (result == MSP_OK)
        result = read_cursor(request, page, error);
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

static void write_number(struct msp_json_writer *writer, const char *name, int64_t number,
                         int64_t none)
{
    msp_json_key(writer, name);
    if (number == none)
        msp_json_null(writer);
    else
        msp_json_int(writer, number);
}

static void write_question(struct msp_json_writer *writer,
                           const struct msp_ticket_question *question)
{
    const struct msp_drill_down *tickets = &question->tickets;

    msp_json_key_day(writer, "from", tickets->from);
    msp_json_key_day(writer, "to", tickets->to);
    msp_json_key_string(writer, "metric", question->metric);
    msp_json_key_string(writer, "counted", msp_counted_metric_name(tickets->metric));
    msp_json_key_string(writer, "by", tickets->dimension);
    msp_json_key_string(writer, "member", tickets->member);
    msp_json_key_string(writer, "age", tickets->age != NULL ? tickets->age->name : NULL);
    write_number(writer, "weekday", tickets->weekday, MSP_ANY_WEEKDAY);
    write_number(writer, "hour", tickets->hour, MSP_ANY_HOUR);
}

static int answer_tickets(const struct msp_request *request, struct msp_response *response,
                          const struct page *page)
{
    struct msp_json_writer writer;
    char cursor[MSP_TICKET_CURSOR_BYTES];

    begin_answer(&writer, request, response);
    write_question(&writer, &page->question);
    write_number(&writer, "total", page->total, NOT_COUNTED);
    msp_json_key(&writer, "tickets");
    msp_json_begin_array(&writer);
    for (size_t i = 0; i < page->count; i++)
        write_ticket(&writer, &page->tickets[i], request->caller.role != MSP_ROLE_CLIENT);
    msp_json_end_array(&writer);
    if (page->more)
        msp_ticket_cursor_format(request->caller.tenant.id, &page->question.tickets,
                                 &page->tickets[page->count - 1], cursor);
    msp_json_key_string(&writer, "next_cursor", page->more ? cursor : NULL);
    msp_json_end_object(&writer);
    return msp_json_answer(request, response);
}

static enum msp_result find_tickets(const struct msp_request *request, struct page *page,
                                    struct msp_error *error)
{
    struct msp_drill_down *tickets = &page->question.tickets;
    struct msp_db *db;
    enum msp_result result = msp_input_database(request, &db, error);

    if (result != MSP_OK)
        return result;
    tickets->limit = page->limit + 1; /* one more tells whether there is a next page */
    result = msp_drill_down_tickets(db, request->caller.tenant.id, tickets, request->arena,
                                    msp_request_db_deadline_ms(request), &page->tickets,
                                    &page->count, page->counts ? &page->total : NULL, error);
    msp_pool_give(request->worker->pool, db);
    if (result != MSP_OK)
        return result;
    page->more = page->count > (size_t)page->limit;
    if (page->more)
        page->count = (size_t)page->limit;
    return MSP_OK;
}

int msp_handle_tickets(const struct msp_request *request, struct msp_response *response)
{
    struct page page = {.limit = DEFAULT_PAGE, .total = NOT_COUNTED};
    struct msp_error error;

    if (read_page(request, &page, &error) != MSP_OK ||
        find_tickets(request, &page, &error) != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    return answer_tickets(request, response, &page);
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

static void write_ages(struct msp_json_writer *writer, const int64_t tickets[MSP_BACKLOG_AGES])
{
    int64_t total = 0;

    msp_json_key(writer, "buckets");
    msp_json_begin_array(writer);
    for (int i = 0; i < MSP_BACKLOG_AGES; i++) {
        const struct msp_backlog_age *age = &msp_backlog_ages[i];

        msp_json_begin_object(writer);
        msp_json_key_string(writer, "age", age->name);
        msp_json_key_int(writer, "from_days", age->from_days);
        write_number(writer, "to_days", age->to_days, MSP_NO_END);
        msp_json_key_int(writer, "tickets", tickets[i]);
        msp_json_end_object(writer);
        total += tickets[i];
    }
    msp_json_end_array(writer);
    msp_json_key_int(writer, "backlog", total);
}

int msp_handle_kpis_backlog_age(const struct msp_request *request, struct msp_response *response)
{
    int64_t tickets[MSP_BACKLOG_AGES];
    struct msp_json_writer writer;
    struct msp_error error;
    struct msp_db *db;
    int32_t day;
    enum msp_result result = msp_query_day(request, "day", &day, &error);

    if (result == MSP_OK)
        result = msp_input_database(request, &db, &error);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    result =
        msp_drill_down_backlog_age(db, request->caller.tenant.id, day, msp_kept_answer_moment_us(),
                                   msp_request_db_deadline_ms(request), tickets, &error);
    msp_pool_give(request->worker->pool, db);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    begin_answer(&writer, request, response);
    msp_json_key_day(&writer, "day", day);
    write_ages(&writer, tickets);
    msp_json_end_object(&writer);
    return msp_json_answer(request, response);
}
