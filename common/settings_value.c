/*
 * Reads and writes single values by the type in their row. Where a value came
 * from and whether it had to be there is settings.c's business.
 */
#include "settings_value.h"

#include "msp/address_list.h"
#include "msp/base64.h"
#include "msp/egress_allow.h"
#include "msp/mail_address.h"
#include "msp/rate_limits.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct reading {
    const struct setting_row *row;
    const char *text;
    struct msp_settings *settings;
    char *reason;
    size_t reason_size;
};

typedef bool store_function(struct reading *reading);

static MSP_PRINTF(2, 3) bool refuse(struct reading *reading, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    /* clang-analyzer 14 loses sight of va_start here.
     * NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    (void)vsnprintf(reading->reason, reading->reason_size, format, arguments);
    va_end(arguments);
    return false;
}

static void *member_of(const struct setting_row *row, struct msp_settings *settings)
{
    return (char *)settings + row->offset;
}

static const void *member_at(const struct setting_row *row, const struct msp_settings *settings)
{
    return (const char *)settings + row->offset;
}

static bool store_text(struct reading *reading)
{
    size_t size = reading->row->size;
    size_t length = strlen(reading->text);
    if (length >= size) {
        return refuse(reading, "has %zu bytes but may have %zu", length, size - 1);
    }
    for (const char *at = reading->text; *at != '\0'; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7f) {
            return refuse(reading, "has a control character at byte %zu; remove it",
                          (size_t)(at - reading->text) + 1);
        }
    }
    char *member = member_of(reading->row, reading->settings);
    memset(member, 0, size);
    memcpy(member, reading->text, length);
    return true;
}

static bool store_secret(struct reading *reading)
{
    size_t length = strlen(reading->text);
    if (length < (size_t)reading->row->minimum) {
        return refuse(reading,
                      "has %zu bytes but needs at least %d; make one with: openssl rand -hex 32",
                      length, reading->row->minimum);
    }
    return store_text(reading);
}

static bool store_url(struct reading *reading)
{
    for (const char *const *scheme = reading->row->words; *scheme != NULL; scheme++) {
        if (strncmp(reading->text, *scheme, strlen(*scheme)) == 0) {
            return store_text(reading);
        }
    }
    return refuse(reading, "must be a URL that begins with %s", reading->row->words[0]);
}

/* Standard Webhooks: a key has 24 to 64 bytes, written as base64 behind "whsec_". */
static bool store_webhook_secret(struct reading *reading)
{
    static const char prefix[] = "whsec_";
    const char *text = reading->text + sizeof prefix - 1;
    unsigned char key[64];
    size_t size = 0;
    if (strncmp(reading->text, prefix, sizeof prefix - 1) != 0) {
        return store_secret(reading);
    }
    bool is_key = msp_base64_decode(text, strlen(text), key, sizeof key, &size) && size >= 24;
    explicit_bzero(key, sizeof key);
    if (!is_key) {
        return refuse(reading, "must have base64 of 24 to 64 bytes behind whsec_; make it with: "
                               "openssl rand -base64 32");
    }
    return store_text(reading);
}

static bool store_bool(struct reading *reading)
{
    static const char *const words[][2] = {
        {"false", "true"}, {"0", "1"}, {"no", "yes"}, {"off", "on"}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        for (int value = 0; value < 2; value++) {
            if (strcasecmp(reading->text, words[i][value]) == 0) {
                *(bool *)member_of(reading->row, reading->settings) = value != 0;
                return true;
            }
        }
    }
    return refuse(reading, "must be true or false, not \"%.64s\"", reading->text);
}

static bool read_digits(const char *text, long *out)
{
    long value = 0;
    size_t length = strlen(text);
    if (length < 1 || length > 9) {
        return false;
    }
    for (const char *at = text; *at != '\0'; at++) {
        if (*at < '0' || *at > '9') {
            return false;
        }
        value = value * 10 + (*at - '0');
    }
    *out = value;
    return true;
}

static bool store_int(struct reading *reading)
{
    const struct setting_row *row = reading->row;
    long value;
    if (!read_digits(reading->text, &value) || value < row->minimum || value > row->maximum) {
        return refuse(reading, "must be a whole number of %s from %d to %d, not \"%.64s\"",
                      row->unit, row->minimum, row->maximum, reading->text);
    }
    *(int *)member_of(row, reading->settings) = (int)value;
    return true;
}

static void join_words(const char *const *words, char *out, size_t size)
{
    size_t length = 0;
    out[0] = '\0';
    for (size_t i = 0; words[i] != NULL && length < size; i++) {
        int added = snprintf(out + length, size - length, "%s%s", i == 0 ? "" : ", ", words[i]);
        length += added > 0 ? (size_t)added : 0;
    }
}

static bool store_enum(struct reading *reading)
{
    const struct setting_row *row = reading->row;
    for (int value = 0; row->words[value] != NULL; value++) {
        if (strcasecmp(reading->text, row->words[value]) == 0) {
            memcpy(member_of(row, reading->settings), &value, sizeof value);
            return true;
        }
    }
    char words[128];
    join_words(row->words, words, sizeof words);
    return refuse(reading, "must be one of %s, not \"%.64s\"", words, reading->text);
}

static bool store_listen(struct reading *reading)
{
    char host[INET_ADDRSTRLEN];
    struct in_addr address;
    long port = 0;
    const char *colon = strchr(reading->text, ':');
    size_t host_length = colon == NULL ? 0 : (size_t)(colon - reading->text);
    bool good = host_length > 0 && host_length < sizeof host;
    if (good) {
        memcpy(host, reading->text, host_length);
        host[host_length] = '\0';
        good = inet_pton(AF_INET, host, &address) == 1 && read_digits(colon + 1, &port) &&
               colon[1] != '0' && port <= 65535;
    }
    if (!good) {
        return refuse(reading,
                      "must be an IPv4 address and a port like 127.0.0.1:8000, not \"%.64s\"",
                      reading->text);
    }
    return store_text(reading);
}

static bool is_absolute_path(const char *path)
{
    size_t length = strlen(path);
    bool climbs =
        strstr(path, "/../") != NULL || (length >= 3 && strcmp(path + length - 3, "/..") == 0);
    return path[0] == '/' && !climbs;
}

static bool store_directory(struct reading *reading)
{
    if (!is_absolute_path(reading->text)) {
        return refuse(reading, "must be an absolute path without \"..\"");
    }
    size_t length = strlen(reading->text);
    if (length > (size_t)reading->row->maximum) {
        return refuse(reading,
                      "has %zu bytes but may have %d, since the sockets in it have short paths",
                      length, reading->row->maximum);
    }
    return store_text(reading);
}

/* A bucket by the rules of S3, without dots (these break TLS names), and a prefix of safe bytes. */
static bool store_bucket(struct reading *reading, const char *bucket)
{
    static const char bucket_bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    static const char prefix_bytes[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=";
    size_t length = strspn(bucket, bucket_bytes);
    const char *prefix = bucket + length;
    if (length < 3 || length > 63 || (*prefix != '\0' && *prefix != '/')) {
        return refuse(reading, "must name a bucket of 3 to 63 of a-z, 0-9 and \"-\", as in "
                               "s3://bucket/prefix");
    }
    if (strlen(prefix) > 256 || prefix[strspn(prefix, prefix_bytes)] != '\0' ||
        strstr(prefix, "//") != NULL || strstr(prefix, "/.") != NULL) {
        return refuse(reading, "must have a prefix of letters, digits and \"-_.=/\" behind its "
                               "bucket, without empty parts or parts that begin with a dot");
    }
    return store_text(reading);
}

static bool store_storage(struct reading *reading)
{
    static const char scheme[] = "file://";
    size_t scheme_length = sizeof scheme - 1;
    if (strncmp(reading->text, "s3://", 5) == 0) {
        return store_bucket(reading, reading->text + 5);
    }
    if (strncmp(reading->text, scheme, scheme_length) != 0) {
        return refuse(reading, "must begin with file:/// or s3://; other storage is not known");
    }
    const char *path = reading->text + scheme_length;
    if (!is_absolute_path(path) || path[1] == '\0') {
        return refuse(reading, "must name a folder by an absolute path, as in file:///srv/exports");
    }
    return store_text(reading);
}

static bool store_endpoint(struct reading *reading)
{
    struct msp_egress_url url;
    struct msp_error error;
    if (msp_egress_url_parse(reading->text, &url, &error) != MSP_OK ||
        (url.rest[0] != '\0' && strcmp(url.rest, "/") != 0)) {
        return refuse(reading, "must be http(s)://host or http(s)://host:port without a path");
    }
    return store_text(reading);
}

static bool store_mail_list(struct reading *reading)
{
    if (!msp_mail_list_is_valid(reading->text, reading->row->maximum)) {
        return refuse(reading, "must be %s like ops@example.com",
                      reading->row->maximum == 1 ? "one address" : "addresses with commas between");
    }
    return store_text(reading);
}

static bool store_mail_rules(struct reading *reading)
{
    if (!msp_mail_rules_are_valid(reading->text)) {
        return refuse(reading,
                      "must be addresses like ops@example.com and domains like example.com");
    }
    return store_text(reading);
}

static bool store_egress_list(struct reading *reading)
{
    const char *bad = "";
    const char *reason = "";
    size_t length = 0;
    if (!msp_egress_allow_is_valid(reading->text, &bad, &length, &reason)) {
        return refuse(reading, "has an entry \"%.*s\" that cannot be used: it %s",
                      length > 64 ? 64 : (int)length, bad, reason);
    }
    return store_text(reading);
}

static bool store_host_list(struct reading *reading)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    const char *at = reading->text;
    for (;;) {
        at += strspn(at, " ");
        size_t length = strspn(at, allowed);
        const char *end = at + length + strspn(at + length, " ");
        if (length == 0 || length > 253 || (*end != ',' && *end != '\0')) {
            return refuse(reading,
                          "must be host names without ports, separated by commas; see \"%.64s\"",
                          at);
        }
        if (*end == '\0') {
            return store_text(reading);
        }
        at = end + 1;
    }
}

static bool store_rate_limits(struct reading *reading)
{
    struct msp_rate_limits limits = msp_rate_limits_default();
    struct msp_error error;
    if (msp_rate_limits_parse(reading->text, &limits, &error) != MSP_OK)
        return refuse(reading, "is wrong: %.*s", (int)strlen(error.detail) - 1, error.detail);
    return store_text(reading);
}

static bool store_address_list(struct reading *reading)
{
    const char *bad = "";
    size_t length = 0;
    if (!msp_address_list_is_valid(reading->text, &bad, &length)) {
        return refuse(reading,
                      "must be IPv4 addresses or CIDR blocks, separated by commas; \"%.*s\" is "
                      "neither",
                      length > 64 ? 64 : (int)length, bad);
    }
    return store_text(reading);
}

static store_function *const stores[] = {
    [SETTING_TEXT] = store_text,
    [SETTING_SECRET] = store_secret,
    [SETTING_SECRET_URL] = store_url,
    [SETTING_WEBHOOK_SECRET] = store_webhook_secret,
    [SETTING_URL] = store_url,
    [SETTING_BOOL] = store_bool,
    [SETTING_INT] = store_int,
    [SETTING_ENUM] = store_enum,
    [SETTING_LISTEN] = store_listen,
    [SETTING_DIRECTORY] = store_directory,
    [SETTING_STORAGE] = store_storage,
    [SETTING_ENDPOINT] = store_endpoint,
    [SETTING_MAIL_LIST] = store_mail_list,
    [SETTING_MAIL_RULES] = store_mail_rules,
    [SETTING_EGRESS_LIST] = store_egress_list,
    [SETTING_HOST_LIST] = store_host_list,
    [SETTING_RATE_LIMITS] = store_rate_limits,
    [SETTING_ADDRESS_LIST] = store_address_list,
};

bool setting_store(const struct setting_row *row, const char *text, struct msp_settings *settings,
                   char *reason, size_t reason_size)
{
    struct reading reading = {row, text, settings, reason, reason_size};
    return stores[row->type](&reading);
}

static bool holds_text(const struct setting_row *row)
{
    return row->type != SETTING_BOOL && row->type != SETTING_INT && row->type != SETTING_ENUM;
}

bool setting_is_empty(const struct setting_row *row, const struct msp_settings *settings)
{
    return holds_text(row) && *(const char *)member_at(row, settings) == '\0';
}

bool setting_is_equal(const struct setting_row *row, const struct msp_settings *left,
                      const struct msp_settings *right)
{
    const void *a = member_at(row, left);
    const void *b = member_at(row, right);
    return holds_text(row) ? strncmp(a, b, row->size) == 0 : memcmp(a, b, row->size) == 0;
}

static const char mask[] = "********";

/* Appends what fits and closes the text. */
static void append(struct setting_text *out, size_t *length, const char *text, size_t size)
{
    size_t room = sizeof out->text - 1 - *length;
    size_t taken = size < room ? size : room;
    memcpy(out->text + *length, text, taken);
    *length += taken;
    out->text[*length] = '\0';
}

/* Whether the parameter's name ends in "password", as password and sslpassword do. */
static bool names_a_password(const char *parameter, size_t name_length)
{
    static const char word[] = "password";
    size_t word_length = sizeof word - 1;
    return name_length >= word_length &&
           strncasecmp(parameter + name_length - word_length, word, word_length) == 0;
}

static void append_query(struct setting_text *out, size_t *length, const char *query)
{
    while (*query != '\0') {
        size_t separator = strspn(query, "?&");
        append(out, length, query, separator);
        query += separator;
        size_t whole = strcspn(query, "?&");
        size_t name = strcspn(query, "=?&");
        if (name < whole && names_a_password(query, name)) {
            append(out, length, query, name + 1);
            append(out, length, mask, sizeof mask - 1);
        } else {
            append(out, length, query, whole);
        }
        query += whole;
    }
}

/*
 * Masks from the first ':' of the authority to the last '@' of the whole URL: a password that holds
 * a
 * '/', '?' or '@' by mistake stays hidden too, at the cost of hiding too much of an odd URL.
 */
static void show_url(const char *url, struct setting_text *out)
{
    size_t length = 0;
    const char *scheme_end = strstr(url, "://");
    const char *authority = scheme_end == NULL ? url : scheme_end + 3;
    const char *at_sign = strrchr(authority, '@');
    const char *colon = strchr(authority, ':');
    if (at_sign != NULL && colon != NULL && colon < at_sign) {
        append(out, &length, url, (size_t)(colon - url) + 1);
        append(out, &length, mask, sizeof mask - 1);
        authority = at_sign;
        url = at_sign;
    }
    size_t before_query = strcspn(authority, "?");
    append(out, &length, url, (size_t)(authority - url) + before_query);
    append_query(out, &length, authority + before_query);
}

void setting_show(const struct setting_row *row, const struct msp_settings *settings,
                  struct setting_text *out)
{
    const void *member = member_at(row, settings);
    int number = 0;
    out->text[0] = '\0';
    switch (row->type) {
    case SETTING_SECRET:
    case SETTING_SECRET_URL:
    case SETTING_WEBHOOK_SECRET:
        if (!setting_is_empty(row, settings)) {
            (void)snprintf(out->text, sizeof out->text, "%s", mask);
        }
        return;
    case SETTING_URL:
        show_url(member, out);
        return;
    case SETTING_BOOL:
        (void)snprintf(out->text, sizeof out->text, "%s", *(const bool *)member ? "true" : "false");
        return;
    case SETTING_INT:
        (void)snprintf(out->text, sizeof out->text, "%d", *(const int *)member);
        return;
    case SETTING_ENUM:
        memcpy(&number, member, sizeof number);
        (void)snprintf(out->text, sizeof out->text, "%s", row->words[number]);
        return;
    case SETTING_TEXT:
    case SETTING_LISTEN:
    case SETTING_DIRECTORY:
    case SETTING_STORAGE:
    case SETTING_ENDPOINT:
    case SETTING_MAIL_LIST:
    case SETTING_MAIL_RULES:
    case SETTING_EGRESS_LIST:
    case SETTING_HOST_LIST:
    case SETTING_RATE_LIMITS:
    case SETTING_ADDRESS_LIST:
        (void)snprintf(out->text, sizeof out->text, "%s", (const char *)member);
        return;
    }
}
