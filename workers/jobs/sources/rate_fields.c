/* Reads quotas out of fields, by two tables of their names. Believes no number past reason. */
#include "sources/rate_fields.h"

#include "msp/timestamp.h"
#include "retry_after.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define NUMBER_MAX        INT64_C(1000000000000)
#define UNIX_SECONDS_FROM INT64_C(1000000000)   /* a reset past this is a date, in seconds */
#define UNIX_MS_FROM      INT64_C(100000000000) /* and past this in milliseconds */
#define UNKNOWN           INT64_C(-1)

enum {
    LIMIT,
    REMAINING,
    RESET,
    X_LIMIT,
    X_REMAINING,
    X_RESET,
    X_TOTAL,
    X_USED,
    Z_LIMIT,
    Z_REMAINING,
    DRAFT,
    DRAFT_POLICY,
    BETA,
    BETA_POLICY,
    X_INTERVAL,
    X_WINDOW,
};

const char *const msp_rate_field_names[MSP_RATE_FIELDS + 1] = {
    [LIMIT] = "RateLimit-Limit",
    [REMAINING] = "RateLimit-Remaining",
    [RESET] = "RateLimit-Reset",
    [X_LIMIT] = "X-RateLimit-Limit",
    [X_REMAINING] = "X-RateLimit-Remaining",
    [X_RESET] = "X-RateLimit-Reset",
    [X_TOTAL] = "X-RateLimit-Total",              /* Freshservice */
    [X_USED] = "X-RateLimit-Used-CurrentRequest", /* Freshservice: what this call cost */
    [Z_LIMIT] = "X-Rate-Limit",                   /* Zendesk */
    [Z_REMAINING] = "X-Rate-Limit-Remaining",
    [DRAFT] = "RateLimit",
    [DRAFT_POLICY] = "RateLimit-Policy",
    [BETA] = "Beta-RateLimit", /* Atlassian */
    [BETA_POLICY] = "Beta-RateLimit-Policy",
    [X_INTERVAL] = "X-RateLimit-Interval-Seconds", /* Jira Data Center */
    [X_WINDOW] = "X-RateLimit-Window",
};

#define NONE (-1)

/* Quotas told by a field for each number. */
static const struct plain {
    const char *name;
    int limit, remaining, reset, window, cost;
} plains[] = {
    {"ratelimit", LIMIT, REMAINING, RESET, NONE, NONE},
    {"x-ratelimit", X_LIMIT, X_REMAINING, X_RESET, X_INTERVAL, NONE},
    {"x-ratelimit-total", X_TOTAL, X_REMAINING, X_RESET, X_WINDOW, X_USED},
    {"x-rate-limit", Z_LIMIT, Z_REMAINING, NONE, NONE, NONE},
};

/* Quotas told by a list of items with parameters. */
static const struct listed {
    const char *name;
    int state, policy;
} lists[] = {{"draft", DRAFT, DRAFT_POLICY}, {"beta", BETA, BETA_POLICY}};

/* The number that the text begins with, UNKNOWN if it begins with none. */
static int64_t read_number(const char *text)
{
    int64_t number = 0;
    size_t digits = strspn(text, "0123456789");
    for (size_t i = 0; i < digits && number < NUMBER_MAX; i++) {
        number = number * 10 + (text[i] - '0');
    }
    return digits > 0 ? number : UNKNOWN;
}

static const char *value_of(const struct msp_egress_field *fields, int index)
{
    return index == NONE ? "" : fields[index].value;
}

static int64_t not_negative(int64_t number)
{
    return number > 0 ? number : 0;
}

/* Seconds until a reset that is given as seconds, as a date in seconds or milliseconds since 1970,
 * in RFC 3339 or as in RFC 9110. */
static int64_t read_reset(const char *text, int64_t unix_seconds)
{
    int64_t us;
    int64_t number = read_number(text);
    if (text[0] == '\0') {
        return UNKNOWN;
    }
    if (msp_timestamp_parse(text, strlen(text), &us)) {
        return not_negative(us / 1000000 - unix_seconds);
    }
    /* Jira leaves the seconds out: 2026-11-22T10:04Z. */
    char whole[MSP_TIMESTAMP_TEXT_BYTES];
    if (strlen(text) == 17 && text[16] == 'Z') {
        (void)snprintf(whole, sizeof whole, "%.16s:00Z", text);
        return msp_timestamp_parse(whole, strlen(whole), &us)
                   ? not_negative(us / 1000000 - unix_seconds)
                   : UNKNOWN;
    }
    if (number == UNKNOWN) {
        int64_t seconds = msp_retry_after_seconds(text, unix_seconds);
        return seconds > 0 ? seconds : UNKNOWN;
    }
    if (number >= UNIX_MS_FROM) {
        return not_negative(number / 1000 - unix_seconds);
    }
    return number >= UNIX_SECONDS_FROM ? not_negative(number - unix_seconds) : number;
}

/* "100, 100;w=60": an older form of the draft tells the window behind the limit. */
static int64_t read_window(const char *text)
{
    const char *window = strstr(text, ";w=");
    return window != NULL ? read_number(window + 3) : UNKNOWN;
}

static bool read_plain(const struct plain *plain, const struct msp_egress_field *fields,
                       int64_t unix_seconds, struct msp_source_quota *out)
{
    int64_t limit = read_number(value_of(fields, plain->limit));
    int64_t cost = read_number(value_of(fields, plain->cost));
    int64_t window = read_number(value_of(fields, plain->window));
    *out = (struct msp_source_quota){
        .limit = limit,
        .remaining = read_number(value_of(fields, plain->remaining)),
        .window_seconds = window != UNKNOWN ? window : read_window(value_of(fields, plain->limit)),
        .reset_seconds = read_reset(value_of(fields, plain->reset), unix_seconds),
    };
    if (cost > 1) {
        out->limit = limit > 0 ? limit / cost : limit;
        out->remaining = out->remaining > 0 ? out->remaining / cost : out->remaining;
    }
    (void)snprintf(out->name, sizeof out->name, "%s", plain->name);
    return limit > 0;
}

/* ---- lists: "burst";q=100;w=60, "day";q=5000;w=86400 ---- */

/* Where the item ends: at a comma outside quotes. */
static const char *item_end(const char *at)
{
    bool quoted = false;
    for (; *at != '\0' && (quoted || *at != ','); at++) {
        quoted = quoted != (*at == '"');
    }
    return at;
}

static struct msp_source_quota *place_of(struct msp_source_quota *quotas, size_t *count,
                                         const char *family, const char *item, size_t length)
{
    char name[sizeof quotas->name];
    (void)snprintf(name, sizeof name, "%s:%.*s", family, (int)length, item);
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(quotas[i].name, name) == 0) {
            return &quotas[i];
        }
    }
    if (*count >= MSP_RATE_QUOTAS) {
        return NULL;
    }
    struct msp_source_quota *quota = &quotas[(*count)++];
    *quota = (struct msp_source_quota){.limit = UNKNOWN,
                                       .remaining = UNKNOWN,
                                       .window_seconds = UNKNOWN,
                                       .reset_seconds = UNKNOWN};
    memcpy(quota->name, name, sizeof name);
    return quota;
}

static void set_parameter(struct msp_source_quota *quota, const char *key, size_t length,
                          const char *value)
{
    const struct {
        const char *key;
        int64_t *target;
    } parameters[] = {
        {"q", &quota->limit},
        {"w", &quota->window_seconds},
        {"r", &quota->remaining},
        {"t", &quota->reset_seconds},
        {"limit", &quota->limit},
        {"remaining", &quota->remaining},
        {"reset", &quota->reset_seconds},
    };
    for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
        if (strlen(parameters[i].key) == length &&
            strncasecmp(parameters[i].key, key, length) == 0 && read_number(value) != UNKNOWN) {
            *parameters[i].target = read_number(value);
        }
    }
}

/* `key=value` from `at` to `end`, which may be an item of an older form's dictionary too. */
static void read_parameter(struct msp_source_quota *quota, const char *at, const char *end)
{
    at += strspn(at, " \t");
    const char *equals = at < end ? memchr(at, '=', (size_t)(end - at)) : NULL;
    if (equals != NULL) {
        set_parameter(quota, at, (size_t)(equals - at), equals + 1);
    }
}

static void read_item(const char *at, const char *end, const char *family,
                      struct msp_source_quota *quotas, size_t *count)
{
    const char *semicolon = memchr(at, ';', (size_t)(end - at));
    const char *name_end = semicolon != NULL ? semicolon : end;
    bool is_entry = memchr(at, '=', (size_t)(name_end - at)) != NULL;
    struct msp_source_quota *quota =
        place_of(quotas, count, family, at, is_entry ? 0 : (size_t)(name_end - at));
    if (quota == NULL) {
        return;
    }
    if (is_entry) {
        read_parameter(quota, at, name_end);
    }
    while (semicolon != NULL) {
        const char *from = semicolon + 1;
        semicolon = memchr(from, ';', (size_t)(end - from));
        read_parameter(quota, from, semicolon != NULL ? semicolon : end);
    }
}

static void read_list(const char *text, const char *family, struct msp_source_quota *quotas,
                      size_t *count)
{
    while (*text != '\0') {
        text += strspn(text, " \t,");
        const char *end = item_end(text);
        if (end > text) {
            read_item(text, end, family, quotas, count);
        }
        text = end;
    }
}

size_t msp_rate_fields_read(const struct msp_egress_field fields[MSP_RATE_FIELDS],
                            int64_t unix_seconds, struct msp_source_quota out[MSP_RATE_QUOTAS])
{
    struct msp_source_quota quotas[MSP_RATE_QUOTAS];
    size_t count = 0;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        read_list(value_of(fields, lists[i].policy), lists[i].name, quotas, &count);
        read_list(value_of(fields, lists[i].state), lists[i].name, quotas, &count);
    }
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (quotas[i].limit > 0 || quotas[i].remaining >= 0) {
            out[kept++] = quotas[i];
        }
    }
    for (size_t i = 0; i < sizeof plains / sizeof plains[0] && kept < MSP_RATE_QUOTAS; i++) {
        if (read_plain(&plains[i], fields, unix_seconds, &out[kept])) {
            kept++;
        }
    }
    return kept;
}
