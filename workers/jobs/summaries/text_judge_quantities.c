/* Each quantity of a segment against the facts cited behind it: value, unit, and whether it stands
 * where a value or a change stands. */
#include "text_judge.h"

#include <string.h>

#define FRACTION_SLACK (MSP_FACT_ONE / 20) /* of "about a third": five in a hundred */

static bool times(int64_t value, int64_t by, int64_t *out)
{
    return !__builtin_mul_overflow(value, by, out);
}

/* The fact's value in the quantity's own unit; false where the unit is none of the fact's. */
static bool in_unit(const struct msp_quantity *q, const struct msp_fact *fact, int64_t *out)
{
    bool change = fact->period == MSP_FACT_CHANGE;
    *out = fact->value;
    switch (fact->kind) {
    case MSP_FACT_COUNT:
        if (msp_metric_bit_of(fact) & MSP_M_DAYS && q->unit == MSP_UNIT_DURATION && q->whole_days)
            return times(fact->value, 86400, out);
        return q->unit == MSP_UNIT_NONE;
    case MSP_FACT_MINUTES:
        return q->unit == MSP_UNIT_DURATION && times(fact->value, 60, out);
    case MSP_FACT_RATIO:
        if (change && q->unit == MSP_UNIT_POINTS)
            return times(fact->value, 100, out);
        if (change)
            return q->unit == MSP_UNIT_PERCENT_POINTS;
        return q->unit == MSP_UNIT_PERCENT ||
               (q->unit == MSP_UNIT_NONE && msp_metric_bit_of(fact) == MSP_M_KILL_RATE);
    case MSP_FACT_SCORE:
        return q->unit == MSP_UNIT_NONE ||
               (change ? q->unit == MSP_UNIT_POINTS : q->unit == MSP_UNIT_SCORE);
    case MSP_FACT_PERCENT:
        return q->unit == MSP_UNIT_PERCENT;
    case MSP_FACT_DAY:
        return false;
    }
    return false;
}

static int64_t round_to(int64_t value, int64_t step)
{
    int64_t rest = value % step;
    return rest >= step - rest ? value - rest + step : value - rest;
}

static bool fits_at_step(int64_t value, const struct msp_quantity *q, int64_t step)
{
    int64_t below = value - value % step;
    int64_t above = below == value ? value : below + step;
    switch (q->hedge) {
    case MSP_EXACTLY:
    case MSP_ABOUT:
        return round_to(value, step) == q->value;
    case MSP_OVER:
        return value > q->value && below == q->value;
    case MSP_AT_LEAST:
        return below == q->value;
    case MSP_UNDER:
        return value < q->value && above == q->value;
    case MSP_AT_MOST:
        return above == q->value;
    }
    return false;
}

static bool fits_fraction(int64_t value, const struct msp_quantity *q)
{
    int64_t more = value - q->value;
    switch (q->hedge) {
    case MSP_EXACTLY:
        return round_to(value, q->step) == round_to(q->value, q->step);
    case MSP_ABOUT:
        return more <= FRACTION_SLACK && more >= -FRACTION_SLACK;
    case MSP_OVER:
    case MSP_AT_LEAST:
        return more > 0 && more <= FRACTION_SLACK;
    case MSP_UNDER:
    case MSP_AT_MOST:
        return more < 0 && more >= -FRACTION_SLACK;
    }
    return false;
}

/* An inexact number may be rounded to the noughts it ends in. */
static bool value_fits(int64_t value, const struct msp_quantity *q)
{
    int64_t step = q->step;
    if (value < 0 || value > INT64_MAX / 4)
        return false;
    if (q->fraction)
        return fits_fraction(value, q);
    for (;;) {
        if (fits_at_step(value, q, step))
            return true;
        if (q->hedge == MSP_EXACTLY || q->unit == MSP_UNIT_DURATION || q->value == 0 ||
            step > INT64_MAX / 100 || q->value % (step * 10) != 0)
            return false;
        step *= 10;
    }
}

bool msp_fact_backs(const struct msp_fact *fact, const struct msp_quantity *q)
{
    int64_t value;
    if (!fact->known || !in_unit(q, fact, &value))
        return false;
    if (q->sign != 0 && (fact->period != MSP_FACT_CHANGE || (value < 0) != (q->sign < 0)))
        return false;
    if (value == INT64_MIN || (value < 0 && fact->period != MSP_FACT_CHANGE))
        return false;
    return value_fits(value < 0 ? -value : value, q);
}

static const struct msp_mark *mark_ending_at(const struct msp_judge *judge, size_t behind,
                                             enum msp_mark_kind kind)
{
    for (size_t i = 0; i < judge->parts.mark_count; i++) {
        const struct msp_mark *mark = &judge->parts.marks[i];
        if (mark->behind == behind && mark->kind == kind)
            return mark;
    }
    return NULL;
}

static const struct msp_mark *mark_starting_at(const struct msp_judge *judge, size_t first,
                                               enum msp_mark_kind kind)
{
    for (size_t i = 0; i < judge->parts.mark_count; i++) {
        const struct msp_mark *mark = &judge->parts.marks[i];
        if (mark->first == first && mark->kind == kind)
            return mark;
    }
    return NULL;
}

static bool word_before(const struct msp_judge *judge, const struct msp_quantity *q,
                        const char *const *words)
{
    return q->first > judge->parts.first && msp_word_in(&judge->parts.tokens[q->first - 1], words);
}

static bool is_cut(const struct msp_judge *judge, size_t first, size_t behind)
{
    for (size_t at = first; at < behind; at++) {
        if (judge->parts.tokens[at].kind == MSP_TOKEN_CITATION)
            return true;
    }
    for (size_t i = 0; i < judge->parts.quantity_count; i++) {
        if (msp_within(judge->parts.quantities[i].first, first, behind))
            return true;
    }
    return false;
}

int msp_end_of_range(const struct msp_judge *judge, const struct msp_quantity *q)
{
    static const char *const joints[] = {"to", "à", NULL};
    static const char *const starts[] = {"from", "de", "d", "'", NULL};
    const struct msp_token *tokens = judge->parts.tokens;
    for (size_t i = 0; i < judge->parts.quantity_count; i++) {
        const struct msp_quantity *other = &judge->parts.quantities[i];
        const struct msp_quantity *low = other->first > q->first ? q : other;
        const struct msp_quantity *high = other->first > q->first ? other : q;
        if (other != q && low->unit == high->unit && low->first > judge->parts.first &&
            msp_word_in(&tokens[low->first - 1], starts) && high->first > low->behind &&
            msp_word_in(&tokens[high->first - 1], joints) &&
            !is_cut(judge, low->behind, high->first))
            return q == high ? 1 : -1;
    }
    return 0;
}

/* "rose 9%", "up by 9%", "une hausse de 9 %", "9% more": only a change stands there. */
static bool stands_as_change(const struct msp_judge *judge, const struct msp_quantity *q)
{
    static const char *const of[] = {"of", "de", "d", NULL};
    size_t before = q->first;
    size_t behind = q->behind;
    if (msp_end_of_range(judge, q) != 0)
        return false;
    if (word_before(judge, q, judge->parts.lexicon->by_words) ||
        mark_ending_at(judge, before, MSP_MARK_DIRECTION) != NULL)
        return true;
    while (before > judge->parts.first && (msp_word_in(&judge->parts.tokens[before - 1], of) ||
                                           judge->parts.tokens[before - 1].word[0] == '\''))
        before--;
    if (before < q->first && mark_ending_at(judge, before, MSP_MARK_DIRECTION) != NULL)
        return true;
    const struct msp_mark *tickets = mark_starting_at(judge, behind, MSP_MARK_TICKETS);
    if (tickets != NULL)
        behind = tickets->behind;
    const struct msp_mark *direction = mark_starting_at(judge, behind, MSP_MARK_DIRECTION);
    return direction != NULL && direction->value != MSP_SAME && direction->value != MSP_STEADY &&
           strcmp(judge->parts.tokens[direction->first].word, "up") != 0 &&
           strcmp(judge->parts.tokens[direction->first].word, "down") != 0 &&
           strcmp(judge->parts.tokens[direction->first].word, "en") != 0 &&
           strcmp(judge->parts.tokens[direction->first].word, "exceeded") != 0;
}

static bool stands_as_value(const struct msp_judge *judge, const struct msp_quantity *q)
{
    return word_before(judge, q, judge->parts.lexicon->level_words) ||
           msp_end_of_range(judge, q) != 0;
}

static bool place_fits(const struct msp_judge *judge, const struct msp_quantity *q,
                       const struct msp_fact *fact)
{
    if (fact->period == MSP_FACT_CHANGE)
        return !stands_as_value(judge, q);
    return !stands_as_change(judge, q);
}

/* "users" behind a number counts something else. */
static bool counts_something_else(const struct msp_judge *judge, const struct msp_quantity *q)
{
    for (size_t at = q->behind; at < judge->parts.behind && at < q->behind + 3; at++) {
        const struct msp_mark *ban = mark_starting_at(judge, at, MSP_MARK_BANNED);
        if (judge->parts.tokens[at].kind != MSP_TOKEN_WORD ||
            mark_starting_at(judge, at, MSP_MARK_TICKETS) != NULL)
            return false;
        if (ban != NULL && ban->value == MSP_BAN_UNIT)
            return true;
    }
    return false;
}

/* "half of the tickets were resolved in 40 min" names the median, and so on. */
static uint32_t statistic_of(const struct msp_quantity *q)
{
    static const struct {
        int64_t ratio;
        uint32_t bits;
    } shares[] = {{MSP_FACT_ONE / 2, MSP_M_P50},
                  {MSP_FACT_ONE / 10 * 9, MSP_M_P90},
                  {MSP_FACT_ONE / 20 * 19, MSP_M_RES_P95}};
    for (size_t i = 0; q->unit == MSP_UNIT_PERCENT && i < sizeof shares / sizeof shares[0]; i++) {
        if (q->value == shares[i].ratio)
            return shares[i].bits;
    }
    return 0;
}

static bool cites_metric(const struct msp_segment *segment, uint32_t bits)
{
    for (size_t i = 0; i < segment->count; i++) {
        if (msp_metric_bit_of(segment->facts[i]) & bits)
            return true;
    }
    return false;
}

static bool is_taken(const struct msp_judge *judge, const struct msp_fact *fact)
{
    for (size_t i = 0; i < judge->parts.quantity_count; i++) {
        if (judge->parts.quantities[i].fact == fact)
            return true;
    }
    return false;
}

static bool counts_alone(const struct msp_segment *segment)
{
    for (size_t i = 0; i < segment->count; i++) {
        if (segment->facts[i]->kind == MSP_FACT_COUNT)
            return true;
    }
    return false;
}

/* An article that could be a number: it is one when nothing else in the segment is counted. */
static bool is_no_number(const struct msp_judge *judge, const struct msp_segment *segment,
                         const struct msp_quantity *q)
{
    if (!q->weak)
        return false;
    if (q->unit == MSP_UNIT_DURATION || !counts_alone(segment))
        return q->unit != MSP_UNIT_DURATION;
    if (q->first > judge->parts.first) {
        static const char *const general[] = {"'", "d", "par", "pour", NULL};
        if (msp_word_in(&judge->parts.tokens[q->first - 1], general))
            return true;
    }
    if (mark_starting_at(judge, q->behind, MSP_MARK_TICKETS) == NULL)
        return true;
    for (size_t i = 0; i < judge->parts.quantity_count; i++) {
        const struct msp_quantity *other = &judge->parts.quantities[i];
        if (other != q && msp_within(other->first, segment->first, segment->behind))
            return true;
    }
    return false;
}

static enum msp_result judge_one(struct msp_judge *judge, struct msp_segment *segment,
                                 struct msp_quantity *q)
{
    const char *why = "no fact cited there has this value in this unit at this rounding.";
    uint32_t statistic = statistic_of(q);
    for (size_t i = 0; i < segment->count; i++) {
        const struct msp_fact *fact = segment->facts[i];
        if (!msp_fact_backs(fact, q))
            continue;
        if (!place_fits(judge, q, fact)) {
            why = fact->period == MSP_FACT_CHANGE
                      ? "the fact cited is a change, but it is written as the value reached."
                      : "the fact cited is a value, but it is written as a change.";
            continue;
        }
        q->bits |= msp_metric_bit_of(fact);
        if (q->fact == NULL || (is_taken(judge, q->fact) && !is_taken(judge, fact)))
            q->fact = fact;
    }
    if (q->fact != NULL && counts_something_else(judge, q))
        return msp_judge_refuse(judge, "text_unit", q->first, q->behind + 1,
                                "the facts count tickets, nothing else.");
    if (q->fact != NULL)
        return MSP_OK;
    if (statistic != 0 && cites_metric(segment, statistic)) {
        segment->statistics |= statistic;
        return MSP_OK;
    }
    if (is_no_number(judge, segment, q))
        return MSP_OK;
    return msp_judge_refuse(judge, "text_number", q->first, q->behind, why);
}

/* "110 of the 120": a part is not larger than its whole. */
static enum msp_result judge_parts_of(struct msp_judge *judge, const struct msp_segment *segment)
{
    for (size_t i = 1; i < judge->parts.quantity_count; i++) {
        const struct msp_quantity *part = &judge->parts.quantities[i - 1];
        const struct msp_quantity *whole = &judge->parts.quantities[i];
        const struct msp_mark *of = mark_ending_at(judge, whole->first, MSP_MARK_OF);
        if (of == NULL || of->first < part->behind || part->fact == NULL || whole->fact == NULL ||
            part->unit != whole->unit || !msp_within(part->first, segment->first, segment->behind))
            continue;
        if (part->fact->value > whole->fact->value)
            return msp_judge_refuse(judge, "text_number", part->first, whole->behind,
                                    "the part is larger than the whole.");
    }
    return MSP_OK;
}

/* Two numbers that only one fact backs, while another of its kind is cited and said nowhere. */
static enum msp_result judge_repeats(struct msp_judge *judge, const struct msp_segment *segment)
{
    for (size_t i = 0; i < segment->count; i++) {
        const struct msp_fact *unsaid = segment->facts[i];
        if (!unsaid->known || unsaid->kind == MSP_FACT_DAY || is_taken(judge, unsaid))
            continue;
        const struct msp_quantity *first = NULL;
        for (size_t n = 0; n < judge->parts.quantity_count; n++) {
            const struct msp_quantity *q = &judge->parts.quantities[n];
            if (q->fact == NULL || q->fact->kind != unsaid->kind ||
                q->fact->period != unsaid->period ||
                !msp_within(q->first, segment->first, segment->behind))
                continue;
            if (first != NULL && first->fact == q->fact)
                return msp_judge_refuse(judge, "text_number", q->first, q->behind,
                                        "two numbers there are of one fact, and another that is "
                                        "cited has none.");
            first = q;
        }
    }
    return MSP_OK;
}

enum msp_result msp_judge_quantities(struct msp_judge *judge, struct msp_segment *segment)
{
    enum msp_result result = MSP_OK;
    for (size_t i = 0; i < judge->parts.quantity_count && result == MSP_OK; i++) {
        struct msp_quantity *q = &judge->parts.quantities[i];
        if (!msp_within(q->first, segment->first, segment->behind))
            continue;
        if (i > 0 && q[-1].behind == q->first)
            return msp_judge_refuse(judge, "text_number", q[-1].first, q->behind,
                                    "two numbers stand side by side without a word between.");
        result = judge_one(judge, segment, q);
    }
    if (result == MSP_OK)
        result = judge_repeats(judge, segment);
    return result == MSP_OK ? judge_parts_of(judge, segment) : result;
}
