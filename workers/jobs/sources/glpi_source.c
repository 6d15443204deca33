/*
 * Tickets of GLPI by its search interface (apirest.php, versions 9.1 to 11). Reads tickets and
 * users' names; never writes, and closes its session behind it.
 *
 * Searches know offsets only and dates of whole seconds, many tickets of which a mass change gives
 * the same one. So a search is read by ascending id with ranges that overlap (source_rank.h), which
 * neither ties nor clocks that are put back can upset. Times come without an offset, in the
 * instance's zone. Which number is which search option was not read off a live system: the
 * instance is asked, and a pull fails when its numbers are others.
 */
#include "msp/clock.h"
#include "msp/timestamp.h"
#include "sources/source_call.h"
#include "sources/source_rank.h"
#include "sources/source_round.h"
#include "sources/source_rows.h"
#include "sources/source_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CURSOR_KIND         "gl1"
#define INTERFACE           "/apirest.php"
#define PAGE_ROWS           200 /* less than the 990 it gives at most: PHP holds a page in memory */
#define REQUESTS_PER_MINUTE 60
#define OVERLAP_SECONDS     300
#define USER_ROWS           500
#define USER_PAGES          20
#define GOODBYE_MS          3000
#define US_A_SECOND         INT64_C(1000000)
#define MOST_DELAY_SECONDS  (10 * 366 * 86400)

/* Search options of tickets: what we ask for and, where it matters most, the column it must be. */
static const struct {
    const char *number, *column;
} options[] = {
    {"1", NULL},                                         /* title */
    {"2", "id"},         {"3", "priority"}, {"4", NULL}, /* requester */
    {"5", NULL},                                         /* technician */
    {"7", NULL},                                         /* category */
    {"8", NULL},                                         /* group of technicians */
    {"9", NULL},                                         /* request source */
    {"12", "status"},    {"15", "date"},    {"16", "closedate"},
    {"17", "solvedate"}, {"18", NULL}, /* time to resolve: due */
    {"19", "date_mod"},  {"62", NULL}, /* satisfaction */
    {"150", NULL},                     /* seconds until somebody took it into account */
};
#define OPTIONS (sizeof options / sizeof options[0])

static const struct msp_source_word statuses[] = {
    {"1", "new"},     {"2", "open"},     {"3", "open"}, /* assigned, planned */
    {"4", "pending"}, {"5", "resolved"}, {"6", "closed"}, {NULL, NULL},
};

static const struct msp_source_word priorities[] = {
    {"1", "low"},  {"2", "low"},      {"3", "medium"},   /* very low, low, medium */
    {"4", "high"}, {"5", "critical"}, {"6", "critical"}, /* high, very high, major */
    {NULL, NULL},
};

static const struct msp_source_member members[] = {
    {"external_id", "2", MSP_SOURCE_AS_TEXT},
    {"title", "1", MSP_SOURCE_AS_TEXT},
    {"status", "12", MSP_SOURCE_AS_STATUS},
    {"priority", "3", MSP_SOURCE_AS_PRIORITY},
    {"category", "7", MSP_SOURCE_AS_TEXT},
    {"group", "8.0|8", MSP_SOURCE_AS_TEXT},
    {"assignee", "5", MSP_SOURCE_AS_TEXT},
    {"requester", "4", MSP_SOURCE_AS_TEXT},
    {"channel", "9", MSP_SOURCE_AS_TEXT},
    {"created_at", "15", MSP_SOURCE_AS_LOCAL_TIME},
    {"updated_at", "19", MSP_SOURCE_AS_LOCAL_TIME},
    {"first_response_at", "taken", MSP_SOURCE_AS_LOCAL_TIME},
    {"resolved_at", "17", MSP_SOURCE_AS_LOCAL_TIME},
    {"closed_at", "16", MSP_SOURCE_AS_LOCAL_TIME},
    {"due_at", "18", MSP_SOURCE_AS_LOCAL_TIME},
    {"csat", "62", MSP_SOURCE_AS_SCORE},
    {NULL, NULL, MSP_SOURCE_AS_TEXT},
};

struct glpi {
    struct msp_source_round round; /* must be first */
    struct msp_source_session *session;
    struct msp_local_zone *zone;
    bool is_signed_in;
    bool has_expired; /* the last answer said that it knows no such session */
    bool is_checked;  /* the numbers of the search options are ours */
    json_t *people;   /* names by user id; NULL until a row needs them */
};

static msp_source_ask ask;

/* How GLPI names refusals that other tokens or rights would lift, by their beginnings. */
static const char *const credential_codes[] = {
    "ERROR_GLPI_LOGIN",  "ERROR_LOGIN",         "ERROR_WRONG_APP_TOKEN", "ERROR_APP_TOKEN",
    "ERROR_NOT_ALLOWED", "ERROR_SESSION_TOKEN", "ERROR_RIGHT_MISSING",
};

/* Judges an answer of 400. A range that begins behind the last row is no fault but an empty page.
 */
static enum msp_result read_refusal(struct glpi *reader, json_t **answer, struct msp_error *error)
{
    char words[MSP_SOURCE_WORDS_BYTES];
    const char *said = json_string_value(json_array_get(*answer, 0));
    if (said == NULL) {
        return msp_source_malformed(reader->session, "it refuses without a code", error);
    }
    if (strcmp(said, "ERROR_RANGE_EXCEED_TOTAL") == 0) {
        json_decref(*answer);
        *answer = json_pack("{s[]}", "data");
        return MSP_OK;
    }
    msp_source_words(said, strlen(said), words);
    reader->has_expired = strncmp(said, "ERROR_SESSION_TOKEN", strlen("ERROR_SESSION_TOKEN")) == 0;
    for (size_t i = 0; i < sizeof credential_codes / sizeof credential_codes[0]; i++) {
        if (strncmp(said, credential_codes[i], strlen(credential_codes[i])) == 0) {
            return msp_fail(
                error, MSP_FORBIDDEN, "source_credentials_refused",
                "GLPI does not take the credentials (%s). Check the user token, the app "
                "token, and that the API client lets this server's address in (Setup, "
                "General, API).",
                words);
        }
    }
    return msp_fail(error, MSP_INVALID, "source_refused_question",
                    "GLPI refused the question (%s). Its list of API errors says what to change.",
                    words);
}

/* A call whose refusals are read. */
static enum msp_result call_glpi(struct glpi *reader, struct msp_source_call *call,
                                 int64_t deadline_ms, json_t **out, struct msp_error *error)
{
    int status = 0;
    json_t *answer = NULL;
    call->also_status = 400;
    enum msp_result result =
        msp_source_fetch(reader->session, call, deadline_ms, &answer, &status, error);
    reader->has_expired = result == MSP_FORBIDDEN;
    if (result == MSP_OK && status == 400) {
        result = read_refusal(reader, &answer, error);
    }
    if (result != MSP_OK) {
        json_decref(answer);
        return result;
    }
    *out = answer;
    return MSP_OK;
}

/* ---- the session ---- */

static enum msp_result sign_in(struct glpi *reader, int64_t deadline_ms, struct msp_error *error)
{
    struct msp_source_call call = {.method = "GET", .target = INTERFACE "/initSession"};
    json_t *answer = NULL;
    char field[1024];
    enum msp_result result = call_glpi(reader, &call, deadline_ms, &answer, error);
    const char *token = msp_source_text(answer, "session_token", "");
    int length = snprintf(field, sizeof field, "Session-Token: %s", token);
    if (result == MSP_OK && (token[0] == '\0' || length >= (int)sizeof field)) {
        result = msp_source_malformed(reader->session, "it holds no session token", error);
    }
    if (result == MSP_OK) {
        result = msp_source_session_field(reader->session, field, error);
    }
    reader->is_signed_in = result == MSP_OK;
    explicit_bzero(field, sizeof field);
    json_decref(answer);
    return result;
}

/* A session left open lives on in a file of the server until its PHP cleans up. */
static void sign_out(struct glpi *reader)
{
    struct msp_source_call call = {.method = "GET", .target = INTERFACE "/killSession"};
    struct msp_error ignored;
    json_t *answer = NULL;
    int status = 0;
    if (reader->is_signed_in) {
        (void)!msp_source_fetch(reader->session, &call, msp_clock_monotonic_ms() + GOODBYE_MS,
                                &answer, &status, &ignored);
        json_decref(answer);
    }
}

static void close_reader(struct msp_source_reader *base)
{
    struct glpi *reader = (struct glpi *)base;
    if (reader == NULL) {
        return;
    }
    sign_out(reader);
    json_decref(reader->people);
    msp_local_zone_free(reader->zone);
    msp_source_session_free(reader->session);
    free(reader);
}

static enum msp_result set_tokens(struct glpi *reader, const struct msp_source_order *order,
                                  struct msp_error *error)
{
    const struct {
        const char *name, *value;
    } fields[] = {
        {"Authorization: user_token", msp_source_text(order->secrets, "user_token", "")},
        {"App-Token:", msp_source_text(order->secrets, "app_token", "")},
    };
    enum msp_result result = MSP_OK;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0] && result == MSP_OK; i++) {
        char line[2048];
        if (fields[i].value[0] == '\0') {
            continue;
        }
        (void)snprintf(line, sizeof line, "%s %s", fields[i].name, fields[i].value);
        result = msp_source_session_field(reader->session, line, error);
        explicit_bzero(line, sizeof line);
    }
    return result;
}

static enum msp_result open_reader(const struct msp_source_order *order,
                                   struct msp_source_reader **out, struct msp_error *error)
{
    struct glpi *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to open GLPI.");
    }
    enum msp_result result = msp_local_zone_new(
        msp_source_text(order->options, "timezone", order->timezone), &reader->zone, error);
    if (result == MSP_OK) {
        result = msp_source_session_new(order, msp_source_text(order->options, "url", ""),
                                        REQUESTS_PER_MINUTE, &reader->session, error);
    }
    if (result == MSP_OK) {
        result = set_tokens(reader, order, error);
    }
    if (result != MSP_OK) {
        close_reader(&reader->round.base);
        return result;
    }
    reader->round = (struct msp_source_round){
        .base = {&msp_glpi_source},
        .kind = CURSOR_KIND,
        .id_path = "2",
        .ask = ask,
        .map =
            {
                .members = members,
                .statuses = statuses,
                .priorities = priorities,
                .status_map = json_object_get(order->options, "status_map"),
                .priority_map = json_object_get(order->options, "priority_map"),
                .zone = reader->zone,
            },
        .overlap_seconds = msp_source_number(order->options, "overlap_seconds", OVERLAP_SECONDS),
    };
    *out = &reader->round.base;
    return MSP_OK;
}

/* Fetches in a session; one that ended meanwhile is opened anew, once. */
static enum msp_result fetch(struct glpi *reader, struct msp_source_call *call, int64_t deadline_ms,
                             json_t **out, struct msp_error *error)
{
    bool is_fresh = !reader->is_signed_in;
    enum msp_result result = is_fresh ? sign_in(reader, deadline_ms, error) : MSP_OK;
    if (result == MSP_OK) {
        result = call_glpi(reader, call, deadline_ms, out, error);
    }
    if (result == MSP_FORBIDDEN && reader->has_expired && !is_fresh) {
        result = sign_in(reader, deadline_ms, error);
        if (result == MSP_OK) {
            result = call_glpi(reader, call, deadline_ms, out, error);
        }
    }
    return result;
}

/* ---- what the numbers mean ---- */

static enum msp_result check_options(struct glpi *reader, int64_t deadline_ms,
                                     struct msp_error *error)
{
    struct msp_source_call call = {.method = "GET",
                                   .target = INTERFACE "/listSearchOptions/Ticket"};
    json_t *answer = NULL;
    enum msp_result result =
        reader->is_checked ? MSP_OK : fetch(reader, &call, deadline_ms, &answer, error);
    for (size_t i = 0; i < OPTIONS && result == MSP_OK && !reader->is_checked; i++) {
        const char *column =
            json_string_value(json_object_get(json_object_get(answer, options[i].number), "field"));
        if (options[i].column != NULL &&
            (column == NULL || strcmp(column, options[i].column) != 0)) {
            result = msp_fail(error, MSP_BROKEN, "source_answer_malformed",
                              "This GLPI has another search option %s than %s, by which its "
                              "tickets are read; versions 9.1 to 11 have that one. See whether a "
                              "plugin changes the list.",
                              options[i].number, options[i].column);
        }
    }
    json_decref(answer);
    reader->is_checked = result == MSP_OK;
    return result;
}

/* ---- names ---- */

static enum msp_result add_people(struct glpi *reader, const json_t *rows, struct msp_error *error)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        const char *first = msp_source_text(row, "firstname", "");
        const char *last = msp_source_text(row, "realname", "");
        if (first[0] == '\0' && last[0] == '\0') {
            continue;
        }
        json_t *name =
            json_sprintf("%s%s%s", first, first[0] != '\0' && last[0] != '\0' ? " " : "", last);
        if (name == NULL || json_object_set_new(row, "name", name) != 0) {
            return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for names.");
        }
    }
    return msp_source_names_add(reader->people, rows, "id", "name", error);
}

static enum msp_result fetch_people(struct glpi *reader, int64_t deadline_ms,
                                    struct msp_error *error)
{
    enum msp_result result = MSP_OK;
    bool more = true;
    for (int page = 0; page < USER_PAGES && more && result == MSP_OK; page++) {
        char target[64];
        struct msp_source_call call = {.method = "GET", .target = target};
        json_t *answer = NULL;
        (void)snprintf(target, sizeof target, INTERFACE "/User?range=%d-%d", page * USER_ROWS,
                       (page + 1) * USER_ROWS - 1);
        result = fetch(reader, &call, deadline_ms, &answer, error);
        more = json_array_size(answer) == USER_ROWS;
        if (result == MSP_OK) {
            result = add_people(reader, answer, error);
        }
        json_decref(answer);
    }
    return result;
}

/* Once a reader, when the first tickets need them. Without the right to see users their numbers
 * stay. */
static enum msp_result learn_people(struct glpi *reader, int64_t deadline_ms,
                                    struct msp_error *error)
{
    if (reader->people != NULL) {
        return MSP_OK;
    }
    reader->people = json_object();
    enum msp_result result = reader->people != NULL ? fetch_people(reader, deadline_ms, error)
                                                    : msp_fail(error, MSP_NO_MEMORY, "no_memory",
                                                               "No memory for names.");
    if (result != MSP_OK && !msp_source_is_refusal(result)) {
        json_decref(reader->people);
        reader->people = NULL;
        return result;
    }
    return MSP_OK;
}

/* Of several people the first; a ticket's members hold one. */
static enum msp_result name_person(const struct glpi *reader, json_t *row, const char *member,
                                   struct msp_error *error)
{
    json_t *several = json_object_get(row, member);
    json_t *first = json_array_get(several, 0);
    if (first != NULL && json_object_set(row, member, first) != 0) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for names.");
    }
    return msp_source_name(row, member, reader->people, error);
}

/* When somebody took the ticket into account, which GLPI tells as seconds since it was opened. It
 * is no reply, but the nearest there is. */
static enum msp_result add_taken(json_t *row, struct msp_error *error)
{
    char text[MSP_TIMESTAMP_TEXT_BYTES];
    int64_t opened_us;
    int64_t delay = msp_source_number(row, "150", 0);
    if (delay <= 0 || delay > MOST_DELAY_SECONDS ||
        !msp_source_time(json_object_get(row, "15"), MSP_SOURCE_AS_TIME, NULL, &opened_us)) {
        return MSP_OK;
    }
    msp_timestamp_format(opened_us + delay * US_A_SECOND, text);
    text[strlen(text) - 1] = '\0'; /* without the Z: still the instance's wall time */
    return json_object_set_new(row, "taken", json_string(text)) == 0
               ? MSP_OK
               : msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a page.");
}

static enum msp_result finish_rows(struct glpi *reader, json_t *rows, int64_t deadline_ms,
                                   struct msp_error *error)
{
    size_t i;
    json_t *row;
    enum msp_result result =
        json_array_size(rows) > 0 ? learn_people(reader, deadline_ms, error) : MSP_OK;
    json_array_foreach(rows, i, row)
    {
        if (result != MSP_OK || !json_is_object(row)) {
            continue;
        }
        result = name_person(reader, row, "4", error);
        if (result == MSP_OK) {
            result = name_person(reader, row, "5", error);
        }
        if (result == MSP_OK) {
            result = add_taken(row, error);
        }
        if (result == MSP_OK) {
            result = msp_source_settle_change(reader->zone, row, "19", error);
        }
    }
    return result;
}

/* ---- pages ---- */

/* Brackets are written as PHP decodes them. */
static enum msp_result write_target(const struct glpi *reader,
                                    const struct msp_source_question *question,
                                    const struct msp_source_range *range, struct msp_buffer *target,
                                    struct msp_error *error)
{
    enum msp_result result = MSP_OK;
    msp_buffer_printf(target,
                      INTERFACE "/search/Ticket?range=%" PRId64 "-%" PRId64 "&sort=2&order=ASC",
                      range->offset, range->offset + range->rows - 1);
    for (size_t i = 0; i < OPTIONS; i++) {
        if (!question->ids_only || strcmp(options[i].number, "2") == 0) {
            msp_buffer_printf(target, "&forcedisplay%%5B%zu%%5D=%s", i, options[i].number);
        }
    }
    if (question->since_us != MSP_NO_TIME) {
        char since[MSP_SOURCE_WALL_BYTES];
        /* "morethan" leaves out its own second. */
        msp_source_wall_since(reader->zone, question->since_us - US_A_SECOND, ' ', since);
        msp_buffer_append_text(target, "&criteria%5B0%5D%5Bfield%5D=19&criteria%5B0%5D%5B"
                                       "searchtype%5D=morethan&criteria%5B0%5D%5Bvalue%5D=");
        result = msp_source_append_encoded(target, since, error);
    }
    msp_buffer_append(target, "", 1);
    return result == MSP_OK && target->failed
               ? msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to ask GLPI.")
               : result;
}

/* An empty list is written as no list at all. */
static enum msp_result find_rows(struct glpi *reader, struct msp_source_answer *out,
                                 struct msp_error *error)
{
    bool is_empty = msp_source_number(out->document, "totalcount", -1) == 0;
    if (is_empty && json_object_get(out->document, "data") == NULL) {
        (void)json_object_set_new(out->document, "data", json_array());
    }
    return msp_source_rows(reader->session, out->document, "data", &out->rows, error);
}

static enum msp_result query(struct glpi *reader, const struct msp_source_question *question,
                             const struct msp_source_range *range, int64_t deadline_ms,
                             struct msp_source_answer *out, struct msp_error *error)
{
    struct msp_egress_field date = {.name = "Date"};
    struct msp_source_call call = {.method = "GET", .wanted = &date, .wanted_count = 1};
    struct msp_buffer target;
    msp_buffer_init(&target, 0);
    enum msp_result result = write_target(reader, question, range, &target, error);
    if (result == MSP_OK) {
        call.target = target.data;
        result = fetch(reader, &call, deadline_ms, &out->document, error);
    }
    msp_buffer_done(&target);
    (void)snprintf(out->date, sizeof out->date, "%.63s", date.value);
    return result == MSP_OK ? find_rows(reader, out, error) : result;
}

static enum msp_result ask(struct msp_source_reader *base,
                           const struct msp_source_question *question, int64_t deadline_ms,
                           struct msp_source_answer *out, struct msp_error *error)
{
    struct glpi *reader = (struct glpi *)base;
    struct msp_source_rank rank;
    bool done = false;
    if (!msp_source_rank_read(question->page, PAGE_ROWS, &rank)) {
        return msp_fail(error, MSP_INVALID, "cursor_malformed",
                        "The cursor is none of this source's; send \"\" to pull from the start.");
    }
    struct msp_source_range range = msp_source_rank_range(&rank);
    enum msp_result result = check_options(reader, deadline_ms, error);
    if (result == MSP_OK) {
        result = query(reader, question, &range, deadline_ms, out, error);
    }
    if (result == MSP_OK) {
        int64_t total = msp_source_number(out->document, "totalcount", -1);
        result = msp_source_rank_take(&rank, &range, out->rows, "2", total, &done, error);
    }
    if (result == MSP_OK && !done) {
        msp_source_rank_write(&rank, out->next);
    }
    if (result == MSP_OK && !question->ids_only) {
        result = finish_rows(reader, out->rows, deadline_ms, error);
    }
    return result;
}

const struct msp_source msp_glpi_source = {
    .name = "glpi",
    .open = open_reader,
    .page = msp_source_round_page,
    .ids = msp_source_round_ids,
    .close = close_reader,
};
