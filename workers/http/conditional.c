/* Reads fields of conditional and partial requests. Answers nothing. */
#include "conditional.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

bool msp_if_none_match(const char *field, const char *etag)
{
    size_t wanted = strlen(etag);
    while (field != NULL && *field != '\0') {
        field += strspn(field, " \t,");
        if (*field == '*')
            return true;
        if (strncmp(field, "W/", 2) == 0)
            field += 2;
        if (*field != '"') {
            field += strcspn(field, ",");
            continue;
        }
        size_t length = 1 + strcspn(field + 1, "\"");
        length += field[length] == '"' ? 1 : 0;
        if (length == wanted && memcmp(field, etag, length) == 0)
            return true;
        field += length;
    }
    return false;
}

/* Whether a parameter list holds a weight of 0: "q=0", "q=0.000". */
static bool weighs_nothing(const char *parameters, size_t length)
{
    const char *end = parameters + length;
    for (const char *at = parameters; at + 2 < end; at++) {
        if ((*at == 'q' || *at == 'Q') && at[1] == '=') {
            for (at += 2; at < end && *at != ';'; at++)
                if (*at >= '1' && *at <= '9')
                    return false;
            return true;
        }
    }
    return false;
}

bool msp_accepts_gzip(const char *field)
{
    while (field != NULL && *field != '\0') {
        field += strspn(field, " \t,");
        size_t length = strcspn(field, ",");
        size_t name = strcspn(field, " \t,;");
        if (name == 4 && strncasecmp(field, "gzip", 4) == 0)
            return !weighs_nothing(field + name, length - name);
        field += length;
    }
    return false;
}

/* Digits to a number that stops at INT64_MAX; false if there are none. */
static bool read_number(const char **at, int64_t *out)
{
    int64_t number = 0;
    if (**at < '0' || **at > '9')
        return false;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        int digit = **at - '0';
        number = number > (INT64_MAX - digit) / 10 ? INT64_MAX : number * 10 + digit;
    }
    *out = number;
    return true;
}

static enum msp_range suffix(int64_t wanted, int64_t size, int64_t *out_first, int64_t *out_last)
{
    if (wanted == 0 || size == 0)
        return MSP_RANGE_OUTSIDE;
    *out_first = wanted < size ? size - wanted : 0;
    *out_last = size - 1;
    return MSP_RANGE_PART;
}

enum msp_range msp_range_read(const char *range, const char *if_range, const char *etag,
                              int64_t size, int64_t *out_first, int64_t *out_last)
{
    int64_t first = 0;
    int64_t last = INT64_MAX;
    /* A date never matches: we send none. */
    if (range == NULL || (if_range != NULL && strcmp(if_range, etag) != 0))
        return MSP_RANGE_ALL;
    if (strncasecmp(range, "bytes=", 6) != 0)
        return MSP_RANGE_ALL;
    range += 6;
    bool has_first = read_number(&range, &first);
    if (*range++ != '-')
        return MSP_RANGE_ALL;
    bool has_last = read_number(&range, &last);
    range += strspn(range, " \t");
    if (*range != '\0' || (!has_first && !has_last) || (has_first && first > last))
        return MSP_RANGE_ALL;
    if (!has_first)
        return suffix(last, size, out_first, out_last);
    if (first >= size)
        return MSP_RANGE_OUTSIDE;
    *out_first = first;
    *out_last = last < size ? last : size - 1;
    return MSP_RANGE_PART;
}
