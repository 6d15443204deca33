/*
 * Zendesk by the cursor form of its incremental ticket export, names and metrics side-loaded with
 * each page. Never asks for one ticket alone, and writes nothing.
 *
 * The export is ordered by generated_timestamp, when Zendesk last touched a ticket for whatever
 * reason, while updated_at moves by people's doing only. So the round and its mark go by
 * generated_timestamp, and a ticket's age is updated_at first and generated_timestamp as its
 * version: both only grow for a ticket, and updated_at stays what people see there.
 *
 * Origin: developer.zendesk.com, "Incremental Exports" and "Side-Loading". Unverified against a
 * real account: per_page up to 1,000, `slas` among the side-loads, archived tickets in the export,
 * that a cursor no longer known is answered by 4xx.
 */
#include "msp/timestamp.h"
#include "sources/source_map.h"
#include "sources/source_place.h"
#include "sources/source_shape.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CURSOR_KIND             "zendesk1"
#define PAGE_TICKETS            1000
#define LEAST_PAGE_TICKETS      10
#define REQUESTS_PER_MINUTE     5  /* half of the 10 that the export allows a whole account */
#define LEAST_OVERLAP_SECONDS   60 /* the export holds its last minute back */
#define DEFAULT_OVERLAP_SECONDS 300
#define US_A_SECOND             INT64_C(1000000)
#define RECENT                  "recent:" /* the second part of listing ids */

struct zendesk_reader {
    struct msp_source_reader base; /* must be first */
    struct msp_source_session *session;
    struct msp_source_map map;
    int64_t overlap_seconds;
    int page_tickets; /* fewer once a page was too large: a ticket brings its whole description */
};

/* "msp." is what shape() adds to a row. */
static const struct msp_source_member members[] = {
    {"external_id", "id", MSP_SOURCE_AS_TEXT},
    {"title", "subject|raw_subject", MSP_SOURCE_AS_TEXT},
    {"status", "status", MSP_SOURCE_AS_STATUS},
    {"priority", "priority", MSP_SOURCE_AS_PRIORITY},
    {"category", "type", MSP_SOURCE_AS_TEXT},
    {"assignee", "msp.assignee.name", MSP_SOURCE_AS_TEXT},
    {"requester", "msp.requester.name", MSP_SOURCE_AS_TEXT},
    {"group", "msp.group.name", MSP_SOURCE_AS_TEXT},
    {"channel", "via.channel", MSP_SOURCE_AS_TEXT},
    {"created_at", "created_at", MSP_SOURCE_AS_TIME},
    {"updated_at", "updated_at", MSP_SOURCE_AS_TIME},
    {"first_response_at", "msp.first_response_at", MSP_SOURCE_AS_TIME},
    {"resolved_at", "msp.resolved_at", MSP_SOURCE_AS_TIME},
    {"closed_at", "msp.closed_at", MSP_SOURCE_AS_TIME},
    {"due_at", "msp.due_at|due_at", MSP_SOURCE_AS_TIME},
    {"reopen_count", "msp.metric_set.reopens", MSP_SOURCE_AS_COUNT},
    {"reassignment_count", "msp.reassignment_count", MSP_SOURCE_AS_COUNT},
    {"csat", "msp.csat", MSP_SOURCE_AS_SCORE},
    {"version", "generated_timestamp", MSP_SOURCE_AS_COUNT},
    {NULL, NULL, MSP_SOURCE_AS_TEXT},
};

static const struct msp_source_word statuses[] = {
    {"new", "new"},         {"open", "open"},     {"pending", "pending"}, {"hold", "pending"},
    {"solved", "resolved"}, {"closed", "closed"}, {NULL, NULL},
};

static const struct msp_source_word priorities[] = {
    {"urgent", "critical"}, {"high", "high"}, {"normal", "medium"}, {"low", "low"}, {NULL, NULL},
};

static enum msp_result no_memory(struct msp_error *error)
{
    return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to read Zendesk's answer.");
}

/* ---- opening ---- */

static void close_reader(struct msp_source_reader *base)
{
    struct zendesk_reader *reader = (struct zendesk_reader *)base;
    if (reader != NULL) {
        msp_source_session_free(reader->session);
        free(reader);
    }
}

static enum msp_result sign_in(struct zendesk_reader *reader, const struct msp_source_order *order,
                               struct msp_error *error)
{
    const char *email = msp_source_text(order->options, "email", NULL);
    const char *api_token = msp_source_text(order->secrets, "api_token", NULL);
    const char *oauth_token = msp_source_text(order->secrets, "oauth_token", NULL);
    char text[MSP_EGRESS_FIELD_BYTES];
    if (oauth_token != NULL) {
        (void)snprintf(text, sizeof text, "Authorization: Bearer %s", oauth_token);
        return msp_source_session_field(reader->session, text, error);
    }
    if (email == NULL || api_token == NULL) {
        return msp_fail(error, MSP_INVALID, "source_option_wrong",
                        "Zendesk needs the options email and api_token, or oauth_token.");
    }
    (void)snprintf(text, sizeof text, "%s/token", email);
    return msp_source_session_basic(reader->session, text, api_token, error);
}

static enum msp_result open_reader(const struct msp_source_order *order,
                                   struct msp_source_reader **out, struct msp_error *error)
{
    struct zendesk_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return no_memory(error);
    }
    int64_t overlap = msp_source_number(order->options, "overlap_seconds", DEFAULT_OVERLAP_SECONDS);
    reader->base.source = &msp_zendesk_source;
    reader->page_tickets = PAGE_TICKETS;
    reader->overlap_seconds = overlap > LEAST_OVERLAP_SECONDS ? overlap : LEAST_OVERLAP_SECONDS;
    reader->map = (struct msp_source_map){
        .members = members,
        .statuses = statuses,
        .priorities = priorities,
        .status_map = json_object_get(order->options, "status_map"),
        .priority_map = json_object_get(order->options, "priority_map"),
    };
    enum msp_result result =
        msp_source_session_new(order, msp_source_text(order->options, "url", ""),
                               REQUESTS_PER_MINUTE, &reader->session, error);
    if (result == MSP_OK) {
        result = sign_in(reader, order, error);
    }
    if (result != MSP_OK) {
        close_reader(&reader->base);
        return result;
    }
    *out = &reader->base;
    return MSP_OK;
}

/* ---- asking ---- */

/* Calls `path` with "&<name>=<value>" behind it. */
static enum msp_result ask(struct zendesk_reader *reader, const char *path, const char *name,
                           const char *value, int64_t deadline_ms, json_t **out,
                           struct msp_error *error)
{
    struct msp_buffer target;
    int status = 0;
    msp_buffer_init(&target, 0);
    msp_buffer_printf(&target, "%s&%s=", path, name);
    enum msp_result result = msp_source_append_encoded(&target, value, error);
    msp_buffer_append(&target, "", 1);
    if (result == MSP_OK && target.failed) {
        result = no_memory(error);
    }
    if (result == MSP_OK) {
        const struct msp_source_call call = {.method = "GET", .target = target.data};
        result = msp_source_fetch(reader->session, &call, deadline_ms, out, &status, error);
    }
    msp_buffer_done(&target);
    return result;
}

/* A page of the export from a cursor, or from a time where there is none. A page too large for us
 * is asked for again with fewer tickets. */
static enum msp_result ask_export(struct zendesk_reader *reader, const char *query, int max_tickets,
                                  const char *cursor, int64_t from_us, int64_t deadline_ms,
                                  json_t **out, struct msp_error *error)
{
    char path[160];
    char seconds[24];
    int64_t from_seconds = from_us == MSP_NO_TIME || from_us < 0 ? 0 : from_us / US_A_SECOND;
    bool has_cursor = cursor[0] != '\0';
    (void)snprintf(seconds, sizeof seconds, "%" PRId64, from_seconds);
    for (;;) {
        (void)snprintf(path, sizeof path, "/api/v2/incremental/tickets/cursor.json?%s&per_page=%d",
                       query,
                       max_tickets < reader->page_tickets ? max_tickets : reader->page_tickets);
        enum msp_result result = ask(reader, path, has_cursor ? "cursor" : "start_time",
                                     has_cursor ? cursor : seconds, deadline_ms, out, error);
        if (result != MSP_TOO_LARGE || reader->page_tickets <= LEAST_PAGE_TICKETS) {
            return result;
        }
        reader->page_tickets /= 10;
    }
}

/* Where the export goes on; *out_end says that it has told everything but its last minute. */
static enum msp_result read_end(const struct zendesk_reader *reader, const json_t *answer,
                                const char *asked_cursor, size_t room, const char **out_cursor,
                                bool *out_end, struct msp_error *error)
{
    const char *after = json_string_value(json_object_get(answer, "after_cursor"));
    const json_t *end = json_object_get(answer, "end_of_stream");
    if (!json_is_boolean(end)) {
        return msp_source_malformed(
            reader->session, "it does not say whether it is the last page (end_of_stream)", error);
    }
    *out_end = json_is_true(end);
    if (*out_end) {
        return MSP_OK;
    }
    if (after == NULL || after[0] == '\0' || strlen(after) >= room) {
        return msp_source_malformed(reader->session,
                                    "it does not name the page behind it (after_cursor)", error);
    }
    if (strcmp(after, asked_cursor) == 0) {
        return msp_source_malformed(reader->session,
                                    "it names itself as the page behind it (after_cursor)", error);
    }
    *out_cursor = after;
    return MSP_OK;
}

/* ---- rows ---- */

/* What a page brings beside its tickets. */
struct sideload {
    json_t *users, *groups, *metric_sets; /* by id, by id, by ticket's id */
};

static void sideload_done(struct sideload *sideload)
{
    json_decref(sideload->users);
    json_decref(sideload->groups);
    json_decref(sideload->metric_sets);
}

static enum msp_result sideload_init(struct sideload *sideload, const json_t *answer,
                                     struct msp_error *error)
{
    sideload->users = msp_source_index(json_object_get(answer, "users"), "id");
    sideload->groups = msp_source_index(json_object_get(answer, "groups"), "id");
    sideload->metric_sets = msp_source_index(json_object_get(answer, "metric_sets"), "ticket_id");
    if (sideload->users == NULL || sideload->groups == NULL || sideload->metric_sets == NULL) {
        sideload_done(sideload);
        return no_memory(error);
    }
    return MSP_OK;
}

/* The first public answer of an agent, told as calendar minutes (lately seconds) since creation. */
static json_t *first_response(const json_t *row, const json_t *metric_set)
{
    const json_t *seconds = msp_source_at(metric_set, "reply_time_in_seconds.calendar");
    const json_t *minutes = msp_source_at(metric_set, "reply_time_in_minutes.calendar");
    json_int_t after =
        json_is_integer(seconds) ? json_integer_value(seconds) : json_integer_value(minutes) * 60;
    int64_t created_us = 0;
    char text[MSP_TIMESTAMP_TEXT_BYTES];
    bool is_told = json_is_integer(seconds) || json_is_integer(minutes);
    if (!is_told || after < 0 || after > INT32_MAX ||
        !msp_source_time(json_object_get(row, "created_at"), MSP_SOURCE_AS_TIME, NULL,
                         &created_us)) {
        return NULL;
    }
    msp_timestamp_format(created_us + after * US_A_SECOND, text);
    return json_string(text);
}

static bool has_status(const json_t *row, const char *status)
{
    const char *theirs = json_string_value(json_object_get(row, "status"));
    return theirs != NULL && strcmp(theirs, status) == 0;
}

/* When it was solved last is told of tickets that were opened again, too. */
static json_t *resolved_at(const json_t *row, const json_t *metric_set)
{
    bool is_solved = has_status(row, "solved") || has_status(row, "closed");
    return is_solved ? msp_source_share(json_object_get(metric_set, "solved_at")) : NULL;
}

/* A closed ticket never changes again: its status was last changed when it was closed. */
static json_t *closed_at(const json_t *row, const json_t *metric_set)
{
    const json_t *at = json_object_get(metric_set, "status_updated_at");
    if (!has_status(row, "closed")) {
        return NULL;
    }
    return msp_source_share(json_is_string(at) ? at : json_object_get(row, "updated_at"));
}

/* The targets of an SLA policy that are about solving; the one that comes first. They are told
 * while they run only, so that no verdict can be made of them. */
static json_t *solve_target(const json_t *row)
{
    static const char *const about_solving[] = {"requester_wait_time", "agent_work_time",
                                                "total_resolution_time", NULL};
    const char *first = NULL;
    size_t i;
    json_t *target;
    json_array_foreach(msp_source_at(row, "slas.policy_metrics"), i, target)
    {
        const char *metric = json_string_value(json_object_get(target, "metric"));
        const char *at = json_string_value(json_object_get(target, "breach_at"));
        for (size_t k = 0; metric != NULL && at != NULL && about_solving[k] != NULL; k++) {
            /* All are written alike, in UTC, so that the texts sort as the times. */
            if (strcmp(metric, about_solving[k]) == 0 && (first == NULL || strcmp(at, first) < 0)) {
                first = at;
            }
        }
    }
    return first != NULL ? json_string(first) : NULL;
}

/* Requesters say "good" or "bad", the latter also with a comment: the ends of our scale. */
static json_t *satisfaction(const json_t *row)
{
    const char *score = json_string_value(msp_source_at(row, "satisfaction_rating.score"));
    if (score == NULL || (strncmp(score, "good", 4) != 0 && strncmp(score, "bad", 3) != 0)) {
        return NULL;
    }
    return json_integer(score[0] == 'g' ? 5 : 1);
}

/* Adds to the row, as "msp", what is not written in it by itself. */
static enum msp_result shape(json_t *row, const struct sideload *sideload, struct msp_error *error)
{
    json_t *added = json_object();
    const json_t *metric_set = json_object_get(row, "metric_set");
    if (metric_set == NULL) {
        metric_set = msp_source_indexed(sideload->metric_sets, json_object_get(row, "id"));
    }
    msp_source_put(
        added, "assignee",
        msp_source_share(msp_source_indexed(sideload->users, json_object_get(row, "assignee_id"))));
    msp_source_put(added, "requester",
                   msp_source_share(
                       msp_source_indexed(sideload->users, json_object_get(row, "requester_id"))));
    msp_source_put(
        added, "group",
        msp_source_share(msp_source_indexed(sideload->groups, json_object_get(row, "group_id"))));
    msp_source_put(added, "metric_set", msp_source_share(metric_set));
    msp_source_put(added, "first_response_at", first_response(row, metric_set));
    msp_source_put(added, "resolved_at", resolved_at(row, metric_set));
    msp_source_put(added, "closed_at", closed_at(row, metric_set));
    msp_source_put(added, "due_at", solve_target(row));
    msp_source_put(added, "csat", satisfaction(row));
    json_int_t stations = json_integer_value(json_object_get(metric_set, "assignee_stations"));
    if (stations > 0) {
        msp_source_put(added, "reassignment_count", json_integer(stations - 1));
    }
    return msp_source_add_shape(row, added, error);
}

/* A ticket that was deleted stays in the export, emptied. It is none of ours any more, and is
 * found missing by the listing of ids. */
static bool is_deleted(const json_t *row)
{
    return has_status(row, "deleted");
}

static enum msp_result take_row(struct zendesk_reader *reader, json_t *row,
                                const struct sideload *sideload, struct msp_ticket_batch *batch,
                                struct msp_source_place *place, struct msp_error *error)
{
    int64_t updated_us = MSP_NO_TIME;
    int64_t generated_us = MSP_NO_TIME;
    enum msp_result result = MSP_OK;
    if (!is_deleted(row)) {
        result = json_is_object(row) ? shape(row, sideload, error) : MSP_OK;
        if (result == MSP_OK) {
            result = msp_source_take(&reader->map, row, batch, &updated_us, error);
        }
    }
    if (msp_source_time(json_object_get(row, "generated_timestamp"), MSP_SOURCE_AS_UNIX_TIME, NULL,
                        &generated_us)) {
        msp_source_place_reach(place, generated_us);
    }
    return result;
}

static enum msp_result take_rows(struct zendesk_reader *reader, const json_t *answer,
                                 struct msp_ticket_batch *batch, struct msp_source_place *place,
                                 struct msp_error *error)
{
    struct sideload sideload;
    const json_t *rows = json_object_get(answer, "tickets");
    size_t i;
    json_t *row;
    if (!json_is_array(rows)) {
        return msp_source_malformed(reader->session, "it holds no list of tickets", error);
    }
    enum msp_result result = sideload_init(&sideload, answer, error);
    if (result != MSP_OK) {
        return result;
    }
    json_array_foreach(rows, i, row)
    {
        result = take_row(reader, row, &sideload, batch, place, error);
        if (result != MSP_OK) {
            break;
        }
    }
    sideload_done(&sideload);
    return result;
}

/* ---- pages ---- */

static enum msp_result ask_page(struct zendesk_reader *reader, const struct msp_source_place *place,
                                int max_tickets, int64_t deadline_ms, json_t **out,
                                struct msp_error *error)
{
    return ask_export(reader, "include=users,groups,metric_sets,slas", max_tickets, place->page,
                      place->from_us, deadline_ms, out, error);
}

/* Back to what is known without the cursor: everything touched before `reached` has been read. */
static void lose_cursor(const struct zendesk_reader *reader, struct msp_source_place *place)
{
    if (place->reached_us != MSP_NO_TIME) {
        place->from_us = place->reached_us - reader->overlap_seconds * US_A_SECOND;
    }
    place->page[0] = '\0';
}

static enum msp_result take_page(struct zendesk_reader *reader, const json_t *answer,
                                 struct msp_ticket_batch *batch, struct msp_source_place *place,
                                 bool *out_drained, struct msp_error *error)
{
    const char *after = "";
    enum msp_result result =
        read_end(reader, answer, place->page, sizeof place->page, &after, out_drained, error);
    if (result == MSP_OK) {
        result = take_rows(reader, answer, batch, place, error);
    }
    if (result != MSP_OK) {
        return result;
    }
    if (*out_drained) {
        msp_source_place_end(place);
    } else {
        (void)snprintf(place->page, sizeof place->page, "%s", after);
    }
    return MSP_OK;
}

static enum msp_result read_page(struct msp_source_reader *base, const char *cursor,
                                 int max_tickets, struct msp_ticket_batch *batch,
                                 int64_t deadline_ms, struct msp_source_page *out,
                                 struct msp_error *error)
{
    struct zendesk_reader *reader = (struct zendesk_reader *)base;
    struct msp_source_place place;
    json_t *answer = NULL;
    enum msp_result result = msp_source_place_read(CURSOR_KIND, cursor, &place, error);
    if (result != MSP_OK) {
        return result;
    }
    if (place.page[0] == '\0') {
        msp_source_place_begin(&place, reader->overlap_seconds);
    }
    int64_t asked_us = msp_source_clock_us(reader->session);
    result = ask_page(reader, &place, max_tickets, deadline_ms, &answer, error);
    if (result == MSP_INVALID && place.page[0] != '\0') {
        lose_cursor(reader, &place);
        asked_us = msp_source_clock_us(reader->session);
        result = ask_page(reader, &place, max_tickets, deadline_ms, &answer, error);
    }
    if (result == MSP_OK) {
        result = take_page(reader, answer, batch, &place, &out->drained, error);
    }
    if (result == MSP_OK) {
        out->complete_until_us = asked_us - LEAST_OVERLAP_SECONDS * US_A_SECOND;
        result = msp_source_place_write(CURSOR_KIND, &place, out->next_cursor, error);
    }
    json_decref(answer);
    return result;
}

/* ---- ids ---- */

static enum msp_result sink_ids(const struct zendesk_reader *reader, const json_t *answer,
                                msp_source_id_sink *sink, void *context, struct msp_error *error)
{
    const json_t *rows = json_object_get(answer, "tickets");
    if (!json_is_array(rows)) {
        return msp_source_malformed(reader->session, "it holds no list of tickets", error);
    }
    return msp_source_sink_ids(reader->session, rows, is_deleted, sink, context, error);
}

/*
 * The plain list of tickets leaves archived ones out, so ids come from the export. What changed in
 * the last minute is held back there and may not have been passed before: the tickets changed last
 * are asked of the plain list at the end.
 */
static enum msp_result list_ids(struct msp_source_reader *base, char place[MSP_CURSOR_BYTES],
                                msp_source_id_sink *sink, void *context, int64_t deadline_ms,
                                bool *out_done, struct msp_error *error)
{
    struct zendesk_reader *reader = (struct zendesk_reader *)base;
    json_t *answer = NULL;
    bool is_end = strcmp(place, RECENT) == 0;
    bool was_recent = is_end;
    const char *after = RECENT;
    enum msp_result result = was_recent
                                 ? ask(reader, "/api/v2/tickets.json?sort=-updated_at",
                                       "page[size]", "100", deadline_ms, &answer, error)
                                 : ask_export(reader, "exclude_deleted=true", PAGE_TICKETS, place,
                                              MSP_NO_TIME, deadline_ms, &answer, error);
    if (result == MSP_OK && !was_recent) {
        result = read_end(reader, answer, place, MSP_CURSOR_BYTES, &after, &is_end, error);
    }
    if (result == MSP_OK) {
        result = sink_ids(reader, answer, sink, context, error);
    }
    if (result == MSP_OK) {
        *out_done = was_recent;
        (void)snprintf(place, MSP_CURSOR_BYTES, "%s", after);
    }
    json_decref(answer);
    return result;
}

const struct msp_source msp_zendesk_source = {
    .name = "zendesk",
    .open = open_reader,
    .page = read_page,
    .ids = list_ids,
    .close = close_reader,
};
