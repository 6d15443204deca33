/* Shapes rows for the table that maps them. Knows no system. */
#include "sources/source_shape.h"

#include <stdint.h>
#include <stdio.h>

#define ID_BYTES 24

static void write_id(const json_t *id, char out[ID_BYTES])
{
    (void)snprintf(out, ID_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
}

void msp_source_put(json_t *object, const char *name, json_t *value)
{
    if (value != NULL) {
        (void)json_object_set_new(object, name, value);
    }
}

json_t *msp_source_share(const json_t *value)
{
    return json_incref((json_t *)(uintptr_t)value);
}

enum msp_result msp_source_add_shape(json_t *row, json_t *added, struct msp_error *error)
{
    if (added == NULL || json_object_set_new(row, "msp", added) != 0) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to read a ticket.");
    }
    return MSP_OK;
}

json_t *msp_source_index(const json_t *list, const char *member)
{
    json_t *index = json_object();
    size_t i;
    json_t *item;
    json_array_foreach(list, i, item)
    {
        char key[ID_BYTES];
        const json_t *id = json_object_get(item, member);
        write_id(id, key);
        if (json_is_integer(id) && json_object_set(index, key, item) != 0) {
            json_decref(index);
            return NULL;
        }
    }
    return index;
}

json_t *msp_source_indexed(const json_t *index, const json_t *id)
{
    char key[ID_BYTES];
    write_id(id, key);
    return json_is_integer(id) ? json_object_get(index, key) : NULL;
}

enum msp_result msp_source_sink_ids(const struct msp_source_session *session, const json_t *rows,
                                    bool (*is_gone)(const json_t *row), msp_source_id_sink *sink,
                                    void *context, struct msp_error *error)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        char digits[ID_BYTES];
        const json_t *id = json_object_get(row, "id");
        const char *text = json_is_integer(id) ? digits : json_string_value(id);
        write_id(id, digits);
        if (text == NULL) {
            return msp_source_malformed(session, "it holds a ticket without an id", error);
        }
        bool gone = is_gone != NULL && is_gone(row);
        if (!gone && !sink(context, text)) {
            return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a list of ids.");
        }
    }
    return MSP_OK;
}
