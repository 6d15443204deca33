/*
 * Calls a ticket system, as often as faults that pass deserve, and says in a sysadmin's words what
 * is wrong with those that do not. Knows no system.
 */
#include "sources/source_call.h"

#include "msp/clock.h"
#include "msp/json_reader.h"
#include "retry_after.h"
#include "sources/source_session.h"
#include "sources/source_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define TRIES             3
#define REFUSALS          20    /* answers of 429 in one fetch; more are the next pull's */
#define CALL_MS           60000 /* one call; a desk of 2,000 tickets a page may think that long */
#define CLOCK_NOISE_US    INT64_C(5000000)
#define CLOCK_NONSENSE_US INT64_C(3600000000)
#define FIRST_PAUSE_MS    500
#define LOOK_AROUND_MS    100
#define ANSWER_MAX_BYTES  (16U << 20)

/* A page of 1,000 tickets with a hundred members each has some 200,000 values. */
static const struct msp_json_limits answer_limits = {
    .max_bytes = ANSWER_MAX_BYTES,
    .max_depth = 32,
    .max_elements = 2000000,
};

enum {
    RETRY_AFTER = MSP_RATE_FIELDS,
    CONTENT_TYPE,
    DATE,
    CALLERS,
};

/* One fetch, over its tries. */
struct fetch {
    struct msp_source_session *session;
    const struct msp_source_call *call;
    int64_t deadline_ms;
    char url[MSP_EGRESS_URL_BYTES];
    char type[128]; /* Content-Type of the body */
    json_t *json;
    int status;
};

/* ---- waiting ---- */

static enum msp_result wait_until(const struct msp_source_session *session, int64_t at_ms,
                                  struct msp_error *error)
{
    for (int64_t now_ms = msp_clock_monotonic_ms(); now_ms < at_ms;
         now_ms = msp_clock_monotonic_ms()) {
        if (session->should_stop != NULL && session->should_stop(session->context)) {
            return msp_fail(error, MSP_CANCELLED, "stopping",
                            "Waiting for the source at %s was stopped.", session->base.host);
        }
        int64_t left_ms = at_ms - now_ms < LOOK_AROUND_MS ? at_ms - now_ms : LOOK_AROUND_MS;
        struct timespec pause = {.tv_nsec = (long)left_ms * 1000000L};
        (void)nanosleep(&pause, NULL);
    }
    return MSP_OK;
}

static enum msp_result come_back_in(const struct msp_source_session *session, int64_t seconds,
                                    struct msp_error *error)
{
    int64_t wait_seconds = seconds > 1 ? seconds : 1;
    if (session->retry_after_seconds != NULL) {
        *session->retry_after_seconds = wait_seconds;
    }
    return msp_fail(error, MSP_BUSY, "source_rate_limited",
                    "Our share of the calls that %s allows is used up for the next %lld s; the "
                    "pull goes on by itself.",
                    session->base.host, (long long)wait_seconds);
}

static enum msp_result wait_for_budget(const struct fetch *fetch, struct msp_error *error)
{
    const struct msp_source_session *session = fetch->session;
    enum msp_result result = MSP_OK;
    int64_t at_ms;
    do {
        int64_t now_ms = msp_clock_monotonic_ms();
        if (!msp_source_budget_reserve(session->budget, now_ms, fetch->deadline_ms, &at_ms)) {
            return come_back_in(session, (at_ms - now_ms + 999) / 1000, error);
        }
        result = wait_until(session, at_ms, error);
    } while (result == MSP_OK && !msp_source_budget_holds(session->budget, at_ms));
    return result;
}

/* ---- one call ---- */

static void name_wanted(const struct fetch *fetch)
{
    struct msp_egress_field *wanted = fetch->session->wanted;
    for (size_t i = 0; i < MSP_RATE_FIELDS; i++) {
        wanted[i].name = msp_rate_field_names[i];
    }
    wanted[RETRY_AFTER].name = "Retry-After";
    wanted[CONTENT_TYPE].name = "Content-Type";
    wanted[DATE].name = "Date";
    for (size_t i = 0; i < fetch->call->wanted_count && i < MSP_CALL_WANTED; i++) {
        wanted[CALLERS + i].name = fetch->call->wanted[i].name;
    }
}

static void copy_wanted(const struct fetch *fetch)
{
    for (size_t i = 0; i < fetch->call->wanted_count && i < MSP_CALL_WANTED; i++) {
        fetch->call->wanted[i] = fetch->session->wanted[CALLERS + i];
    }
}

/* Seconds are all a Date has, so that small differences are none; past an hour somebody's clock is
 * simply wrong. */
static void compare_clocks(struct msp_source_session *session)
{
    struct tm date = {0};
    const char *end = strptime(session->wanted[DATE].value, "%a, %d %b %Y %H:%M:%S GMT", &date);
    if (end == NULL || *end != '\0') {
        return;
    }
    int64_t ahead_us = (int64_t)timegm(&date) * 1000000 - msp_clock_unix_us();
    bool is_telling = llabs(ahead_us) > CLOCK_NOISE_US && llabs(ahead_us) < CLOCK_NONSENSE_US;
    session->ahead_us = is_telling ? ahead_us : 0;
}

static void learn(const struct fetch *fetch, int status)
{
    struct msp_source_session *session = fetch->session;
    struct msp_source_quota quotas[MSP_RATE_QUOTAS];
    int64_t now_ms = msp_clock_monotonic_ms();
    int64_t unix_seconds = msp_clock_unix_us() / 1000000;
    size_t count = msp_rate_fields_read(session->wanted, unix_seconds, quotas);
    for (size_t i = 0; i < count; i++) {
        msp_source_budget_learn(session->budget, &quotas[i], now_ms);
    }
    int64_t retry_after = msp_retry_after_seconds(session->wanted[RETRY_AFTER].value, unix_seconds);
    if (status == 429 || (status == 503 && retry_after > 0)) {
        msp_source_budget_refused(session->budget, retry_after, now_ms);
    } else if (status < 500) {
        msp_source_budget_served(session->budget);
    }
}

static enum msp_result call_once(const struct fetch *fetch, struct msp_egress_response *out,
                                 struct msp_error *error)
{
    struct msp_source_session *session = fetch->session;
    const struct msp_source_call *call = fetch->call;
    const char *fields[MSP_SESSION_FIELDS + 3] = {"Accept: application/json"};
    size_t count = 1;
    for (size_t i = 0; i < session->field_count; i++) {
        fields[count++] = session->fields[i];
    }
    if (call->body != NULL) {
        fields[count] = fetch->type;
    }
    int64_t call_deadline_ms = msp_clock_monotonic_ms() + CALL_MS;
    struct msp_egress_request request = {
        .owner = MSP_EGRESS_SOURCE,
        .purpose = "source",
        .method = call->method,
        .url = fetch->url,
        .fields = fields,
        .body = call->body,
        .body_bytes = call->body != NULL ? (int64_t)strlen(call->body) : 0,
        .limit_bytes = ANSWER_MAX_BYTES,
        .wanted = session->wanted,
        .wanted_count =
            CALLERS + (call->wanted_count < MSP_CALL_WANTED ? call->wanted_count : MSP_CALL_WANTED),
        .deadline_ms =
            call_deadline_ms < fetch->deadline_ms ? call_deadline_ms : fetch->deadline_ms,
        .should_stop = session->should_stop,
        .context = session->context,
    };
    name_wanted(fetch);
    enum msp_result result = msp_egress_call(session->egress, &request, out, error);
    if (result == MSP_OK) {
        learn(fetch, out->status);
        compare_clocks(session);
        copy_wanted(fetch);
    }
    return result;
}

/* ---- judging an answer ---- */

/* One of JSON's blanks, or a byte of a byte order mark. */
static bool is_blank(char byte)
{
    return byte != '\0' && strchr(" \t\r\n\xef\xbb\xbf", byte) != NULL;
}

/* Whether "<" comes first, behind blanks and a byte order mark. */
static bool begins_like_a_page(const struct msp_buffer *body)
{
    size_t at = 0;
    while (at < body->length && is_blank(body->data[at])) {
        at++;
    }
    return at < body->length && body->data[at] == '<';
}

static enum msp_result parse(struct fetch *fetch, struct msp_buffer *body, struct msp_error *error)
{
    struct msp_error fault;
    const char *host = fetch->session->base.host;
    if (body->length == 0) {
        return MSP_OK;
    }
    msp_source_mend(body->data, body->length);
    enum msp_result result =
        msp_json_parse(body->data, body->length, &answer_limits, &fetch->json, &fault);
    if (result == MSP_OK) {
        return MSP_OK;
    }
    if (result == MSP_NO_MEMORY) {
        return msp_fail(error, result, fault.code, "No memory for the answer of %s.", host);
    }
    bool is_page = begins_like_a_page(body) ||
                   strncasecmp(fetch->session->wanted[CONTENT_TYPE].value, "text/html", 9) == 0;
    if (is_page) {
        return msp_fail(
            error, MSP_NOT_FOUND, "source_address_wrong",
            "%s answered with a web page instead of JSON; check the source's url, and "
            "whether a sign-in page or a proxy stands before its programming interface.",
            host);
    }
    if (result == MSP_TOO_LARGE) {
        return msp_fail(error, MSP_TOO_LARGE, "source_answer_too_large",
                        "%s answered with more values than a page may have (%u).", host,
                        answer_limits.max_elements);
    }
    return msp_fail(error, MSP_BROKEN, "source_answer_malformed",
                    "%s answered with something that is not sound JSON (%s). Try again; if it "
                    "stays so, ask its maker, or whether a proxy changes its answers.",
                    host, fault.code);
}

/* The source's own words, in brackets, or nothing. */
static const char *own_words(const struct msp_buffer *body, char out[MSP_SOURCE_WORDS_BYTES + 16])
{
    char words[MSP_SOURCE_WORDS_BYTES] = "";
    if (body->length > 0 && body->data[0] != '<') {
        msp_source_words(body->data, body->length, words);
    }
    out[0] = '\0';
    if (words[0] != '\0') {
        (void)snprintf(out, MSP_SOURCE_WORDS_BYTES + 16, " (it says: %s)", words);
    }
    return out;
}

static enum msp_result refuse(const struct fetch *fetch, int status, const struct msp_buffer *body,
                              struct msp_error *error)
{
    char said[MSP_SOURCE_WORDS_BYTES + 16];
    const char *host = fetch->session->base.host;
    const char *words = own_words(body, said);
    if (status == 401) {
        return msp_fail(error, MSP_FORBIDDEN, "source_credentials_refused",
                        "%s does not take the credentials (401)%s. Set them anew.", host, words);
    }
    if (status == 403) {
        return msp_fail(error, MSP_FORBIDDEN, "source_credentials_refused",
                        "%s knows the credentials but does not let them read tickets (403)%s. Give "
                        "that account the rights, or lift its block.",
                        host, words);
    }
    if (status == 404 || status == 410) {
        return msp_fail(error, MSP_NOT_FOUND, "source_address_wrong",
                        "%s has nothing at the address that tickets are asked at (%d). Check the "
                        "source's url.",
                        host, status);
    }
    if (status >= 300 && status < 400) {
        return msp_fail(error, MSP_NOT_FOUND, "source_address_wrong",
                        "%s sends callers to another address (%d), which is not followed. Set the "
                        "source's url to where it really lies.",
                        host, status);
    }
    if (status == 429) {
        return come_back_in(fetch->session, 0, error);
    }
    if (status >= 500 || status == 408 || status < 200) {
        return msp_fail(error, MSP_UNAVAILABLE, "source_failing",
                        "%s fails to answer (%d)%s. Look at its status page; the pull is tried "
                        "again by itself.",
                        host, status, words);
    }
    return msp_fail(error, MSP_INVALID, "source_refused_question",
                    "%s refused what it was asked (%d)%s.", host, status, words);
}

static enum msp_result judge(struct fetch *fetch, struct msp_egress_response *response,
                             struct msp_error *error)
{
    int status = response->status;
    fetch->status = status;
    bool is_wanted =
        (status >= 200 && status < 300) || (status != 0 && status == fetch->call->also_status);
    return is_wanted ? parse(fetch, &response->body, error)
                     : refuse(fetch, status, &response->body, error);
}

/* ---- tries ---- */

static bool may_try_again(const struct fetch *fetch, enum msp_result result)
{
    bool passes = result == MSP_UNAVAILABLE || result == MSP_BROKEN ||
                  (result == MSP_TIMED_OUT && msp_clock_monotonic_ms() < fetch->deadline_ms);
    return passes && (fetch->call->is_question || strcmp(fetch->call->method, "GET") == 0);
}

/* 0.5 s and 1.5 s, with a jitter, so that nodes do not come back together. */
static enum msp_result pause_before(const struct fetch *fetch, int failures,
                                    struct msp_error *error)
{
    int64_t pause_ms = failures == 1 ? FIRST_PAUSE_MS : 3LL * FIRST_PAUSE_MS;
    int64_t at_ms = msp_clock_monotonic_ms() + pause_ms + arc4random() % FIRST_PAUSE_MS;
    return wait_until(fetch->session, at_ms < fetch->deadline_ms ? at_ms : fetch->deadline_ms,
                      error);
}

static enum msp_result try_once(struct fetch *fetch, struct msp_error *error)
{
    struct msp_egress_response response;
    enum msp_result result = wait_for_budget(fetch, error);
    if (result == MSP_OK) {
        result = call_once(fetch, &response, error);
    }
    if (result == MSP_OK) {
        result = judge(fetch, &response, error);
        msp_egress_response_done(&response);
    }
    return result;
}

static enum msp_result try_all(struct fetch *fetch, struct msp_error *error)
{
    int failures = 0;
    for (int refusals = 0; refusals < REFUSALS;) {
        fetch->status = 0;
        enum msp_result result = try_once(fetch, error);
        if (result == MSP_BUSY && fetch->status == 429) {
            refusals++; /* the budget knows how long to wait, or gives up */
            continue;
        }
        if (!may_try_again(fetch, result) || ++failures >= TRIES) {
            return result;
        }
        struct msp_error stopped;
        if (pause_before(fetch, failures, &stopped) != MSP_OK) {
            *error = stopped;
            return stopped.result;
        }
    }
    return come_back_in(fetch->session, 0, error);
}

enum msp_result msp_source_fetch(struct msp_source_session *session,
                                 const struct msp_source_call *call, int64_t deadline_ms,
                                 json_t **out, int *out_status, struct msp_error *error)
{
    struct fetch fetch = {.session = session, .call = call, .deadline_ms = deadline_ms};
    (void)snprintf(fetch.type, sizeof fetch.type, "Content-Type: %s",
                   call->content_type != NULL ? call->content_type : "application/json");
    enum msp_result result = msp_source_session_address(session, call->target, fetch.url, error);
    if (result == MSP_OK) {
        result = try_all(&fetch, error);
    }
    if (result == MSP_OK) {
        *out = fetch.json;
        *out_status = fetch.status;
    }
    return result;
}

enum msp_result msp_source_malformed(const struct msp_source_session *session, const char *what,
                                     struct msp_error *error)
{
    return msp_fail(error, MSP_BROKEN, "source_answer_malformed",
                    "%s answered in JSON, but %s. Check the source's url and options; its "
                    "programming interface may have changed.",
                    session->base.host, what);
}
