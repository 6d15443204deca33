/*
 * The tickets of a cell as CSV, all of them or none: a file that ends early would look whole. It is
 * made before it is sent, so its size is bounded and counted among what requests may hold.
 */
#include "handlers.h"

#include "../http_worker.h"
#include "../request_actor.h"
#include "inputs.h"
#include "job_answer.h"
#include "msp/csv.h"
#include "msp/json_writer.h"
#include "msp/timestamp.h"
#include "ticket_question.h"

#include <string.h>

#define MOST_TICKETS 50000
#define MOST_BYTES   (64 * 1024 * 1024)
#define COUNTED_STEP (INT64_C(4) * 1024 * 1024)

struct sheet {
    const struct msp_request *request;
    struct msp_ticket_question question;
    struct msp_csv_writer csv;
    int64_t tickets;
    int64_t counted_bytes; /* of what requests may hold */
};

/* ---- cells ---- */

static void write_time(struct msp_csv_writer *csv, int64_t unix_us)
{
    char text[MSP_TIMESTAMP_TEXT_BYTES];

    if (unix_us == MSP_NO_TIME) {
        msp_csv_empty(csv);
        return;
    }
    msp_timestamp_format(unix_us, text);
    msp_csv_plain(csv, text);
}

static void write_count(struct msp_csv_writer *csv, int32_t count)
{
    if (count == MSP_NO_COUNT)
        msp_csv_empty(csv);
    else
        msp_csv_int(csv, count);
}

static void write_verdict(struct msp_csv_writer *csv, enum msp_verdict verdict)
{
    if (verdict == MSP_VERDICT_UNKNOWN)
        msp_csv_empty(csv);
    else
        msp_csv_plain(csv, verdict == MSP_VERDICT_MET ? "true" : "false");
}

/* The technician stands last, so that a client's columns are the others in the same places. */
static const char *const columns[] = {
    "counted_at",         "external_id", "title",     "status",  "source_status", "priority",
    "category",           "requester",   "group",     "channel", "created_at",    "updated_at",
    "first_response_at",  "resolved_at", "closed_at", "due_at",  "sla_met",       "reopen_count",
    "reassignment_count", "csat",        "assignee",
};

static bool shows_technician(const struct sheet *sheet)
{
    return sheet->request->caller.role != MSP_ROLE_CLIENT;
}

static void write_header(struct sheet *sheet)
{
    size_t count = sizeof columns / sizeof columns[0] - (shows_technician(sheet) ? 0 : 1);

    for (size_t i = 0; i < count; i++)
        msp_csv_plain(&sheet->csv, columns[i]);
    msp_csv_end_row(&sheet->csv);
}

static void write_row(struct sheet *sheet, const struct msp_counted_ticket *counted)
{
    const struct msp_ticket *ticket = &counted->ticket;
    struct msp_csv_writer *csv = &sheet->csv;

    write_time(csv, counted->counted_us);
    msp_csv_text(csv, ticket->external_id);
    msp_csv_text(csv, ticket->title);
    msp_csv_text(csv, ticket->status);
    msp_csv_text(csv, ticket->source_status);
    msp_csv_text(csv, ticket->priority);
    msp_csv_text(csv, ticket->category);
    msp_csv_text(csv, ticket->requester);
    msp_csv_text(csv, ticket->group);
    msp_csv_text(csv, ticket->channel);
    write_time(csv, ticket->created_us);
    write_time(csv, ticket->updated_us);
    write_time(csv, ticket->first_response_us);
    write_time(csv, ticket->resolved_us);
    write_time(csv, ticket->closed_us);
    write_time(csv, ticket->due_us);
    write_verdict(csv, ticket->sla_met);
    write_count(csv, ticket->reopen_count);
    write_count(csv, ticket->reassignment_count);
    write_count(csv, ticket->csat);
    if (shows_technician(sheet))
        msp_csv_text(csv, ticket->assignee);
    msp_csv_end_row(csv);
}

/* ---- the sheet ---- */

static enum msp_result too_many(const struct sheet *sheet, struct msp_error *error)
{
    const char *name = msp_request_query(sheet->request, "day") != NULL ? "day" : "to";

    return msp_query_fail(error, "tickets_too_many", name,
                          "More than %d tickets or %d MiB make no CSV in one piece; ask for fewer "
                          "days or one member. /v1/exports/tickets/latest.csv holds all tickets.",
                          MOST_TICKETS, MOST_BYTES / 1024 / 1024);
}

/* Counts a further step before the body grows into it. */
static enum msp_result make_room(struct sheet *sheet, struct msp_error *error)
{
    if ((int64_t)sheet->csv.out->capacity < sheet->counted_bytes)
        return MSP_OK;
    enum msp_result result = msp_memory_take(&sheet->request->worker->memory, COUNTED_STEP, error);
    if (result == MSP_OK)
        sheet->counted_bytes += COUNTED_STEP;
    return result;
}

static enum msp_result take_ticket(void *context, const struct msp_counted_ticket *ticket,
                                   struct msp_error *error)
{
    struct sheet *sheet = context;

    if (sheet->tickets == MOST_TICKETS || sheet->csv.out->length > MOST_BYTES)
        return too_many(sheet, error);
    enum msp_result result = make_room(sheet, error);
    if (result != MSP_OK)
        return result;
    sheet->tickets++;
    write_row(sheet, ticket);
    return MSP_OK;
}

static void give_room(const struct msp_request *request, void *context)
{
    const struct sheet *sheet = context;

    msp_memory_give(&request->worker->memory, sheet->counted_bytes);
}

/* ---- the line it leaves ---- */

static void write_detail(const struct sheet *sheet, struct msp_buffer *out)
{
    const struct msp_drill_down *tickets = &sheet->question.tickets;
    struct msp_json_writer writer;

    msp_json_writer_init(&writer, out);
    msp_json_begin_object(&writer);
    msp_json_key(&writer, "before");
    msp_json_null(&writer);
    msp_json_key(&writer, "after");
    msp_json_begin_object(&writer);
    msp_json_key_day(&writer, "from", tickets->from);
    msp_json_key_day(&writer, "to", tickets->to);
    msp_json_key_string(&writer, "by", tickets->dimension);
    msp_json_key_string(&writer, "member", tickets->member);
    msp_json_key_int(&writer, "tickets", sheet->tickets);
    msp_json_end_object(&writer);
    msp_json_end_object(&writer);
    msp_buffer_append(out, "", 1);
}

static enum msp_result leave_line(struct msp_db *db, const struct sheet *sheet,
                                  struct msp_error *error)
{
    const struct msp_request *request = sheet->request;
    const struct msp_actor actor = msp_request_actor(request);
    struct msp_buffer detail;

    msp_buffer_init(&detail, 0);
    write_detail(sheet, &detail);
    const struct msp_audit_line line = {request->caller.tenant.id, "ticket.download",
                                        msp_counted_metric_name(sheet->question.tickets.metric),
                                        detail.data};
    enum msp_result result =
        detail.failed
            ? msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to note a download.")
            : msp_audit_note(db, &actor, &line, msp_request_db_deadline_ms(request), error);
    msp_buffer_done(&detail);
    return result;
}

/* Nothing leaves without its line. */
static enum msp_result fill(struct sheet *sheet, struct msp_error *error)
{
    const struct msp_request *request = sheet->request;
    struct msp_drill_down *tickets = &sheet->question.tickets;
    struct msp_db *db;
    enum msp_result result = msp_input_database(request, &db, error);

    if (result != MSP_OK)
        return result;
    tickets->limit = MOST_TICKETS + 1;
    result = msp_drill_down_walk(db, request->caller.tenant.id, tickets,
                                 msp_request_db_deadline_ms(request), take_ticket, sheet, error);
    if (result == MSP_OK && strcmp(request->method, "HEAD") != 0)
        result = leave_line(db, sheet, error);
    msp_pool_give(request->worker->pool, db);
    return result;
}

static void name_file(const struct sheet *sheet, struct msp_response *response)
{
    const struct msp_drill_down *tickets = &sheet->question.tickets;
    char from[MSP_DAY_TEXT_BYTES];
    char to[MSP_DAY_TEXT_BYTES];

    msp_day_format(tickets->from, from);
    msp_day_format(tickets->to, to);
    msp_response_header(
        response, "Content-Disposition", "attachment; filename=\"tickets-%s-%s-%s-%s.csv\"",
        sheet->request->caller.tenant.slug, msp_counted_metric_name(tickets->metric), from, to);
}

int msp_handle_tickets_csv(const struct msp_request *request, struct msp_response *response)
{
    struct sheet *sheet = msp_arena_calloc(request->arena, 1, sizeof *sheet);
    struct msp_error error;

    if (sheet == NULL)
        return msp_problem_no_memory(request, response);
    sheet->request = request;
    if (msp_ticket_question_read(request, &sheet->question, &error) != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    response->after = give_room;
    response->after_context = sheet;
    msp_csv_writer_init(&sheet->csv, &response->body);
    write_header(sheet);
    if (fill(sheet, &error) != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    int status = msp_json_answer(request, response);
    if (status != 200)
        return status;
    response->content_type = "text/csv; charset=utf-8";
    name_file(sheet, response);
    return status;
}
