/* A reader's connections, fields and budget, and which addresses it may call. Makes no call. */
#include "sources/source_session.h"

#include "msp/base64.h"
#include "msp/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LONGEST_FIELD 4096

static enum msp_result no_memory(struct msp_error *error)
{
    return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to call a ticket source.");
}

static const char *key_of(const struct msp_source_order *order)
{
    return order->budget_key != NULL ? order->budget_key : order->tenant;
}

static bool take_budget(struct msp_source_session *session, const struct msp_source_order *order,
                        int64_t usual_per_minute)
{
    if (order->budgets == NULL) {
        session->own_budgets = msp_source_budgets_new();
    }
    session->budgets = order->budgets != NULL ? order->budgets : session->own_budgets;
    if (session->budgets == NULL) {
        return false;
    }
    session->budget = msp_source_budget_take(session->budgets, key_of(order));
    if (session->budget == NULL) {
        return false;
    }
    msp_source_budget_bound(
        session->budget,
        msp_source_number(order->options, "requests_per_minute", usual_per_minute));
    return true;
}

static enum msp_result take_base(struct msp_source_session *session, const char *base_url,
                                 const char *allow, struct msp_error *error)
{
    enum msp_egress_reach reach;
    enum msp_result result = msp_egress_source_check(allow, base_url, &reach, error);
    if (result != MSP_OK) {
        return result;
    }
    size_t length = strlen(base_url);
    while (length > 0 && base_url[length - 1] == '/') {
        length--;
    }
    memcpy(session->base_url, base_url, length);
    session->base_url[length] = '\0';
    return msp_egress_url_parse(session->base_url, &session->base, error);
}

enum msp_result msp_source_session_new(const struct msp_source_order *order, const char *base_url,
                                       int64_t usual_per_minute, struct msp_source_session **out,
                                       struct msp_error *error)
{
    struct msp_source_session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        return no_memory(error);
    }
    session->should_stop = order->should_stop;
    session->context = order->context;
    session->retry_after_seconds = order->retry_after_seconds;
    enum msp_result result = take_base(session, base_url, order->settings->egress_allow, error);
    if (result == MSP_OK) {
        session->egress = msp_egress_new(order->settings->egress_allow);
        if (session->egress == NULL || !take_budget(session, order, usual_per_minute)) {
            result = no_memory(error);
        } else {
            msp_egress_trace(session->egress, order->trace);
        }
    }
    if (result != MSP_OK) {
        msp_source_session_free(session);
        return result;
    }
    *out = session;
    return MSP_OK;
}

void msp_source_session_free(struct msp_source_session *session)
{
    if (session == NULL) {
        return;
    }
    for (size_t i = 0; i < session->field_count; i++) {
        explicit_bzero(session->fields[i], strlen(session->fields[i]));
        free(session->fields[i]);
    }
    msp_source_budget_give_back(session->budgets, session->budget);
    msp_source_budgets_free(session->own_budgets);
    msp_egress_free(session->egress);
    free(session);
}

/* ---- fields ---- */

static bool is_good_field(const char *field)
{
    size_t length = strlen(field);
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)field[i] < 0x20 || field[i] == 0x7f) {
            return false;
        }
    }
    const char *colon = strchr(field, ':');
    return colon != NULL && colon > field && length <= LONGEST_FIELD;
}

static char **place_of(struct msp_source_session *session, const char *field)
{
    size_t name = strcspn(field, ":") + 1;
    for (size_t i = 0; i < session->field_count; i++) {
        if (strncasecmp(session->fields[i], field, name) == 0) {
            return &session->fields[i];
        }
    }
    return session->field_count < MSP_SESSION_FIELDS ? &session->fields[session->field_count]
                                                     : NULL;
}

enum msp_result msp_source_session_field(struct msp_source_session *session, const char *field,
                                         struct msp_error *error)
{
    if (!is_good_field(field)) {
        return msp_fail(error, MSP_INVALID, "source_option_wrong",
                        "A credential or option cannot be sent to the source: it holds a control "
                        "character, or is too long. Copy it anew from where it was shown.");
    }
    char **place = place_of(session, field);
    char *copy = place != NULL ? strdup(field) : NULL;
    if (copy == NULL) {
        return no_memory(error);
    }
    if (*place != NULL) {
        explicit_bzero(*place, strlen(*place));
        free(*place);
    } else {
        session->field_count++;
    }
    *place = copy;
    return MSP_OK;
}

enum msp_result msp_source_session_basic(struct msp_source_session *session, const char *user,
                                         const char *password, struct msp_error *error)
{
    static const char prefix[] = "Authorization: Basic ";
    char plain[LONGEST_FIELD / 2];
    char field[sizeof prefix + MSP_BASE64_TEXT_BYTES(sizeof plain)];
    int length = snprintf(plain, sizeof plain, "%s:%s", user, password);
    if (length < 0 || (size_t)length >= sizeof plain) {
        return msp_fail(error, MSP_INVALID, "source_option_wrong",
                        "User and password of the source are too long together.");
    }
    memcpy(field, prefix, sizeof prefix - 1);
    size_t encoded = msp_base64_encode(plain, (size_t)length, field + sizeof prefix - 1);
    field[sizeof prefix - 1 + encoded] = '\0';
    enum msp_result result = msp_source_session_field(session, field, error);
    explicit_bzero(plain, sizeof plain);
    explicit_bzero(field, sizeof field);
    return result;
}

/* ---- addresses ---- */

static bool is_same_origin(const struct msp_egress_url *a, const struct msp_egress_url *b)
{
    return a->is_https == b->is_https && a->port == b->port && strcmp(a->host, b->host) == 0;
}

enum msp_result msp_source_session_address(const struct msp_source_session *session,
                                           const char *target, char out[MSP_EGRESS_URL_BYTES],
                                           struct msp_error *error)
{
    struct msp_egress_url url;
    struct msp_error fault;
    bool is_path = target[0] == '/';
    int length =
        snprintf(out, MSP_EGRESS_URL_BYTES, "%s%s", is_path ? session->base_url : "", target);
    if (length < 0 || length >= MSP_EGRESS_URL_BYTES) {
        return msp_fail(error, MSP_TOO_LARGE, "source_link_refused",
                        "An address to be called at %s is longer than 2047 bytes.",
                        session->base.host);
    }
    if (msp_egress_url_parse(out, &url, &fault) != MSP_OK) {
        return msp_fail(error, MSP_FORBIDDEN, "source_link_refused",
                        "An address to be called at %s cannot be: %s", session->base.host,
                        fault.detail);
    }
    if (!is_same_origin(&url, &session->base)) {
        return msp_fail(error, MSP_FORBIDDEN, "source_link_refused",
                        "The source at %s named %s as where its next page lies; only the address "
                        "it is set to is called. If it has moved, set its url anew.",
                        session->base.host, url.host);
    }
    return MSP_OK;
}

/* ---- the budget, as others see it ---- */

void msp_source_learn(struct msp_source_session *session, const struct msp_source_quota *quota)
{
    msp_source_budget_learn(session->budget, quota, msp_clock_monotonic_ms());
}

/* ---- the clock ---- */

int64_t msp_source_clock_us(const struct msp_source_session *session)
{
    return msp_clock_unix_us() + session->ahead_us;
}

/* ---- options ---- */

const char *msp_source_text(const json_t *object, const char *name, const char *fallback)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text != NULL ? text : fallback;
}

int64_t msp_source_number(const json_t *object, const char *name, int64_t fallback)
{
    const json_t *value = json_object_get(object, name);
    return json_is_integer(value) ? (int64_t)json_integer_value(value) : fallback;
}
