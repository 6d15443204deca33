/* The many ways systems write a time. Guesses no order of day and month. */
#include "msp/timestamp.h"
#include "sources/source_map.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_BYTES         10 /* "2026-11-22" */
#define MINUTES_BYTES     16 /* "2026-11-22 10:04" */
#define US_A_SECOND       INT64_C(1000000)
#define LAST_UNIX_SECONDS INT64_C(9214646400) /* the end of 2261, as msp_timestamp_parse has it */

/* Seconds as a number or its digits; milliseconds are not guessed at. */
static bool read_unix(const json_t *value, int64_t *out_us)
{
    const char *text = json_string_value(value);
    char *end = NULL;
    double seconds = json_is_number(value) ? json_number_value(value) : -1;
    if (text != NULL && text[0] >= '0' && text[0] <= '9') {
        seconds = strtod(text, &end);
        seconds = *end == '\0' ? seconds : -1;
    }
    if (!(seconds >= 0 && seconds < (double)LAST_UNIX_SECONDS)) {
        return false;
    }
    *out_us = llround(seconds * (double)US_A_SECOND);
    return true;
}

/* Where the offset begins, or the end of the text: behind the day, which has hyphens too. */
static size_t find_offset(const char *text, size_t length)
{
    size_t at = length < DAY_BYTES ? length : DAY_BYTES;
    return at + strcspn(text + at, "Zz+-");
}

/* "+0200" and "+02" as "+02:00"; "" as UTC. */
static void write_offset(const char *offset, char out[8])
{
    size_t length = strlen(offset);
    if (length == 0) {
        (void)snprintf(out, 8, "Z");
    } else if (length == 3) {
        (void)snprintf(out, 8, "%.3s:00", offset);
    } else if (length == 5) {
        (void)snprintf(out, 8, "%.3s:%.2s", offset, offset + 3);
    } else {
        (void)snprintf(out, 8, "%s", offset);
    }
}

static bool read_text(const char *text, bool *out_has_offset, int64_t *out_us)
{
    char whole[MSP_TIMESTAMP_TEXT_BYTES + 16];
    char offset[8];
    size_t length = strlen(text);
    if (length < DAY_BYTES || length >= MSP_TIMESTAMP_TEXT_BYTES) {
        return false;
    }
    size_t wall = find_offset(text, length);
    *out_has_offset = wall < length;
    write_offset(text + wall, offset);
    const char *rest = wall == DAY_BYTES ? "T00:00:00" : wall == MINUTES_BYTES ? ":00" : "";
    int written = snprintf(whole, sizeof whole, "%.*s%s%s", (int)wall, text, rest, offset);
    return written > 0 && (size_t)written < sizeof whole &&
           msp_timestamp_parse(whole, (size_t)written, out_us);
}

bool msp_source_time(const json_t *value, enum msp_source_value form,
                     const struct msp_local_zone *zone, int64_t *out_us)
{
    int64_t us = 0;
    bool has_offset = true;
    if (form == MSP_SOURCE_AS_UNIX_TIME) {
        return read_unix(value, out_us);
    }
    if (!json_is_string(value) || !read_text(json_string_value(value), &has_offset, &us)) {
        return false;
    }
    bool is_wall = form == MSP_SOURCE_AS_LOCAL_TIME && !has_offset;
    *out_us = is_wall ? msp_local_to_utc(zone, us) : us;
    return true;
}
