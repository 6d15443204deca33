/* Rose, fell, improved, stayed: each such word against the changes that its citations stand for. */
#include "text_judge.h"

#include "number_format.h"

#include <stdlib.h>
#include <string.h>

#define STEADY_PERCENT (MSP_FACT_ONE / 50)  /* "stable": within two in a hundred */
#define STEADY_RATIO   (MSP_FACT_ONE / 100) /* or a percentage point */
#define SLIGHT_PERCENT (MSP_FACT_ONE / 10)  /* "slightly" up to here, "sharply" from here on */
#define SLIGHT_RATIO   (MSP_FACT_ONE / 20)
#define NEGATION_REACH 3
#define DEGREE_REACH   3
#define ADJACENT_REACH 2
#define MULTIPLE_SLACK 40 /* "doubled" is 1.95 to 2.05 times */

/* What went up or down: a metric of the whole or of a member. */
struct target {
    const struct msp_fact *fact; /* any of it */
};

static bool same_target(const struct msp_fact *one, const struct msp_fact *other)
{
    return strcmp(one->metric, other->metric) == 0 &&
           strcmp(one->dimension, other->dimension) == 0 &&
           msp_same_member(one->member, other->member);
}

static bool is_about_days(const struct msp_fact *fact)
{
    return (msp_metric_bit_of(fact) & MSP_M_DAYS) != 0;
}

static size_t targets_of(const struct msp_segment *segment, struct target *targets)
{
    size_t count = 0;
    for (size_t i = 0; i < segment->count; i++) {
        bool known = is_about_days(segment->facts[i]);
        for (size_t t = 0; t < count; t++)
            known |= same_target(targets[t].fact, segment->facts[i]);
        if (!known)
            targets[count++].fact = segment->facts[i];
    }
    return count;
}

static const struct msp_fact *sibling(const struct msp_judge *judge, const struct msp_fact *of,
                                      enum msp_fact_period period, bool percent)
{
    for (size_t i = 0; i < judge->facts->count; i++) {
        const struct msp_fact *fact = &judge->facts->list[i];
        if (fact->period == period && same_target(fact, of) &&
            (fact->kind == MSP_FACT_PERCENT) == percent)
            return fact->known ? fact : NULL;
    }
    return NULL;
}

/* The sentence cites the change, or both values that it lies between. */
static bool is_backed(const struct msp_judge *judge, const struct msp_fact *of)
{
    bool now = false, before = false;
    for (size_t s = 0; s < judge->segment_count; s++) {
        for (size_t i = 0; i < judge->segments[s].count; i++) {
            const struct msp_fact *fact = judge->segments[s].facts[i];
            if (!same_target(fact, of))
                continue;
            if (fact->period == MSP_FACT_CHANGE)
                return true;
            now |= fact->period == MSP_FACT_CURRENT;
            before |= fact->period == MSP_FACT_PREVIOUS;
        }
    }
    return now && before;
}

static bool written_alike(const struct msp_judge *judge, const struct msp_fact *of)
{
    char one[MSP_NUMBER_TEXT_BYTES], other[MSP_NUMBER_TEXT_BYTES];
    const struct msp_fact *now = sibling(judge, of, MSP_FACT_CURRENT, false);
    const struct msp_fact *before = sibling(judge, of, MSP_FACT_PREVIOUS, false);
    if (now == NULL || before == NULL)
        return false;
    msp_fact_format(now, judge->language, one);
    msp_fact_format(before, judge->language, other);
    return strcmp(one, other) == 0;
}

/* The change's size is at most so much, as a part of the previous value or in points. */
static bool is_within(const struct msp_judge *judge, const struct msp_fact *change, int64_t percent,
                      int64_t ratio)
{
    const struct msp_fact *relative = sibling(judge, change, MSP_FACT_CHANGE, true);
    if (change->kind == MSP_FACT_RATIO)
        return llabs(change->value) <= ratio;
    return relative != NULL ? llabs(relative->value) <= percent : change->value == 0;
}

static bool direction_holds(const struct msp_judge *judge, enum msp_direction direction,
                            const struct msp_fact *of)
{
    const struct msp_fact *change = sibling(judge, of, MSP_FACT_CHANGE, false);
    if (change == NULL)
        return false;
    int sign = change->value > 0 ? 1 : change->value < 0 ? -1 : 0;
    int good = change->good == MSP_FACT_MORE_IS_BETTER   ? sign
               : change->good == MSP_FACT_LESS_IS_BETTER ? -sign
                                                         : 0;
    switch (direction) {
    case MSP_UP:
        return sign > 0;
    case MSP_DOWN:
        return sign < 0;
    case MSP_BETTER:
        return good > 0;
    case MSP_WORSE:
        return good < 0;
    case MSP_FASTER:
        return change->kind == MSP_FACT_MINUTES && sign < 0;
    case MSP_SLOWER:
        return change->kind == MSP_FACT_MINUTES && sign > 0;
    case MSP_SAME:
        return sign == 0 || written_alike(judge, of);
    case MSP_STEADY:
        return written_alike(judge, of) || is_within(judge, change, STEADY_PERCENT, STEADY_RATIO);
    }
    return false;
}

static size_t distance(size_t first, size_t behind, size_t other_first, size_t other_behind)
{
    if (other_first >= behind)
        return other_first - behind;
    return first >= other_behind ? first - other_behind : 0;
}

/* Which of several targets the word speaks of: the change right beside it, else the metric named
 * last before it. */
static const struct msp_fact *target_of(const struct msp_judge *judge,
                                        const struct msp_segment *segment,
                                        const struct msp_mark *mark)
{
    const struct msp_fact *named = NULL;
    for (size_t i = 0; i < judge->parts.quantity_count; i++) {
        const struct msp_quantity *q = &judge->parts.quantities[i];
        if (q->fact != NULL && q->fact->period == MSP_FACT_CHANGE &&
            msp_within(q->first, segment->first, segment->behind) &&
            distance(mark->first, mark->behind, q->first, q->behind) <= ADJACENT_REACH)
            return q->fact;
    }
    for (size_t i = 0; i < judge->parts.mark_count; i++) {
        const struct msp_mark *metric = &judge->parts.marks[i];
        if (metric->kind != MSP_MARK_METRIC || metric->first < segment->first ||
            metric->behind > mark->first)
            continue;
        const struct msp_fact *only = NULL;
        size_t fitting = 0;
        for (size_t f = 0; f < segment->count; f++) {
            if ((metric->value & msp_metric_bit_of(segment->facts[f])) != 0 &&
                (only == NULL || !same_target(only, segment->facts[f]))) {
                only = segment->facts[f];
                fitting++;
            }
        }
        if (fitting == 1)
            named = only;
    }
    return named;
}

/* "1,187 were resolved, fewer than the 1,240 created": two values of now beside one another. */
static const struct msp_fact *level_in(const struct msp_judge *judge, size_t first, size_t behind,
                                       bool last)
{
    const struct msp_fact *found = NULL;
    for (size_t i = 0; i < judge->parts.quantity_count; i++) {
        const struct msp_quantity *q = &judge->parts.quantities[i];
        if (q->fact != NULL && q->fact->period != MSP_FACT_CHANGE &&
            msp_within(q->first, first, behind) && (found == NULL || last))
            found = q->fact;
    }
    return found;
}

/* "More were created (1,240) than resolved (1,187)": both behind the word, with "than" between. */
static void levels_behind(const struct msp_judge *judge, const struct msp_mark *mark,
                          const struct msp_fact **one, const struct msp_fact **other)
{
    for (size_t i = 0; i < judge->parts.mark_count; i++) {
        const struct msp_mark *than = &judge->parts.marks[i];
        if (than->kind != MSP_MARK_THAN || than->first < mark->behind)
            continue;
        *one = level_in(judge, mark->behind, than->first, true);
        *other = level_in(judge, than->behind, judge->parts.behind, false);
        return;
    }
}

static bool comparison_holds(const struct msp_judge *judge, const struct msp_mark *mark)
{
    const struct msp_fact *one = level_in(judge, judge->parts.first, mark->first, true);
    const struct msp_fact *other = level_in(judge, mark->behind, judge->parts.behind, false);
    if (one == NULL)
        levels_behind(judge, mark, &one, &other);
    if (one == NULL || other == NULL || one->kind != other->kind || one->period != other->period ||
        one->period != MSP_FACT_CURRENT)
        return false;
    if (mark->value == MSP_SAME)
        return one->value == other->value;
    if (mark->value == MSP_UP)
        return one->value > other->value;
    return mark->value == MSP_DOWN && one->value < other->value;
}

static bool is_negated(const struct msp_judge *judge, const struct msp_segment *segment,
                       const struct msp_mark *mark)
{
    for (size_t i = 0; i < judge->parts.mark_count; i++) {
        const struct msp_mark *not = &judge->parts.marks[i];
        if ((not ->kind == MSP_MARK_NOT || not ->kind == MSP_MARK_NONE) &&
            not ->first >= segment->first && not ->behind <= mark->first &&
            mark->first - not ->behind < NEGATION_REACH)
            return true;
    }
    return false;
}

static enum msp_result judge_degree(const struct msp_judge *judge, const struct msp_mark *direction,
                                    const struct msp_fact *of)
{
    const struct msp_fact *change = sibling(judge, of, MSP_FACT_CHANGE, false);
    for (size_t i = 0; i < judge->parts.mark_count; i++) {
        const struct msp_mark *degree = &judge->parts.marks[i];
        if (degree->kind != MSP_MARK_DEGREE || change == NULL ||
            distance(direction->first, direction->behind, degree->first, degree->behind) >=
                DEGREE_REACH)
            continue;
        bool slight = is_within(judge, change, SLIGHT_PERCENT, SLIGHT_RATIO);
        if (slight != (degree->value == MSP_SLIGHTLY))
            return msp_judge_refuse(judge, "text_degree", degree->first, degree->behind,
                                    "a change of up to 10 % (5 points) is slight, a larger one is "
                                    "not; leave the word out.");
    }
    return MSP_OK;
}

static enum msp_result judge_direction(const struct msp_judge *judge,
                                       const struct msp_segment *segment,
                                       const struct msp_mark *mark)
{
    struct target targets[MSP_SEGMENT_FACTS];
    size_t count = targets_of(segment, targets);
    const struct msp_fact *of = count == 1 ? targets[0].fact : target_of(judge, segment, mark);

    if (is_negated(judge, segment, mark))
        return msp_judge_refuse(judge, "text_direction", mark->first, mark->behind,
                                "say what happened, not what did not.");
    if (of != NULL && is_backed(judge, of)) {
        if (direction_holds(judge, (enum msp_direction)mark->value, of))
            return judge_degree(judge, mark, of);
        return msp_judge_refuse(judge, "text_direction", mark->first, mark->behind,
                                "the facts cited there do not say so.");
    }
    if (comparison_holds(judge, mark))
        return MSP_OK;
    if (of == NULL && count > 1) {
        for (size_t t = 0; t < count; t++) {
            if (!is_backed(judge, targets[t].fact) ||
                !direction_holds(judge, (enum msp_direction)mark->value, targets[t].fact))
                return msp_judge_refuse(judge, "text_direction", mark->first, mark->behind,
                                        "it is not clear of which of the cited facts, or they do "
                                        "not say so.");
        }
        return MSP_OK;
    }
    return msp_judge_refuse(judge, "text_direction", mark->first, mark->behind,
                            "no change is cited in that sentence that backs it; cite the fact "
                            "of the change, or both values.");
}

/* `times` is what the value is of the previous one. */
static bool multiple_holds(uint32_t value, int64_t times)
{
    int64_t wanted = (int64_t)(value & MSP_MULTIPLE_MASK) * (MSP_FACT_ONE / 100);
    if (value & MSP_MULTIPLE_OVER)
        return times > wanted && times < wanted + wanted / 2;
    if (value & MSP_MULTIPLE_UNDER)
        return times < wanted && times > wanted - wanted / 5;
    return llabs(times - wanted) <= wanted / MULTIPLE_SLACK;
}

static enum msp_result judge_multiple(const struct msp_judge *judge,
                                      const struct msp_segment *segment,
                                      const struct msp_mark *mark)
{
    struct target targets[MSP_SEGMENT_FACTS];
    size_t count = targets_of(segment, targets);
    const struct msp_fact *of = count == 1 ? targets[0].fact : target_of(judge, segment, mark);
    const struct msp_fact *relative =
        of == NULL || !is_backed(judge, of) ? NULL : sibling(judge, of, MSP_FACT_CHANGE, true);
    if (relative == NULL || is_negated(judge, segment, mark) ||
        !multiple_holds(mark->value, relative->value + MSP_FACT_ONE))
        return msp_judge_refuse(judge, "text_direction", mark->first, mark->behind,
                                "no fact cited there says so.");
    return MSP_OK;
}

/* A change that is written as a number goes up or down in the same sentence. */
static enum msp_result judge_bare_changes(const struct msp_judge *judge,
                                          const struct msp_segment *segment)
{
    bool said = false;
    for (size_t i = 0; i < judge->parts.mark_count; i++) {
        const struct msp_mark *mark = &judge->parts.marks[i];
        said |= mark->kind == MSP_MARK_VARIATION || mark->kind == MSP_MARK_MULTIPLE ||
                mark->kind == MSP_MARK_DIRECTION;
    }
    for (size_t i = 0; i < judge->parts.quantity_count && !said; i++) {
        const struct msp_quantity *q = &judge->parts.quantities[i];
        if (q->fact != NULL && q->fact->period == MSP_FACT_CHANGE && q->sign == 0 &&
            msp_within(q->first, segment->first, segment->behind))
            return msp_judge_refuse(judge, "text_direction", q->first, q->behind,
                                    "the fact cited is a change; say whether it went up or down.");
    }
    return MSP_OK;
}

enum msp_result msp_judge_directions(struct msp_judge *judge, const struct msp_segment *segment)
{
    enum msp_result result = judge_bare_changes(judge, segment);
    for (size_t i = 0; i < judge->parts.mark_count && result == MSP_OK; i++) {
        const struct msp_mark *mark = &judge->parts.marks[i];
        if (!msp_within(mark->first, segment->first, segment->behind))
            continue;
        if (mark->kind == MSP_MARK_DIRECTION)
            result = judge_direction(judge, segment, mark);
        else if (mark->kind == MSP_MARK_MULTIPLE)
            result = judge_multiple(judge, segment, mark);
    }
    return result;
}
