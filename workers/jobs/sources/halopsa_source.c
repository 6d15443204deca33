/*
 * Tickets of HaloPSA. Reads tickets and the names of statuses, priorities and agents; never writes.
 *
 * Signs in by OAuth 2 client credentials. A list knows pages by number only, so it is read by
 * ascending id with pages that overlap (source_rank.h). Not checked against a live system: that
 * order=id sorts a list that is asked by lastupdatefromdate (an answer out of order fails the pull,
 * it is not taken on trust), and which of a ticket's fields a list leaves out.
 */
#include "msp/clock.h"
#include "sources/source_call.h"
#include "sources/source_rank.h"
#include "sources/source_round.h"
#include "sources/source_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CURSOR_KIND          "ha1"
#define PAGE_ROWS            100
#define REQUESTS_PER_MINUTE  60 /* the maker allows 10 in 10 s */
#define OVERLAP_SECONDS      300
#define TOKEN_SECONDS        600 /* where the answer does not say */
#define RENEW_BEFORE_SECONDS 60
#define TOKEN_BYTES          4096 /* more than any signed token seen */
#define MS_A_SECOND          1000

/* Words of a fresh system, and the numbers that cannot be renamed. */
static const struct msp_source_word statuses[] = {
    {"New", "new"},
    {"1", "new"},
    {"In Progress", "open"},
    {"Action Required", "open"},
    {"Updated", "open"},
    {"With User", "pending"},
    {"With Client", "pending"},
    {"Awaiting User", "pending"},
    {"Awaiting Client", "pending"},
    {"With Supplier", "pending"},
    {"Awaiting Supplier", "pending"},
    {"On Hold", "pending"},
    {"Scheduled", "pending"},
    {"Resolved", "resolved"},
    {"Completed", "resolved"},
    {"Closed", "closed"},
    {"Closed Item", "closed"},
    {"Closed Order", "closed"},
    {"9", "closed"},
    {NULL, NULL},
};

static const struct msp_source_word priorities[] = {
    {"Critical", "critical"},
    {"1", "critical"},
    {"Urgent", "critical"},
    {"High", "high"},
    {"2", "high"},
    {"Medium", "medium"},
    {"Normal", "medium"},
    {"3", "medium"},
    {"Low", "low"},
    {"4", "low"},
    {NULL, NULL},
};

static const struct msp_source_member members[] = {
    {"external_id", "id", MSP_SOURCE_AS_TEXT},
    {"title", "summary", MSP_SOURCE_AS_TEXT},
    {"status", "status_id", MSP_SOURCE_AS_STATUS},
    {"priority", "priority_id", MSP_SOURCE_AS_PRIORITY},
    {"category", "category_1", MSP_SOURCE_AS_TEXT},
    {"group", "team", MSP_SOURCE_AS_TEXT},
    {"assignee", "agent_id", MSP_SOURCE_AS_TEXT},
    {"requester", "user_name", MSP_SOURCE_AS_TEXT},
    {"created_at", "dateoccurred|datecreated", MSP_SOURCE_AS_LOCAL_TIME},
    {"updated_at", "last_update|lastactiondate", MSP_SOURCE_AS_LOCAL_TIME},
    {"first_response_at", "responsedate", MSP_SOURCE_AS_LOCAL_TIME},
    {"resolved_at", "dateclosed", MSP_SOURCE_AS_LOCAL_TIME},
    {"closed_at", "dateclosed", MSP_SOURCE_AS_LOCAL_TIME},
    {"due_at", "fixbydate|deadlinedate", MSP_SOURCE_AS_LOCAL_TIME},
    {NULL, NULL, MSP_SOURCE_AS_TEXT},
};

/* Which lists give the names for which member. */
static const struct {
    const char *member, *target, *id_path;
} lists[] = {
    {"status_id", "/api/Status", "id"},
    {"priority_id", "/api/Priority", "priorityid|id"},
    {"agent_id", "/api/Agent?includeactive=true&includeinactive=true", "id"},
};
#define LISTS (sizeof lists / sizeof lists[0])

struct halopsa {
    struct msp_source_round round; /* must be first */
    struct msp_source_session *session;
    struct msp_local_zone *zone;
    const json_t *options, *secrets;
    int64_t token_until_ms; /* 0: none */
    json_t *names[LISTS];   /* NULL until a row needs them */
};

static msp_source_ask ask;

static void close_reader(struct msp_source_reader *base)
{
    struct halopsa *reader = (struct halopsa *)base;
    if (reader == NULL) {
        return;
    }
    for (size_t i = 0; i < LISTS; i++) {
        json_decref(reader->names[i]);
    }
    msp_local_zone_free(reader->zone);
    msp_source_session_free(reader->session);
    free(reader);
}

static enum msp_result open_reader(const struct msp_source_order *order,
                                   struct msp_source_reader **out, struct msp_error *error)
{
    struct halopsa *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to open HaloPSA.");
    }
    reader->options = order->options;
    reader->secrets = order->secrets;
    enum msp_result result = msp_local_zone_new(msp_source_text(order->options, "timezone", "UTC"),
                                                &reader->zone, error);
    if (result == MSP_OK) {
        result = msp_source_session_new(order, msp_source_text(order->options, "url", ""),
                                        REQUESTS_PER_MINUTE, &reader->session, error);
    }
    if (result != MSP_OK) {
        close_reader(&reader->round.base);
        return result;
    }
    reader->round = (struct msp_source_round){
        .base = {&msp_halopsa_source},
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
                .zone = reader->zone,
            },
        .overlap_seconds = msp_source_number(order->options, "overlap_seconds", OVERLAP_SECONDS),
    };
    *out = &reader->round.base;
    return MSP_OK;
}

/* ---- the token ---- */

static enum msp_result append_pair(struct msp_buffer *target, const char *name, const char *value,
                                   struct msp_error *error)
{
    msp_buffer_append_text(target, name);
    return msp_source_append_encoded(target, value, error);
}

static enum msp_result write_token_question(const struct halopsa *reader, struct msp_buffer *target,
                                            struct msp_buffer *body, struct msp_error *error)
{
    const char *tenant = msp_source_text(reader->options, "tenant", "");
    msp_buffer_append_text(target, "/auth/token");
    msp_buffer_append_text(body, "grant_type=client_credentials");
    const struct {
        struct msp_buffer *buffer;
        const char *name, *value;
    } pairs[] = {
        {target, tenant[0] != '\0' ? "?tenant=" : "", tenant},
        {body, "&client_id=", msp_source_text(reader->options, "client_id", "")},
        {body, "&client_secret=", msp_source_text(reader->secrets, "client_secret", "")},
        {body, "&scope=", msp_source_text(reader->options, "scope", "read:tickets")},
    };
    enum msp_result result = MSP_OK;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0] && result == MSP_OK; i++) {
        result = append_pair(pairs[i].buffer, pairs[i].name, pairs[i].value, error);
    }
    msp_buffer_append(target, "", 1);
    msp_buffer_append(body, "", 1);
    return result == MSP_OK && (target->failed || body->failed)
               ? msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to sign in to HaloPSA.")
               : result;
}

static enum msp_result keep_token(struct halopsa *reader, const json_t *answer,
                                  struct msp_error *error)
{
    char field[TOKEN_BYTES + sizeof "Authorization: Bearer "];
    const char *token = msp_source_text(answer, "access_token", "");
    int64_t seconds = msp_source_number(answer, "expires_in", TOKEN_SECONDS);
    if (token[0] == '\0' || strlen(token) >= TOKEN_BYTES) {
        return msp_source_malformed(reader->session, "it holds no access token", error);
    }
    (void)snprintf(field, sizeof field, "Authorization: Bearer %s", token);
    enum msp_result result = msp_source_session_field(reader->session, field, error);
    explicit_bzero(field, sizeof field);
    if (result == MSP_OK) {
        int64_t used =
            seconds > 2 * RENEW_BEFORE_SECONDS ? seconds - RENEW_BEFORE_SECONDS : seconds / 2;
        reader->token_until_ms = msp_clock_monotonic_ms() + (used > 0 ? used : 1) * MS_A_SECOND;
    }
    return result;
}

static enum msp_result fetch_token(struct halopsa *reader, int64_t deadline_ms,
                                   struct msp_error *error)
{
    struct msp_source_call call = {.method = "POST",
                                   .content_type = "application/x-www-form-urlencoded",
                                   .is_question = true,
                                   .also_status = 400};
    struct msp_buffer target;
    struct msp_buffer body;
    json_t *answer = NULL;
    int status = 0;
    msp_buffer_init(&target, 0);
    msp_buffer_init(&body, 0);
    enum msp_result result = write_token_question(reader, &target, &body, error);
    if (result == MSP_OK) {
        call.target = target.data;
        call.body = body.data;
        result = msp_source_fetch(reader->session, &call, deadline_ms, &answer, &status, error);
    }
    /* RFC 6749, 5.2: a client or scope that is refused is 400. */
    if (result == MSP_OK && status == 400) {
        result = msp_fail(error, MSP_FORBIDDEN, "source_credentials_refused",
                          "HaloPSA refused to sign in; check the client id, its secret, the tenant "
                          "and that the application may use the scope asked for.");
    }
    if (result == MSP_OK) {
        result = keep_token(reader, answer, error);
    }
    json_decref(answer);
    if (body.data != NULL) {
        explicit_bzero(body.data, body.length);
    }
    msp_buffer_done(&body);
    msp_buffer_done(&target);
    return result;
}

/* Fetches with a token that holds; one that was taken back early is renewed once. */
static enum msp_result fetch(struct halopsa *reader, const struct msp_source_call *call,
                             int64_t deadline_ms, json_t **out, struct msp_error *error)
{
    int status = 0;
    enum msp_result result = MSP_OK;
    bool is_fresh = msp_clock_monotonic_ms() >= reader->token_until_ms;
    if (is_fresh) {
        result = fetch_token(reader, deadline_ms, error);
    }
    if (result == MSP_OK) {
        result = msp_source_fetch(reader->session, call, deadline_ms, out, &status, error);
    }
    if (result == MSP_FORBIDDEN && !is_fresh &&
        strcmp(error->code, "source_credentials_refused") == 0) {
        result = fetch_token(reader, deadline_ms, error);
        if (result == MSP_OK) {
            result = msp_source_fetch(reader->session, call, deadline_ms, out, &status, error);
        }
    }
    return result;
}

/* ---- names ---- */

static enum msp_result learn_list(struct halopsa *reader, size_t at, int64_t deadline_ms,
                                  struct msp_error *error)
{
    struct msp_source_call call = {.method = "GET", .target = lists[at].target};
    json_t *answer = NULL;
    json_t *rows = NULL;
    json_t *names = json_object();
    enum msp_result result =
        names != NULL ? fetch(reader, &call, deadline_ms, &answer, error)
                      : msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for names.");
    if (result == MSP_OK) {
        result = msp_source_rows(reader->session, answer, "", &rows, error);
    }
    if (result == MSP_OK) {
        result = msp_source_names_add(names, rows, lists[at].id_path, "name", error);
    }
    json_decref(answer);
    if (result != MSP_OK && !msp_source_is_refusal(result)) {
        json_decref(names);
        return result;
    }
    reader->names[at] = names;
    return MSP_OK;
}

/* Names are asked for once a reader, when the first tickets need them. What the application may not
 * see stays a number. */
static enum msp_result name_rows(struct halopsa *reader, json_t *rows, int64_t deadline_ms,
                                 struct msp_error *error)
{
    enum msp_result result = MSP_OK;
    for (size_t at = 0; at < LISTS && result == MSP_OK && json_array_size(rows) > 0; at++) {
        size_t i;
        json_t *row;
        if (reader->names[at] == NULL) {
            result = learn_list(reader, at, deadline_ms, error);
        }
        json_array_foreach(rows, i, row)
        {
            if (result == MSP_OK) {
                result = msp_source_name(row, lists[at].member, reader->names[at], error);
            }
        }
    }
    return result;
}

/* Tickets nobody has are with an agent of this name. */
static void forget_nobody(json_t *row)
{
    const char *agent = json_string_value(json_object_get(row, "agent_id"));
    if (agent != NULL && strcmp(agent, "Unassigned") == 0) {
        (void)json_object_del(row, "agent_id");
    }
}

static enum msp_result finish_rows(struct halopsa *reader, json_t *rows, int64_t deadline_ms,
                                   struct msp_error *error)
{
    size_t i;
    json_t *row;
    enum msp_result result = name_rows(reader, rows, deadline_ms, error);
    json_array_foreach(rows, i, row)
    {
        forget_nobody(row);
        if (result == MSP_OK) {
            result = msp_source_settle_change(reader->zone, row, "last_update", error);
        }
    }
    return result;
}

/* ---- pages ---- */

static enum msp_result query(struct halopsa *reader, const struct msp_source_question *question,
                             const struct msp_source_range *range, int64_t deadline_ms,
                             struct msp_source_answer *out, struct msp_error *error)
{
    struct msp_egress_field date = {.name = "Date"};
    struct msp_source_call call = {.method = "GET", .wanted = &date, .wanted_count = 1};
    struct msp_buffer target;
    msp_buffer_init(&target, 0);
    msp_buffer_printf(&target,
                      "/api/Tickets?pageinate=true&page_size=%" PRId64 "&page_no=%" PRId64
                      "&order=id&orderdesc=false",
                      range->rows, range->offset / range->rows + 1);
    if (question->since_us != MSP_NO_TIME) {
        char since[MSP_SOURCE_WALL_BYTES];
        msp_source_wall_since(reader->zone, question->since_us, 'T', since);
        msp_buffer_printf(&target, "&lastupdatefromdate=%s", since);
    }
    msp_buffer_append(&target, "", 1);
    call.target = target.data;
    enum msp_result result =
        target.failed ? msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to ask HaloPSA.")
                      : fetch(reader, &call, deadline_ms, &out->document, error);
    msp_buffer_done(&target);
    (void)snprintf(out->date, sizeof out->date, "%.63s", date.value);
    return result;
}

static enum msp_result ask(struct msp_source_reader *base,
                           const struct msp_source_question *question, int64_t deadline_ms,
                           struct msp_source_answer *out, struct msp_error *error)
{
    struct halopsa *reader = (struct halopsa *)base;
    struct msp_source_rank rank;
    bool done = false;
    if (!msp_source_rank_read(question->page, PAGE_ROWS, &rank)) {
        return msp_fail(error, MSP_INVALID, "cursor_malformed",
                        "The cursor is none of this source's; send \"\" to pull from the start.");
    }
    struct msp_source_range range = msp_source_rank_page(&rank);
    enum msp_result result = query(reader, question, &range, deadline_ms, out, error);
    if (result == MSP_OK) {
        result = msp_source_rows(reader->session, out->document, "tickets", &out->rows, error);
    }
    if (result == MSP_OK) {
        int64_t total = msp_source_number(out->document, "record_count", -1);
        result = msp_source_rank_take(&rank, &range, out->rows, "id", total, &done, error);
    }
    if (result == MSP_OK && !done) {
        msp_source_rank_write(&rank, out->next);
    }
    if (result == MSP_OK && !question->ids_only) {
        result = finish_rows(reader, out->rows, deadline_ms, error);
    }
    return result;
}

const struct msp_source msp_halopsa_source = {
    .name = "halopsa",
    .open = open_reader,
    .page = msp_source_round_page,
    .ids = msp_source_round_ids,
    .close = close_reader,
};
