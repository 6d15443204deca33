/*
 * Checks a ticket member by member, by tables of rules. Compares tickets, but stores none and asks
 * nothing of members it does not know.
 */
#include "ticket_rules.h"

#include "msp/timestamp.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const char *const statuses[] = {"new", "open", "pending", "resolved", "closed", NULL};
static const char *const priorities[] = {"critical", "high", "medium", "low", "none", NULL};

#define AT(member) offsetof(struct msp_ticket, member)
#define TEXT(member)                                                                               \
    {                                                                                              \
        .name = #member, .offset = AT(member), .max_characters = 400                               \
    }

const struct msp_text_rule msp_text_rules[MSP_TEXT_RULES] = {
    {.name = "external_id", .offset = AT(external_id), .max_characters = 128, .required = true},
    {.name = "title", .offset = AT(title), .max_characters = 4000},
    {.name = "status",
     .offset = AT(status),
     .max_characters = 400,
     .words = statuses,
     .words_listing = "new, open, pending, resolved or closed"},
    TEXT(source_status),
    {.name = "priority",
     .offset = AT(priority),
     .max_characters = 400,
     .words = priorities,
     .words_listing = "critical, high, medium, low or none"},
    TEXT(category),
    TEXT(assignee),
    TEXT(requester),
    TEXT(group),
    TEXT(channel),
};

const struct msp_time_rule msp_time_rules[MSP_TIME_RULES] = {
    {"created_at", AT(created_us), true},
    {"updated_at", AT(updated_us), true},
    {"first_response_at", AT(first_response_us), false},
    {"resolved_at", AT(resolved_us), false},
    {"closed_at", AT(closed_us), false},
    {"due_at", AT(due_us), false},
};

const struct msp_count_rule msp_count_rules[MSP_COUNT_RULES] = {
    {"reopen_count", AT(reopen_count), 0, INT32_MAX},
    {"reassignment_count", AT(reassignment_count), 0, INT32_MAX},
    {"csat", AT(csat), 1, 5},
};

/* A member at its place, as the tables name it. */
static const void *member_of(const struct msp_ticket *ticket, size_t offset)
{
    return (const char *)ticket + offset;
}

void msp_ticket_set(struct msp_ticket *ticket, size_t offset, const void *value, size_t size)
{
    memcpy((char *)ticket + offset, value, size);
}

static const char *text_of(const struct msp_ticket *ticket, size_t offset)
{
    const char *text;
    memcpy((void *)&text, member_of(ticket, offset), sizeof text);
    return text;
}

/* "ticket_<member>_<fault>", "/<member>" and a sentence that begins with the member's name. */
static enum msp_result refuse(struct msp_error *error, const char *member, const char *fault,
                              const char *sentence)
{
    char code[sizeof((struct msp_error *)0)->code];
    char pointer[64];
    (void)snprintf(code, sizeof code, "ticket_%s_%s", member, fault);
    (void)snprintf(pointer, sizeof pointer, "/%s", member);
    return msp_fail_at(error, MSP_INVALID, code, pointer, "The ticket's %s %s", member, sentence);
}

static enum msp_result no_memory(struct msp_error *error)
{
    return msp_fail(error, MSP_NO_MEMORY, "out_of_memory",
                    "There was no memory to read a ticket. Try again shortly.");
}

static bool is_given(const json_t *value)
{
    return value && !json_is_null(value);
}

/* Code points; jansson lets only valid UTF-8 in, where each has one byte that continues nothing. */
static size_t count_characters(const char *text, size_t length)
{
    size_t characters = 0;
    for (size_t i = 0; i < length; i++)
        characters += ((unsigned char)text[i] & 0xC0) != 0x80;
    return characters;
}

/* Below U+0020 (but for TAB, LF and CR), DEL, and U+0080 to U+009F, which UTF-8 writes C2 80 to C2
 * 9F. */
static bool has_control_character(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)text[i];
        if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F)
            return true;
        if (byte == 0xC2 && i + 1 < length && (unsigned char)text[i + 1] < 0xA0)
            return true;
    }
    return false;
}

static enum msp_result check_text(const struct msp_text_rule *rule, const char *text, size_t length,
                                  struct msp_error *error)
{
    if (memchr(text, '\0', length) || (rule->required && has_control_character(text, length)))
        return refuse(error, rule->name, "control_character",
                      "holds a control character. Remove it at the source.");
    if (rule->required && length == 0)
        return refuse(error, rule->name, "empty", "is empty. Give the source's own number of it.");
    /* No text has more characters than bytes. */
    if (length > rule->max_characters && count_characters(text, length) > rule->max_characters) {
        char sentence[96];
        (void)snprintf(sentence, sizeof sentence,
                       "has more than %zu characters. Shorten it at the source.",
                       rule->max_characters);
        return refuse(error, rule->name, "too_long", sentence);
    }
    return MSP_OK;
}

const char *msp_find_word(const char *const words[], const char *text)
{
    for (size_t i = 0; words[i]; i++)
        if (strcmp(words[i], text) == 0)
            return words[i];
    return NULL;
}

static enum msp_result read_word(const struct msp_text_rule *rule, const char *text,
                                 struct msp_ticket *out, struct msp_error *error)
{
    const char *word = msp_find_word(rule->words, text);
    if (!word) {
        char sentence[96];
        (void)snprintf(sentence, sizeof sentence, "is a word not known here. Use %s.",
                       rule->words_listing);
        return refuse(error, rule->name, "unknown", sentence);
    }
    msp_ticket_set(out, rule->offset, (const void *)&word, sizeof word);
    return MSP_OK;
}

static enum msp_result read_text(const struct msp_text_rule *rule, const json_t *value,
                                 struct msp_arena *arena, struct msp_ticket *out,
                                 struct msp_error *error)
{
    if (!is_given(value))
        return rule->required
                   ? refuse(error, rule->name, "missing", "is missing. Every ticket needs it.")
                   : MSP_OK;
    if (!json_is_string(value))
        return refuse(error, rule->name, "not_text", "is not a text. Send it as a JSON string.");

    const char *text = json_string_value(value);
    size_t length = json_string_length(value);
    enum msp_result result = check_text(rule, text, length, error);
    if (result != MSP_OK)
        return result;
    if (rule->words)
        return read_word(rule, text, out, error);

    const char *copy = msp_arena_copy(arena, text, length);
    if (!copy)
        return no_memory(error);
    msp_ticket_set(out, rule->offset, (const void *)&copy, sizeof copy);
    return MSP_OK;
}

static enum msp_result read_time(const struct msp_time_rule *rule, const json_t *value,
                                 struct msp_ticket *out, struct msp_error *error)
{
    if (!is_given(value))
        return rule->required
                   ? refuse(error, rule->name, "missing", "is missing. Every ticket needs it.")
                   : MSP_OK;
    if (!json_is_string(value))
        return refuse(error, rule->name, "not_text",
                      "is not a text. Send an RFC 3339 time such as \"2026-01-31T09:30:00Z\".");

    int64_t unix_us;
    if (!msp_timestamp_parse(json_string_value(value), json_string_length(value), &unix_us))
        return refuse(error, rule->name, "not_time",
                      "is not a time of the years 1900 to 2261 with an offset. Send RFC 3339, such "
                      "as \"2026-01-31T09:30:00Z\".");
    msp_ticket_set(out, rule->offset, &unix_us, sizeof unix_us);
    return MSP_OK;
}

/* A whole number, also when it is written as 3.0 or 3e0: JSON does not tell them apart. */
static bool read_whole(const json_t *value, int64_t *out_number)
{
    if (json_is_integer(value)) {
        *out_number = json_integer_value(value);
        return true;
    }
    double number = json_real_value(value);
    /* Up to 2^53 a double tells every whole number from its neighbours. */
    if (fabs(number) > 9007199254740992.0 || number != trunc(number))
        return false;
    *out_number = (int64_t)number;
    return true;
}

static enum msp_result read_count(const struct msp_count_rule *rule, const json_t *value,
                                  struct msp_ticket *out, struct msp_error *error)
{
    int64_t number;
    if (!is_given(value))
        return MSP_OK;
    if (!json_is_number(value))
        return refuse(error, rule->name, "not_number",
                      "is not a number. Send a JSON number without quotes.");
    if (!read_whole(value, &number) || number < rule->least || number > rule->most) {
        char sentence[96];
        (void)snprintf(sentence, sizeof sentence, "must be a whole number from %d to %d.",
                       (int)rule->least, (int)rule->most);
        return refuse(error, rule->name, "out_of_range", sentence);
    }
    int32_t count = (int32_t)number;
    msp_ticket_set(out, rule->offset, &count, sizeof count);
    return MSP_OK;
}

static enum msp_result read_verdict(const json_t *value, struct msp_ticket *out,
                                    struct msp_error *error)
{
    if (!is_given(value))
        return MSP_OK;
    if (!json_is_boolean(value))
        return refuse(error, "sla_met", "not_boolean", "must be true, false or null.");
    out->sla_met = json_is_true(value) ? MSP_VERDICT_MET : MSP_VERDICT_MISSED;
    return MSP_OK;
}

static enum msp_result read_version(const json_t *value, struct msp_ticket *out,
                                    struct msp_error *error)
{
    int64_t number;
    if (!is_given(value))
        return MSP_OK;
    if (!json_is_number(value))
        return refuse(error, "version", "not_number",
                      "is not a number. Send a JSON number without quotes.");
    if (!read_whole(value, &number) || number < 0)
        return refuse(error, "version", "out_of_range", "must be a whole number of 0 or more.");
    out->version = number;
    return MSP_OK;
}

void msp_ticket_clear(struct msp_ticket *out)
{
    *out = (struct msp_ticket){
        .created_us = MSP_NO_TIME,
        .updated_us = MSP_NO_TIME,
        .first_response_us = MSP_NO_TIME,
        .resolved_us = MSP_NO_TIME,
        .closed_us = MSP_NO_TIME,
        .due_us = MSP_NO_TIME,
        .sla_met = MSP_VERDICT_UNKNOWN,
        .reopen_count = MSP_NO_COUNT,
        .reassignment_count = MSP_NO_COUNT,
        .csat = MSP_NO_COUNT,
        .version = MSP_NO_VERSION,
    };
}

enum msp_result msp_ticket_from_json(const json_t *object, struct msp_arena *arena,
                                     struct msp_ticket *out, struct msp_error *error)
{
    enum msp_result result = MSP_OK;
    msp_ticket_clear(out);
    if (!json_is_object(object))
        return msp_fail(error, MSP_INVALID, "ticket_not_object",
                        "A ticket is not a JSON object. Send each ticket in braces.");

    for (size_t i = 0; result == MSP_OK && i < MSP_TEXT_RULES; i++)
        result = read_text(&msp_text_rules[i], json_object_get(object, msp_text_rules[i].name),
                           arena, out, error);
    for (size_t i = 0; result == MSP_OK && i < MSP_TIME_RULES; i++)
        result = read_time(&msp_time_rules[i], json_object_get(object, msp_time_rules[i].name), out,
                           error);
    for (size_t i = 0; result == MSP_OK && i < MSP_COUNT_RULES; i++)
        result = read_count(&msp_count_rules[i], json_object_get(object, msp_count_rules[i].name),
                            out, error);
    if (result == MSP_OK)
        result = read_verdict(json_object_get(object, "sla_met"), out, error);
    if (result == MSP_OK)
        result = read_version(json_object_get(object, "version"), out, error);
    return result;
}

enum msp_result msp_ticket_keep(struct msp_ticket *ticket, struct msp_arena *arena,
                                struct msp_error *error)
{
    for (size_t i = 0; i < MSP_TEXT_RULES; i++) {
        const char *text = text_of(ticket, msp_text_rules[i].offset);
        if (!text || msp_text_rules[i].words)
            continue; /* a word is the table's own */
        const char *copy = msp_arena_copy(arena, text, strlen(text));
        if (!copy)
            return no_memory(error);
        msp_ticket_set(ticket, msp_text_rules[i].offset, (const void *)&copy, sizeof copy);
    }
    return MSP_OK;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool msp_ticket_same(const struct msp_ticket *a, const struct msp_ticket *b)
{
    for (size_t i = 0; i < MSP_TIME_RULES; i++) {
        size_t offset = msp_time_rules[i].offset;
        if (memcmp(member_of(a, offset), member_of(b, offset), sizeof(int64_t)) != 0)
            return false;
    }
    for (size_t i = 0; i < MSP_COUNT_RULES; i++) {
        size_t offset = msp_count_rules[i].offset;
        if (memcmp(member_of(a, offset), member_of(b, offset), sizeof(int32_t)) != 0)
            return false;
    }
    if (a->sla_met != b->sla_met || a->version != b->version)
        return false;
    for (size_t i = 0; i < MSP_TEXT_RULES; i++) {
        size_t offset = msp_text_rules[i].offset;
        if (!same_text(text_of(a, offset), text_of(b, offset)))
            return false;
    }
    return true;
}

static int compare(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

int msp_ticket_compare_age(const struct msp_ticket *a, const struct msp_ticket *b)
{
    int by_update = compare(a->updated_us, b->updated_us);
    return by_update ? by_update : compare(a->version, b->version);
}
