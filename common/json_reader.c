/* Judges what jansson may be given, then gives it. Builds no JSON and keeps none. */
#include "msp/json_reader.h"

#include "msp/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

const struct msp_json_limits msp_json_request_limits = {
    .max_bytes = (size_t)256 * 1024,
    .max_depth = 32,
    .max_elements = 20000,
};

struct scan {
    unsigned depth;
    unsigned deepest;
    unsigned elements;
};

void msp_json_init(void)
{
    json_object_seed(0);
}

/* The quote that closes the string that begins behind `at`, or `end`. */
static const char *string_end(const char *at, const char *end)
{
    while (at < end && *at != '"') {
        if (*at == '\\' && at + 1 < end)
            at++;
        at++;
    }
    return at;
}

static void note(struct scan *scan, char byte)
{
    switch (byte) {
    case '{':
    case '[':
        scan->elements++;
        if (++scan->depth > scan->deepest)
            scan->deepest = scan->depth;
        break;
    case '}':
    case ']':
        if (scan->depth > 0)
            scan->depth--;
        break;
    case ',':
    case ':':
        scan->elements++;
        break;
    default:
        break;
    }
}

enum msp_result msp_json_scan(const char *text, size_t length, const struct msp_json_limits *limits,
                              struct msp_error *error)
{
    if (length > limits->max_bytes)
        return msp_fail(error, MSP_TOO_LARGE, "json_too_large",
                        "The JSON has %zu bytes, at most %zu are taken. Send it in smaller parts.",
                        length, limits->max_bytes);
    if (length > 0 && memchr(text, '\0', length))
        return msp_fail(error, MSP_INVALID, "json_nul_byte",
                        "The JSON has a NUL byte in it. Remove it; JSON is text without NUL.");

    struct scan scan = {0};
    const char *end = text + length;
    for (const char *at = text; at < end; at++) {
        if (*at == '"')
            at = string_end(at + 1, end);
        else
            note(&scan, *at);
        if (scan.deepest > limits->max_depth)
            return msp_fail(error, MSP_INVALID, "json_too_deep",
                            "The JSON has more than %u arrays and objects inside one another. "
                            "Send it flatter.",
                            limits->max_depth);
        if (scan.elements > limits->max_elements)
            return msp_fail(error, MSP_TOO_LARGE, "json_too_many_values",
                            "The JSON has more than %u values. Send it in smaller parts.",
                            limits->max_elements);
    }
    return MSP_OK;
}

static enum msp_result explain(const json_error_t *fault, struct msp_error *error)
{
    enum json_error_code code = json_error_code(fault);

    /* The parser says nothing at all of a value it had no memory for. */
    if (code == json_error_out_of_memory || code == json_error_unknown)
        return msp_fail(error, MSP_NO_MEMORY, "out_of_memory",
                        "There was no memory to read the JSON. Try again shortly.");
    if (code == json_error_duplicate_key)
        return msp_fail(error, MSP_INVALID, "json_duplicate_member",
                        "At line %d, column %d of the JSON an object has the same member twice "
                        "(%s). Send each member once.",
                        fault->line, fault->column, fault->text);
    if (code == json_error_null_character || code == json_error_null_byte_in_key)
        return msp_fail(error, MSP_INVALID, "json_nul_character",
                        "At line %d, column %d of the JSON a text holds \\u0000. Remove it.",
                        fault->line, fault->column);
    return msp_fail(error, MSP_INVALID, "json_malformed",
                    "The JSON cannot be read at line %d, column %d: %s. Correct it and send it "
                    "again.",
                    fault->line, fault->column, fault->text);
}

enum msp_result msp_json_parse(const char *text, size_t length,
                               const struct msp_json_limits *limits, json_t **out_json,
                               struct msp_error *error)
{
    enum msp_result result = msp_json_scan(text, length, limits, error);
    if (result != MSP_OK)
        return result;

    json_error_t fault = {.line = 0}; /* where memory ends, its code is not written */
    json_t *json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &fault);
    if (!json)
        return explain(&fault, error);
    *out_json = json;
    return MSP_OK;
}

static bool is_among(const char *name, const char *const names[])
{
    for (size_t i = 0; names[i]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* "/" and the name as RFC 6901 escapes it; stops before an escape or character that no longer fits.
 */
static void point_at(const char *name, char *out, size_t size)
{
    size_t left = strlen(name);
    size_t used = 0;
    out[used++] = '/';
    while (left > 0) {
        size_t taken = msp_utf8_character_bytes(name, left);
        if (taken == 0)
            taken = 1;
        bool escaped = *name == '~' || *name == '/';
        size_t needed = escaped ? 2 : taken;
        if (used + needed >= size)
            break;
        memcpy(out + used, *name == '~' ? "~0" : *name == '/' ? "~1" : name, needed);
        used += needed;
        name += taken;
        left -= taken;
    }
    out[used] = '\0';
}

static enum msp_result refuse_stranger(const char *name, struct msp_error *error)
{
    char pointer[sizeof((struct msp_error *)0)->pointer];
    point_at(name, pointer, sizeof pointer);
    int shown = (int)msp_utf8_prefix_bytes(name, strlen(name), 100);
    return msp_fail_at(error, MSP_INVALID, "unknown_member", pointer,
                       "The member \"%.*s\" is not known here. Remove it or correct its spelling.",
                       shown, name);
}

enum msp_result msp_json_only_members(const json_t *object, const char *const names[],
                                      struct msp_error *error)
{
    if (!json_is_object(object))
        return msp_fail(error, MSP_INVALID, "not_an_object",
                        "A JSON object is expected here. Send one in braces.");

    /* jansson's iterators want a mutable object but only read it. */
    json_t *readable = (json_t *)(uintptr_t)object;
    const char *name;
    json_t *value;
    json_object_foreach(readable, name,
                        value) if (!is_among(name, names)) return refuse_stranger(name, error);
    return MSP_OK;
}
