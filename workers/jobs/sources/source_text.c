/* Makes foreign texts fit to be read, quoted and put into addresses. */
#include "sources/source_text.h"

#include "msp/utf8.h"
#include "sources/source_call.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ESCAPE_BYTES 6 /* \uXXXX */

/* The code unit that an escape at `at` stands for, or -1. */
static long read_escape(const char *at, size_t left)
{
    char digits[5] = "";
    if (left < ESCAPE_BYTES || at[0] != '\\' || at[1] != 'u') {
        return -1;
    }
    memcpy(digits, at + 2, 4);
    return strspn(digits, "0123456789abcdefABCDEF") == 4 ? strtol(digits, NULL, 16) : -1;
}

static bool is_high(long unit)
{
    return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool is_low(long unit)
{
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

/* Mends the escape at `at`, which begins with a backslash; how many bytes it has. */
static size_t mend_escape(char *at, size_t left)
{
    static const char replacement[] = {'f', 'f', 'f', 'd'};
    long unit = read_escape(at, left);
    if (unit < 0) {
        return left < 2 ? left : 2; /* what the backslash protects is no escape's beginning */
    }
    if (is_high(unit) && is_low(read_escape(at + ESCAPE_BYTES, left - ESCAPE_BYTES))) {
        return 2 * ESCAPE_BYTES;
    }
    if (unit == 0 || is_high(unit) || is_low(unit)) {
        for (size_t i = 0; i < sizeof replacement; i++) {
            at[2 + i] = replacement[i];
        }
    }
    return ESCAPE_BYTES;
}

void msp_source_mend(char *text, size_t length)
{
    for (size_t at = 0; at < length;) {
        size_t left = length - at;
        if (text[at] == '\\') {
            at += mend_escape(text + at, left);
            continue;
        }
        size_t bytes = msp_utf8_character_bytes(text + at, left);
        if (bytes == 0) {
            text[at] = '?';
        }
        at += bytes == 0 ? 1 : bytes;
    }
}

void msp_source_words(const char *text, size_t length, char out[MSP_SOURCE_WORDS_BYTES])
{
    size_t used = 0;
    for (size_t at = 0; at < length;) {
        size_t bytes = msp_utf8_character_bytes(text + at, length - at);
        bool is_plain =
            bytes > 1 || (bytes == 1 && (unsigned char)text[at] > ' ' && text[at] != 0x7f);
        /* C2 80 to C2 9F are control characters too. */
        is_plain = is_plain && !(bytes == 2 && (unsigned char)text[at] == 0xC2 &&
                                 (unsigned char)text[at + 1] < 0xA0);
        size_t step = bytes == 0 ? 1 : bytes;
        if (used + step >= MSP_SOURCE_WORDS_BYTES) {
            break;
        }
        if (is_plain) {
            memcpy(out + used, text + at, step);
            used += step;
        } else if (used > 0 && out[used - 1] != ' ') {
            out[used++] = ' ';
        }
        at += step;
    }
    while (used > 0 && out[used - 1] == ' ') {
        used--;
    }
    out[used] = '\0';
}

enum msp_result msp_source_append_encoded(struct msp_buffer *target, const char *text,
                                          struct msp_error *error)
{
    static const char hex[] = "0123456789ABCDEF";
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
        if (is_letter || (byte >= '0' && byte <= '9') || strchr("-._~", byte) != NULL) {
            msp_buffer_append(target, text, 1);
        } else {
            const char encoded[] = {'%', hex[byte >> 4], hex[byte & 15]};
            msp_buffer_append(target, encoded, sizeof encoded);
        }
    }
    return target->failed ? msp_fail(error, MSP_NO_MEMORY, "no_memory",
                                     "No memory for an address of a ticket source.")
                          : MSP_OK;
}

/* ---- Link ---- */

/* Where a link of the list ends: at a comma outside <…> and quotes. */
static const char *link_end(const char *at)
{
    bool quoted = false;
    bool inside = false;
    for (; *at != '\0' && (quoted || inside || *at != ','); at++) {
        quoted = !inside && quoted != (*at == '"');
        inside = !quoted && (*at == '<' || (inside && *at != '>'));
    }
    return at;
}

/* Whether the parameters from `at` to `end` hold rel="next", alone or among other relations. */
static bool is_next(const char *at, const char *end)
{
    const char *rel = memmem(at, (size_t)(end - at), "rel=", 4);
    while (rel != NULL && rel > at && strchr("; \t", rel[-1]) == NULL) {
        rel = memmem(rel + 4, (size_t)(end - rel - 4), "rel=", 4);
    }
    if (rel == NULL) {
        return false;
    }
    const char *value = rel + 4;
    bool quoted = value < end && *value == '"';
    value += quoted;
    const char *stop = value;
    while (stop < end && *stop != (quoted ? '"' : ';')) {
        stop++;
    }
    for (const char *word = value; word < stop;) {
        size_t length = 0;
        while (word + length < stop && word[length] != ' ') {
            length++;
        }
        if (length == 4 && strncasecmp(word, "next", 4) == 0) {
            return true;
        }
        word += length + 1;
    }
    return false;
}

bool msp_source_next_link(const char *link_field, char *out, size_t size)
{
    const char *at = link_field;
    while (*at != '\0') {
        at += strspn(at, " \t,");
        const char *end = link_end(at);
        const char *close = *at == '<' ? memchr(at, '>', (size_t)(end - at)) : NULL;
        if (close != NULL && is_next(close + 1, end)) {
            size_t length = (size_t)(close - at - 1);
            if (length == 0 || length >= size) {
                return false;
            }
            memcpy(out, at + 1, length);
            out[length] = '\0';
            return true;
        }
        at = end;
    }
    return false;
}
