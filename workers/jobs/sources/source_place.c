/* Reads and writes cursors. Decides nothing of what a source asks next. */
#include "sources/source_place.h"

#include "msp/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CURSOR_TEXT_BYTES 501 /* with the NUL: what callers may count on to store */
#define TIMES             4
#define TIME_TEXT_BYTES   24
#define US_A_SECOND       INT64_C(1000000)

static const struct msp_source_place fresh = {
    .high_water_us = MSP_NO_TIME,
    .from_us = MSP_NO_TIME,
    .until_us = MSP_NO_TIME,
    .reached_us = MSP_NO_TIME,
};

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < 0x20 || *text > 0x7e) {
            return false;
        }
    }
    return true;
}

/* Moves *text behind the "|" that ends the time. */
static bool read_time(const char **text, int64_t *out_us)
{
    const char *at = *text;
    char *end = NULL;
    if (at[0] == '-' && at[1] == '|') {
        *out_us = MSP_NO_TIME;
        *text = at + 2;
        return true;
    }
    if ((at[0] < '0' || at[0] > '9') && at[0] != '-') {
        return false;
    }
    errno = 0;
    *out_us = strtoll(at, &end, 10);
    *text = end + 1;
    return errno == 0 && end > at && *end == '|' && *out_us != MSP_NO_TIME;
}

static bool read_place(const char *kind, const char *cursor, struct msp_source_place *out)
{
    int64_t *const times[TIMES] = {&out->high_water_us, &out->from_us, &out->until_us,
                                   &out->reached_us};
    size_t length = strlen(kind);
    if (strncmp(cursor, kind, length) != 0 || cursor[length] != '|') {
        return false;
    }
    const char *rest = cursor + length + 1;
    for (size_t i = 0; i < TIMES; i++) {
        if (!read_time(&rest, times[i])) {
            return false;
        }
    }
    if (strlen(rest) >= sizeof out->page || !is_printable(rest)) {
        return false;
    }
    memcpy(out->page, rest, strlen(rest) + 1);
    return true;
}

enum msp_result msp_source_place_read(const char *kind, const char *cursor,
                                      struct msp_source_place *out, struct msp_error *error)
{
    struct msp_source_place place = fresh;
    if (cursor[0] != '\0' && !read_place(kind, cursor, &place)) {
        return msp_fail(error, MSP_INVALID, "cursor_malformed",
                        "The cursor is none of this source's; send \"\" to pull from the start.");
    }
    *out = place;
    return MSP_OK;
}

static const char *time_text(int64_t us, char out[TIME_TEXT_BYTES])
{
    if (us == MSP_NO_TIME) {
        return "-";
    }
    (void)snprintf(out, TIME_TEXT_BYTES, "%" PRId64, us);
    return out;
}

enum msp_result msp_source_place_write(const char *kind, const struct msp_source_place *place,
                                       char out[MSP_CURSOR_BYTES], struct msp_error *error)
{
    char texts[TIMES][TIME_TEXT_BYTES];
    char cursor[CURSOR_TEXT_BYTES];
    if (!is_printable(place->page)) {
        return msp_fail(error, MSP_BROKEN, "source_answer_malformed",
                        "The source named its next page by something that is not plain text; ask "
                        "its maker, or whether a proxy changes its answers.");
    }
    int length = snprintf(cursor, sizeof cursor, "%s|%s|%s|%s|%s|%s", kind,
                          time_text(place->high_water_us, texts[0]),
                          time_text(place->from_us, texts[1]), time_text(place->until_us, texts[2]),
                          time_text(place->reached_us, texts[3]), place->page);
    if (length < 0 || (size_t)length >= sizeof cursor) {
        return msp_fail(error, MSP_TOO_LARGE, "cursor_too_large",
                        "The source named its next page by a text longer than a cursor holds.");
    }
    memcpy(out, cursor, (size_t)length + 1);
    return MSP_OK;
}

void msp_source_place_begin(struct msp_source_place *place, int64_t overlap_seconds)
{
    bool has_mark = place->high_water_us != MSP_NO_TIME;
    place->from_us = has_mark ? place->high_water_us - overlap_seconds * US_A_SECOND : MSP_NO_TIME;
    place->until_us = MSP_NO_TIME;
    place->reached_us = MSP_NO_TIME;
    place->page[0] = '\0';
}

void msp_source_place_reach(struct msp_source_place *place, int64_t updated_us)
{
    /* MSP_NO_TIME is less than every time. */
    if (updated_us > place->reached_us) {
        place->reached_us = updated_us;
    }
}

void msp_source_place_end(struct msp_source_place *place)
{
    int64_t now_us = msp_clock_unix_us();
    int64_t most_us =
        place->until_us != MSP_NO_TIME && place->until_us < now_us ? place->until_us : now_us;
    int64_t mark_us = place->reached_us < most_us ? place->reached_us : most_us;
    if (mark_us > place->high_water_us) {
        place->high_water_us = mark_us;
    }
    place->from_us = MSP_NO_TIME;
    place->until_us = MSP_NO_TIME;
    place->reached_us = MSP_NO_TIME;
    place->page[0] = '\0';
}
