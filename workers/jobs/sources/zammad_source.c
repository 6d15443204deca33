/*
 * Zammad by its search, which is Elasticsearch's, with names expanded. Writes nothing.
 *
 * The search gives no more than 10,000 rows of one question however they are paged, so no page but
 * the first is ever asked for: each question begins at the last updated_at read. Where more tickets
 * were changed in one millisecond than a page holds, that millisecond is read by id. How many rows
 * a page may have is Zammad's to say, and it says so to nobody: a page is the last one when it
 * brought nothing new and is shorter than another was.
 *
 * The index follows the database by a background job; the overlap covers what it lags behind, and
 * so does complete_until_us. A search that fails inside Zammad answers with no tickets at all, so
 * an empty answer is checked before it is believed.
 *
 * Origin: docs.zammad.org (api/ticket, api/intro) and Zammad's sources (can_search.rb,
 * search_index_backend.rb, its issue 5559). Unverified: since which release id can be sorted by.
 */
#include "msp/timestamp.h"
#include "sources/source_map.h"
#include "sources/source_place.h"
#include "sources/source_shape.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CURSOR_KIND             "zammad1"
#define PAGE_TICKETS            200 /* more are not given */
#define LEAST_PAGE_TICKETS      20  /* no release gives fewer when asked for 200 */
#define PAGE_IDS                100 /* of the plain list */
#define REQUESTS_PER_MINUTE     120 /* its operator's own machine */
#define DEFAULT_OVERLAP_SECONDS 300
#define TIME_BYTES              32
#define US_A_SECOND             INT64_C(1000000)
#define US_A_MS                 INT64_C(1000)

struct zammad_reader {
    struct msp_source_reader base; /* must be first */
    struct msp_source_session *session;
    struct msp_source_map map;
    int64_t overlap_seconds;
    size_t largest_page; /* rows; of what was seen so far */
};

/* "msp." is what shape() adds to a row. */
static const struct msp_source_member members[] = {
    {"external_id", "id", MSP_SOURCE_AS_TEXT},
    {"title", "title", MSP_SOURCE_AS_TEXT},
    {"status", "state", MSP_SOURCE_AS_STATUS},
    {"priority", "priority", MSP_SOURCE_AS_PRIORITY},
    {"category", "type", MSP_SOURCE_AS_TEXT},
    {"assignee", "msp.owner", MSP_SOURCE_AS_TEXT},
    {"requester", "customer", MSP_SOURCE_AS_TEXT},
    {"group", "group", MSP_SOURCE_AS_TEXT},
    {"channel", "create_article_type", MSP_SOURCE_AS_TEXT},
    {"created_at", "created_at", MSP_SOURCE_AS_TIME},
    {"updated_at", "updated_at", MSP_SOURCE_AS_TIME},
    {"first_response_at", "first_response_at", MSP_SOURCE_AS_TIME},
    {"resolved_at", "msp.resolved_at", MSP_SOURCE_AS_TIME},
    {"closed_at", "msp.closed_at", MSP_SOURCE_AS_TIME},
    {"due_at", "close_escalation_at", MSP_SOURCE_AS_TIME},
    {"sla_met", "msp.sla_met", MSP_SOURCE_AS_VERDICT},
    {"reopen_count", "msp.reopen_count", MSP_SOURCE_AS_COUNT},
    {NULL, NULL, MSP_SOURCE_AS_TEXT},
};

static const struct msp_source_word statuses[] = {
    {"new", "new"},
    {"open", "open"},
    {"pending reminder", "pending"},
    {"pending close", "pending"},
    {"closed", "closed"},
    {"merged", "closed"},
    {"removed", "closed"},
    {NULL, NULL},
};

static const struct msp_source_word priorities[] = {
    {"1 low", "low"},
    {"2 normal", "medium"},
    {"3 high", "high"},
    {NULL, NULL},
};

/* ---- opening ---- */

static void close_reader(struct msp_source_reader *base)
{
    struct zammad_reader *reader = (struct zammad_reader *)base;
    if (reader != NULL) {
        msp_source_session_free(reader->session);
        free(reader);
    }
}

static enum msp_result open_reader(const struct msp_source_order *order,
                                   struct msp_source_reader **out, struct msp_error *error)
{
    char field[MSP_EGRESS_FIELD_BYTES];
    struct zammad_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to open Zammad.");
    }
    reader->base.source = &msp_zammad_source;
    reader->largest_page = LEAST_PAGE_TICKETS;
    reader->overlap_seconds =
        msp_source_number(order->options, "overlap_seconds", DEFAULT_OVERLAP_SECONDS);
    reader->map = (struct msp_source_map){
        .members = members,
        .statuses = statuses,
        .priorities = priorities,
        .status_map = json_object_get(order->options, "status_map"),
        .priority_map = json_object_get(order->options, "priority_map"),
    };
    (void)snprintf(field, sizeof field, "Authorization: Token token=%s",
                   msp_source_text(order->secrets, "token", ""));
    enum msp_result result =
        msp_source_session_new(order, msp_source_text(order->options, "url", ""),
                               REQUESTS_PER_MINUTE, &reader->session, error);
    if (result == MSP_OK) {
        result = msp_source_session_field(reader->session, field, error);
    }
    if (result != MSP_OK) {
        close_reader(&reader->base);
        return result;
    }
    *out = &reader->base;
    return MSP_OK;
}

/* ---- asking ---- */

static enum msp_result ask(struct zammad_reader *reader, const char *target, int64_t deadline_ms,
                           json_t **out, struct msp_error *error)
{
    const struct msp_source_call call = {.method = "GET", .target = target};
    json_t *rows = NULL;
    int status = 0;
    enum msp_result result =
        msp_source_fetch(reader->session, &call, deadline_ms, &rows, &status, error);
    if (result == MSP_OK && !json_is_array(rows)) {
        json_decref(rows);
        return msp_source_malformed(reader->session, "not with a list of tickets", error);
    }
    if (result == MSP_OK) {
        *out = rows;
    }
    return result;
}

static enum msp_result search(struct zammad_reader *reader, const char *query, const char *sort,
                              int most_rows, int64_t deadline_ms, json_t **out,
                              struct msp_error *error)
{
    struct msp_buffer target;
    msp_buffer_init(&target, 0);
    msp_buffer_append_text(&target, "/api/v1/tickets/search?query=");
    enum msp_result result = msp_source_append_encoded(&target, query, error);
    msp_buffer_printf(&target, "&sort_by=%s&order_by=asc&per_page=%d&expand=true", sort, most_rows);
    msp_buffer_append(&target, "", 1);
    if (result == MSP_OK && target.failed) {
        result = msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to ask Zammad.");
    }
    if (result == MSP_OK) {
        result = ask(reader, target.data, deadline_ms, out, error);
    }
    msp_buffer_done(&target);
    return result;
}

static int64_t floor_ms(int64_t us)
{
    return us == MSP_NO_TIME || us < 0 ? 0 : us - us % US_A_MS;
}

/* "2026-11-22T10:04:05.123Z": the database and the index know milliseconds. */
static void write_ms(int64_t us, char out[TIME_BYTES])
{
    char text[MSP_TIMESTAMP_TEXT_BYTES];
    msp_timestamp_format(us - us % US_A_SECOND, text);
    (void)snprintf(out, TIME_BYTES, "%.19s.%03dZ", text, (int)(us % US_A_SECOND / US_A_MS));
}

/* Every end is given: some releases drop a "*" from what they are asked. */
static enum msp_result search_since(struct zammad_reader *reader, int64_t from_us, int most_rows,
                                    int64_t deadline_ms, json_t **out, struct msp_error *error)
{
    char from[TIME_BYTES];
    char query[128];
    write_ms(floor_ms(from_us), from);
    (void)snprintf(query, sizeof query, "updated_at:[%s TO 2100-01-01T00:00:00.000Z]", from);
    return search(reader, query, "updated_at", most_rows, deadline_ms, out, error);
}

/* The tickets changed in one millisecond, from an id on. */
static enum msp_result search_instant(struct zammad_reader *reader, int64_t at_us, int64_t above_id,
                                      int64_t deadline_ms, json_t **out, struct msp_error *error)
{
    char at[TIME_BYTES];
    char query[160];
    write_ms(floor_ms(at_us), at);
    (void)snprintf(query, sizeof query, "updated_at:[%s TO %s] AND id:[%" PRId64 " TO %" PRId64 "]",
                   at, at, above_id + 1, INT64_MAX);
    enum msp_result result = search(reader, query, "id", PAGE_TICKETS, deadline_ms, out, error);
    if (result == MSP_OK && above_id == 0 && json_array_size(*out) == 0) {
        return msp_fail(error, MSP_UNAVAILABLE, "source_search_fails",
                        "Zammad has more tickets changed at %s than one page of its search holds, "
                        "and does not give them sorted by id. Look at its log, and bring it to a "
                        "newer release if it is older than 6.5.",
                        at);
    }
    return result;
}

/* Nothing was found: is there nothing? */
static enum msp_result check_search(struct zammad_reader *reader, int64_t from_us,
                                    int64_t deadline_ms, struct msp_error *error)
{
    json_t *found = NULL;
    json_t *listed = NULL;
    enum msp_result result = MSP_OK;
    if (from_us != MSP_NO_TIME) {
        result = search_since(reader, MSP_NO_TIME, 1, deadline_ms, &found, error);
    }
    if (result == MSP_OK && json_array_size(found) == 0) {
        result = ask(reader, "/api/v1/tickets?per_page=1&page=1", deadline_ms, &listed, error);
    }
    if (result == MSP_OK && json_array_size(listed) > 0) {
        result = msp_fail(error, MSP_UNAVAILABLE, "source_search_fails",
                          "Zammad has tickets but its search finds none. It needs Elasticsearch "
                          "with a built index (zammad run rake zammad:searchindex:rebuild).");
    }
    json_decref(found);
    json_decref(listed);
    return result;
}

/* ---- rows ---- */

static bool is_closed(const json_t *row)
{
    static const char *const words[] = {"closed", "merged", "removed"};
    const char *state = json_string_value(json_object_get(row, "state"));
    for (size_t i = 0; state != NULL && i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(state, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Both differences are told in minutes, negative ones being late; none without an SLA. */
static json_t *verdict(const json_t *row)
{
    const json_t *first = json_object_get(row, "first_response_diff_in_min");
    const json_t *close = json_object_get(row, "close_diff_in_min");
    if (json_number_value(first) < 0 || json_number_value(close) < 0) {
        return json_false();
    }
    return json_is_number(close) && is_closed(row) ? json_true() : NULL;
}

/* close_at is when it was closed first, last_close_at when last: more than one closing means that
 * it was opened again in between, at least once. */
static json_t *reopen_count(const json_t *row)
{
    const char *first = json_string_value(json_object_get(row, "close_at"));
    const char *last = json_string_value(json_object_get(row, "last_close_at"));
    bool is_open_again = first != NULL && !is_closed(row);
    bool was_closed_again = first != NULL && last != NULL && strcmp(first, last) != 0;
    return json_integer(is_open_again + was_closed_again);
}

/* Adds to the row, as "msp", what is not written in it by itself. */
static enum msp_result shape(json_t *row, struct msp_error *error)
{
    json_t *added = json_object();
    const char *owner = json_string_value(json_object_get(row, "owner"));
    if (owner != NULL && strcmp(owner, "-") != 0) { /* the user that stands for nobody */
        msp_source_put(added, "owner", json_string(owner));
    }
    if (is_closed(row)) {
        /* The last closing is what lasted; releases before 3 tell the first one only. */
        const json_t *last = msp_source_at(row, "last_close_at|close_at|updated_at");
        msp_source_put(added, "resolved_at", msp_source_share(last));
        msp_source_put(added, "closed_at", msp_source_share(last));
    }
    msp_source_put(added, "sla_met", verdict(row));
    msp_source_put(added, "reopen_count", reopen_count(row));
    return msp_source_add_shape(row, added, error);
}

/* What a page told of where the next question begins. */
struct progress {
    int64_t last_us; /* the greatest updated_at, MSP_NO_TIME for none */
    int64_t last_id; /* the greatest id */
};

static enum msp_result take_rows(struct zammad_reader *reader, const json_t *rows,
                                 struct msp_ticket_batch *batch, struct msp_source_place *place,
                                 struct progress *out, struct msp_error *error)
{
    enum msp_result result = MSP_OK;
    size_t i;
    json_t *row;
    *out = (struct progress){.last_us = MSP_NO_TIME};
    json_array_foreach(rows, i, row)
    {
        int64_t updated_us = MSP_NO_TIME;
        json_int_t id = json_integer_value(json_object_get(row, "id"));
        result = json_is_object(row) ? shape(row, error) : MSP_OK;
        if (result == MSP_OK) {
            result = msp_source_take(&reader->map, row, batch, &updated_us, error);
        }
        if (result != MSP_OK) {
            break;
        }
        msp_source_place_reach(place, updated_us);
        out->last_us = updated_us > out->last_us ? updated_us : out->last_us;
        out->last_id = id > out->last_id ? id : out->last_id;
    }
    return result;
}

/* ---- pages ---- */

/* The page state is "" while time leads on, or the greatest id read of the millisecond from_us.
 * Says true when the round is drained. */
static bool go_on(struct zammad_reader *reader, size_t rows, const struct progress *progress,
                  struct msp_source_place *place)
{
    bool was_by_id = place->page[0] != '\0';
    bool is_short = rows < reader->largest_page;
    reader->largest_page = is_short ? reader->largest_page : rows;
    if (was_by_id && rows > 0) {
        (void)snprintf(place->page, sizeof place->page, "%" PRId64, progress->last_id);
        return false;
    }
    if (was_by_id) {
        place->from_us = floor_ms(place->from_us) + US_A_MS;
        place->page[0] = '\0';
        return false;
    }
    if (progress->last_us != MSP_NO_TIME && floor_ms(progress->last_us) > place->from_us) {
        place->from_us = floor_ms(progress->last_us);
        return false;
    }
    if (is_short) {
        return true;
    }
    (void)snprintf(place->page, sizeof place->page, "0");
    return false;
}

static enum msp_result ask_page(struct zammad_reader *reader, const struct msp_source_place *place,
                                int64_t deadline_ms, json_t **out, struct msp_error *error)
{
    if (place->page[0] != '\0') {
        return search_instant(reader, place->from_us, strtoll(place->page, NULL, 10), deadline_ms,
                              out, error);
    }
    enum msp_result result =
        search_since(reader, place->from_us, PAGE_TICKETS, deadline_ms, out, error);
    if (result == MSP_OK && json_array_size(*out) == 0 && place->reached_us == MSP_NO_TIME) {
        result = check_search(reader, place->from_us, deadline_ms, error);
    }
    return result;
}

static enum msp_result read_page(struct msp_source_reader *base, const char *cursor,
                                 int max_tickets, struct msp_ticket_batch *batch,
                                 int64_t deadline_ms, struct msp_source_page *out,
                                 struct msp_error *error)
{
    struct zammad_reader *reader = (struct zammad_reader *)base;
    struct msp_source_place place;
    struct progress progress;
    json_t *rows = NULL;
    (void)max_tickets; /* a page is smaller */
    enum msp_result result = msp_source_place_read(CURSOR_KIND, cursor, &place, error);
    if (result != MSP_OK) {
        return result;
    }
    if (place.reached_us == MSP_NO_TIME && place.page[0] == '\0') {
        msp_source_place_begin(&place, reader->overlap_seconds);
    }
    int64_t asked_us = msp_source_clock_us(reader->session);
    result = ask_page(reader, &place, deadline_ms, &rows, error);
    if (result == MSP_OK) {
        result = take_rows(reader, rows, batch, &place, &progress, error);
    }
    if (result == MSP_OK && json_array_size(rows) > 0 &&
        progress.last_id <= strtoll(place.page, NULL, 10)) {
        result = msp_source_malformed(reader->session, "with tickets that have no id of their own",
                                      error);
    }
    if (result == MSP_OK) {
        out->drained = go_on(reader, json_array_size(rows), &progress, &place);
        out->complete_until_us = asked_us - reader->overlap_seconds * US_A_SECOND;
        if (out->drained) {
            msp_source_place_end(&place);
        }
        result = msp_source_place_write(CURSOR_KIND, &place, out->next_cursor, error);
    }
    json_decref(rows);
    return result;
}

/* ---- ids ---- */

/*
 * The plain list is the database's, by id, and knows offsets alone: a ticket deleted from what was
 * read moves the rest forward. So the row before a page is looked at once the page has been read:
 * is its id one that was not reached yet, the list is read again from a page earlier.
 */
struct listing {
    long page;
    json_int_t last_id; /* every id up to it was read */
    long page_rows;     /* what a page holds: Zammad's to say */
};

static struct listing read_listing(const char *text)
{
    struct listing listing = {.page = 1};
    char *end = NULL;
    if (text[0] != '\0') {
        listing.page = strtol(text, &end, 10);
        listing.last_id = *end == '.' ? strtoll(end + 1, &end, 10) : 0;
        listing.page_rows = *end == '.' ? strtol(end + 1, NULL, 10) : 0;
    }
    return listing;
}

static enum msp_result has_moved(struct zammad_reader *reader, const struct listing *listing,
                                 int64_t deadline_ms, bool *out, struct msp_error *error)
{
    char target[96];
    json_t *rows = NULL;
    *out = false;
    if (listing->page == 1) {
        return MSP_OK;
    }
    (void)snprintf(target, sizeof target, "/api/v1/tickets?per_page=1&page=%ld",
                   (listing->page - 1) * listing->page_rows);
    enum msp_result result = ask(reader, target, deadline_ms, &rows, error);
    if (result == MSP_OK) {
        const json_t *row = json_array_get(rows, 0);
        *out = row == NULL || json_integer_value(json_object_get(row, "id")) > listing->last_id;
    }
    json_decref(rows);
    return result;
}

static enum msp_result list_ids(struct msp_source_reader *base, char place[MSP_CURSOR_BYTES],
                                msp_source_id_sink *sink, void *context, int64_t deadline_ms,
                                bool *out_done, struct msp_error *error)
{
    struct zammad_reader *reader = (struct zammad_reader *)base;
    struct listing listing = read_listing(place);
    char target[96];
    json_t *rows = NULL;
    bool moved = false;
    (void)snprintf(target, sizeof target, "/api/v1/tickets?per_page=%d&page=%ld", PAGE_IDS,
                   listing.page);
    enum msp_result result = ask(reader, target, deadline_ms, &rows, error);
    if (result == MSP_OK) {
        result = msp_source_sink_ids(reader->session, rows, NULL, sink, context, error);
    }
    long count = (long)json_array_size(rows);
    if (result == MSP_OK && listing.page == 1) {
        listing.page_rows = count;
    }
    if (result == MSP_OK) {
        result = has_moved(reader, &listing, deadline_ms, &moved, error);
    }
    if (result == MSP_OK && !moved && count > 0) {
        const json_t *last = json_array_get(rows, (size_t)count - 1);
        listing.last_id = json_integer_value(json_object_get(last, "id"));
    }
    if (result == MSP_OK) {
        *out_done = !moved && (count == 0 || count < listing.page_rows);
        (void)snprintf(place, MSP_CURSOR_BYTES, "%ld.%" JSON_INTEGER_FORMAT ".%ld",
                       moved ? listing.page - 1 : listing.page + 1, listing.last_id,
                       listing.page_rows);
    }
    json_decref(rows);
    return result;
}

const struct msp_source msp_zammad_source = {
    .name = "zammad",
    .open = open_reader,
    .page = read_page,
    .ids = list_ids,
    .close = close_reader,
};
