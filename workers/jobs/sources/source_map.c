/* Makes a ticket of a row, by its table. Knows no system and asks nobody. */
#include "sources/source_map.h"

#include "msp/timestamp.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PATH_STEP_BYTES   128
#define DIGITS_BYTES      32
#define REJECT_TEXT_BYTES (8U << 10)              /* what the store keeps of it */
#define NEVER_BEFORE_US   INT64_C(31536000000000) /* 1971 */
#define TITLE_CHARACTERS  4000                    /* the contract ticket's own bounds */
#define TEXT_CHARACTERS   400

/* ---- paths ---- */

static const json_t *step_into(const json_t *value, const char *step, size_t length)
{
    char name[PATH_STEP_BYTES];
    if (length == 0 || length >= sizeof name) {
        return NULL;
    }
    memcpy(name, step, length);
    name[length] = '\0';
    if (json_is_array(value)) {
        char *end = NULL;
        unsigned long position = strtoul(name, &end, 10);
        return name[0] >= '0' && name[0] <= '9' && *end == '\0' ? json_array_get(value, position)
                                                                : NULL;
    }
    return json_object_get(value, name); /* NULL of anything but an object */
}

static const json_t *follow(const json_t *row, const char *path, size_t length)
{
    const char *end = path + length;
    const json_t *value = row;
    while (value != NULL && path < end) {
        const char *dot = memchr(path, '.', (size_t)(end - path));
        const char *stop = dot != NULL ? dot : end;
        value = step_into(value, path, (size_t)(stop - path));
        path = stop + 1;
    }
    return value == NULL || json_is_null(value) ? NULL : value;
}

const json_t *msp_source_at(const json_t *row, const char *path)
{
    for (;;) {
        size_t length = strcspn(path, "|");
        const json_t *value = follow(row, path, length);
        if (value != NULL || path[length] == '\0') {
            return value;
        }
        path += length + 1;
    }
}

/* ---- values ---- */

/* A text as it is, a number as its digits; NULL for anything else. */
static const char *as_text(const json_t *value, char digits[DIGITS_BYTES])
{
    if (json_is_string(value)) {
        return json_string_value(value);
    }
    if (json_is_integer(value)) {
        (void)snprintf(digits, DIGITS_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return digits;
    }
    if (json_is_real(value)) {
        (void)snprintf(digits, DIGITS_BYTES, "%.15g", json_real_value(value));
        return digits;
    }
    return NULL;
}

/* Bytes of the first `characters` characters; jansson lets only valid UTF-8 in. */
static size_t cut_bytes(const char *text, size_t characters)
{
    size_t at = 0;
    for (; text[at] != '\0'; at++) {
        bool begins = ((unsigned char)text[at] & 0xC0) != 0x80;
        if (begins && characters-- == 0) {
            break;
        }
    }
    return at;
}

static json_t *make_text(const struct msp_source_member *member, const json_t *value)
{
    char digits[DIGITS_BYTES];
    const char *text = as_text(value, digits);
    if (text == NULL || text[0] == '\0') {
        return NULL;
    }
    if (strcmp(member->member, "external_id") == 0) {
        return json_string(text); /* cut, it would be another ticket's */
    }
    bool is_title = strcmp(member->member, "title") == 0;
    return json_stringn(text, cut_bytes(text, is_title ? TITLE_CHARACTERS : TEXT_CHARACTERS));
}

static bool is_required_time(const char *member)
{
    return strcmp(member, "created_at") == 0 || strcmp(member, "updated_at") == 0;
}

/* What cannot be read is passed on as it is, so that the ticket is refused with its reason. */
static json_t *make_time(const struct msp_source_map *map, const struct msp_source_member *member,
                         const json_t *value)
{
    char text[MSP_TIMESTAMP_TEXT_BYTES];
    int64_t us;
    if (msp_source_time(value, member->value, map->zone, &us)) {
        if (us < NEVER_BEFORE_US && !is_required_time(member->member)) {
            return NULL;
        }
        msp_timestamp_format(us, text);
        return json_string(text);
    }
    const char *raw = json_string_value(value);
    bool is_never = raw != NULL && (raw[0] == '\0' || strncmp(raw, "0000-", 5) == 0 ||
                                    strncmp(raw, "0001-", 5) == 0 || strncmp(raw, "1899-", 5) == 0);
    return is_never && !is_required_time(member->member) ? NULL : json_deep_copy(value);
}

static const char *find_setting(const json_t *words, const char *theirs)
{
    json_t *readable = (json_t *)(uintptr_t)words; /* jansson's iterators only read it */
    const char *name;
    json_t *value;
    json_object_foreach(readable, name, value)
    {
        if (strcasecmp(name, theirs) == 0 && json_is_string(value)) {
            return json_string_value(value);
        }
    }
    return NULL;
}

static const char *find_word(const json_t *setting, const struct msp_source_word *words,
                             const char *theirs, const char *otherwise)
{
    const char *ours = find_setting(setting, theirs);
    for (; ours == NULL && words != NULL && words->theirs != NULL; words++) {
        if (strcasecmp(words->theirs, theirs) == 0) {
            ours = words->ours;
        }
    }
    return ours != NULL ? ours : otherwise;
}

static json_t *make_status(const struct msp_source_map *map, const json_t *value, json_t *ticket)
{
    char digits[DIGITS_BYTES];
    const char *theirs = as_text(value, digits);
    if (theirs == NULL) {
        return NULL;
    }
    if (json_object_get(ticket, "source_status") == NULL &&
        json_object_set_new(ticket, "source_status",
                            json_stringn(theirs, cut_bytes(theirs, TEXT_CHARACTERS))) != 0) {
        return NULL;
    }
    return json_string(find_word(map->status_map, map->statuses, theirs, "open"));
}

static json_t *make_priority(const struct msp_source_map *map, const json_t *value)
{
    char digits[DIGITS_BYTES];
    const char *theirs = as_text(value, digits);
    return theirs == NULL
               ? NULL
               : json_string(find_word(map->priority_map, map->priorities, theirs, "none"));
}

/* An integer, as itself, as 3.0 or as its digits; nothing past the bounds. */
static json_t *make_integer(const json_t *value, int32_t least, int32_t most)
{
    const char *text = json_string_value(value);
    char *end = NULL;
    double number = json_is_number(value) ? json_number_value(value) : NAN;
    if (text != NULL && text[0] >= '0' && text[0] <= '9') {
        number = strtod(text, &end);
        number = *end == '\0' ? number : NAN;
    }
    return number >= least && number <= most && floor(number) == number
               ? json_integer((json_int_t)number)
               : NULL;
}

static json_t *make_verdict(const json_t *value, bool is_negated)
{
    const char *text = json_string_value(value);
    bool is_true = json_is_true(value) || (text != NULL && strcasecmp(text, "true") == 0);
    bool is_false = json_is_false(value) || (text != NULL && strcasecmp(text, "false") == 0);
    return is_true || is_false ? json_boolean(is_true != is_negated) : NULL;
}

/* A new reference, or NULL for nothing. */
static json_t *make_value(const struct msp_source_map *map, const struct msp_source_member *member,
                          const json_t *value, json_t *ticket)
{
    switch (member->value) {
    case MSP_SOURCE_AS_TEXT:
        return make_text(member, value);
    case MSP_SOURCE_AS_TIME:
    case MSP_SOURCE_AS_LOCAL_TIME:
    case MSP_SOURCE_AS_UNIX_TIME:
        return make_time(map, member, value);
    case MSP_SOURCE_AS_STATUS:
        return make_status(map, value, ticket);
    case MSP_SOURCE_AS_PRIORITY:
        return make_priority(map, value);
    case MSP_SOURCE_AS_COUNT:
        return make_integer(value, 0, INT32_MAX);
    case MSP_SOURCE_AS_SCORE:
        return make_integer(value, 1, 5);
    case MSP_SOURCE_AS_VERDICT:
    case MSP_SOURCE_AS_NOT_VERDICT:
        return make_verdict(value, member->value == MSP_SOURCE_AS_NOT_VERDICT);
    }
    return NULL;
}

/* ---- tickets ---- */

static json_t *make_ticket(const struct msp_source_map *map, const json_t *row)
{
    json_t *ticket = json_object();
    for (const struct msp_source_member *member = map->members; member->member != NULL; member++) {
        const json_t *value = msp_source_at(row, member->path);
        json_t *made = value != NULL ? make_value(map, member, value, ticket) : NULL;
        if (made != NULL && json_object_set_new(ticket, member->member, made) != 0) {
            json_decref(ticket);
            return NULL;
        }
    }
    return ticket;
}

struct excerpt {
    char text[REJECT_TEXT_BYTES];
    size_t length;
};

static int take_excerpt(const char *text, size_t size, void *context)
{
    struct excerpt *excerpt = context;
    size_t room = sizeof excerpt->text - excerpt->length;
    size_t taken = size < room ? size : room;
    memcpy(excerpt->text + excerpt->length, text, taken);
    excerpt->length += taken;
    return taken == size ? 0 : -1;
}

static enum msp_result reject(const json_t *row, const struct msp_error *fault,
                              struct msp_ticket_batch *batch, struct msp_error *error)
{
    struct excerpt excerpt = {.length = 0};
    (void)json_dump_callback(row, take_excerpt, &excerpt, JSON_COMPACT | JSON_ENCODE_ANY);
    enum msp_result result =
        msp_ticket_batch_reject(batch, fault, excerpt.text, excerpt.length, error);
    if (result != MSP_OK && strcmp(error->code, "batch_full") == 0) {
        return msp_fail(error, MSP_BROKEN, "source_rows_unusable",
                        "A page holds too many tickets that cannot be taken; the last one's fault: "
                        "%.200s Check the source's options.",
                        fault->detail);
    }
    return result;
}

/* The updated_at of a row whose ticket was refused. */
static int64_t updated_of(const struct msp_source_map *map, const json_t *row)
{
    int64_t us = MSP_NO_TIME;
    for (const struct msp_source_member *member = map->members; member->member != NULL; member++) {
        const json_t *value =
            strcmp(member->member, "updated_at") == 0 ? msp_source_at(row, member->path) : NULL;
        if (value != NULL && !msp_source_time(value, member->value, map->zone, &us)) {
            us = MSP_NO_TIME;
        }
    }
    return us;
}

enum msp_result msp_source_take(const struct msp_source_map *map, const json_t *row,
                                struct msp_ticket_batch *batch, int64_t *out_updated_us,
                                struct msp_error *error)
{
    struct msp_ticket ticket;
    struct msp_error fault;
    json_t *made = make_ticket(map, row);
    if (made == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a ticket.");
    }
    enum msp_result taken =
        msp_ticket_from_json(made, msp_ticket_batch_arena(batch), &ticket, &fault);
    json_decref(made);
    if (taken == MSP_OK) {
        *out_updated_us = ticket.updated_us;
        return msp_ticket_batch_add(batch, &ticket, error);
    }
    if (taken == MSP_NO_MEMORY) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a ticket.");
    }
    *out_updated_us = updated_of(map, row);
    return reject(row, &fault, batch, error);
}
