/*
 * Tickets line by line. Nearly every line is a flat object of plain strings, whole numbers and
 * literals, and building jansson's tree for it took most of an ingest's time. Such lines are read
 * here in one pass; at the first doubt (an escape, a nested value, a doubled name, anything that is
 * wrong) the pass gives up and jansson, which alone decides what is refused and why, reads the
 * line.
 */
#include "ticket_line.h"

#include "msp/json_reader.h"
#include "msp/timestamp.h"
#include "msp/utf8.h"
#include "ticket_rules.h"

#include <string.h>

/* A ticket has some 20 members; the rest is room for members of the source that we ignore. */
static const struct msp_json_limits line_limits = {
    .max_bytes = 256 * 1024, .max_depth = 8, .max_elements = 20000};

/* Members we don't know are ignored, but a doubled one must be noticed. */
#define MAX_STRANGERS 8

enum value_kind { VALUE_TEXT, VALUE_WHOLE, VALUE_TRUE, VALUE_FALSE, VALUE_NULL };

struct value {
    enum value_kind kind;
    char *text; /* NUL-terminated in the copy of the line */
    size_t length;
    int64_t whole;
};

struct name {
    const char *text;
    size_t length;
};

struct pass {
    char *at;
    const char *end;
    struct msp_ticket *ticket;
    uint32_t seen; /* a bit a known member */
    struct name strangers[MAX_STRANGERS];
    size_t stranger_count;
};

static void skip_space(struct pass *pass)
{
    while (pass->at < pass->end && (*pass->at == ' ' || *pass->at == '\t' || *pass->at == '\r'))
        pass->at++;
}

static bool take(struct pass *pass, char expected)
{
    skip_space(pass);
    if (pass->at == pass->end || *pass->at != expected)
        return false;
    pass->at++;
    return true;
}

/* A string without escapes; its closing quote becomes its NUL. */
static bool read_string(struct pass *pass, char **out, size_t *out_length)
{
    if (!take(pass, '"'))
        return false;
    char *start = pass->at;
    while (pass->at < pass->end && *pass->at != '"') {
        unsigned char byte = (unsigned char)*pass->at;
        if (byte < 0x20 || byte == '\\')
            return false;
        size_t bytes =
            byte < 0x80 ? 1 : msp_utf8_character_bytes(pass->at, (size_t)(pass->end - pass->at));
        if (bytes == 0)
            return false;
        pass->at += bytes;
    }
    if (pass->at == pass->end)
        return false;
    *out = start;
    *out_length = (size_t)(pass->at - start);
    *pass->at++ = '\0';
    return true;
}

/* Digits without a sign, a fraction or an exponent, few enough for 64 bits. */
static bool read_whole(struct pass *pass, int64_t *out)
{
    const char *start = pass->at;
    int64_t number = 0;
    while (pass->at < pass->end && *pass->at >= '0' && *pass->at <= '9' && pass->at - start < 18)
        number = number * 10 + (*pass->at++ - '0');
    size_t digits = (size_t)(pass->at - start);
    if (digits == 0 || (digits > 1 && *start == '0') || pass->at == pass->end)
        return false;
    *out = number;
    return *pass->at == ',' || *pass->at == '}' || *pass->at == ' ';
}

static bool read_literal(struct pass *pass, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(pass->end - pass->at) < length || memcmp(pass->at, word, length) != 0)
        return false;
    pass->at += length;
    return true;
}

static bool read_value(struct pass *pass, struct value *out)
{
    skip_space(pass);
    if (pass->at == pass->end)
        return false;
    switch (*pass->at) {
    case '"':
        out->kind = VALUE_TEXT;
        return read_string(pass, &out->text, &out->length);
    case 't':
        out->kind = VALUE_TRUE;
        return read_literal(pass, "true");
    case 'f':
        out->kind = VALUE_FALSE;
        return read_literal(pass, "false");
    case 'n':
        out->kind = VALUE_NULL;
        return read_literal(pass, "null");
    default:
        out->kind = VALUE_WHOLE;
        return read_whole(pass, &out->whole);
    }
}

static bool names_match(const char *known, const struct name *name)
{
    return strncmp(known, name->text, name->length) == 0 && known[name->length] == '\0';
}

static bool is_plain_id(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7E)
            return false;
    return true;
}

static bool set_text(struct pass *pass, const struct msp_text_rule *rule, const struct value *value)
{
    /* No text has more characters than bytes. */
    if (value->kind != VALUE_TEXT || value->length > rule->max_characters ||
        (rule->required && (value->length == 0 || !is_plain_id(value->text))))
        return false;
    const char *text = value->text;
    if (rule->words != NULL)
        text = msp_find_word(rule->words, text);
    msp_ticket_set(pass->ticket, rule->offset, (const void *)&text, sizeof text);
    return text != NULL;
}

static bool set_time(struct pass *pass, const struct msp_time_rule *rule, const struct value *value)
{
    int64_t unix_us;
    if (value->kind != VALUE_TEXT || !msp_timestamp_parse(value->text, value->length, &unix_us))
        return false;
    msp_ticket_set(pass->ticket, rule->offset, &unix_us, sizeof unix_us);
    return true;
}

static bool set_count(struct pass *pass, const struct msp_count_rule *rule,
                      const struct value *value)
{
    if (value->kind != VALUE_WHOLE || value->whole < rule->least || value->whole > rule->most)
        return false;
    int32_t count = (int32_t)value->whole;
    msp_ticket_set(pass->ticket, rule->offset, &count, sizeof count);
    return true;
}

/* The bits of `seen` are the places in the tables, one table behind the other. */
#define TIME_BIT    MSP_TEXT_RULES
#define COUNT_BIT   (TIME_BIT + MSP_TIME_RULES)
#define VERDICT_BIT (COUNT_BIT + MSP_COUNT_RULES)
#define VERSION_BIT (VERDICT_BIT + 1)
#define NO_BIT      (VERSION_BIT + 1)

static unsigned find_member(const struct name *name)
{
    for (unsigned i = 0; i < MSP_TEXT_RULES; i++)
        if (names_match(msp_text_rules[i].name, name))
            return i;
    for (unsigned i = 0; i < MSP_TIME_RULES; i++)
        if (names_match(msp_time_rules[i].name, name))
            return TIME_BIT + i;
    for (unsigned i = 0; i < MSP_COUNT_RULES; i++)
        if (names_match(msp_count_rules[i].name, name))
            return COUNT_BIT + i;
    if (names_match("sla_met", name))
        return VERDICT_BIT;
    return names_match("version", name) ? VERSION_BIT : NO_BIT;
}

static bool set_member(struct pass *pass, unsigned member, const struct value *value)
{
    if (value->kind == VALUE_NULL)
        return true;
    if (member < TIME_BIT)
        return set_text(pass, &msp_text_rules[member], value);
    if (member < COUNT_BIT)
        return set_time(pass, &msp_time_rules[member - TIME_BIT], value);
    if (member < VERDICT_BIT)
        return set_count(pass, &msp_count_rules[member - COUNT_BIT], value);
    if (member == VERDICT_BIT) {
        pass->ticket->sla_met = value->kind == VALUE_TRUE ? MSP_VERDICT_MET : MSP_VERDICT_MISSED;
        return value->kind == VALUE_TRUE || value->kind == VALUE_FALSE;
    }
    pass->ticket->version = value->whole;
    return value->kind == VALUE_WHOLE;
}

static bool note_stranger(struct pass *pass, const struct name *name)
{
    for (size_t i = 0; i < pass->stranger_count; i++)
        if (pass->strangers[i].length == name->length &&
            memcmp(pass->strangers[i].text, name->text, name->length) == 0)
            return false;
    if (pass->stranger_count == MAX_STRANGERS)
        return false;
    pass->strangers[pass->stranger_count++] = *name;
    return true;
}

static bool read_member(struct pass *pass)
{
    char *text;
    struct name name;
    struct value value = {.kind = VALUE_NULL};
    if (!read_string(pass, &text, &name.length) || !take(pass, ':') || !read_value(pass, &value))
        return false;
    name.text = text;
    unsigned member = find_member(&name);
    if (member == NO_BIT)
        return note_stranger(pass, &name);
    uint32_t bit = UINT32_C(1) << member;
    if ((pass->seen & bit) != 0)
        return false;
    pass->seen |= bit;
    return set_member(pass, member, &value);
}

static bool is_complete(const struct msp_ticket *ticket)
{
    return ticket->external_id != NULL && ticket->created_us != MSP_NO_TIME &&
           ticket->updated_us != MSP_NO_TIME;
}

bool msp_ticket_read_plainly(const char *line, size_t length, struct msp_arena *arena,
                             struct msp_ticket *out)
{
    if (length > line_limits.max_bytes)
        return false;
    char *copy = msp_arena_copy(arena, line, length);
    if (copy == NULL)
        return false;
    struct pass pass = {.at = copy, .end = copy + length, .ticket = out};
    msp_ticket_clear(out);
    bool more = take(&pass, '{');
    if (!more)
        return false;
    while (more) {
        if (!read_member(&pass))
            return false;
        more = take(&pass, ',');
    }
    if (!take(&pass, '}'))
        return false;
    skip_space(&pass);
    return pass.at == pass.end && is_complete(out);
}

enum msp_result msp_ticket_from_line(const char *line, size_t length, struct msp_arena *arena,
                                     struct msp_ticket *out, struct msp_error *error)
{
    if (msp_ticket_read_plainly(line, length, arena, out))
        return MSP_OK;
    json_t *object;
    enum msp_result result = msp_json_parse(line, length, &line_limits, &object, error);
    if (result != MSP_OK)
        return result;
    result = msp_ticket_from_json(object, arena, out, error);
    json_decref(object);
    return result;
}
