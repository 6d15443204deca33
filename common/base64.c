/* Base64 with padding. Reads only what it would write itself. */
#include "msp/base64.h"

#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t msp_base64_encode(const void *bytes, size_t size, char *out)
{
    const unsigned char *at = bytes;
    char *to = out;
    for (; size > 0; to += 4) {
        size_t taken = size < 3 ? size : 3;
        uint32_t bits = (uint32_t)at[0] << 16 | (taken > 1 ? (uint32_t)at[1] << 8 : 0) |
                        (taken > 2 ? (uint32_t)at[2] : 0);
        to[0] = alphabet[bits >> 18];
        to[1] = alphabet[bits >> 12 & 63];
        to[2] = taken > 1 ? alphabet[bits >> 6 & 63] : '=';
        to[3] = taken > 2 ? alphabet[bits & 63] : '=';
        at += taken;
        size -= taken;
    }
    return (size_t)(to - out);
}

/* The six bits of a character, or -1. */
static int bits_of(char character)
{
    const char *found = character == '\0' ? NULL : strchr(alphabet, character);
    return found == NULL ? -1 : (int)(found - alphabet);
}

/* One group of four characters into up to three bytes; returns how many, 0 if it is malformed. */
static size_t decode_group(const char *text, bool is_last, unsigned char out[3])
{
    size_t taken = text[3] != '=' ? 3 : text[2] != '=' ? 2 : 1;
    uint32_t bits = 0;
    for (size_t i = 0; i <= taken; i++) {
        int value = bits_of(text[i]);
        if (value < 0)
            return 0;
        bits |= (uint32_t)value << (18 - 6 * i);
    }
    for (size_t i = 0; i < 3; i++)
        out[i] = (unsigned char)(bits >> (16 - 8 * i));
    /* Bits behind the last byte must be zero, or two texts would mean the same. */
    bool has_rest = (bits & (0xffffffU >> (8 * taken))) != 0;
    return (taken < 3 && !is_last) || has_rest ? 0 : taken;
}

bool msp_base64_decode(const char *text, size_t length, void *out, size_t size, size_t *out_size)
{
    unsigned char *to = out;
    size_t written = 0;
    if (length % 4 != 0)
        return false;
    for (size_t at = 0; at < length; at += 4) {
        unsigned char group[3];
        size_t taken = decode_group(text + at, at + 4 == length, group);
        if (taken == 0 || taken > size - written)
            return false;
        memcpy(to + written, group, taken);
        written += taken;
    }
    *out_size = written;
    return true;
}
