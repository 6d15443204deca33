/*
 * Freshservice by its list of tickets changed since a time, page by page in the order of creation.
 * Asks names of agents and groups once a pull; writes nothing.
 *
 * The list knows a beginning (updated_since), no end, and no order but that of creation, which does
 * not move: a ticket that changes while pages are read enters somewhere before its successors and
 * shifts them back, so that some come twice. Only a ticket that is deleted shifts them forward, and
 * one at the edge of a page is passed over. So a round of several pages asks at its end whether
 * anything was deleted meanwhile, and is read again then. The mark moves to the round's beginning
 * at most, because what was read early may have changed while the rest was read.
 *
 * Origin: api.freshservice.com (tickets, pagination, rate limit). Unverified against a real
 * account: that filter=deleted goes together with updated_since, that deleting moves updated_at,
 * stats.reopened_at, the source codes past 4, and which calls workspace_id=0 is refused for.
 */
#include "msp/timestamp.h"
#include "sources/source_map.h"
#include "sources/source_place.h"
#include "sources/source_shape.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CURSOR_KIND             "freshservice1"
#define PAGE_TICKETS            100 /* more is an error */
#define REQUESTS_PER_MINUTE     10  /* 3 credits each of the least plan's 100 a minute */
#define DEFAULT_OVERLAP_SECONDS 300
#define MOST_NAME_PAGES         50
#define CLOCK_SKEW_SECONDS      60 /* between theirs and ours */
#define US_A_SECOND             INT64_C(1000000)
/* Of a pull: a ticket passed over by all of them would have lain at the edge of a page each time. A
 * list of ids that is not whole by then is no list. */
#define MOST_PASSES 3

struct freshservice_reader {
    struct msp_source_reader base; /* must be first */
    struct msp_source_session *session;
    struct msp_source_map map;
    int64_t overlap_seconds;
    int64_t workspace_id;
    json_t *agents, *groups; /* names by id; NULL until they are needed */
};

/* "msp." is what shape() adds to a row. */
static const struct msp_source_member members[] = {
    {"external_id", "id", MSP_SOURCE_AS_TEXT},
    {"title", "subject", MSP_SOURCE_AS_TEXT},
    {"status", "status", MSP_SOURCE_AS_STATUS},
    {"priority", "priority", MSP_SOURCE_AS_PRIORITY},
    {"category", "category|type", MSP_SOURCE_AS_TEXT},
    {"assignee", "msp.assignee|responder_id", MSP_SOURCE_AS_TEXT},
    /* Its name would cost two more credits a page. */
    {"requester", "requester.name|requester_id", MSP_SOURCE_AS_TEXT},
    {"group", "msp.group|group_id", MSP_SOURCE_AS_TEXT},
    {"channel", "msp.channel", MSP_SOURCE_AS_TEXT},
    {"created_at", "created_at", MSP_SOURCE_AS_TIME},
    {"updated_at", "updated_at", MSP_SOURCE_AS_TIME},
    {"first_response_at", "stats.first_responded_at", MSP_SOURCE_AS_TIME},
    {"resolved_at", "stats.resolved_at", MSP_SOURCE_AS_TIME},
    {"closed_at", "stats.closed_at", MSP_SOURCE_AS_TIME},
    {"due_at", "due_by", MSP_SOURCE_AS_TIME},
    {"sla_met", "msp.sla_met", MSP_SOURCE_AS_VERDICT},
    {"reopen_count", "msp.reopen_count", MSP_SOURCE_AS_COUNT},
    {NULL, NULL, MSP_SOURCE_AS_TEXT},
};

/* Codes from 6 on are an account's own. */
static const struct msp_source_word statuses[] = {
    {"2", "open"}, {"3", "pending"}, {"4", "resolved"}, {"5", "closed"}, {NULL, NULL},
};

static const struct msp_source_word priorities[] = {
    {"1", "low"}, {"2", "medium"}, {"3", "high"}, {"4", "critical"}, {NULL, NULL},
};

static const char *const channels[] = {NULL,     "email", "portal",    "phone",  "chat", "widget",
                                       "yammer", "aws",   "pagerduty", "walkup", "slack"};

static enum msp_result no_memory(struct msp_error *error)
{
    return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to read Freshservice's answer.");
}

/* ---- opening ---- */

static void close_reader(struct msp_source_reader *base)
{
    struct freshservice_reader *reader = (struct freshservice_reader *)base;
    if (reader != NULL) {
        msp_source_session_free(reader->session);
        json_decref(reader->agents);
        json_decref(reader->groups);
        free(reader);
    }
}

static enum msp_result open_reader(const struct msp_source_order *order,
                                   struct msp_source_reader **out, struct msp_error *error)
{
    struct freshservice_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return no_memory(error);
    }
    reader->base.source = &msp_freshservice_source;
    reader->overlap_seconds =
        msp_source_number(order->options, "overlap_seconds", DEFAULT_OVERLAP_SECONDS);
    /* 0 stands for all; without it only the primary workspace's tickets come. */
    reader->workspace_id = msp_source_number(order->options, "workspace_id", 0);
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
        result = msp_source_session_basic(
            reader->session, msp_source_text(order->secrets, "api_key", ""), "X", error);
    }
    if (result != MSP_OK) {
        close_reader(&reader->base);
        return result;
    }
    *out = &reader->base;
    return MSP_OK;
}

/* ---- asking ---- */

/* *out_list is a new reference to the answer's list of that name. */
static enum msp_result ask(struct freshservice_reader *reader, const char *target, const char *list,
                           int64_t deadline_ms, json_t **out_list, bool *out_more,
                           struct msp_error *error)
{
    char next[MSP_EGRESS_FIELD_BYTES];
    struct msp_egress_field link = {.name = "Link"};
    const struct msp_source_call call = {
        .method = "GET", .target = target, .wanted = &link, .wanted_count = 1};
    json_t *answer = NULL;
    int status = 0;
    enum msp_result result =
        msp_source_fetch(reader->session, &call, deadline_ms, &answer, &status, error);
    if (result != MSP_OK) {
        return result;
    }
    json_t *rows = json_object_get(answer, list);
    if (json_is_array(rows)) {
        *out_more =
            msp_source_next_link(link.value, next, sizeof next) && json_array_size(rows) > 0;
        *out_list = json_incref(rows);
    } else {
        result =
            msp_source_malformed(reader->session, "it holds no list of what was asked for", error);
    }
    json_decref(answer);
    return result;
}

/* What was changed since a time; the whole list without one (which would mean 30 days). */
static enum msp_result ask_tickets(struct freshservice_reader *reader, const char *more_query,
                                   int64_t since_us, int page, int64_t deadline_ms,
                                   json_t **out_rows, bool *out_more, struct msp_error *error)
{
    char target[320];
    char since[MSP_TIMESTAMP_TEXT_BYTES];
    int64_t seconds = since_us == MSP_NO_TIME || since_us < 0 ? 0 : since_us / US_A_SECOND;
    msp_timestamp_format(seconds * US_A_SECOND, since);
    (void)snprintf(target, sizeof target,
                   "/api/v2/tickets?updated_since=%s&order_type=asc&workspace_id=%" PRId64
                   "&per_page=%d&page=%d%s",
                   since, reader->workspace_id, PAGE_TICKETS, page, more_query);
    return ask(reader, target, "tickets", deadline_ms, out_rows, out_more, error);
}

/* Whether a page may have been passed over since then. */
static enum msp_result ask_deleted(struct freshservice_reader *reader, int64_t since_us,
                                   int64_t deadline_ms, bool *out_any, struct msp_error *error)
{
    json_t *rows = NULL;
    bool more = false;
    enum msp_result result =
        ask_tickets(reader, "&filter=deleted", since_us - CLOCK_SKEW_SECONDS * US_A_SECOND, 1,
                    deadline_ms, &rows, &more, error);
    if (result == MSP_OK) {
        *out_any = json_array_size(rows) > 0;
        json_decref(rows);
    }
    return result;
}

/* ---- names ---- */

static void put_name(json_t *names, const json_t *person)
{
    const char *first = msp_source_text(person, "first_name", "");
    const char *last = msp_source_text(person, "last_name", "");
    const char *name = msp_source_text(person, "name", NULL);
    const json_t *id = json_object_get(person, "id");
    char key[24];
    char both[512];
    if (name == NULL) {
        (void)snprintf(both, sizeof both, "%.200s%s%.200s", first,
                       first[0] != '\0' && last[0] != '\0' ? " " : "", last);
        name = both;
    }
    (void)snprintf(key, sizeof key, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
    if (json_is_integer(id) && name[0] != '\0') {
        (void)json_object_set_new(names, key, json_string(name));
    }
}

/* Names by id. A key whose role may not see them is good enough: ids stand for names then. */
static enum msp_result load_names(struct freshservice_reader *reader, const char *list,
                                  int64_t deadline_ms, json_t **out, struct msp_error *error)
{
    json_t *names = json_object();
    bool more = names != NULL;
    enum msp_result result = names != NULL ? MSP_OK : no_memory(error);
    for (int page = 1; result == MSP_OK && more && page <= MOST_NAME_PAGES; page++) {
        char target[96];
        json_t *rows = NULL;
        size_t i;
        json_t *row;
        (void)snprintf(target, sizeof target, "/api/v2/%s?per_page=%d&page=%d", list, PAGE_TICKETS,
                       page);
        result = ask(reader, target, list, deadline_ms, &rows, &more, error);
        json_array_foreach(rows, i, row)
        {
            put_name(names, row);
        }
        json_decref(rows);
    }
    if (result == MSP_FORBIDDEN || result == MSP_NOT_FOUND) {
        result = MSP_OK;
    }
    if (result != MSP_OK) {
        json_decref(names);
        return result;
    }
    *out = names;
    return MSP_OK;
}

static bool any_has(const json_t *rows, const char *member)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        if (json_is_integer(json_object_get(row, member))) {
            return true;
        }
    }
    return false;
}

static enum msp_result need_names(struct freshservice_reader *reader, const json_t *rows,
                                  int64_t deadline_ms, struct msp_error *error)
{
    enum msp_result result = MSP_OK;
    if (reader->agents == NULL && any_has(rows, "responder_id")) {
        result = load_names(reader, "agents", deadline_ms, &reader->agents, error);
    }
    if (result == MSP_OK && reader->groups == NULL && any_has(rows, "group_id")) {
        result = load_names(reader, "groups", deadline_ms, &reader->groups, error);
    }
    return result;
}

/* ---- rows ---- */

/* Escalated is what Freshservice calls a target that was missed; it is known to be met once there
 * is nothing left that could be late. */
static json_t *verdict(const json_t *row)
{
    bool is_late = json_is_true(json_object_get(row, "is_escalated")) ||
                   json_is_true(json_object_get(row, "fr_escalated"));
    bool has_target = json_is_string(json_object_get(row, "due_by"));
    bool is_over = json_is_string(msp_source_at(row, "stats.resolved_at"));
    return is_late ? json_false() : has_target && is_over ? json_true() : NULL;
}

static json_t *channel_of(const json_t *row)
{
    const json_t *code = json_object_get(row, "source");
    json_int_t at = json_integer_value(code);
    bool is_known = at > 0 && at < (json_int_t)(sizeof channels / sizeof channels[0]);
    return is_known ? json_string(channels[at]) : NULL;
}

/* Adds to the row, as "msp", what is not written in it by itself. */
static enum msp_result shape(const struct freshservice_reader *reader, json_t *row,
                             struct msp_error *error)
{
    json_t *added = json_object();
    const json_t *stats = json_object_get(row, "stats");
    msp_source_put(
        added, "assignee",
        msp_source_share(msp_source_indexed(reader->agents, json_object_get(row, "responder_id"))));
    msp_source_put(
        added, "group",
        msp_source_share(msp_source_indexed(reader->groups, json_object_get(row, "group_id"))));
    msp_source_put(added, "channel", channel_of(row));
    msp_source_put(added, "sla_met", verdict(row));
    /* When it was reopened last, not how often: at least once. */
    if (json_object_get(stats, "reopened_at") != NULL) {
        msp_source_put(added, "reopen_count",
                       json_integer(json_is_string(json_object_get(stats, "reopened_at"))));
    }
    return msp_source_add_shape(row, added, error);
}

/* Neither is a ticket to anybody there. */
static bool is_gone(const json_t *row)
{
    return json_is_true(json_object_get(row, "deleted")) ||
           json_is_true(json_object_get(row, "spam"));
}

static enum msp_result take_rows(struct freshservice_reader *reader, const json_t *rows,
                                 struct msp_ticket_batch *batch, struct msp_source_place *place,
                                 struct msp_error *error)
{
    enum msp_result result = MSP_OK;
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        int64_t updated_us = MSP_NO_TIME;
        if (is_gone(row)) {
            continue;
        }
        result = json_is_object(row) ? shape(reader, row, error) : MSP_OK;
        if (result == MSP_OK) {
            result = msp_source_take(&reader->map, row, batch, &updated_us, error);
        }
        if (result != MSP_OK) {
            break;
        }
        msp_source_place_reach(place, updated_us);
    }
    return result;
}

/* ---- pages ---- */

/* Which page comes next, and in which pass over all of them. Text: "<page>.<pass>". */
struct listing {
    int page, pass;
};

static enum msp_result read_listing(const char *text, struct listing *out, struct msp_error *error)
{
    char *end = NULL;
    long page = strtol(text, &end, 10);
    long pass = *end == '.' ? strtol(end + 1, &end, 10) : 0;
    if (*end != '\0' || page < 1 || page > INT32_MAX - 1 || pass < 1 || pass > MOST_PASSES) {
        return msp_fail(error, MSP_INVALID, "cursor_malformed",
                        "The cursor is none of this source's; send \"\" to pull from the start.");
    }
    *out = (struct listing){.page = (int)page, .pass = (int)pass};
    return MSP_OK;
}

/* Goes on behind a page: to the next one, or to another pass if tickets were deleted since
 * *begun_us, when this one began. *out_whole is that none were. */
static enum msp_result advance(struct freshservice_reader *reader, struct listing *listing,
                               bool more, int64_t *begun_us, int64_t deadline_ms, bool *out_whole,
                               struct msp_error *error)
{
    bool any_deleted = false;
    enum msp_result result = MSP_OK;
    if (!more && listing->page > 1) {
        result = ask_deleted(reader, *begun_us, deadline_ms, &any_deleted, error);
    }
    if (result != MSP_OK) {
        return result;
    }
    *out_whole = !more && !any_deleted;
    if (more) {
        listing->page++;
    } else if (any_deleted) {
        *listing = (struct listing){.page = 1, .pass = listing->pass + 1};
        *begun_us = msp_source_clock_us(reader->session);
    }
    return MSP_OK;
}

static enum msp_result finish_page(struct freshservice_reader *reader, struct listing *listing,
                                   bool more, int64_t deadline_ms, struct msp_source_place *place,
                                   struct msp_source_page *out, struct msp_error *error)
{
    int64_t begun_us = place->until_us;
    bool is_whole = false;
    enum msp_result result =
        advance(reader, listing, more, &place->until_us, deadline_ms, &is_whole, error);
    if (result != MSP_OK) {
        return result;
    }
    out->drained = is_whole || listing->pass > MOST_PASSES;
    if (out->drained) {
        place->until_us = begun_us;
        out->complete_until_us = begun_us;
        if (place->reached_us > place->until_us) {
            place->reached_us = place->until_us;
        }
        msp_source_place_end(place);
    } else {
        (void)snprintf(place->page, sizeof place->page, "%d.%d", listing->page, listing->pass);
    }
    return msp_source_place_write(CURSOR_KIND, place, out->next_cursor, error);
}

static enum msp_result read_page(struct msp_source_reader *base, const char *cursor,
                                 int max_tickets, struct msp_ticket_batch *batch,
                                 int64_t deadline_ms, struct msp_source_page *out,
                                 struct msp_error *error)
{
    struct freshservice_reader *reader = (struct freshservice_reader *)base;
    struct msp_source_place place;
    struct listing listing = {.page = 1, .pass = 1};
    json_t *rows = NULL;
    bool more = false;
    (void)max_tickets; /* a page is smaller */
    enum msp_result result = msp_source_place_read(CURSOR_KIND, cursor, &place, error);
    if (result == MSP_OK && place.page[0] == '\0') {
        msp_source_place_begin(&place, reader->overlap_seconds);
        place.until_us = msp_source_clock_us(reader->session);
    } else if (result == MSP_OK) {
        result = read_listing(place.page, &listing, error);
    }
    if (result == MSP_OK) {
        result = ask_tickets(reader, "&include=stats", place.from_us, listing.page, deadline_ms,
                             &rows, &more, error);
    }
    if (result == MSP_OK) {
        result = need_names(reader, rows, deadline_ms, error);
    }
    if (result == MSP_OK) {
        result = take_rows(reader, rows, batch, &place, error);
    }
    if (result == MSP_OK) {
        result = finish_page(reader, &listing, more, deadline_ms, &place, out, error);
    }
    json_decref(rows);
    return result;
}

/* ---- ids ---- */

/* The place is that of a round without a mark. */
static enum msp_result list_ids(struct msp_source_reader *base, char place_text[MSP_CURSOR_BYTES],
                                msp_source_id_sink *sink, void *context, int64_t deadline_ms,
                                bool *out_done, struct msp_error *error)
{
    struct freshservice_reader *reader = (struct freshservice_reader *)base;
    struct msp_source_place place;
    struct listing listing = {.page = 1, .pass = 1};
    json_t *rows = NULL;
    bool more = false;
    bool is_whole = false;
    enum msp_result result = msp_source_place_read(CURSOR_KIND, place_text, &place, error);
    if (result == MSP_OK && place.page[0] == '\0') {
        place.until_us = msp_source_clock_us(reader->session);
    } else if (result == MSP_OK) {
        result = read_listing(place.page, &listing, error);
    }
    if (result == MSP_OK) {
        result =
            ask_tickets(reader, "", MSP_NO_TIME, listing.page, deadline_ms, &rows, &more, error);
    }
    if (result == MSP_OK) {
        result = msp_source_sink_ids(reader->session, rows, is_gone, sink, context, error);
    }
    if (result == MSP_OK) {
        result = advance(reader, &listing, more, &place.until_us, deadline_ms, &is_whole, error);
    }
    if (result == MSP_OK && listing.pass > MOST_PASSES) {
        result = msp_fail(error, MSP_UNAVAILABLE, "source_list_moves",
                          "Freshservice's tickets could not be counted: some were deleted each "
                          "time the list was read. They are counted again the next night.");
    }
    if (result == MSP_OK) {
        *out_done = is_whole;
        (void)snprintf(place.page, sizeof place.page, "%d.%d", listing.page, listing.pass);
        result = msp_source_place_write(CURSOR_KIND, &place, place_text, error);
    }
    json_decref(rows);
    return result;
}

const struct msp_source msp_freshservice_source = {
    .name = "freshservice",
    .open = open_reader,
    .page = read_page,
    .ids = list_ids,
    .close = close_reader,
};
