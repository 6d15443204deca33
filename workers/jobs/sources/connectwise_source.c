/*
 * Tickets of ConnectWise PSA (formerly Manage), REST 3.0. Reads service tickets only, never writes.
 *
 * Pages are "forward only": the server gives the rows behind an id, so that a ticket which changes
 * meanwhile moves nothing. The changed since a moment are asked by conditions=lastUpdated>[…].
 * Not checked against a live system: which fields a list leaves out, and that the last page comes
 * without a Link field (an empty page is taken for the last one too).
 */
#include "msp/timestamp.h"
#include "sources/source_call.h"
#include "sources/source_round.h"
#include "sources/source_rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CURSOR_KIND         "cw1"
#define TICKETS             "/v4_6_release/apis/3.0/service/tickets"
#define PAGE_ROWS           1000 /* the API's bound */
#define REQUESTS_PER_MINUTE 60   /* the maker states no limit; others report this one */
#define OVERLAP_SECONDS     300
#define US_A_SECOND         INT64_C(1000000)
#define FIELDS                                                                                     \
    "id,summary,status,priority,type,team,board,owner,resources,contactName,source,dateEntered,"   \
    "dateResponded,dateResolved,closedDate,closedFlag,requiredDate,isInSla,_info"

/* The words of a fresh installation; every board may have its own, which status_map names. */
static const struct msp_source_word statuses[] = {
    {"New", "new"},
    {"New (email connector)", "new"},
    {"New (portal)", "new"},
    {"Waiting Response", "pending"},
    {"Waiting for customer", "pending"},
    {"Waiting on customer", "pending"},
    {"Waiting on client", "pending"},
    {"Waiting on vendor", "pending"},
    {"Waiting for vendor", "pending"},
    {"Waiting parts", "pending"},
    {"On Hold", "pending"},
    {"Resolved", "resolved"},
    {"Completed", "resolved"},
    {"Closed", "closed"},
    {">Closed", "closed"},
    {"Cancelled", "closed"},
    {NULL, NULL},
};

static const struct msp_source_word priorities[] = {
    {"Priority 1 - Emergency Response", "critical"},
    {"Priority 1 - Critical", "critical"},
    {"Critical", "critical"},
    {"Emergency", "critical"},
    {"Priority 2 - Quick Response", "high"},
    {"Priority 2 - High", "high"},
    {"High", "high"},
    {"Priority 3 - Normal Response", "medium"},
    {"Priority 3 - Medium", "medium"},
    {"Medium", "medium"},
    {"Normal", "medium"},
    {"Priority 4 - Scheduled Maintenance", "low"},
    {"Priority 4 - Low", "low"},
    {"Priority 5 - Next Time Onsite", "low"},
    {"Low", "low"},
    {NULL, NULL},
};

static const struct msp_source_member members[] = {
    {"external_id", "id", MSP_SOURCE_AS_TEXT},
    {"title", "summary", MSP_SOURCE_AS_TEXT},
    {"source_status", "status.name", MSP_SOURCE_AS_TEXT},
    {"status", "closed_word|status.name", MSP_SOURCE_AS_STATUS},
    {"priority", "priority.name", MSP_SOURCE_AS_PRIORITY},
    {"category", "type.name", MSP_SOURCE_AS_TEXT},
    {"group", "team.name|board.name", MSP_SOURCE_AS_TEXT},
    {"assignee", "owner.name|owner.identifier|resources", MSP_SOURCE_AS_TEXT},
    {"requester", "contactName|contact.name", MSP_SOURCE_AS_TEXT},
    {"channel", "source.name", MSP_SOURCE_AS_TEXT},
    {"created_at", "dateEntered|_info.dateEntered", MSP_SOURCE_AS_TIME},
    {"updated_at", "_info.lastUpdated", MSP_SOURCE_AS_TIME},
    {"first_response_at", "dateResponded", MSP_SOURCE_AS_TIME},
    {"resolved_at", "dateResolved", MSP_SOURCE_AS_TIME},
    {"closed_at", "closedDate", MSP_SOURCE_AS_TIME},
    {"due_at", "requiredDate", MSP_SOURCE_AS_TIME},
    {"sla_met", "isInSla", MSP_SOURCE_AS_VERDICT},
    {NULL, NULL, MSP_SOURCE_AS_TEXT},
};

struct connectwise {
    struct msp_source_round round; /* must be first */
    struct msp_source_session *session;
    const char *conditions; /* the admin's own; "" = none */
};

static msp_source_ask ask;

static void close_reader(struct msp_source_reader *base)
{
    struct connectwise *reader = (struct connectwise *)base;
    if (reader != NULL) {
        msp_source_session_free(reader->session);
        free(reader);
    }
}

/* User "company+public", password "private". */
static enum msp_result sign_in(struct msp_source_session *session,
                               const struct msp_source_order *order, struct msp_error *error)
{
    char user[2 * MSP_SETTINGS_TEXT_BYTES];
    char field[MSP_SETTINGS_TEXT_BYTES];
    (void)snprintf(user, sizeof user, "%s+%s", msp_source_text(order->options, "company", ""),
                   msp_source_text(order->options, "public_key", ""));
    (void)snprintf(field, sizeof field, "clientId: %s",
                   msp_source_text(order->options, "client_id", ""));
    enum msp_result result = msp_source_session_basic(
        session, user, msp_source_text(order->secrets, "private_key", ""), error);
    if (result == MSP_OK) {
        result = msp_source_session_field(session, field, error);
    }
    if (result == MSP_OK) {
        result = msp_source_session_field(session, "pagination-type: forward-only", error);
    }
    return result;
}

static enum msp_result open_reader(const struct msp_source_order *order,
                                   struct msp_source_reader **out, struct msp_error *error)
{
    struct connectwise *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to open ConnectWise.");
    }
    reader->round = (struct msp_source_round){
        .base = {&msp_connectwise_source},
        .kind = CURSOR_KIND,
        .id_path = "id",
        .ask = ask,
        .map =
            {
                .members = members,
                .statuses = statuses,
                .priorities = priorities,
                .status_map = json_object_get(order->options, "status_map"),
                .priority_map = json_object_get(order->options, "priority_map"),
            },
        .overlap_seconds = msp_source_number(order->options, "overlap_seconds", OVERLAP_SECONDS),
    };
    reader->conditions = msp_source_text(order->options, "conditions", "");
    enum msp_result result =
        msp_source_session_new(order, msp_source_text(order->options, "url", ""),
                               REQUESTS_PER_MINUTE, &reader->session, error);
    if (result == MSP_OK) {
        result = sign_in(reader->session, order, error);
    }
    if (result != MSP_OK) {
        close_reader(&reader->round.base);
        return result;
    }
    *out = &reader->round.base;
    return MSP_OK;
}

static enum msp_result write_condition(const struct connectwise *reader, int64_t since_us,
                                       struct msp_buffer *target, struct msp_error *error)
{
    enum msp_result result = MSP_OK;
    struct msp_buffer condition;
    msp_buffer_init(&condition, 0);
    if (reader->conditions[0] != '\0') {
        msp_buffer_printf(&condition, "(%s)", reader->conditions);
    }
    if (since_us != MSP_NO_TIME) {
        char since[MSP_TIMESTAMP_TEXT_BYTES];
        /* The operator leaves out its own moment, which is a whole second here. */
        msp_timestamp_format((since_us / US_A_SECOND - 1) * US_A_SECOND, since);
        msp_buffer_printf(&condition, "%slastUpdated>[%s]", condition.length > 0 ? " and " : "",
                          since);
    }
    if (condition.length > 0) {
        msp_buffer_append(&condition, "", 1);
        msp_buffer_append_text(target, "&conditions=");
        result = condition.failed
                     ? msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to ask ConnectWise.")
                     : msp_source_append_encoded(target, condition.data, error);
    }
    msp_buffer_done(&condition);
    return result;
}

static enum msp_result write_target(const struct connectwise *reader,
                                    const struct msp_source_question *question,
                                    struct msp_buffer *target, struct msp_error *error)
{
    msp_buffer_printf(target, TICKETS "?pageSize=%d&fields=%s",
                      question->max_rows < PAGE_ROWS ? question->max_rows : PAGE_ROWS,
                      question->ids_only ? "id" : FIELDS);
    enum msp_result result = write_condition(reader, question->since_us, target, error);
    if (question->page[0] != '\0') {
        msp_buffer_printf(target, "&pageId=%s", question->page);
    }
    msp_buffer_append(target, "", 1);
    return result == MSP_OK && target->failed
               ? msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to ask ConnectWise.")
               : result;
}

/* Of the address of the next page only the id counts: nothing else of it is ever called. */
static enum msp_result read_next(const struct connectwise *reader, const char *link,
                                 const char *before, struct msp_source_answer *out,
                                 struct msp_error *error)
{
    char address[MSP_EGRESS_FIELD_BYTES];
    if (json_array_size(out->rows) == 0 || !msp_source_next_link(link, address, sizeof address)) {
        return MSP_OK;
    }
    const char *id = strstr(address, "pageId=");
    id = id != NULL ? id + strlen("pageId=") : "";
    size_t digits = strspn(id, "0123456789");
    if (digits == 0 || digits > 18 || strtoll(id, NULL, 10) <= strtoll(before, NULL, 10)) {
        return msp_source_malformed(reader->session, "its next page does not lead on", error);
    }
    (void)snprintf(out->next, sizeof out->next, "%.*s", (int)digits, id);
    return MSP_OK;
}

/* Boards name their closed statuses as they like but flag them; a word of status_map wins. */
static enum msp_result mark_closed(const struct connectwise *reader, const json_t *rows,
                                   struct msp_error *error)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const char *name = json_string_value(msp_source_at(row, "status.name"));
        bool is_mapped =
            name != NULL && json_object_get(reader->round.map.status_map, name) != NULL;
        if (json_is_true(json_object_get(row, "closedFlag")) && !is_mapped &&
            json_object_set_new(row, "closed_word", json_string("Closed")) != 0) {
            return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a page.");
        }
    }
    return MSP_OK;
}

static enum msp_result ask(struct msp_source_reader *base,
                           const struct msp_source_question *question, int64_t deadline_ms,
                           struct msp_source_answer *out, struct msp_error *error)
{
    struct connectwise *reader = (struct connectwise *)base;
    struct msp_egress_field fields[] = {{.name = "Link"}, {.name = "Date"}};
    struct msp_source_call call = {.method = "GET", .wanted = fields, .wanted_count = 2};
    struct msp_buffer target;
    int status = 0;
    msp_buffer_init(&target, 0);
    enum msp_result result = write_target(reader, question, &target, error);
    if (result == MSP_OK) {
        call.target = target.data;
        result =
            msp_source_fetch(reader->session, &call, deadline_ms, &out->document, &status, error);
    }
    if (result == MSP_OK) {
        result = msp_source_rows(reader->session, out->document, "", &out->rows, error);
    }
    if (result == MSP_OK) {
        (void)snprintf(out->date, sizeof out->date, "%.63s", fields[1].value);
        result = read_next(reader, fields[0].value, question->page, out, error);
    }
    if (result == MSP_OK) {
        result = mark_closed(reader, out->rows, error);
    }
    msp_buffer_done(&target);
    return result;
}

const struct msp_source msp_connectwise_source = {
    .name = "connectwise",
    .open = open_reader,
    .page = msp_source_round_page,
    .ids = msp_source_round_ids,
    .close = close_reader,
};
