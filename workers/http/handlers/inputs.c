/* Typed reading of request members and query names. It judges form, not meaning. */
#include "inputs.h"

#include "../body.h"
#include "../http_worker.h"
#include "../idempotency.h"
#include "msp/clock.h"
#include "msp/no_value.h"
#include "msp/timestamp.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum msp_result msp_input_body(const struct msp_request *request, json_t **out_body,
                               struct msp_error *error)
{
    json_t *body = NULL;
    enum msp_result result = MSP_OK;

    if (request->content_length != 0)
        result = msp_body_read_json(request, &body, error);
    else if ((body = json_object()) == NULL)
        result = msp_fail(error, MSP_NO_MEMORY, "no_memory", "Memory is short; try again soon.");
    if (result == MSP_OK)
        result = msp_idempotency_note_body(request, body, error);
    if (result == MSP_OK)
        *out_body = body;
    else
        json_decref(body);
    return result;
}

static const json_t *member_of(const json_t *body, const char *name)
{
    const json_t *value = json_object_get(body, name);

    return json_is_null(value) ? NULL : value;
}

bool msp_input_has(const json_t *body, const char *name)
{
    return member_of(body, name) != NULL;
}

static enum msp_result wrong_type(struct msp_error *error, const char *name, const char *expected)
{
    char pointer[64];

    snprintf(pointer, sizeof pointer, "/%s", name);
    return msp_fail_at(error, MSP_INVALID, "wrong_type", pointer, "\"%s\" must be %s.", name,
                       expected);
}

enum msp_result msp_input_text(const json_t *body, const char *name, const char **out,
                               struct msp_error *error)
{
    const json_t *value = member_of(body, name);

    if (value == NULL)
        return MSP_OK;
    if (!json_is_string(value))
        return wrong_type(error, name, "a text");
    *out = json_string_value(value);
    return MSP_OK;
}

enum msp_result msp_input_day(const json_t *body, const char *name, int32_t *out,
                              struct msp_error *error)
{
    const char *text = NULL;
    enum msp_result result = msp_input_text(body, name, &text, error);
    char pointer[64];

    if (result != MSP_OK || text == NULL || msp_day_parse(text, strlen(text), out))
        return result;
    snprintf(pointer, sizeof pointer, "/%s", name);
    return msp_fail_at(error, MSP_INVALID, "day_malformed", pointer,
                       "\"%s\" must be a day of the calendar, like \"2024-02-29\".", name);
}

enum msp_result msp_input_bool(const json_t *body, const char *name, bool *out,
                               struct msp_error *error)
{
    const json_t *value = member_of(body, name);

    if (value == NULL)
        return MSP_OK;
    if (!json_is_boolean(value))
        return wrong_type(error, name, "true or false");
    *out = json_is_true(value);
    return MSP_OK;
}

enum msp_result msp_query_fail(struct msp_error *error, const char *code, const char *name,
                               const char *format, ...)
{
    char pointer[64];
    char detail[400];
    va_list arguments;

    snprintf(pointer, sizeof pointer, "/%s", name);
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    return msp_fail_at(error, MSP_INVALID, code, pointer, "%s", detail);
}

enum msp_result msp_query_day(const struct msp_request *request, const char *name, int32_t *out,
                              struct msp_error *error)
{
    const char *text = msp_request_query(request, name);

    if (text == NULL)
        return msp_query_fail(error, "query_missing", name,
                              "The query name \"%s\" is missing; give a day like 2024-02-29.",
                              name);
    if (!msp_day_parse(text, strlen(text), out))
        return msp_query_fail(error, "query_malformed", name,
                              "The query name \"%s\" must be a calendar day like 2024-02-29.",
                              name);
    return MSP_OK;
}

enum msp_result msp_query_days(const struct msp_request *request, int max_days, int32_t *out_from,
                               int32_t *out_to, struct msp_error *error)
{
    int32_t from = MSP_NO_DAY;
    int32_t to = MSP_NO_DAY;
    enum msp_result result = msp_query_day(request, "from", &from, error);

    if (result == MSP_OK)
        result = msp_query_day(request, "to", &to, error);
    if (result != MSP_OK)
        return result;
    if (from > to)
        return msp_query_fail(error, "range_reversed", "to",
                              "\"to\" lies before \"from\"; it is the last day of the range.");
    if (to - from >= max_days)
        return msp_query_fail(error, "range_too_long", "to",
                              "The range holds %ld days, %d are allowed; ask in several parts.",
                              (long)to - from + 1, max_days);
    *out_from = from;
    *out_to = to;
    return MSP_OK;
}

/* The number that `text` is, or -1: no digits, others among them, or more than `max`. */
static int whole_number(const char *text, int max)
{
    int value = 0;

    if (*text == '\0')
        return -1;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        value = value * 10 + (*text - '0');
        if (value > max)
            return -1;
    }
    return value;
}

enum msp_result msp_query_whole(const struct msp_request *request, const char *name, int min,
                                int max, int *out, struct msp_error *error)
{
    const char *text = msp_request_query(request, name);

    if (text == NULL)
        return MSP_OK;
    int value = whole_number(text, max);
    if (value < min)
        return msp_query_fail(error, "query_malformed", name,
                              "\"%s\" must be a whole number from %d to %d.", name, min, max);
    *out = value;
    return MSP_OK;
}

enum msp_result msp_query_bool(const struct msp_request *request, const char *name, bool *out,
                               struct msp_error *error)
{
    const char *text = msp_request_query(request, name);

    if (text == NULL)
        return MSP_OK;
    bool yes = strcmp(text, "true") == 0;
    if (!yes && strcmp(text, "false") != 0)
        return msp_query_fail(error, "query_malformed", name, "\"%s\" must be true or false.",
                              name);
    *out = yes;
    return MSP_OK;
}

enum msp_result msp_query_limit(const struct msp_request *request, int max, int *out,
                                struct msp_error *error)
{
    return msp_query_whole(request, "limit", 1, max, out, error);
}

enum msp_result msp_input_tenant(const struct msp_request *request, const char *slug,
                                 const char *pointer, struct msp_tenant *out,
                                 struct msp_error *error)
{
    const struct msp_tenant_cache *cache = request->worker->child->shared->tenants;
    struct msp_tenant found;

    if (msp_tenant_cache_generation(cache) == 0)
        return msp_fail(error, MSP_UNAVAILABLE, "tenants_not_loaded",
                        "The list of tenants is not loaded yet; try again in a moment.");
    if (!msp_tenant_cache_find(cache, slug, &found))
        return msp_fail_at(error, MSP_NOT_FOUND, "tenant_unknown", pointer,
                           "There is no tenant with the id \"%.80s\".", slug);
    if (!found.active)
        return msp_fail_at(error, MSP_CONFLICT, "tenant_disabled", pointer,
                           "Tenant \"%s\" is disabled; enable it before sending it work.",
                           found.slug);
    *out = found;
    return MSP_OK;
}

int32_t msp_input_today(void)
{
    return (int32_t)(msp_clock_unix_us() / MSP_MICROSECONDS_A_DAY);
}

enum msp_result msp_input_database(const struct msp_request *request, struct msp_db **out,
                                   struct msp_error *error)
{
    struct msp_http_worker *worker = request->worker;

    return msp_pool_take(worker->pool, request->settings->db_pool_wait_ms, out, error);
}
