/* Packs and unpacks page cursors. They are opaque, not secret: the rows behind them are still
 * checked. */
#include "page_cursor.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAIN_BYTES 64

static void swap_letters(char *text, const char *from, const char *to)
{
    for (; *text != '\0'; text++) {
        const char *at = strchr(from, *text);

        if (at != NULL)
            *text = to[at - from];
    }
}

void msp_page_cursor_format(const struct msp_page_cursor *cursor, char out[MSP_PAGE_CURSOR_BYTES])
{
    unsigned char plain[PLAIN_BYTES];
    int length =
        snprintf((char *)plain, sizeof plain, "%" PRId64 ":%s", cursor->created_us, cursor->id);

    _Static_assert((PLAIN_BYTES + 2) / 3 * 4 < MSP_PAGE_CURSOR_BYTES, "a cursor's text fits");
    EVP_EncodeBlock((unsigned char *)out, plain, length);
    swap_letters(out, "+/", "-_");
    out[strcspn(out, "=")] = '\0';
}

static bool is_uuid(const char *text)
{
    for (size_t i = 0; i < MSP_JOB_ID_BYTES - 1; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (text[i] == '\0' ||
            (dash ? text[i] != '-' : strchr("0123456789abcdef", text[i]) == NULL))
            return false;
    }
    return text[MSP_JOB_ID_BYTES - 1] == '\0';
}

static bool read_plain(const char *plain, struct msp_page_cursor *out)
{
    char *colon;
    struct msp_page_cursor cursor;

    cursor.created_us = strtoll(plain, &colon, 10);
    if (*colon != ':' || !is_uuid(colon + 1))
        return false;
    memcpy(cursor.id, colon + 1, sizeof cursor.id);
    *out = cursor;
    return true;
}

bool msp_page_cursor_parse(const char *text, struct msp_page_cursor *out)
{
    unsigned char plain[MSP_PAGE_CURSOR_BYTES];
    char padded[MSP_PAGE_CURSOR_BYTES];
    char again[MSP_PAGE_CURSOR_BYTES];
    struct msp_page_cursor cursor;
    size_t length = strlen(text);
    int decoded;

    if (length == 0 || length + 4 > sizeof padded)
        return false;
    memcpy(padded, text, length + 1);
    swap_letters(padded, "-_", "+/");
    while (length % 4 != 0)
        padded[length++] = '=';
    padded[length] = '\0';
    decoded = EVP_DecodeBlock(plain, (const unsigned char *)padded, (int)length);
    if (decoded < 0)
        return false;
    plain[decoded] = '\0'; /* padding decodes to NULs, which end the text sooner */
    if (!read_plain((const char *)plain, &cursor))
        return false;
    /* One text a place: anything else that decodes to it was not written by us. */
    msp_page_cursor_format(&cursor, again);
    if (strcmp(again, text) != 0)
        return false;
    *out = cursor;
    return true;
}
