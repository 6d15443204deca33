/* Tells whole characters from broken ones. Knows nothing of what characters mean. */
#include "msp/utf8.h"

#include <stdbool.h>

static bool continues(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

static bool between(unsigned char byte, unsigned char low, unsigned char high)
{
    return byte >= low && byte <= high;
}

static size_t three_bytes(const unsigned char *at)
{
    /* E0 below A0 would be overlong, ED above 9F a surrogate. */
    unsigned char low = at[0] == 0xE0 ? 0xA0 : 0x80;
    unsigned char high = at[0] == 0xED ? 0x9F : 0xBF;
    return between(at[1], low, high) && continues(at[2]) ? 3 : 0;
}

static size_t four_bytes(const unsigned char *at)
{
    /* F0 below 90 would be overlong, F4 above 8F past U+10FFFF. */
    unsigned char low = at[0] == 0xF0 ? 0x90 : 0x80;
    unsigned char high = at[0] == 0xF4 ? 0x8F : 0xBF;
    return between(at[1], low, high) && continues(at[2]) && continues(at[3]) ? 4 : 0;
}

size_t msp_utf8_character_bytes(const char *text, size_t length)
{
    const unsigned char *at = (const unsigned char *)text;

    if (length == 0)
        return 0;
    if (at[0] < 0x80)
        return 1;
    if (between(at[0], 0xC2, 0xDF))
        return length >= 2 && continues(at[1]) ? 2 : 0;
    if (between(at[0], 0xE0, 0xEF))
        return length >= 3 ? three_bytes(at) : 0;
    if (between(at[0], 0xF0, 0xF4))
        return length >= 4 ? four_bytes(at) : 0;
    return 0;
}

size_t msp_utf8_prefix_bytes(const char *text, size_t length, size_t limit)
{
    if (length <= limit)
        return length;
    size_t cut = limit;
    while (cut > 0 && limit - cut < 3 && continues((unsigned char)text[cut]))
        cut--;
    return cut;
}
