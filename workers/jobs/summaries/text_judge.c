/* Judges a sentence, segment by segment; words that no fact can back are refused here. */
#include "text_judge.h"

#include <stdio.h>
#include <string.h>

#define NEGATION_REACH 3

bool msp_within(size_t at, size_t first, size_t behind)
{
    return at >= first && at < behind;
}

bool msp_same_member(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

bool msp_segment_says(const struct msp_judge *judge, const struct msp_segment *segment,
                      enum msp_mark_kind kind)
{
    for (size_t i = 0; i < judge->parts.mark_count; i++) {
        const struct msp_mark *mark = &judge->parts.marks[i];
        if (mark->kind == kind && msp_within(mark->first, segment->first, segment->behind))
            return true;
    }
    return false;
}

const char *msp_member_of_token(const struct msp_token *token)
{
    return token->kind == MSP_TOKEN_NAME && token->name != NULL ? token->name->member : NULL;
}

const char *msp_member_of_mark(const struct msp_judge *judge, const struct msp_mark *mark)
{
    (void)judge;
    if (mark->kind == MSP_MARK_PRIORITY)
        return msp_priority_names[mark->value];
    return mark->kind == MSP_MARK_UNNAMED ? "" : NULL;
}

enum msp_result msp_judge_refuse(const struct msp_judge *judge, const char *code, size_t first,
                                 size_t behind, const char *why)
{
    const struct msp_parts *parts = &judge->parts;
    size_t last = behind > first ? behind - 1 : first;
    if (last >= parts->behind)
        last = parts->behind - 1;
    const struct msp_token *begins = &parts->tokens[parts->first];
    const struct msp_token *ends = &parts->tokens[parts->behind - 1];
    const struct msp_token *from = &parts->tokens[first];
    const struct msp_token *to = &parts->tokens[last];
    size_t sentence = (size_t)(ends->start + ends->length - begins->start);
    size_t words = (size_t)(to->start + to->length - from->start);
    return msp_fail(judge->error, MSP_INVALID, code, "“%.*s” in “%.*s%s”: %s",
                    (int)(words < 80 ? words : 80), from->start,
                    (int)(sentence < 160 ? sentence : 160), begins->start,
                    sentence < 160 ? "" : "…", why);
}

/* Segments end at citations; what follows the last one belongs to it. */
static enum msp_result split(struct msp_judge *judge)
{
    const struct msp_parts *parts = &judge->parts;
    size_t first = parts->first;
    judge->segment_count = 0;
    for (size_t at = parts->first; at < parts->behind; at++) {
        const struct msp_token *token = &parts->tokens[at];
        if (token->kind != MSP_TOKEN_CITATION)
            continue;
        bool more = at > parts->first && parts->tokens[at - 1].kind == MSP_TOKEN_CITATION;
        if (!more && judge->segment_count == MSP_SENTENCE_SEGMENTS)
            return msp_judge_refuse(judge, "text_sentence", parts->first, at,
                                    "the sentence is too long; write shorter ones.");
        struct msp_segment *segment = &judge->segments[judge->segment_count - (more ? 1 : 0)];
        if (!more) {
            *segment = (struct msp_segment){.first = first};
            judge->segment_count++;
        }
        segment->behind = first = at + 1;
        for (size_t i = 0; i < token->cited_count; i++) {
            if (segment->count == MSP_SEGMENT_FACTS)
                return msp_judge_refuse(judge, "text_citation", at, at + 1,
                                        "this claim cites too many facts.");
            segment->facts[segment->count++] = token->cited[i];
        }
    }
    if (judge->segment_count > 0)
        judge->segments[judge->segment_count - 1].behind = parts->behind;
    return MSP_OK;
}

static bool is_roman(const struct msp_token *token)
{
    static const char letters[] = {'I', 'V', 'X', 'L', 'C', 'D', 'M'};
    size_t at = 0;
    while (at < token->length && memchr(letters, token->start[at], sizeof letters) != NULL)
        at++;
    return token->length > 1 && at == token->length;
}

static bool is_covered(const struct msp_parts *parts, size_t at)
{
    for (size_t i = 0; i < parts->mark_count; i++) {
        if (msp_within(at, parts->marks[i].first, parts->marks[i].behind))
            return true;
    }
    for (size_t i = 0; i < parts->quantity_count; i++) {
        if (msp_within(at, parts->quantities[i].first, parts->quantities[i].behind))
            return true;
    }
    for (size_t i = 0; i < parts->date_count; i++) {
        if (msp_within(at, parts->dates[i].first, parts->dates[i].behind))
            return true;
    }
    return false;
}

/* Numbers in disguise, and days of the week without a day. */
static enum msp_result judge_words(const struct msp_judge *judge)
{
    const struct msp_parts *parts = &judge->parts;
    for (size_t at = parts->first; at < parts->behind; at++) {
        const struct msp_token *token = &parts->tokens[at];
        if (is_covered(parts, at) || token->kind == MSP_TOKEN_NAME ||
            token->kind == MSP_TOKEN_CITATION)
            continue;
        if (token->kind == MSP_TOKEN_NUMBER ||
            (token->kind == MSP_TOKEN_WORD && strpbrk(token->word, "0123456789") != NULL) ||
            (token->kind == MSP_TOKEN_WORD && is_roman(token)))
            return msp_judge_refuse(judge, "text_number", at, at + 1,
                                    "write this number as the facts do, with its unit.");
        if (token->kind == MSP_TOKEN_MARK &&
            (strcmp(token->word, "%") == 0 || strcmp(token->word, "+") == 0))
            return msp_judge_refuse(judge, "text_number", at, at + 1,
                                    "a sign stands without its number.");
        for (int i = 0; i < 7 && token->kind == MSP_TOKEN_WORD; i++) {
            size_t length = strlen(parts->lexicon->weekdays[i]);
            if (strncmp(token->word, parts->lexicon->weekdays[i], length) == 0 &&
                strlen(token->word) <= length + 1)
                return msp_judge_refuse(judge, "text_date", at, at + 1,
                                        "a day of the week stands only beside its date.");
        }
    }
    return MSP_OK;
}

/* A sentence that cites nothing may claim nothing. */
static enum msp_result judge_uncited(const struct msp_judge *judge)
{
    const struct msp_parts *parts = &judge->parts;
    bool metric = false;
    for (size_t i = 0; i < parts->mark_count; i++)
        metric |=
            parts->marks[i].kind == MSP_MARK_METRIC || parts->marks[i].kind == MSP_MARK_TICKETS;
    for (size_t i = 0; i < parts->quantity_count; i++) {
        const struct msp_quantity *q = &parts->quantities[i];
        if (!q->weak || metric)
            return msp_judge_refuse(judge, "text_uncited", q->first, q->behind,
                                    "a number needs the citation of its fact right behind it.");
    }
    if (parts->date_count > 0)
        return msp_judge_refuse(judge, "text_uncited", parts->dates[0].first,
                                parts->dates[0].behind,
                                "a date needs the citation of its fact right behind it.");
    for (size_t i = 0; i < parts->mark_count; i++) {
        const struct msp_mark *mark = &parts->marks[i];
        bool claim = mark->kind == MSP_MARK_DIRECTION || mark->kind == MSP_MARK_MULTIPLE ||
                     mark->kind == MSP_MARK_MAJORITY || mark->kind == MSP_MARK_NO_DATA ||
                     mark->kind == MSP_MARK_COMPLETE || mark->kind == MSP_MARK_INCOMPLETE ||
                     mark->kind == MSP_MARK_PRIORITY || mark->kind == MSP_MARK_UNNAMED ||
                     mark->kind == MSP_MARK_STATISTIC;
        claim |= metric && (mark->kind == MSP_MARK_ALL || mark->kind == MSP_MARK_NONE ||
                            mark->kind == MSP_MARK_HIGHEST || mark->kind == MSP_MARK_DEGREE ||
                            mark->kind == MSP_MARK_NOT);
        claim |= mark->kind == MSP_MARK_BANNED &&
                 (mark->value == MSP_BAN_SUPERLATIVE || mark->value == MSP_BAN_COMPARISON ||
                  (metric && mark->value != MSP_BAN_UNIT));
        if (claim)
            return msp_judge_refuse(judge, "text_uncited", mark->first, mark->behind,
                                    "this claims something; cite the fact that backs it.");
    }
    for (size_t at = parts->first; at < parts->behind; at++) {
        if (msp_member_of_token(&parts->tokens[at]) != NULL)
            return msp_judge_refuse(judge, "text_uncited", at, at + 1,
                                    "a member is named without a citation of its facts.");
    }
    return MSP_OK;
}

static bool has_quantity(const struct msp_judge *judge, const struct msp_segment *segment)
{
    for (size_t i = 0; i < judge->parts.quantity_count; i++) {
        if (judge->parts.quantities[i].fact != NULL &&
            msp_within(judge->parts.quantities[i].first, segment->first, segment->behind))
            return true;
    }
    return false;
}

static bool any_value(const struct msp_segment *segment, enum msp_fact_kind kind, int64_t value)
{
    for (size_t i = 0; i < segment->count; i++) {
        const struct msp_fact *fact = segment->facts[i];
        if (fact->known && fact->period != MSP_FACT_CHANGE && fact->kind == kind &&
            fact->value == value)
            return true;
    }
    return false;
}

static const struct msp_fact *days_fact(const struct msp_judge *judge, const char *metric)
{
    return msp_facts_total(judge->facts, metric, MSP_FACT_CURRENT);
}

static bool cites(const struct msp_judge *judge, uint32_t bits)
{
    for (size_t s = 0; s < judge->segment_count; s++) {
        for (size_t i = 0; i < judge->segments[s].count; i++) {
            if (msp_metric_bit_of(judge->segments[s].facts[i]) & bits)
                return true;
        }
    }
    return false;
}

static bool completeness_holds(const struct msp_judge *judge, const struct msp_segment *segment,
                               bool complete)
{
    const struct msp_fact *days = days_fact(judge, "incomplete_days");
    if (!cites(judge, MSP_M_COMPLETE | MSP_M_INCOMPLETE) || days == NULL)
        return false;
    if (!complete)
        return days->value > 0;
    for (size_t i = 0; i < judge->parts.date_count; i++) {
        if (msp_within(judge->parts.dates[i].first, segment->first, segment->behind))
            return true; /* the day itself has been judged */
    }
    return days->value == 0;
}

/* The member named first has the most of what is cited of it. */
static bool is_highest(const struct msp_judge *judge, const struct msp_segment *segment)
{
    for (size_t i = 0; i < segment->count; i++) {
        const struct msp_fact *fact = segment->facts[i];
        bool highest = fact->member != NULL && fact->known && fact->period == MSP_FACT_CURRENT &&
                       msp_same_member(fact->member, judge->member_here);
        for (size_t f = 0; highest && f < judge->facts->count; f++) {
            const struct msp_fact *other = &judge->facts->list[f];
            highest = other->member == NULL || other->period != MSP_FACT_CURRENT ||
                      other->kind != fact->kind || strcmp(other->metric, fact->metric) != 0 ||
                      strcmp(other->dimension, fact->dimension) != 0 || !other->known ||
                      other->value <= fact->value;
        }
        if (highest)
            return true;
    }
    return false;
}

/* "1,187 tickets were not resolved" */
static bool negates(const struct msp_judge *judge, const struct msp_segment *segment,
                    const struct msp_mark * not )
{
    for (size_t i = 0; i < judge->parts.mark_count; i++) {
        const struct msp_mark *mark = &judge->parts.marks[i];
        if (mark->kind == MSP_MARK_METRIC && mark->first >= not ->behind &&
            mark->first - not ->behind < NEGATION_REACH && mark->first < segment->behind)
            return true;
    }
    return false;
}

static bool is_majority(const struct msp_segment *segment)
{
    for (size_t i = 0; i < segment->count; i++) {
        const struct msp_fact *fact = segment->facts[i];
        if (fact->known && fact->kind == MSP_FACT_RATIO && fact->period != MSP_FACT_CHANGE &&
            fact->value > MSP_FACT_ONE / 2)
            return true;
    }
    return false;
}

static const char *const ban_reasons[] = {
    [MSP_BAN_SUPERLATIVE] = "no fact backs a superlative; leave it out.",
    [MSP_BAN_VAGUE] = "give the number instead.",
    [MSP_BAN_RATE] = "no fact is a rate for each of something.",
    [MSP_BAN_FUTURE] = "no fact is about another time than the two periods.",
    [MSP_BAN_UNIT] = "the facts count tickets, nothing else.",
    [MSP_BAN_ORDINAL] = "no fact backs an ordinal.",
    [MSP_BAN_WEEKDAY] = "no fact is about days of the week.",
    [MSP_BAN_OPPOSITE] = "the facts say what was met, not what was missed; say it that way.",
    [MSP_BAN_COMPARISON] = "say it with a plain verb (rose, fell) and cite the change.",
};

static enum msp_result judge_mark(const struct msp_judge *judge, const struct msp_segment *segment,
                                  const struct msp_mark *mark)
{
    bool whole = any_value(segment, MSP_FACT_RATIO, MSP_FACT_ONE);
    const char *why = NULL;
    switch ((int)mark->kind) { /* the others are judged elsewhere */
    case MSP_MARK_BANNED:
        if (mark->value != MSP_BAN_UNIT &&
            (mark->value != MSP_BAN_RATE || has_quantity(judge, segment)))
            why = ban_reasons[mark->value];
        break;
    case MSP_MARK_NOT:
        if (negates(judge, segment, mark))
            why = "say what happened, not what did not.";
        break;
    case MSP_MARK_HIGHEST:
        if (!is_highest(judge, segment))
            why = "the facts cited there are not of the member that has the most.";
        break;
    case MSP_MARK_MAJORITY:
        if (!is_majority(segment))
            why = "no share over half is cited there.";
        break;
    case MSP_MARK_ALL:
        if (!whole && !has_quantity(judge, segment) && !completeness_holds(judge, segment, true))
            why = "no fact cited there is 100 %.";
        break;
    case MSP_MARK_TOTAL:
        if (mark->value == 1 && !whole && !has_quantity(judge, segment) && cites(judge, MSP_M_SLA))
            why = "no fact cited there is 100 %.";
        break;
    case MSP_MARK_NONE:
        if (!any_value(segment, MSP_FACT_COUNT, 0) && !any_value(segment, MSP_FACT_RATIO, 0))
            why = "no fact cited there is 0.";
        break;
    case MSP_MARK_COMPLETE:
    case MSP_MARK_INCOMPLETE:
        if (!completeness_holds(judge, segment, mark->kind == MSP_MARK_COMPLETE))
            why = "the facts about complete days do not say so, or are not cited.";
        break;
    default:
        break;
    }
    return why == NULL ? MSP_OK
                       : msp_judge_refuse(judge, "text_claim", mark->first, mark->behind, why);
}

/* What is not known is said to be so, and nothing else is. */
static enum msp_result judge_unknown(const struct msp_judge *judge,
                                     const struct msp_segment *segment)
{
    bool said = msp_segment_says(judge, segment, MSP_MARK_NO_DATA);
    bool unknown = false;
    for (size_t i = 0; i < segment->count; i++)
        unknown |= !segment->facts[i]->known;
    if (said == unknown)
        return MSP_OK;
    return msp_judge_refuse(judge, "text_unknown", segment->first, segment->behind,
                            said ? "the facts cited there are known."
                                 : "a fact cited there has no value; say that there is no data.");
}

static enum msp_result judge_segment(struct msp_judge *judge, struct msp_segment *segment)
{
    enum msp_result result = judge_unknown(judge, segment);
    if (result == MSP_OK)
        result = msp_judge_quantities(judge, segment);
    if (result == MSP_OK)
        result = msp_judge_dates(judge, segment);
    if (result == MSP_OK)
        result = msp_judge_topics(judge, segment);
    if (result == MSP_OK)
        result = msp_judge_periods(judge, segment);
    if (result == MSP_OK)
        result = msp_judge_order(judge, segment);
    if (result == MSP_OK)
        result = msp_judge_directions(judge, segment);
    for (size_t i = 0; i < judge->parts.mark_count && result == MSP_OK; i++) {
        if (msp_within(judge->parts.marks[i].first, segment->first, segment->behind))
            result = judge_mark(judge, segment, &judge->parts.marks[i]);
    }
    return result;
}

enum msp_result msp_judge_sentence(struct msp_judge *judge)
{
    enum msp_result result = split(judge);
    judge->member_here = NULL;
    if (result == MSP_OK)
        result = judge_words(judge);
    if (result == MSP_OK && judge->segment_count == 0)
        result = judge_uncited(judge);
    for (size_t s = 0; s < judge->segment_count && result == MSP_OK; s++)
        result = judge_segment(judge, &judge->segments[s]);
    return result;
}
