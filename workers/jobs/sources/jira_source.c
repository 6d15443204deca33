/*
 * Jira Service Management (Cloud) by the search of issues, ordered by their last change. SLA cycles
 * come as custom fields, found by their type and name; the history of an issue only when asked for.
 * Writes nothing.
 *
 * A query names a time by the minute, in the zone of the account. Each page begins a new query at
 * the last minute read, so that a token is needed only where one minute changed more issues than a
 * page holds, and losing it costs that minute. The search is no mirror of what was just written:
 * the overlap covers what its index lags behind, and so does complete_until_us.
 *
 * Origin: developer.atlassian.com, Jira Cloud REST API v3 (search/jql, field, myself) and the JQL
 * reference. Unverified against a real site: that the token is a place in the order rather than a
 * count of issues, and how a time that comes twice is read (avoided here).
 */
#include "msp/timestamp.h"
#include "sources/jira_issue.h"
#include "sources/local_time.h"
#include "sources/source_place.h"
#include "sources/source_shape.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CURSOR_KIND             "jira1"
#define PAGE_ISSUES             100
#define PAGE_IDS                1000
#define REQUESTS_PER_MINUTE     60
#define DEFAULT_OVERLAP_SECONDS 300
#define PROJECTS_BYTES          256
#define US_A_SECOND             INT64_C(1000000)
#define US_A_MINUTE             (60 * US_A_SECOND)
#define US_ACROSS_A_CHANGE      (3 * 60 * US_A_MINUTE) /* clocks go back by an hour at most */
#define SEARCH                  "/rest/api/3/search/jql"

struct jira_reader {
    struct msp_source_reader base; /* must be first */
    struct msp_source_session *session;
    struct msp_source_map map;
    int64_t overlap_seconds;
    const json_t *options;
    char projects[PROJECTS_BYTES]; /* "\"IT\",\"HR\"" */
    struct msp_jira_fields fields;
    struct msp_local_zone *zone; /* of the account; NULL until it was asked */
};

static enum msp_result no_memory(struct msp_error *error)
{
    return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to read Jira's answer.");
}

/* ---- opening ---- */

static void close_reader(struct msp_source_reader *base)
{
    struct jira_reader *reader = (struct jira_reader *)base;
    if (reader != NULL) {
        msp_source_session_free(reader->session);
        msp_local_zone_free(reader->zone);
        free(reader);
    }
}

/* "IT, HR" as "\"IT\",\"HR\"". A key that held anything else could say more than a key. */
static bool write_projects(const char *keys, char out[PROJECTS_BYTES])
{
    size_t length = 0;
    bool in_key = false;
    for (const char *at = keys;; at++) {
        bool is_key = isalnum((unsigned char)*at) || *at == '_';
        if (!is_key && *at != ',' && *at != ' ' && *at != '\0') {
            return false;
        }
        if (length + 4 > PROJECTS_BYTES) {
            return false;
        }
        if (is_key && !in_key && length > 0) {
            out[length++] = ',';
        }
        if (is_key != in_key) {
            out[length++] = '"';
        }
        if (is_key) {
            out[length++] = *at;
        }
        in_key = is_key;
        if (*at == '\0') {
            break;
        }
    }
    out[length] = '\0';
    return length > 0;
}

static enum msp_result open_reader(const struct msp_source_order *order,
                                   struct msp_source_reader **out, struct msp_error *error)
{
    struct jira_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return no_memory(error);
    }
    reader->base.source = &msp_jira_source;
    reader->options = order->options;
    reader->overlap_seconds =
        msp_source_number(order->options, "overlap_seconds", DEFAULT_OVERLAP_SECONDS);
    reader->fields = (struct msp_jira_fields){
        .first_response_sla =
            msp_source_text(order->options, "first_response_sla", "Time to first response"),
        .resolution_sla = msp_source_text(order->options, "resolution_sla", "Time to resolution"),
        .with_changelog = msp_source_number(order->options, "changelog", 0) != 0,
    };
    reader->map = msp_jira_map;
    reader->map.status_map = json_object_get(order->options, "status_map");
    reader->map.priority_map = json_object_get(order->options, "priority_map");
    enum msp_result result = MSP_OK;
    if (!write_projects(msp_source_text(order->options, "project", ""), reader->projects)) {
        result = msp_fail_at(error, MSP_INVALID, "source_option_wrong", "/project",
                             "The option project must be keys of projects, separated by commas, "
                             "%d characters at most: IT,HR.",
                             PROJECTS_BYTES - 8);
    }
    if (result == MSP_OK) {
        result = msp_source_session_new(order, msp_source_text(order->options, "url", ""),
                                        REQUESTS_PER_MINUTE, &reader->session, error);
    }
    if (result == MSP_OK) {
        result =
            msp_source_session_basic(reader->session, msp_source_text(order->options, "email", ""),
                                     msp_source_text(order->secrets, "api_token", ""), error);
    }
    if (result != MSP_OK) {
        close_reader(&reader->base);
        return result;
    }
    *out = &reader->base;
    return MSP_OK;
}

/* ---- what the site must be asked first ---- */

static enum msp_result get(struct jira_reader *reader, const char *target, int64_t deadline_ms,
                           json_t **out, struct msp_error *error)
{
    const struct msp_source_call call = {.method = "GET", .target = target};
    int status = 0;
    return msp_source_fetch(reader->session, &call, deadline_ms, out, &status, error);
}

/* The zone in which the account's queries are read. */
static enum msp_result learn_zone(struct jira_reader *reader, int64_t deadline_ms,
                                  struct msp_error *error)
{
    const char *given = msp_source_text(reader->options, "timezone", NULL);
    if (given != NULL) {
        return msp_local_zone_new(given, &reader->zone, error);
    }
    json_t *answer = NULL;
    enum msp_result result = get(reader, "/rest/api/3/myself", deadline_ms, &answer, error);
    if (result == MSP_OK) {
        const char *name = json_string_value(json_object_get(answer, "timeZone"));
        result = name != NULL ? msp_local_zone_new(name, &reader->zone, error)
                              : msp_source_malformed(reader->session,
                                                     "it does not say the account's timeZone (give "
                                                     "the option timezone)",
                                                     error);
    }
    json_decref(answer);
    return result;
}

static enum msp_result learn_fields(struct jira_reader *reader, int64_t deadline_ms,
                                    struct msp_error *error)
{
    json_t *answer = NULL;
    size_t i;
    json_t *field;
    enum msp_result result = get(reader, "/rest/api/3/field", deadline_ms, &answer, error);
    if (result == MSP_OK && !json_is_array(answer)) {
        result = msp_source_malformed(reader->session, "it holds no list of fields", error);
    }
    json_array_foreach(answer, i, field)
    {
        msp_jira_field_seen(&reader->fields, field);
    }
    json_decref(answer);
    return result;
}

static enum msp_result prepare(struct jira_reader *reader, int64_t deadline_ms,
                               struct msp_error *error)
{
    if (reader->zone != NULL) {
        return MSP_OK;
    }
    enum msp_result result = learn_fields(reader, deadline_ms, error);
    return result == MSP_OK ? learn_zone(reader, deadline_ms, error) : result;
}

/* ---- times in queries ---- */

/* Clocks go back soon: what they show now, they may show again, and nobody says which is meant. */
static bool may_come_twice(const struct jira_reader *reader, int64_t us)
{
    int64_t passed_us = msp_local_from_utc(reader->zone, us + US_ACROSS_A_CHANGE) -
                        msp_local_from_utc(reader->zone, us);
    return passed_us < US_ACROSS_A_CHANGE;
}

/* "2026-11-22 10:04", no later than `us`. */
static void write_minute(const struct jira_reader *reader, int64_t us,
                         char out[MSP_TIMESTAMP_TEXT_BYTES])
{
    int64_t safe_us = us == MSP_NO_TIME || us < 0 ? 0 : us;
    if (may_come_twice(reader, safe_us)) {
        safe_us -= US_ACROSS_A_CHANGE;
    }
    msp_timestamp_format(msp_local_from_utc(reader->zone, safe_us), out);
    out[10] = ' ';
    out[16] = '\0';
}

/* ---- asking ---- */

/* Borrows nothing: *out is the answer to a search, its list of issues checked. */
static enum msp_result search(struct jira_reader *reader, json_t *question, const char *token,
                              int64_t deadline_ms, json_t **out, struct msp_error *error)
{
    json_t *answer = NULL;
    int status = 0;
    if (token[0] != '\0' &&
        json_object_set_new(question, "nextPageToken", json_string(token)) != 0) {
        json_decref(question);
        return no_memory(error);
    }
    char *body = json_dumps(question, JSON_COMPACT);
    json_decref(question);
    if (body == NULL) {
        return no_memory(error);
    }
    const struct msp_source_call call = {
        .method = "POST", .target = SEARCH, .body = body, .is_question = true};
    enum msp_result result =
        msp_source_fetch(reader->session, &call, deadline_ms, &answer, &status, error);
    free(body);
    if (result == MSP_OK && !json_is_array(json_object_get(answer, "issues"))) {
        json_decref(answer);
        return msp_source_malformed(reader->session, "it holds no list of issues", error);
    }
    if (result == MSP_OK) {
        *out = answer;
    }
    return result;
}

/* The token of the page behind an answer; "" behind the last one. */
static const char *next_token(const json_t *answer)
{
    const char *token = json_string_value(json_object_get(answer, "nextPageToken"));
    bool is_last = json_is_true(json_object_get(answer, "isLast"));
    return token == NULL || is_last ? "" : token;
}

static enum msp_result ask_page(struct jira_reader *reader, const struct msp_source_place *place,
                                int64_t deadline_ms, json_t **out, struct msp_error *error)
{
    char minute[MSP_TIMESTAMP_TEXT_BYTES];
    char jql[PROJECTS_BYTES + 128];
    write_minute(reader, place->from_us, minute);
    (void)snprintf(jql, sizeof jql, "project in (%s) AND updated >= \"%s\" ORDER BY updated ASC",
                   reader->projects, minute);
    json_t *question = json_pack("{s:s, s:i, s:o}", "jql", jql, "maxResults", PAGE_ISSUES, "fields",
                                 msp_jira_fields_wanted(&reader->fields));
    if (question == NULL || (reader->fields.with_changelog &&
                             json_object_set_new(question, "expand", json_string("changelog")))) {
        json_decref(question);
        return no_memory(error);
    }
    return search(reader, question, place->page, deadline_ms, out, error);
}

/* ---- pages ---- */

static enum msp_result take_rows(struct jira_reader *reader, const json_t *answer,
                                 struct msp_ticket_batch *batch, struct msp_source_place *place,
                                 struct msp_error *error)
{
    enum msp_result result = MSP_OK;
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(answer, "issues"), i, row)
    {
        int64_t updated_us = MSP_NO_TIME;
        result = json_is_object(row)
                     ? msp_jira_issue_shape(&reader->fields, &reader->map, row, error)
                     : MSP_OK;
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

/* The next query begins at the minute reached, unless that is the one this query began at: then
 * only the token leads on. */
static enum msp_result go_on(const struct jira_reader *reader, const char *token,
                             struct msp_source_place *place, struct msp_error *error)
{
    int64_t reached_us = place->reached_us;
    int64_t minute_us =
        reached_us == MSP_NO_TIME ? MSP_NO_TIME : reached_us - reached_us % US_A_MINUTE;
    if (minute_us != MSP_NO_TIME && minute_us > place->from_us &&
        !may_come_twice(reader, minute_us)) {
        place->from_us = minute_us;
        place->page[0] = '\0';
        return MSP_OK;
    }
    if (strlen(token) >= sizeof place->page) {
        return msp_fail(error, MSP_TOO_LARGE, "source_token_too_long",
                        "Jira names its next page by a text too long to be kept. Name fewer "
                        "projects in the option project and connect the others to tenants of "
                        "their own.");
    }
    if (strcmp(token, place->page) == 0) {
        return msp_source_malformed(reader->session,
                                    "it names itself as the page behind it (nextPageToken)", error);
    }
    (void)snprintf(place->page, sizeof place->page, "%s", token);
    return MSP_OK;
}

static enum msp_result take_page(struct jira_reader *reader, const json_t *answer,
                                 struct msp_ticket_batch *batch, struct msp_source_place *place,
                                 bool *out_drained, struct msp_error *error)
{
    const char *token = next_token(answer);
    enum msp_result result = take_rows(reader, answer, batch, place, error);
    *out_drained = token[0] == '\0';
    if (result == MSP_OK && *out_drained) {
        msp_source_place_end(place);
    } else if (result == MSP_OK) {
        result = go_on(reader, token, place, error);
    }
    return result;
}

static enum msp_result read_page(struct msp_source_reader *base, const char *cursor,
                                 int max_tickets, struct msp_ticket_batch *batch,
                                 int64_t deadline_ms, struct msp_source_page *out,
                                 struct msp_error *error)
{
    struct jira_reader *reader = (struct jira_reader *)base;
    struct msp_source_place place;
    json_t *answer = NULL;
    (void)max_tickets; /* a page is smaller */
    enum msp_result result = msp_source_place_read(CURSOR_KIND, cursor, &place, error);
    if (result == MSP_OK) {
        result = prepare(reader, deadline_ms, error);
    }
    if (result == MSP_OK && place.page[0] == '\0' && place.reached_us == MSP_NO_TIME) {
        msp_source_place_begin(&place, reader->overlap_seconds);
    }
    int64_t asked_us = msp_source_clock_us(reader->session);
    if (result == MSP_OK) {
        result = ask_page(reader, &place, deadline_ms, &answer, error);
    }
    if (result == MSP_INVALID && place.page[0] != '\0') {
        place.page[0] = '\0'; /* the token has expired: the query's minute is read again */
        result = ask_page(reader, &place, deadline_ms, &answer, error);
    }
    if (result == MSP_OK) {
        result = take_page(reader, answer, batch, &place, &out->drained, error);
    }
    if (result == MSP_OK) {
        out->complete_until_us = asked_us - reader->overlap_seconds * US_A_SECOND;
        result = msp_source_place_write(CURSOR_KIND, &place, out->next_cursor, error);
    }
    json_decref(answer);
    return result;
}

/* ---- ids ---- */

/* In the order of creation, which does not move. The place is the token. */
static enum msp_result list_ids(struct msp_source_reader *base, char place[MSP_CURSOR_BYTES],
                                msp_source_id_sink *sink, void *context, int64_t deadline_ms,
                                bool *out_done, struct msp_error *error)
{
    struct jira_reader *reader = (struct jira_reader *)base;
    json_t *answer = NULL;
    char jql[PROJECTS_BYTES + 64];
    (void)snprintf(jql, sizeof jql, "project in (%s) ORDER BY created ASC", reader->projects);
    json_t *question =
        json_pack("{s:s, s:i, s:[s]}", "jql", jql, "maxResults", PAGE_IDS, "fields", "id");
    enum msp_result result = question != NULL
                                 ? search(reader, question, place, deadline_ms, &answer, error)
                                 : no_memory(error);
    if (result == MSP_OK) {
        result = msp_source_sink_ids(reader->session, json_object_get(answer, "issues"), NULL, sink,
                                     context, error);
    }
    if (result == MSP_OK) {
        const char *token = next_token(answer);
        *out_done = token[0] == '\0';
        if (strlen(token) >= MSP_CURSOR_BYTES || (!*out_done && strcmp(token, place) == 0)) {
            result = msp_source_malformed(
                reader->session, "it names no page behind it that could be asked for", error);
        } else {
            (void)snprintf(place, MSP_CURSOR_BYTES, "%s", token);
        }
    }
    json_decref(answer);
    return result;
}

const struct msp_source msp_jira_source = {
    .name = "jira",
    .open = open_reader,
    .page = read_page,
    .ids = list_ids,
    .close = close_reader,
};
