/* Cleans a name in two passes: character by character, then word by word. */
#include "summaries/member_name.h"

#include "msp/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define LONGEST_CHARACTERS 60
#define PHONE_DIGITS       7 /* the shortest numbers that lead to one person */
#define REDACTED           "…"

static uint32_t decode(const char *at, size_t bytes)
{
    const unsigned char *byte = (const unsigned char *)at;
    static const unsigned char first_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t point = byte[0] & first_bits[bytes];
    for (size_t i = 1; i < bytes; i++) {
        point = point << 6 | (byte[i] & 0x3F);
    }
    return point;
}

/* Characters that nobody sees: controls, joiners, direction marks, variation selectors, tags. */
static bool is_invisible(uint32_t point)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x00, 0x20},     {0x7F, 0xA0},        {0xAD, 0xAD},       {0x61C, 0x61C},
        {0x115F, 0x1160}, {0x17B4, 0x17B5},    {0x180B, 0x180F},   {0x2000, 0x200F},
        {0x2028, 0x202F}, {0x205F, 0x206F},    {0x3000, 0x3000},   {0x3164, 0x3164},
        {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF},    {0xFFA0, 0xFFA0},   {0xFFF0, 0xFFFF},
        {0xE000, 0xF8FF}, {0xE0000, 0x10FFFF}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (point >= ranges[i].first && point <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

static bool is_markup(uint32_t point)
{
    return point < 0x80 && strchr("<>{}[]`|\\\"", (int)point) != NULL;
}

/* The next character's bytes go to `out`, or a space in its place; returns how many were read. */
static size_t take_character(const char *at, size_t length, char *out, size_t *used)
{
    size_t bytes = msp_utf8_character_bytes(at, length);
    if (bytes == 0) {
        return 1;
    }
    uint32_t point = decode(at, bytes);
    if (is_invisible(point) || is_markup(point)) {
        out[(*used)++] = ' ';
    } else {
        memcpy(out + *used, at, bytes);
        *used += bytes;
    }
    return bytes;
}

static bool is_address(const char *word, size_t length)
{
    return memchr(word, '@', length) != NULL || memmem(word, length, "://", 3) != NULL ||
           (length > 4 && strncasecmp(word, "www.", 4) == 0);
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* How many bytes from here on are a telephone number: digits with what people put between them. */
static size_t phone_bytes(const char *at, const char *end)
{
    size_t digits = 0;
    size_t length = 0;
    for (const char *p = at; p < end && strchr("0123456789+-./() ", *p) != NULL; p++) {
        if (is_digit(*p)) {
            digits++;
            length = (size_t)(p - at) + 1;
        }
    }
    return digits >= PHONE_DIGITS ? length : 0;
}

static bool starts_number(const char *text, const char *at)
{
    return (is_digit(*at) || *at == '+' || *at == '(') && (at == text || !is_digit(at[-1]));
}

/* Holds at most LONGEST_CHARACTERS, single spaces, none at either end. */
struct name {
    char *out;
    size_t used;
    size_t characters;
    bool space_due;
};

static void put(struct name *name, const char *bytes, size_t count)
{
    bool space = name->space_due && name->used > 0;
    name->space_due = false;
    if (name->characters + space >= LONGEST_CHARACTERS) {
        name->characters = LONGEST_CHARACTERS;
        return;
    }
    if (space) {
        name->out[name->used++] = ' ';
    }
    memcpy(name->out + name->used, bytes, count);
    name->used += count;
    name->characters += space + 1U;
}

/* How many bytes from here on tell of a person. */
static size_t private_bytes(const char *at, const char *end, bool word_begins, bool number_begins)
{
    const char *space = memchr(at, ' ', (size_t)(end - at));
    size_t word = (size_t)((space != NULL ? space : end) - at);
    if (word_begins && is_address(at, word)) {
        return word;
    }
    return number_begins ? phone_bytes(at, end) : 0;
}

static void put_words(const char *text, size_t length, struct name *name)
{
    const char *end = text + length;
    bool word_begins = true; /* also behind what was redacted */
    for (const char *at = text; at < end;) {
        if (*at == ' ') {
            name->space_due = true;
            word_begins = true;
            at++;
            continue;
        }
        size_t redacted = private_bytes(at, end, word_begins, starts_number(text, at));
        size_t bytes = redacted > 0 ? redacted : msp_utf8_character_bytes(at, (size_t)(end - at));
        put(name, redacted > 0 ? REDACTED : at, redacted > 0 ? strlen(REDACTED) : bytes);
        word_begins = redacted > 0;
        at += bytes;
    }
}

void msp_member_name_clean(const char *name, char out[MSP_MEMBER_NAME_BYTES])
{
    /* Four times what comes out: enough to see a whole address before it is cut. */
    char plain[4 * MSP_MEMBER_NAME_BYTES];
    size_t used = 0;
    size_t length = strlen(name);
    for (size_t at = 0; at < length && used + 4 <= sizeof plain;) {
        at += take_character(name + at, length - at, plain, &used);
    }
    struct name clean = {.out = out};
    put_words(plain, used, &clean);
    out[clean.used] = '\0';
}
