/* Packs and unpacks page cursors. They are opaque, not secret: the rows behind them are still
 * checked. */
#include "page_cursor.h"

#include "opaque_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAIN_BYTES 64

void msp_page_cursor_format(const struct msp_page_cursor *cursor, char out[MSP_PAGE_CURSOR_BYTES])
{
    char plain[PLAIN_BYTES];
    int length = snprintf(plain, sizeof plain, "%" PRId64 ":%s", cursor->created_us, cursor->id);

    _Static_assert(MSP_OPAQUE_TEXT_BYTES(PLAIN_BYTES) <= MSP_PAGE_CURSOR_BYTES,
                   "a cursor's text fits");
    msp_opaque_text_format(plain, (size_t)length, out);
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
    char plain[PLAIN_BYTES];
    char again[MSP_PAGE_CURSOR_BYTES];
    struct msp_page_cursor cursor;

    if (!msp_opaque_text_parse(text, plain, sizeof plain) || !read_plain(plain, &cursor))
        return false;
    /* One text a place: anything else that decodes to it was not written by us. */
    msp_page_cursor_format(&cursor, again);
    if (strcmp(again, text) != 0)
        return false;
    *out = cursor;
    return true;
}
