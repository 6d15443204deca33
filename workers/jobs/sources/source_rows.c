/* Rows of answers, for all sources. Asks nobody and knows no system. */
#include "sources/source_rows.h"

#include "msp/clock.h"
#include "msp/timestamp.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_US       INT64_C(3600000000)
#define ID_TEXT_BYTES 160 /* the contract's external_id and more */

enum msp_result msp_source_rows(const struct msp_source_session *session, json_t *answer,
                                const char *member, json_t **out, struct msp_error *error)
{
    json_t *rows = member[0] == '\0' ? answer : json_object_get(answer, member);
    if (!json_is_array(rows)) {
        return msp_source_malformed(session, "its list of rows is not an array", error);
    }
    *out = rows;
    return MSP_OK;
}

/* False for what is no id. */
static bool id_text(const json_t *value, char out[ID_TEXT_BYTES])
{
    int length = -1;
    if (json_is_string(value)) {
        length = snprintf(out, ID_TEXT_BYTES, "%s", json_string_value(value));
    } else if (json_is_integer(value)) {
        length = snprintf(out, ID_TEXT_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    }
    return length > 0 && length < ID_TEXT_BYTES;
}

int64_t msp_source_row_id(const json_t *row, const char *path)
{
    char text[ID_TEXT_BYTES];
    const json_t *value = msp_source_at(row, path);
    if (value == NULL || !id_text(value, text)) {
        return -1;
    }
    size_t digits = strspn(text, "0123456789");
    return text[digits] == '\0' && digits < 19 ? strtoll(text, NULL, 10) : -1;
}

enum msp_result msp_source_sink_rows(const json_t *rows, const char *path, msp_source_id_sink *sink,
                                     void *context, struct msp_error *error)
{
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row)
    {
        char text[ID_TEXT_BYTES];
        const json_t *value = msp_source_at(row, path);
        if (value == NULL || !id_text(value, text)) {
            return msp_fail(error, MSP_BROKEN, "source_answer_malformed",
                            "A ticket came without an id when the ids of all were asked for; none "
                            "is taken for deleted. Try again; if it stays so, ask the system's "
                            "maker.");
        }
        if (!sink(context, text)) {
            return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the ids of a page.");
        }
    }
    return MSP_OK;
}

enum msp_result msp_source_names_add(json_t *names, const json_t *rows, const char *id_path,
                                     const char *name_path, struct msp_error *error)
{
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row)
    {
        char id[ID_TEXT_BYTES];
        const json_t *id_value = msp_source_at(row, id_path);
        const char *name = json_string_value(msp_source_at(row, name_path));
        if (id_value != NULL && id_text(id_value, id) && name != NULL && name[0] != '\0' &&
            json_object_set_new(names, id, json_string(name)) != 0) {
            return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a source's names.");
        }
    }
    return MSP_OK;
}

enum msp_result msp_source_name(json_t *row, const char *member, const json_t *names,
                                struct msp_error *error)
{
    char id[ID_TEXT_BYTES];
    json_t *name = id_text(json_object_get(row, member), id) ? json_object_get(names, id) : NULL;
    if (name != NULL && json_object_set(row, member, name) != 0) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a source's names.");
    }
    return MSP_OK;
}

bool msp_source_is_refusal(enum msp_result result)
{
    return result == MSP_FORBIDDEN || result == MSP_NOT_FOUND || result == MSP_INVALID;
}

void msp_source_wall_since(const struct msp_local_zone *zone, int64_t unix_us, char between,
                           char out[MSP_SOURCE_WALL_BYTES])
{
    char text[MSP_TIMESTAMP_TEXT_BYTES];
    int64_t wall_us = msp_local_from_utc(zone, unix_us);
    int64_t put_back_us = HOUR_US - (msp_local_from_utc(zone, unix_us + HOUR_US) - wall_us);
    msp_timestamp_format(put_back_us > 0 ? wall_us - put_back_us : wall_us, text);
    (void)snprintf(out, MSP_SOURCE_WALL_BYTES, "%.10s%c%.8s", text, between, text + 11);
}

enum msp_result msp_source_settle_change(const struct msp_local_zone *zone, json_t *row,
                                         const char *member, struct msp_error *error)
{
    char text[MSP_TIMESTAMP_TEXT_BYTES];
    int64_t first_us;
    json_t *value = json_object_get(row, member);
    if (!msp_source_time(value, MSP_SOURCE_AS_LOCAL_TIME, zone, &first_us)) {
        return MSP_OK; /* left for whoever takes the row to refuse */
    }
    int64_t again_us = first_us + HOUR_US;
    bool comes_twice = msp_local_from_utc(zone, first_us) == msp_local_from_utc(zone, again_us);
    msp_timestamp_format(comes_twice && again_us <= msp_clock_unix_us() ? again_us : first_us,
                         text);
    return json_object_set_new(row, member, json_string(text)) == 0
               ? MSP_OK
               : msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a page.");
}
