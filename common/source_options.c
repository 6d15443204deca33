/* Checks what a person gave for a source against the rows of its kind, and parts off the secrets.
 */
#include "msp/egress_allow.h"
#include "msp/json_reader.h"
#include "msp/source_kinds.h"
#include "ticket_rules.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define TEXT_CHARACTERS 400
#define WORDS_MAX       500
#define NUMBER_MAX      1000000000
#define OPTIONS_MAX     64

/* Words that must be ours: the option and the ticket's member it leads to. */
static const struct {
    const char *option, *member;
} word_options[] = {{"status_map", "status"}, {"priority_map", "priority"}};

static const struct msp_source_option *find_in(const struct msp_source_option *options,
                                               const char *name)
{
    for (; options->name != NULL; options++) {
        if (strcmp(options->name, name) == 0) {
            return options;
        }
    }
    return NULL;
}

/* The mock source reads files and takes nothing of what the others take. */
static const struct msp_source_option *common_options(const struct msp_source_kind *kind)
{
    return kind->options[0].name != NULL ? msp_source_common_options : kind->options;
}

static enum msp_result refuse(const struct msp_source_option *option, const char *sentence,
                              struct msp_error *error)
{
    char pointer[64];
    (void)snprintf(pointer, sizeof pointer, "/%s", option->name);
    return msp_fail_at(error, MSP_INVALID, "source_option_wrong", pointer,
                       "The option \"%s\" %s It is: %s.", option->name, sentence, option->help);
}

static bool has_control_character(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) {
            return true;
        }
    }
    return false;
}

/* jansson lets only valid UTF-8 in, where each character has one byte that continues nothing. */
static size_t count_characters(const char *text)
{
    size_t characters = 0;
    for (; *text != '\0'; text++) {
        characters += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return characters;
}

static enum msp_result check_text(const struct msp_source_option *option, const json_t *value,
                                  struct msp_error *error)
{
    const char *text = json_string_value(value);
    if (text == NULL) {
        return refuse(option, "must be a text.", error);
    }
    if (text[0] == '\0' || count_characters(text) > TEXT_CHARACTERS) {
        return refuse(option, "must have 1 to 400 characters.", error);
    }
    return has_control_character(text)
               ? refuse(option, "holds a control character, such as a line's end.", error)
               : MSP_OK;
}

static enum msp_result check_url(const struct msp_source_option *option, const json_t *value,
                                 struct msp_error *error)
{
    struct msp_egress_url url;
    struct msp_error fault;
    enum msp_result result = check_text(option, value, error);
    if (result != MSP_OK) {
        return result;
    }
    if (msp_egress_url_parse(json_string_value(value), &url, &fault) != MSP_OK) {
        return refuse(option, fault.detail, error);
    }
    return strchr(url.rest, '?') != NULL ? refuse(option, "must have no query (\"?\").", error)
                                         : MSP_OK;
}

static enum msp_result check_number(const struct msp_source_option *option, const json_t *value,
                                    struct msp_error *error)
{
    json_int_t number = json_integer_value(value);
    bool fits = json_is_integer(value) && number >= 0 && number <= NUMBER_MAX;
    return fits ? MSP_OK
                : refuse(option, "must be a whole number from 0 to 1000000000, without quotes.",
                         error);
}

static const struct msp_text_rule *rule_of(const struct msp_source_option *option)
{
    for (size_t i = 0; i < sizeof word_options / sizeof word_options[0]; i++) {
        for (size_t j = 0; strcmp(word_options[i].option, option->name) == 0 && j < MSP_TEXT_RULES;
             j++) {
            if (strcmp(msp_text_rules[j].name, word_options[i].member) == 0) {
                return &msp_text_rules[j];
            }
        }
    }
    return NULL;
}

static enum msp_result check_words(const struct msp_source_option *option, const json_t *value,
                                   struct msp_error *error)
{
    const struct msp_text_rule *rule = rule_of(option);
    json_t *words = (json_t *)(uintptr_t)value; /* only read by jansson's iterators */
    const char *name;
    json_t *word;
    bool fits = json_is_object(words) && json_object_size(words) <= WORDS_MAX;
    json_object_foreach(words, name, word)
    {
        const char *text = json_string_value(word);
        fits = fits && text != NULL && count_characters(name) <= TEXT_CHARACTERS &&
               (rule == NULL || msp_find_word(rule->words, text) != NULL);
    }
    if (fits) {
        return MSP_OK;
    }
    char sentence[160];
    (void)snprintf(sentence, sizeof sentence,
                   "must be an object of at most %d texts%s%s, like {\"theirs\": \"ours\"}.",
                   WORDS_MAX, rule != NULL ? ", each " : "",
                   rule != NULL ? rule->words_listing : "");
    return refuse(option, sentence, error);
}

static enum msp_result check_object(const struct msp_source_option *option, const json_t *value,
                                    struct msp_error *error)
{
    return json_is_object(value) ? MSP_OK : refuse(option, "must be an object.", error);
}

static enum msp_result check_value(const struct msp_source_option *option, const json_t *value,
                                   struct msp_error *error)
{
    static enum msp_result (*const checks[])(const struct msp_source_option *, const json_t *,
                                             struct msp_error *) = {
        [MSP_SOURCE_TEXT] = check_text,     [MSP_SOURCE_URL] = check_url,
        [MSP_SOURCE_NUMBER] = check_number, [MSP_SOURCE_WORDS] = check_words,
        [MSP_SOURCE_OBJECT] = check_object,
    };
    return checks[option->type](option, value, error);
}

/* ---- the whole ---- */

struct parting {
    const struct msp_source_kind *kind;
    json_t *settings, *secrets;
};

static size_t add_names(const struct msp_source_option *options, const char **names, size_t count)
{
    for (; options->name != NULL && count < OPTIONS_MAX; options++) {
        names[count++] = options->name;
    }
    return count;
}

static enum msp_result refuse_strangers(const struct msp_source_kind *kind, const json_t *given,
                                        struct msp_error *error)
{
    const char *names[OPTIONS_MAX + 1] = {NULL};
    size_t count = add_names(kind->options, names, 0);
    (void)add_names(common_options(kind), names, count);
    return msp_json_only_members(given, names, error);
}

static enum msp_result part_member(struct parting *parting, const char *name, json_t *value,
                                   struct msp_error *error)
{
    const struct msp_source_option *own = find_in(parting->kind->options, name);
    const struct msp_source_option *option =
        own != NULL ? own : find_in(common_options(parting->kind), name);
    if (option == NULL || json_is_null(value)) {
        return MSP_OK; /* strangers were refused before */
    }
    enum msp_result result = check_value(option, value, error);
    if (result != MSP_OK) {
        return result;
    }
    json_t *target = option->is_secret ? parting->secrets : parting->settings;
    return json_object_set(target, name, value) == 0
               ? MSP_OK
               : msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a source's options.");
}

static enum msp_result check_required(const struct parting *parting, struct msp_error *error)
{
    for (const struct msp_source_option *option = parting->kind->options; option->name != NULL;
         option++) {
        const json_t *target = option->is_secret ? parting->secrets : parting->settings;
        if (option->is_required && json_object_get(target, option->name) == NULL) {
            return refuse(option, "is missing.", error);
        }
    }
    return MSP_OK;
}

static enum msp_result part(struct parting *parting, json_t *given, struct msp_error *error)
{
    const char *name;
    json_t *value;
    enum msp_result result = MSP_OK;
    json_object_foreach(given, name, value)
    {
        if (result == MSP_OK) {
            result = part_member(parting, name, value, error);
        }
    }
    return result == MSP_OK ? check_required(parting, error) : result;
}

enum msp_result msp_source_kind_check(const struct msp_source_kind *kind, const json_t *given,
                                      json_t **out_settings, json_t **out_secrets,
                                      struct msp_error *error)
{
    enum msp_result result = refuse_strangers(kind, given, error);
    if (result != MSP_OK) {
        return result;
    }
    /* What is kept must not change with what was given. */
    json_t *copy = json_deep_copy(given);
    struct parting parting = {kind, json_object(), json_object()};
    result = copy != NULL && parting.settings != NULL && parting.secrets != NULL
                 ? part(&parting, copy, error)
                 : msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a source's options.");
    json_decref(copy);
    if (result != MSP_OK) {
        json_decref(parting.settings);
        json_decref(parting.secrets);
        return result;
    }
    *out_settings = parting.settings;
    *out_secrets = parting.secrets;
    return MSP_OK;
}
