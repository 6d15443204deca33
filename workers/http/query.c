/* Decodes percent-encoded paths and queries. Knows no route and no name. */
#include "query.h"

#include "msp/utf8.h"

#include <stdio.h>
#include <string.h>

/* What a member of a query is, besides percent signs. */
enum flavour { FLAVOUR_PATH, FLAVOUR_QUERY };

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte at *at, which is moved behind it; -1 if it must not stand there. */
static int decode_byte(const char **at, const char *end, enum flavour flavour)
{
    char c = *(*at)++;
    if (c == '+' && flavour == FLAVOUR_QUERY)
        return ' ';
    if (c != '%')
        return (unsigned char)c;
    if (end - *at < 2)
        return -1;
    int high = hex_digit((*at)[0]);
    int low = hex_digit((*at)[1]);
    *at += 2;
    if (high < 0 || low < 0)
        return -1;
    int byte = high << 4 | low;
    if (byte < ' ' || byte == 127 || (byte == '/' && flavour == FLAVOUR_PATH))
        return -1;
    return byte;
}

static bool is_utf8(const char *text, size_t length)
{
    size_t size = 1;
    for (size_t at = 0; at < length && size > 0; at += size)
        size = msp_utf8_character_bytes(text + at, length - at);
    return size > 0;
}

static enum msp_result decode(const char *text, size_t length, enum flavour flavour,
                              struct msp_arena *arena, const char **out, struct msp_error *error)
{
    char *decoded = msp_arena_alloc(arena, length + 1);
    if (decoded == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "Out of memory; try again later.");
    size_t size = 0;
    for (const char *at = text, *end = text + length; at < end;) {
        int byte = decode_byte(&at, end, flavour);
        if (byte < 0)
            return msp_fail(error, MSP_INVALID, "escape_malformed",
                            "The address holds a percent sign without two hex digits of a "
                            "printable character behind it.");
        decoded[size++] = (char)byte;
    }
    decoded[size] = '\0';
    if (!is_utf8(decoded, size))
        return msp_fail(error, MSP_INVALID, "escape_malformed",
                        "The address holds percent-encoded bytes that are not UTF-8.");
    *out = decoded;
    return MSP_OK;
}

enum msp_result msp_path_decode(const char *text, size_t length, struct msp_arena *arena,
                                const char **out, struct msp_error *error)
{
    return decode(text, length, FLAVOUR_PATH, arena, out, error);
}

static enum msp_result parse_pair(const char *text, size_t length, struct msp_arena *arena,
                                  struct msp_query_pair *out, struct msp_error *error)
{
    const char *equals = memchr(text, '=', length);
    size_t name_length = equals != NULL ? (size_t)(equals - text) : length;
    size_t value_length = equals != NULL ? length - name_length - 1 : 0;
    const char *value = equals != NULL ? equals + 1 : text + length;
    enum msp_result result = decode(text, name_length, FLAVOUR_QUERY, arena, &out->name, error);
    if (result != MSP_OK)
        return result;
    return decode(value, value_length, FLAVOUR_QUERY, arena, &out->value, error);
}

static enum msp_result refuse_doubled(const struct msp_query_pair *pairs, size_t count,
                                      struct msp_error *error)
{
    const char *name = pairs[count].name;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(pairs[i].name, name) != 0)
            continue;
        char pointer[128];
        (void)snprintf(pointer, sizeof pointer, "/%.100s", name);
        return msp_fail_at(error, MSP_INVALID, "query_name_repeated", pointer,
                           "The query names \"%.100s\" twice; send it once.", name);
    }
    return MSP_OK;
}

enum msp_result msp_query_parse(const char *query, struct msp_arena *arena,
                                struct msp_query_pair *out, size_t *out_count,
                                struct msp_error *error)
{
    size_t count = 0;
    for (const char *at = query != NULL ? query : ""; *at != '\0';) {
        size_t length = strcspn(at, "&");
        if (length > 0) {
            if (count == MSP_MAX_QUERY_NAMES)
                return msp_fail(error, MSP_INVALID, "query_too_long",
                                "The query holds more than %d names.", MSP_MAX_QUERY_NAMES);
            enum msp_result result = parse_pair(at, length, arena, &out[count], error);
            if (result == MSP_OK)
                result = refuse_doubled(out, count, error);
            if (result != MSP_OK)
                return result;
            count++;
        }
        at += length + (at[length] == '&' ? 1 : 0);
    }
    *out_count = count;
    return MSP_OK;
}
