/* Each day and month of a sentence against the days its citations stand for. */
#include "text_judge.h"

#include "number_format.h"

#include "msp/no_value.h"

#include <string.h>

/* A day that a citation stands for. */
struct allowed {
    int32_t day;
    bool from, to, complete;
    bool whole_period; /* of what happened from one end to the other, so no day alone */
    enum msp_mark_period period;
};

static void allow(struct allowed *list, size_t *count, int32_t day, struct allowed as)
{
    if (day == MSP_NO_DAY || *count >= (size_t)MSP_SEGMENT_FACTS * 4)
        return;
    as.day = day;
    list[(*count)++] = as;
}

static size_t allowed_days(const struct msp_judge *judge, const struct msp_segment *segment,
                           struct allowed *list)
{
    const struct msp_facts *facts = judge->facts;
    size_t count = 0;
    for (size_t i = 0; i < segment->count; i++) {
        const struct msp_fact *fact = segment->facts[i];
        uint32_t bit = msp_metric_bit_of(fact);
        enum msp_mark_period period = fact->period == MSP_FACT_PREVIOUS ? MSP_BEFORE : MSP_NOW;
        if (fact->kind == MSP_FACT_DAY) {
            allow(list, &count, fact->known ? fact->day : MSP_NO_DAY,
                  (struct allowed){.from = bit == MSP_M_PERIOD_FROM,
                                   .to = bit == MSP_M_PERIOD_TO,
                                   .complete = bit == MSP_M_COMPLETE,
                                   .period = period});
            continue;
        }
        /* What stands at the end of a period stood otherwise at its beginning. */
        bool at_end = bit == MSP_M_BACKLOG;
        if (fact->period != MSP_FACT_PREVIOUS) {
            allow(list, &count, at_end ? MSP_NO_DAY : facts->from,
                  (struct allowed){.from = true, .whole_period = true, .period = MSP_NOW});
            allow(list, &count, facts->to,
                  (struct allowed){.to = true, .whole_period = !at_end, .period = MSP_NOW});
        }
        if (fact->period != MSP_FACT_CURRENT) {
            allow(list, &count, at_end ? MSP_NO_DAY : facts->previous_from,
                  (struct allowed){.from = true, .whole_period = true, .period = MSP_BEFORE});
            allow(list, &count, facts->previous_to,
                  (struct allowed){.to = true, .whole_period = !at_end, .period = MSP_BEFORE});
        }
    }
    return count;
}

static bool is_last_of_month(int32_t day)
{
    return msp_civil_day_of(day + 1).day == 1;
}

static bool is_the_month(const struct msp_text_date *date, int32_t from, int32_t to)
{
    if (from == MSP_NO_DAY)
        return false;
    struct msp_civil_day first = msp_civil_day_of(from);
    struct msp_civil_day last = msp_civil_day_of(to);
    return first.day == 1 && is_last_of_month(to) && first.month == last.month &&
           first.year == last.year && date->month == first.month &&
           (date->year == 0 || date->year == first.year);
}

static bool is_the_day(const struct msp_text_date *date, int32_t day)
{
    struct msp_civil_day civil = msp_civil_day_of(day);
    /* 1970-01-01 was a Thursday. */
    int weekday = (int)((((int64_t)day + 3) % 7 + 7) % 7);
    return date->day == civil.day && date->month == civil.month &&
           (date->year == 0 || date->year == civil.year) &&
           (date->weekday < 0 || date->weekday == weekday);
}

enum role { ROLE_ANY, ROLE_FROM, ROLE_TO };

static enum role role_of(const struct msp_judge *judge, const struct msp_text_date *date)
{
    const struct msp_lexicon *lexicon = judge->parts.lexicon;
    const struct msp_token *tokens = judge->parts.tokens;
    size_t at = date->first;
    if (date->starts || date->ends)
        return date->starts ? ROLE_FROM : ROLE_TO;
    while (at > judge->parts.first &&
           (strcmp(tokens[at - 1].word, "the") == 0 || strcmp(tokens[at - 1].word, "le") == 0))
        at--;
    if (at == judge->parts.first || tokens[at - 1].kind == MSP_TOKEN_CITATION)
        return ROLE_ANY;
    if (msp_word_in(&tokens[at - 1], lexicon->date_from))
        return ROLE_FROM;
    return msp_word_in(&tokens[at - 1], lexicon->date_to) ? ROLE_TO : ROLE_ANY;
}

/* Words before the day say which period it is a day of. */
static bool period_words_fit(const struct msp_judge *judge, const struct msp_text_date *date,
                             enum msp_mark_period period)
{
    bool before_said = false;
    const struct msp_mark *nearest = NULL;
    for (size_t i = 0; i < judge->parts.mark_count; i++) {
        const struct msp_mark *mark = &judge->parts.marks[i];
        if (mark->kind != MSP_MARK_PERIOD && mark->kind != MSP_MARK_AGAINST)
            continue;
        if (mark->kind == MSP_MARK_AGAINST &&
            msp_word_in(&judge->parts.tokens[mark->first], judge->parts.lexicon->date_from))
            continue; /* "from March 1" */
        before_said |= mark->first < date->first && (mark->kind == MSP_MARK_AGAINST ||
                                                     (mark->value & MSP_PERIOD_MASK) == MSP_BEFORE);
        before_said |= mark->first >= date->behind && mark->kind == MSP_MARK_PERIOD &&
                       (mark->value & MSP_PERIOD_MASK) == MSP_BEFORE;
        if (mark->kind == MSP_MARK_PERIOD && mark->behind <= date->first)
            nearest = mark;
    }
    if (period == MSP_BEFORE)
        return before_said;
    return nearest == NULL || (nearest->value & MSP_PERIOD_MASK) == MSP_NOW;
}

/* A day in a sentence is from then on a word of its period, as "the previous month" is. */
static void remember(struct msp_judge *judge, const struct msp_text_date *date,
                     enum msp_mark_period period)
{
    struct msp_parts *parts = &judge->parts;
    if (parts->mark_count == MSP_SENTENCE_MARKS || date->ends)
        return;
    size_t at = parts->mark_count++;
    for (; at > 0 && parts->marks[at - 1].first > date->first; at--)
        parts->marks[at] = parts->marks[at - 1];
    parts->marks[at] = (struct msp_mark){.kind = MSP_MARK_PERIOD,
                                         .value = (uint32_t)period,
                                         .first = date->first,
                                         .behind = date->behind};
}

static enum msp_result judge_month(struct msp_judge *judge, const struct msp_text_date *date,
                                   const struct allowed *list, size_t count)
{
    const struct msp_facts *facts = judge->facts;
    for (size_t i = 0; i < count; i++) {
        bool now = list[i].period == MSP_NOW;
        if (!is_the_month(date, now ? facts->from : facts->previous_from,
                          now ? facts->to : facts->previous_to))
            continue;
        remember(judge, date, list[i].period);
        return MSP_OK;
    }
    return msp_judge_refuse(judge, "text_date", date->first, date->behind,
                            "this is not the whole month that the facts cited there are of.");
}

static enum msp_result judge_day(struct msp_judge *judge, const struct msp_segment *segment,
                                 const struct msp_text_date *date, const struct allowed *list,
                                 size_t count)
{
    bool about_completeness = msp_segment_says(judge, segment, MSP_MARK_COMPLETE) ||
                              msp_segment_says(judge, segment, MSP_MARK_INCOMPLETE);
    enum role role = role_of(judge, date);
    const char *why = "no fact cited there has this day.";
    for (size_t i = 0; i < count; i++) {
        if (!is_the_day(date, list[i].day))
            continue;
        if ((role == ROLE_FROM && !list[i].from) ||
            (role == ROLE_TO && !list[i].to && !list[i].complete)) {
            why = "this day is at the other end of its period.";
        } else if (role == ROLE_ANY && list[i].whole_period &&
                   judge->facts->from != judge->facts->to) {
            why = "the fact cited is of the whole period, not of this day.";
        } else if (about_completeness ? list[i].day != judge->facts->complete_through
                                      : list[i].complete) {
            why = "the day through which the data are complete is another, or is not said to be "
                  "that.";
        } else if (!period_words_fit(judge, date, list[i].period)) {
            why = "this day is not of the period that the words before it name.";
        } else {
            remember(judge, date, list[i].period);
            return MSP_OK;
        }
    }
    return msp_judge_refuse(judge, "text_date", date->first, date->behind, why);
}

enum msp_result msp_judge_dates(struct msp_judge *judge, const struct msp_segment *segment)
{
    struct allowed list[MSP_SEGMENT_FACTS * 4];
    size_t count = allowed_days(judge, segment, list);
    enum msp_result result = MSP_OK;
    for (size_t i = 0; i < judge->parts.date_count && result == MSP_OK; i++) {
        const struct msp_text_date *date = &judge->parts.dates[i];
        if (!msp_within(date->first, segment->first, segment->behind))
            continue;
        result = date->day == 0 ? judge_month(judge, date, list, count)
                                : judge_day(judge, segment, date, list, count);
    }
    return result;
}
