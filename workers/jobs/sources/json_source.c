/*
 * Any system that lists its tickets in JSON, as its settings say. Asks for changes in the order the
 * system offers and believes nothing about it that it can check: order, progress, ends.
 *
 * Page state: "<number>.<largest page>.<begun anew>.<first id, hashed>.<token>".
 */
#include "sources/json_options.h"
#include "sources/source_call.h"
#include "sources/source_place.h"

#include "msp/clock.h"
#include "msp/egress_allow.h"
#include "msp/timestamp.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIND               "json1"
#define USUAL_PER_MINUTE   60
#define US_A_SECOND        INT64_C(1000000)
#define FIRST_CHANGE_US    INT64_C(946684800000000) /* 2000: "from the start" for every parameter */
#define REPEATED_HOUR_US   (3600 * US_A_SECOND)
#define TOKEN_BYTES        256
#define TARGET_LIMIT_BYTES MSP_EGRESS_URL_BYTES

struct json_reader {
    struct msp_source_reader base; /* must be first */
    struct msp_json_options options;
    struct msp_source_session *session;
};

/* How far paging has come, in the words of the page state. */
struct paging {
    int number;     /* of the page to be read next, from 1 on */
    int largest;    /* rows of the largest page of this round; a smaller one is the last */
    int begun_anew; /* since the source no longer knew a token */
    uint32_t first; /* of the page before, to see that pages differ */
    char token[TOKEN_BYTES];
};

/* What a page's rows showed. */
struct rows {
    json_t *answer;
    const json_t *list;
    char link[TOKEN_BYTES];
};

/* ---- opening ---- */

static void close_reader(struct msp_source_reader *base)
{
    struct json_reader *reader = (struct json_reader *)base;
    if (reader != NULL) {
        msp_source_session_free(reader->session);
        msp_json_options_done(&reader->options);
        free(reader);
    }
}

static enum msp_result sign_in(struct json_reader *reader, const struct msp_source_order *order,
                               struct msp_error *error)
{
    const char *user = msp_source_text(order->options, "user", NULL);
    const char *password = msp_source_text(order->secrets, "password", NULL);
    const char *bearer = msp_source_text(order->secrets, "token_bearer", NULL);
    const char *header = msp_source_text(order->secrets, "header", NULL);
    enum msp_result result = MSP_OK;
    if ((user == NULL) != (password == NULL)) {
        return msp_fail(error, MSP_INVALID, "source_option_wrong",
                        "The options \"user\" and \"password\" go together; set both or none.");
    }
    if (user != NULL) {
        result = msp_source_session_basic(reader->session, user, password, error);
    }
    if (result == MSP_OK && bearer != NULL) {
        char field[512 * 4];
        (void)snprintf(field, sizeof field, "Authorization: Bearer %s", bearer);
        result = msp_source_session_field(reader->session, field, error);
        explicit_bzero(field, sizeof field);
    }
    if (result == MSP_OK && header != NULL) {
        result = msp_source_session_field(reader->session, header, error);
    }
    return result;
}

static enum msp_result open_reader(const struct msp_source_order *order,
                                   struct msp_source_reader **out, struct msp_error *error)
{
    struct json_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to open a source.");
    }
    reader->base.source = &msp_json_source;
    enum msp_result result = msp_json_options_init(&reader->options, order, error);
    if (result == MSP_OK) {
        result = msp_source_session_new(order, reader->options.url, USUAL_PER_MINUTE,
                                        &reader->session, error);
    }
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

/* ---- the page state ---- */

static bool read_paging(const char *text, struct paging *out)
{
    int taken = 0;
    *out = (struct paging){.number = 1};
    if (text[0] == '\0') {
        return true;
    }
    if (sscanf(text, "%9d.%9d.%1d.%8" SCNx32 ".%n", &out->number, &out->largest, &out->begun_anew,
               &out->first, &taken) != 4 ||
        taken == 0 || out->number < 1 || out->largest < 0 ||
        strlen(text + taken) >= sizeof out->token) {
        return false;
    }
    memcpy(out->token, text + taken, strlen(text + taken) + 1);
    return true;
}

static void write_paging(const struct paging *paging, char out[MSP_SOURCE_PAGE_STATE_BYTES])
{
    (void)snprintf(out, MSP_SOURCE_PAGE_STATE_BYTES, "%d.%d.%d.%08" PRIx32 ".%s", paging->number,
                   paging->largest, paging->begun_anew, paging->first, paging->token);
}

static enum msp_result not_our_cursor(struct msp_error *error)
{
    return msp_fail(error, MSP_INVALID, "cursor_malformed",
                    "The cursor is none of this source's; send \"\" to pull from the start.");
}

/* ---- asking ---- */

static enum msp_result add_parameter(struct msp_buffer *target, const char *name, const char *value,
                                     struct msp_error *error)
{
    bool has_query = target->length > 0 && memchr(target->data, '?', target->length) != NULL;
    if (name == NULL) {
        return MSP_OK;
    }
    msp_buffer_append_text(target, has_query ? "&" : "?");
    msp_buffer_append_text(target, name);
    msp_buffer_append_text(target, "=");
    return msp_source_append_encoded(target, value, error);
}

static enum msp_result add_number(struct msp_buffer *target, const char *name, int64_t value,
                                  struct msp_error *error)
{
    char digits[24];
    (void)snprintf(digits, sizeof digits, "%" PRId64, value);
    return add_parameter(target, name, digits, error);
}

/* Both readings of "since", with or without that moment, hold what changed in its second. */
static enum msp_result add_since(const struct msp_json_options *options, struct msp_buffer *target,
                                 int64_t since_us, struct msp_error *error)
{
    char text[MSP_TIMESTAMP_TEXT_BYTES];
    int64_t from_us = since_us == MSP_NO_TIME ? FIRST_CHANGE_US : since_us;
    int64_t seconds = from_us / US_A_SECOND - 1;
    if (options->since_form == MSP_JSON_UNIX) {
        return add_number(target, options->since, seconds, error);
    }
    bool is_local = options->since_form == MSP_JSON_LOCAL;
    int64_t us = seconds * US_A_SECOND;
    msp_timestamp_format(is_local ? msp_local_from_utc(options->zone, us) : us, text);
    if (is_local) {
        text[strcspn(text, "Z")] = '\0';
        text[strcspn(text, "T")] = ' ';
    }
    return add_parameter(target, options->since, text, error);
}

/* An address of the answer is below the root of the source, beside its list or whole. */
static void add_address(const struct msp_json_options *options, const char *address,
                        struct msp_buffer *target)
{
    struct msp_egress_url url;
    struct msp_error unheard;
    if (address[0] == '/' && msp_egress_url_parse(options->url, &url, &unheard) == MSP_OK) {
        msp_buffer_append(target, options->url, (size_t)(url.rest - options->url));
    } else if (address[0] == '?') {
        msp_buffer_append(target, options->list, strcspn(options->list, "?"));
    }
    msp_buffer_append_text(target, address);
}

/* The parameters of a page of `list` changed since `since_us`; none of that one if `all`. */
static enum msp_result write_target(const struct msp_json_options *options, const char *list,
                                    bool all, int64_t since_us, const struct paging *paging,
                                    struct msp_buffer *target, struct msp_error *error)
{
    bool is_address = paging->token[0] != '\0' && options->token == NULL;
    if (is_address) {
        add_address(options, paging->token, target);
        return MSP_OK;
    }
    msp_buffer_append_text(target, list);
    enum msp_result result = MSP_OK;
    if (!all && options->since != NULL) {
        result = add_since(options, target, since_us, error);
    }
    if (result == MSP_OK) {
        result = add_number(target, options->size, options->page_size, error);
    }
    if (result == MSP_OK && paging->token[0] != '\0') {
        result = add_parameter(target, options->token, paging->token, error);
    }
    bool is_numbered = options->paging == MSP_JSON_NUMBER || paging->number > 1;
    if (result == MSP_OK && is_numbered && paging->token[0] == '\0') {
        result = add_number(target, options->page, paging->number, error);
    }
    return result;
}

static enum msp_result find_rows(const struct json_reader *reader, struct rows *out,
                                 struct msp_error *error)
{
    const char *path = reader->options.rows;
    if (out->answer == NULL) {
        return msp_source_malformed(reader->session, "its answer is empty", error);
    }
    out->list = path != NULL ? msp_source_at(out->answer, path) : out->answer;
    if (!json_is_array(out->list)) {
        return msp_source_malformed(reader->session,
                                    "where the option \"rows\" points there is no list", error);
    }
    if (json_array_size(out->list) > MSP_TICKET_BATCH_ROWS) {
        return msp_source_malformed(
            reader->session, "a page has more than 4000 rows; set \"size\" and \"page_size\"",
            error);
    }
    return MSP_OK;
}

/* *out->answer is a new reference on MSP_OK. */
static enum msp_result ask(const struct json_reader *reader, const char *list, bool all,
                           int64_t since_us, const struct paging *paging, int64_t deadline_ms,
                           struct rows *out, struct msp_error *error)
{
    struct msp_egress_field link = {.name = "Link"};
    struct msp_buffer target;
    int status;
    *out = (struct rows){.answer = NULL};
    msp_buffer_init(&target, TARGET_LIMIT_BYTES);
    enum msp_result result =
        write_target(&reader->options, list, all, since_us, paging, &target, error);
    msp_buffer_append(&target, "", 1);
    if (result == MSP_OK && target.failed) {
        result = msp_fail(error, MSP_TOO_LARGE, "source_option_wrong",
                          "The address to be called is longer than 2047 bytes.");
    }
    struct msp_source_call call = {.method = "GET",
                                   .target = target.data,
                                   .wanted = &link,
                                   .wanted_count = reader->options.paging == MSP_JSON_LINK};
    if (result == MSP_OK) {
        result =
            msp_source_fetch(reader->session, &call, deadline_ms, &out->answer, &status, error);
    }
    msp_buffer_done(&target);
    if (result == MSP_OK) {
        result = find_rows(reader, out, error);
    }
    if (result != MSP_OK) {
        json_decref(out->answer);
        return result;
    }
    if (!msp_source_next_link(link.value, out->link, sizeof out->link)) {
        out->link[0] = '\0';
    }
    return MSP_OK;
}

/* ---- going on ---- */

/* FNV-1a (Fowler, Noll, Vo), 32 bits, of the first row's id. */
static uint32_t first_of(const struct json_reader *reader, const struct rows *rows)
{
    const json_t *id =
        msp_source_at(json_array_get(rows->list, 0), reader->options.members[0].path);
    char digits[32];
    (void)snprintf(digits, sizeof digits, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
    const char *text = json_is_string(id) ? json_string_value(id) : digits;
    uint32_t hash = 2166136261U;
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 16777619U;
    }
    return hash;
}

/* By number: the last page is empty or smaller than one before. */
static enum msp_result next_number(const struct json_reader *reader, const struct rows *rows,
                                   struct paging *paging, bool *out_drained,
                                   struct msp_error *error)
{
    int count = (int)json_array_size(rows->list);
    *out_drained = count == 0 || count < paging->largest;
    if (*out_drained) {
        return MSP_OK;
    }
    uint32_t first = first_of(reader, rows);
    if (paging->number > 1 && first == paging->first) {
        return msp_source_malformed(
            reader->session,
            "two pages begin with the same ticket; the option \"page\" must "
            "name the parameter it takes the page's number by",
            error);
    }
    paging->first = first;
    paging->largest = count;
    paging->number++;
    return MSP_OK;
}

static enum msp_result next_token(const struct json_reader *reader, const struct rows *rows,
                                  struct paging *paging, bool *out_drained, struct msp_error *error)
{
    char token[TOKEN_BYTES];
    const json_t *next = reader->options.next != NULL && reader->options.paging == MSP_JSON_NEXT
                             ? msp_source_at(rows->answer, reader->options.next)
                             : NULL;
    const char *text = json_is_string(next) ? json_string_value(next) : rows->link;
    int length = json_is_integer(next) ? snprintf(token, sizeof token, "%" JSON_INTEGER_FORMAT,
                                                  json_integer_value(next))
                                       : snprintf(token, sizeof token, "%s", text);
    *out_drained = length == 0;
    if (length < 0 || (size_t)length >= sizeof token) {
        return msp_source_malformed(reader->session,
                                    "it names its next page by more than 255 bytes", error);
    }
    if (length > 0 && strcmp(token, paging->token) == 0) {
        return msp_source_malformed(reader->session, "it names a page as its own next one", error);
    }
    memcpy(paging->token, token, (size_t)length + 1);
    paging->number++;
    return MSP_OK;
}

/*
 * By the last change: asked again since then, until a page brings nothing newer and is smaller than
 * one before. More tickets of one second than a page holds are read by number.
 */
static enum msp_result next_since(const struct json_reader *reader, const struct rows *rows,
                                  bool has_advanced, struct paging *paging, bool *out_drained,
                                  struct msp_error *error)
{
    int count = (int)json_array_size(rows->list);
    *out_drained = count == 0 || count < paging->largest;
    if (*out_drained) {
        return MSP_OK;
    }
    if (has_advanced) {
        paging->largest = count;
        paging->number = 1;
        return MSP_OK;
    }
    if (reader->options.page == NULL) {
        *out_drained = count < reader->options.page_size;
        return *out_drained ? MSP_OK
                            : msp_source_malformed(
                                  reader->session,
                                  "more tickets changed in one second than a page holds; set "
                                  "\"page\", or a larger \"page_size\"",
                                  error);
    }
    return next_number(reader, rows, paging, out_drained, error);
}

static enum msp_result go_on(const struct json_reader *reader, const struct rows *rows,
                             bool has_advanced, struct paging *paging, bool *out_drained,
                             struct msp_error *error)
{
    switch (reader->options.paging) {
    case MSP_JSON_SINCE:
        return next_since(reader, rows, has_advanced, paging, out_drained, error);
    case MSP_JSON_NUMBER:
        return next_number(reader, rows, paging, out_drained, error);
    case MSP_JSON_NEXT:
    case MSP_JSON_LINK:
        return next_token(reader, rows, paging, out_drained, error);
    case MSP_JSON_NONE:
        break;
    }
    *out_drained = true;
    return MSP_OK;
}

/* ---- a page ---- */

/* Takes the rows into the batch. Where the next question leans on their order, it is checked. */
static enum msp_result take_rows(const struct json_reader *reader, const struct rows *rows,
                                 struct msp_source_place *place, struct msp_ticket_batch *batch,
                                 struct msp_error *error)
{
    const struct msp_json_options *options = &reader->options;
    /* Local times go back by an hour once a year. */
    int64_t slack_us = options->times == MSP_JSON_LOCAL ? REPEATED_HOUR_US : 0;
    bool must_ascend = options->paging == MSP_JSON_SINCE;
    int64_t latest_us = MSP_NO_TIME;
    size_t count = json_array_size(rows->list);
    for (size_t i = 0; i < count; i++) {
        int64_t updated_us;
        enum msp_result result = msp_source_take(&options->map, json_array_get(rows->list, i),
                                                 batch, &updated_us, error);
        if (result != MSP_OK) {
            return result;
        }
        if (must_ascend && updated_us != MSP_NO_TIME && latest_us != MSP_NO_TIME &&
            updated_us < latest_us - slack_us) {
            return msp_source_malformed(reader->session,
                                        "its list is not in the order of updated_at; add its sort "
                                        "to \"list\", or choose another \"paging\"",
                                        error);
        }
        latest_us = updated_us > latest_us ? updated_us : latest_us;
    }
    if (must_ascend && count > 0 && latest_us == MSP_NO_TIME) {
        return msp_source_malformed(
            reader->session,
            "no row has an updated_at that can be read; check \"fields\" and "
            "\"times\"",
            error);
    }
    if (latest_us != MSP_NO_TIME) {
        msp_source_place_reach(place, latest_us);
    }
    return MSP_OK;
}

/* Whether the source may simply no longer know the token that leads to the next page. */
static bool is_lost(const struct paging *paging, enum msp_result result)
{
    return (result == MSP_INVALID || result == MSP_NOT_FOUND) && paging->token[0] != '\0' &&
           paging->begun_anew == 0;
}

static enum msp_result finish(struct msp_source_place *place, const struct paging *paging,
                              bool drained, int64_t complete_until_us, struct msp_source_page *out,
                              struct msp_error *error)
{
    if (drained) {
        msp_source_place_end(place);
    } else {
        write_paging(paging, place->page);
    }
    out->drained = drained;
    out->complete_until_us = complete_until_us;
    return msp_source_place_write(KIND, place, out->next_cursor, error);
}

/* Begins the round anew, once: the source forgot where its next page lies. */
static enum msp_result begin_anew(struct msp_source_place *place, struct msp_source_page *out,
                                  struct msp_error *error)
{
    struct paging paging = {.number = 1, .begun_anew = 1};
    return finish(place, &paging, false, MSP_NO_TIME, out, error);
}

static enum msp_result read_page(struct msp_source_reader *base, const char *cursor,
                                 int max_tickets, struct msp_ticket_batch *batch,
                                 int64_t deadline_ms, struct msp_source_page *out,
                                 struct msp_error *error)
{
    struct json_reader *reader = (struct json_reader *)base;
    const struct msp_json_options *options = &reader->options;
    bool is_ordered = options->paging == MSP_JSON_SINCE;
    struct msp_source_place place;
    struct paging paging;
    struct rows rows;
    (void)max_tickets; /* a page is what the source makes of page_size, 4000 at most */
    enum msp_result result = msp_source_place_read(KIND, cursor, &place, error);
    if (result != MSP_OK) {
        return result;
    }
    bool begins = place.page[0] == '\0';
    if (begins) {
        msp_source_place_begin(&place, options->overlap_seconds);
    }
    if (!read_paging(place.page, &paging)) {
        return not_our_cursor(error);
    }
    int64_t asked_us = msp_clock_unix_us();
    int64_t before_us = place.reached_us;
    int64_t since_us = is_ordered && before_us != MSP_NO_TIME ? before_us : place.from_us;
    result = ask(reader, options->list, false, since_us, &paging, deadline_ms, &rows, error);
    if (is_lost(&paging, result)) {
        return begin_anew(&place, out, error);
    }
    if (result != MSP_OK) {
        return result;
    }
    /* In another order than that of changes, what changes from now on may be missed. */
    if (begins && !is_ordered) {
        place.until_us = asked_us + msp_source_clock_us(reader->session) - msp_clock_unix_us();
    }
    bool drained = false;
    result = take_rows(reader, &rows, &place, batch, error);
    if (result == MSP_OK) {
        result = go_on(reader, &rows, place.reached_us > before_us, &paging, &drained, error);
    }
    int64_t complete_until_us =
        (is_ordered ? asked_us : place.until_us) - options->delay_seconds * US_A_SECOND;
    if (result == MSP_OK) {
        result = finish(&place, &paging, drained, complete_until_us, out, error);
    }
    json_decref(rows.answer);
    return result;
}

/* ---- ids ---- */

static enum msp_result give_ids(const struct json_reader *reader, const struct rows *rows,
                                msp_source_id_sink *sink, void *context, struct msp_error *error)
{
    const char *path = reader->options.members[0].path; /* external_id is the first */
    size_t count = json_array_size(rows->list);
    for (size_t i = 0; i < count; i++) {
        char digits[32];
        const json_t *id = msp_source_at(json_array_get(rows->list, i), path);
        (void)snprintf(digits, sizeof digits, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
        const char *text = json_is_string(id) ? json_string_value(id) : digits;
        if (json_is_string(id) || json_is_integer(id)) {
            if (!sink(context, text)) {
                return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a list of ids.");
            }
        }
    }
    return MSP_OK;
}

static enum msp_result read_ids(struct msp_source_reader *base, char place_text[MSP_CURSOR_BYTES],
                                msp_source_id_sink *sink, void *context, int64_t deadline_ms,
                                bool *out_done, struct msp_error *error)
{
    struct json_reader *reader = (struct json_reader *)base;
    struct paging paging;
    struct rows rows;
    /* A list that may end before its end would make tickets look deleted. */
    bool may_be_cut = reader->options.paging == MSP_JSON_SINCE && reader->options.page == NULL;
    if (reader->options.ids == NULL || may_be_cut) {
        return msp_fail(error, MSP_NOT_FOUND, "source_lists_no_ids",
                        "The option \"ids\" names no list of all tickets, or nothing says how its "
                        "pages are found.");
    }
    if (!read_paging(place_text, &paging)) {
        return not_our_cursor(error);
    }
    enum msp_result result =
        ask(reader, reader->options.ids, true, MSP_NO_TIME, &paging, deadline_ms, &rows, error);
    if (result != MSP_OK) {
        return result;
    }
    result = give_ids(reader, &rows, sink, context, error);
    bool done = true;
    if (result == MSP_OK && reader->options.paging == MSP_JSON_SINCE) {
        result = next_number(reader, &rows, &paging, &done, error);
    } else if (result == MSP_OK) {
        result = go_on(reader, &rows, true, &paging, &done, error);
    }
    if (result == MSP_OK) {
        write_paging(&paging, place_text);
        *out_done = done;
    }
    json_decref(rows.answer);
    return result;
}

const struct msp_source msp_json_source = {
    .name = "json",
    .open = open_reader,
    .page = read_page,
    .ids = read_ids,
    .close = close_reader,
};
