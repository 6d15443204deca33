/* Walks the lines of a language and fills in the facts. It chooses among sentences by the facts
 * alone and makes up none. */
#include "template_writer.h"

#include "number_format.h"
#include "template_lines.h"

#include "msp/buffer.h"
#include "msp/no_value.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define LINE_BYTES        4096
#define FACTS_A_SENTENCE  8
#define MEMBERS_A_SUMMARY 3
#define MOST_SENTENCES    64
#define NAME_BYTES        120 /* of a tenant or member: what a reader takes in */

struct writer {
    const struct msp_facts *facts;
    enum msp_language language;
    const struct msp_template_words *words;
    struct msp_arena *arena;
    struct msp_summary_sentence *sentences;
    size_t count;
    size_t paragraph;
    bool failed; /* memory ran short */
};

/* What stands behind the braces of one line. */
struct filling {
    const char *name; /* "c" */
    const struct msp_fact *fact;
    const char *text; /* instead of a fact */
};

static const struct filling *find(const struct filling *fillings, const char *name, size_t length)
{
    for (; fillings->name != NULL; fillings++) {
        if (strlen(fillings->name) == length && memcmp(fillings->name, name, length) == 0)
            return fillings;
    }
    return NULL;
}

static unsigned digits_of(const struct msp_fact *fact)
{
    return fact->kind == MSP_FACT_COUNT ? 0 : 1;
}

/* "{c?one|more}" from behind the question mark. */
static void choose(struct msp_buffer *out, const struct msp_fact *fact, const char *words,
                   const char *end, enum msp_language language)
{
    const char *bar = memchr(words, '|', (size_t)(end - words));
    unsigned digits = digits_of(fact);
    if (bar == NULL)
        return;
    if (msp_number_is_one(msp_number_round(fact->value, digits), digits, language))
        msp_buffer_append(out, words, (size_t)(bar - words));
    else
        msp_buffer_append(out, bar + 1, (size_t)(end - bar - 1));
}

static void fill_one(struct msp_buffer *out, const char *inside, const char *end,
                     const struct filling *fillings, enum msp_language language)
{
    const char *question = memchr(inside, '?', (size_t)(end - inside));
    const char *name_end = question == NULL ? end : question;
    const struct filling *filling = find(fillings, inside, (size_t)(name_end - inside));
    char written[MSP_NUMBER_TEXT_BYTES];

    if (filling == NULL)
        return;
    if (filling->fact == NULL) {
        msp_buffer_append_text(out, filling->text);
    } else if (question != NULL) {
        choose(out, filling->fact, question + 1, end, language);
    } else {
        msp_fact_format(filling->fact, language, written);
        msp_buffer_append_text(out, written);
    }
}

static char *fill(struct writer *writer, const char *line, const struct filling *fillings)
{
    struct msp_buffer out;
    char *text = NULL;
    msp_buffer_init(&out, LINE_BYTES);
    while (*line != '\0') {
        const char *open = strchr(line, '{');
        const char *close = open == NULL ? NULL : strchr(open, '}');
        if (close == NULL) {
            msp_buffer_append_text(&out, line);
            break;
        }
        msp_buffer_append(&out, line, (size_t)(open - line));
        fill_one(&out, open + 1, close, fillings, writer->language);
        line = close + 1;
    }
    if (!out.failed)
        text = msp_arena_copy(writer->arena, out.data, out.length);
    msp_buffer_done(&out);
    return text;
}

/* A sentence stands on every fact of its fillings that its line speaks of, and on `beside`. */
static void say(struct writer *writer, const char *line, const struct filling *fillings,
                const struct msp_fact *beside)
{
    struct msp_summary_sentence *sentence = &writer->sentences[writer->count];
    const struct msp_fact **facts =
        msp_arena_calloc(writer->arena, FACTS_A_SENTENCE, sizeof(const struct msp_fact *));
    size_t count = 0;
    char brace[16];

    if (line == NULL || writer->count == MOST_SENTENCES)
        return;
    sentence->text = fill(writer, line, fillings);
    if (sentence->text == NULL || facts == NULL) {
        writer->failed = true;
        return;
    }
    for (; fillings->name != NULL && count < FACTS_A_SENTENCE - 1; fillings++) {
        snprintf(brace, sizeof brace, "{%s}", fillings->name);
        if (fillings->fact != NULL && strstr(line, brace) != NULL)
            facts[count++] = fillings->fact;
    }
    if (beside != NULL)
        facts[count++] = beside;
    sentence->facts = facts;
    sentence->fact_count = count;
    sentence->paragraph = writer->paragraph;
    writer->count++;
}

static const struct msp_fact *total(const struct writer *writer, const char *metric,
                                    enum msp_fact_period period)
{
    return msp_facts_total(writer->facts, metric, period);
}

/* Names come from outside: one line, of a length that a sentence bears. */
static const char *tidy(struct writer *writer, const char *name)
{
    size_t length = strlen(name);
    char *copy;
    if (length > NAME_BYTES)
        length = NAME_BYTES;
    while (length > 0 && length < strlen(name) && ((unsigned char)name[length] & 0xc0) == 0x80)
        length--;
    copy = msp_arena_copy(writer->arena, name, length);
    if (copy == NULL) {
        writer->failed = true;
        return "";
    }
    for (char *c = copy; *c != '\0'; c++) {
        if (iscntrl((unsigned char)*c))
            *c = ' ';
    }
    return copy;
}

static void say_opening(struct writer *writer)
{
    const struct filling now[] = {{"t", NULL, tidy(writer, writer->facts->tenant_name)},
                                  {"from", total(writer, "period_from", MSP_FACT_CURRENT), NULL},
                                  {"to", total(writer, "period_to", MSP_FACT_CURRENT), NULL},
                                  {NULL, NULL, NULL}};
    const struct filling before[] = {
        {"from", total(writer, "period_from", MSP_FACT_PREVIOUS), NULL},
        {"to", total(writer, "period_to", MSP_FACT_PREVIOUS), NULL},
        {NULL, NULL, NULL}};
    say(writer, writer->words->opening, now, NULL);
    if (writer->facts->previous_from != MSP_NO_DAY)
        say(writer, writer->words->compared, before, NULL);
}

static void say_incomplete(struct writer *writer)
{
    const struct msp_fact *days = total(writer, "incomplete_days", MSP_FACT_CURRENT);
    const struct msp_fact *through = total(writer, "complete_through", MSP_FACT_CURRENT);
    const struct msp_fact *all = total(writer, "period_days", MSP_FACT_CURRENT);
    const struct filling fillings[] = {
        {"c", days, NULL}, {"n", all, NULL}, {"through", through, NULL}, {NULL, NULL, NULL}};
    if (msp_facts_complete(writer->facts))
        return;
    if (days->value < all->value)
        say(writer, writer->words->incomplete, fillings, NULL);
    else
        say(writer, writer->words->incomplete_all, fillings, days);
}

static const char *line_for(const struct writer *writer, const struct msp_template_metric *metric,
                            const struct msp_fact *now, const struct msp_fact *before,
                            const struct msp_fact *change)
{
    char written_now[MSP_NUMBER_TEXT_BYTES];
    char written_before[MSP_NUMBER_TEXT_BYTES];
    if (!now->known)
        return metric->unknown;
    if (!before->known || !change->known)
        return metric->alone;
    msp_fact_format(now, writer->language, written_now);
    msp_fact_format(before, writer->language, written_before);
    if (strcmp(written_now, written_before) == 0)
        return metric->same;
    return change->value > 0 ? metric->up : metric->down;
}

static void say_metric(struct writer *writer, const struct msp_template_metric *metric)
{
    const struct msp_fact *now = total(writer, metric->metric, MSP_FACT_CURRENT);
    const struct msp_fact *before = total(writer, metric->metric, MSP_FACT_PREVIOUS);
    const struct msp_fact *change = total(writer, metric->metric, MSP_FACT_CHANGE);
    const struct msp_fact *relative = msp_facts_find(writer->facts, metric->metric, "all", NULL,
                                                     MSP_FACT_CHANGE, MSP_FACT_PERCENT);
    const char *line = line_for(writer, metric, now, before, change);
    const struct filling fillings[] = {
        {"c", now, NULL},
        {"p", before, NULL},
        {"d", change, NULL},
        {"r", relative != NULL && relative->known ? relative : change, NULL},
        {NULL, NULL, NULL}};
    const struct msp_fact *beside = NULL;
    if (line == metric->unknown)
        beside = now;
    else if (line == metric->same)
        beside = before;
    say(writer, line, fillings, beside);
}

static bool anything_known(const struct writer *writer)
{
    for (const struct msp_template_metric *metric = writer->words->metrics; metric->metric != NULL;
         metric++) {
        if (total(writer, metric->metric, MSP_FACT_CURRENT)->known)
            return true;
    }
    return false;
}

static void say_metrics(struct writer *writer)
{
    const struct filling none[] = {{NULL, NULL, NULL}};
    if (!anything_known(writer)) {
        writer->paragraph = 1;
        say(writer, writer->words->nothing, none,
            total(writer, "tickets_created", MSP_FACT_CURRENT));
        return;
    }
    for (const struct msp_template_metric *metric = writer->words->metrics; metric->metric != NULL;
         metric++) {
        writer->paragraph = metric->paragraph;
        say_metric(writer, metric);
    }
}

static const char *member_name(struct writer *writer, const struct msp_fact *fact)
{
    const struct msp_template_words *words = writer->words;
    for (size_t i = 0; i < sizeof words->priorities / sizeof words->priorities[0]; i++) {
        if (strcmp(fact->dimension, "priority") == 0 &&
            strcmp(fact->member, words->priorities[i][0]) == 0)
            return words->priorities[i][1];
    }
    return tidy(writer, fact->member);
}

static void say_member(struct writer *writer, const struct msp_template_dimension *dimension,
                       const struct msp_fact *created)
{
    const struct msp_fact *share =
        msp_facts_find(writer->facts, "tickets_created_share", created->dimension, created->member,
                       MSP_FACT_CURRENT, MSP_FACT_RATIO);
    const struct filling fillings[] = {{"m", NULL, member_name(writer, created)},
                                       {"c", created, NULL},
                                       {"s", share, NULL},
                                       {NULL, NULL, NULL}};
    if (share != NULL && share->known)
        say(writer, created->member[0] == '\0' ? dimension->unnamed : dimension->named, fillings,
            NULL);
}

static void say_members(struct writer *writer)
{
    for (const struct msp_template_dimension *dimension = writer->words->dimensions;
         dimension->dimension != NULL; dimension++) {
        size_t said = 0;
        writer->paragraph++;
        for (size_t i = 0; i < writer->facts->count && said < MEMBERS_A_SUMMARY; i++) {
            const struct msp_fact *fact = &writer->facts->list[i];
            if (fact->member == NULL || fact->period != MSP_FACT_CURRENT || !fact->known ||
                fact->value == 0 || strcmp(fact->metric, "tickets_created") != 0 ||
                strcmp(fact->dimension, dimension->dimension) != 0)
                continue;
            say_member(writer, dimension, fact);
            said++;
        }
    }
}

enum msp_result msp_template_write(const struct msp_facts *facts, enum msp_language language,
                                   struct msp_arena *arena, struct msp_summary_text *out,
                                   struct msp_error *error)
{
    struct writer writer = {.facts = facts,
                            .language = language,
                            .words = language == MSP_FRENCH ? &msp_template_french
                                                            : &msp_template_english,
                            .arena = arena};
    struct msp_summary_text text;
    enum msp_result result;

    writer.sentences = msp_arena_calloc(arena, MOST_SENTENCES, sizeof *writer.sentences);
    if (writer.sentences == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "Memory is short; try again.");
    say_opening(&writer);
    say_incomplete(&writer);
    say_metrics(&writer);
    say_members(&writer);
    if (writer.failed)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "Memory is short; try again.");

    text = (struct msp_summary_text){.sentences = writer.sentences, .sentence_count = writer.count};
    result = msp_summary_text_join(&text, arena, error);
    if (result == MSP_OK)
        *out = text;
    return result;
}
