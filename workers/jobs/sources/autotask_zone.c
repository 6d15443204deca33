/*
 * The first calls to Autotask. A zone is an address that an answer named, so it is believed only
 * inside the maker's domain or at the very origin that was asked.
 */
#include "sources/autotask_zone.h"

#include "sources/source_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LOOK_UP_URL         "https://webservices.autotask.net"
#define INTERFACE_PATH      "/atservicesrest"
#define DOMAIN              ".autotask.net"
#define REQUESTS_PER_MINUTE 50 /* 30 % of 10,000 an hour */
#define MINUTE_SECONDS      60

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    size_t tail = strlen(end);
    return length > tail && strcmp(text + length - tail, end) == 0;
}

/* The credentials go to the zone, so it must be the maker's or lie where its address was asked. */
static bool is_trusted_zone(const char *zone_url, const char *asked_url)
{
    struct msp_egress_url zone;
    struct msp_egress_url asked;
    struct msp_error ignored;
    if (msp_egress_url_parse(zone_url, &zone, &ignored) != MSP_OK ||
        msp_egress_url_parse(asked_url, &asked, &ignored) != MSP_OK) {
        return false;
    }
    bool is_makers = zone.is_https && zone.port == 443 && ends_with(zone.host, DOMAIN);
    bool is_same = zone.is_https == asked.is_https && zone.port == asked.port &&
                   strcmp(zone.host, asked.host) == 0;
    return is_makers || is_same;
}

static enum msp_result read_zone(const struct msp_source_session *session, const json_t *answer,
                                 const char *asked_url, struct msp_autotask_zone *out,
                                 struct msp_error *error)
{
    const char *url = json_string_value(json_object_get(answer, "url"));
    size_t length = url != NULL ? strlen(url) : 0;
    while (length > 0 && url[length - 1] == '/') {
        length--;
    }
    if (length == 0 || length >= sizeof out->url) {
        return msp_source_malformed(session, "it names no zone for the user", error);
    }
    memcpy(out->url, url, length);
    out->url[length] = '\0';
    return is_trusted_zone(out->url, asked_url)
               ? MSP_OK
               : msp_fail(error, MSP_FORBIDDEN, "source_link_refused",
                          "The zone that Autotask named lies outside autotask.net, so the "
                          "credentials were not sent there; check the address of the source.");
}

static enum msp_result ask_zone(const struct msp_source_order *order, const char *url,
                                int64_t deadline_ms, struct msp_autotask_zone *out,
                                struct msp_error *error)
{
    struct msp_source_session *session = NULL;
    struct msp_source_call call = {.method = "GET"};
    struct msp_buffer target;
    json_t *answer = NULL;
    int status = 0;
    msp_buffer_init(&target, 0);
    msp_buffer_append_text(&target, "/v1.0/ZoneInformation?user=");
    enum msp_result result =
        msp_source_append_encoded(&target, msp_source_text(order->options, "user", ""), error);
    msp_buffer_append(&target, "", 1);
    if (result == MSP_OK && target.failed) {
        result = msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to ask Autotask.");
    }
    if (result == MSP_OK) {
        result = msp_source_session_new(order, url, REQUESTS_PER_MINUTE, &session, error);
    }
    if (result == MSP_OK) {
        call.target = target.data;
        result = msp_source_fetch(session, &call, deadline_ms, &answer, &status, error);
    }
    if (result == MSP_OK) {
        result = read_zone(session, answer, url, out, error);
    }
    json_decref(answer);
    msp_source_session_free(session);
    msp_buffer_done(&target);
    return result;
}

static enum msp_result find_zone(const struct msp_source_order *order, int64_t deadline_ms,
                                 struct msp_autotask_zone *out, struct msp_error *error)
{
    char url[MSP_EGRESS_URL_BYTES + sizeof INTERFACE_PATH];
    struct msp_egress_url parsed;
    const char *given = msp_source_text(order->options, "url", LOOK_UP_URL);
    enum msp_result result = msp_egress_url_parse(given, &parsed, error);
    if (result != MSP_OK) {
        return result;
    }
    bool has_path = parsed.rest[0] != '\0' && strcmp(parsed.rest, "/") != 0;
    size_t kept = strlen(given) - (has_path ? 0 : strlen(parsed.rest));
    (void)snprintf(url, sizeof url, "%.*s%s", (int)kept, given, has_path ? "" : INTERFACE_PATH);
    return ask_zone(order, url, deadline_ms, out, error);
}

static enum msp_result sign_in(const struct msp_source_order *order,
                               struct msp_source_session *session, struct msp_error *error)
{
    const struct {
        const char *name, *value;
    } fields[] = {
        {"ApiIntegrationCode", msp_source_text(order->secrets, "integration_code", "")},
        {"UserName", msp_source_text(order->options, "user", "")},
        {"Secret", msp_source_text(order->secrets, "secret", "")},
    };
    enum msp_result result = MSP_OK;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0] && result == MSP_OK; i++) {
        char line[2048];
        (void)snprintf(line, sizeof line, "%s: %s", fields[i].name, fields[i].value);
        result = msp_source_session_field(session, line, error);
        explicit_bzero(line, sizeof line);
    }
    return result;
}

/* The quota is the database's, counted over the last hour. Who may not see it pulls without. */
static enum msp_result read_quota(struct msp_source_session *session, int64_t deadline_ms,
                                  struct msp_error *error)
{
    struct msp_source_call call = {.method = "GET", .target = "/v1.0/ThresholdInformation"};
    json_t *answer = NULL;
    int status = 0;
    enum msp_result result = msp_source_fetch(session, &call, deadline_ms, &answer, &status, error);
    int64_t limit = msp_source_number(answer, "externalRequestThreshold", -1);
    int64_t used = msp_source_number(answer, "currentTimeframeRequestCount", -1);
    int64_t minutes = msp_source_number(answer, "requestThresholdTimeframe", MINUTE_SECONDS);
    if (result == MSP_OK && limit > 0 && used >= 0 && minutes > 0) {
        struct msp_source_quota quota = {
            .name = "threshold",
            .limit = limit,
            .remaining = used < limit ? limit - used : 0,
            .window_seconds = minutes * MINUTE_SECONDS,
            .reset_seconds = -1,
        };
        msp_source_learn(session, &quota);
    }
    json_decref(answer);
    return msp_source_is_refusal(result) ? MSP_OK : result;
}

enum msp_result msp_autotask_sign_in(const struct msp_source_order *order, int64_t deadline_ms,
                                     struct msp_source_session **out,
                                     struct msp_autotask_zone *out_zone, struct msp_error *error)
{
    struct msp_autotask_zone zone = {.url = ""};
    struct msp_source_session *session = NULL;
    enum msp_result result = find_zone(order, deadline_ms, &zone, error);
    if (result == MSP_OK) {
        result = msp_source_session_new(order, zone.url, REQUESTS_PER_MINUTE, &session, error);
    }
    if (result == MSP_OK) {
        result = sign_in(order, session, error);
    }
    if (result == MSP_OK) {
        result = read_quota(session, deadline_ms, error);
    }
    if (result != MSP_OK) {
        msp_source_session_free(session);
        return result;
    }
    *out = session;
    *out_zone = zone;
    return MSP_OK;
}
