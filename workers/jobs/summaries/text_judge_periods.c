/* Whether each value is said to be of the period that it is of, and each phrase fits its length. */
#include "text_judge.h"

#include "msp/no_value.h"

#include <string.h>

enum spoken { SPOKEN_NOW, SPOKEN_BEFORE, SPOKEN_EITHER };

static bool has_quantity_between(const struct msp_judge *judge, size_t first, size_t behind)
{
    for (size_t i = 0; i < judge->parts.quantity_count; i++) {
        const struct msp_quantity *q = &judge->parts.quantities[i];
        if (q->fact != NULL && msp_within(q->first, first, behind))
            return true;
    }
    return false;
}

static bool only_fillers(const struct msp_judge *judge, size_t first, size_t behind)
{
    for (size_t at = first; at < behind; at++) {
        if (!msp_word_in(&judge->parts.tokens[at], judge->parts.lexicon->fillers))
            return false;
    }
    return true;
}

static bool has_comma(const struct msp_judge *judge, size_t first, size_t behind)
{
    for (size_t at = first; at < behind; at++) {
        if (strcmp(judge->parts.tokens[at].word, ",") == 0 ||
            judge->parts.tokens[at].kind == MSP_TOKEN_CITATION)
            return true;
    }
    return false;
}

/* Left of the number: "against 110", "the previous month's 110", "in February, 110". */
static bool said_before(const struct msp_judge *judge, const struct msp_segment *segment,
                        const struct msp_quantity *q, enum spoken *out)
{
    const struct msp_mark *against = NULL;
    for (size_t i = judge->parts.mark_count; i-- > 0;) {
        const struct msp_mark *mark = &judge->parts.marks[i];
        if (mark->behind > q->first || mark->first < segment->first)
            continue;
        if (has_quantity_between(judge, mark->behind, q->first))
            return false;
        bool close = only_fillers(judge, mark->behind, q->first);
        if (mark->kind == MSP_MARK_PERIOD) {
            bool before = (mark->value & MSP_PERIOD_MASK) == MSP_BEFORE;
            bool basis = false;
            for (size_t j = 0; j < i; j++) {
                const struct msp_mark *link = &judge->parts.marks[j];
                basis |= (link->kind == MSP_MARK_AGAINST || link->kind == MSP_MARK_THAN ||
                          link->kind == MSP_MARK_DIRECTION) &&
                         link->behind <= mark->first && link->first >= segment->first &&
                         mark->first - link->behind <= 3;
            }
            if (basis && !close)
                return false; /* "compared with the previous month, 120 were created" */
            *out = before ? SPOKEN_BEFORE : SPOKEN_NOW;
            return true;
        }
        if (mark->kind == MSP_MARK_AGAINST || mark->kind == MSP_MARK_THAN) {
            against = mark;
            if (!has_comma(judge, mark->behind, q->first) && q->first - mark->behind <= 6) {
                *out = SPOKEN_BEFORE;
                return mark->kind == MSP_MARK_AGAINST || close;
            }
        }
        if (against != NULL)
            return false;
    }
    return false;
}

/* Right of the number: "110 the previous month". */
static bool said_behind(const struct msp_judge *judge, const struct msp_segment *segment,
                        const struct msp_quantity *q, enum spoken *out)
{
    for (size_t i = 0; i < judge->parts.mark_count; i++) {
        const struct msp_mark *mark = &judge->parts.marks[i];
        if (mark->first < q->behind)
            continue;
        if (mark->first >= segment->behind || mark->kind == MSP_MARK_AGAINST ||
            mark->kind == MSP_MARK_THAN || mark->kind == MSP_MARK_DIRECTION ||
            has_quantity_between(judge, q->behind, mark->first))
            return false;
        if (mark->kind == MSP_MARK_PERIOD) {
            *out = (mark->value & MSP_PERIOD_MASK) == MSP_BEFORE ? SPOKEN_BEFORE : SPOKEN_NOW;
            return true;
        }
    }
    return false;
}

/* A sentence that opens with "In the previous month, …" speaks of it until it says otherwise. */
static bool opens_before(const struct msp_judge *judge)
{
    const struct msp_mark *mark = judge->parts.mark_count == 0 ? NULL : &judge->parts.marks[0];
    return mark != NULL && mark->kind == MSP_MARK_PERIOD &&
           (mark->value & MSP_PERIOD_MASK) == MSP_BEFORE && mark->first <= judge->parts.first + 2;
}

static enum spoken spoken_of(const struct msp_judge *judge, const struct msp_segment *segment,
                             const struct msp_quantity *q)
{
    enum spoken spoken;
    int end = msp_end_of_range(judge, q);
    if (end != 0)
        return end > 0 ? SPOKEN_NOW : SPOKEN_BEFORE;
    /* A phrase right behind the number is nearer than one that opened the clause. */
    if (said_behind(judge, segment, q, &spoken))
        return spoken;
    if (said_before(judge, segment, q, &spoken))
        return spoken;
    if (opens_before(judge))
        return segment == &judge->segments[0] ? SPOKEN_BEFORE : SPOKEN_EITHER;
    return SPOKEN_NOW;
}

static enum msp_result judge_length(const struct msp_judge *judge, const struct msp_mark *mark)
{
    static const struct {
        uint32_t unit;
        int least, most;
    } lengths[] = {{MSP_A_DAY, 1, 1},
                   {MSP_A_WEEK, 7, 7},
                   {MSP_A_MONTH, 28, 31},
                   {MSP_A_QUARTER, 90, 92},
                   {MSP_A_YEAR, 365, 366}};
    const struct msp_facts *facts = judge->facts;
    bool before = (mark->value & MSP_PERIOD_MASK) == MSP_BEFORE;
    int64_t days = (int64_t)facts->to - facts->from + 1;
    if (before && facts->previous_from == MSP_NO_DAY)
        return msp_judge_refuse(judge, "text_period", mark->first, mark->behind,
                                "there is no previous period to speak of.");
    if (before)
        days = (int64_t)facts->previous_to - facts->previous_from + 1;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        if ((mark->value & MSP_UNIT_MASK) == lengths[i].unit &&
            (days < lengths[i].least || days > lengths[i].most))
            return msp_judge_refuse(judge, "text_period", mark->first, mark->behind,
                                    "the period has another length; call it the period.");
    }
    return MSP_OK;
}

enum msp_result msp_judge_periods(struct msp_judge *judge, const struct msp_segment *segment)
{
    for (size_t i = 0; i < judge->parts.mark_count; i++) {
        const struct msp_mark *mark = &judge->parts.marks[i];
        if (mark->kind != MSP_MARK_PERIOD ||
            !msp_within(mark->first, segment->first, segment->behind))
            continue;
        enum msp_result result = judge_length(judge, mark);
        if (result != MSP_OK)
            return result;
    }
    for (size_t i = 0; i < judge->parts.quantity_count; i++) {
        struct msp_quantity *q = &judge->parts.quantities[i];
        if (q->fact == NULL || q->fact->period == MSP_FACT_CHANGE ||
            !msp_within(q->first, segment->first, segment->behind))
            continue;
        enum spoken spoken = spoken_of(judge, segment, q);
        enum msp_fact_period wanted =
            spoken == SPOKEN_BEFORE ? MSP_FACT_PREVIOUS : MSP_FACT_CURRENT;
        if (spoken == SPOKEN_EITHER || q->fact->period == wanted)
            continue;
        /* Rounded as it is, the number may be that of the other period too. */
        const struct msp_fact *other =
            msp_facts_find(judge->facts, q->fact->metric, q->fact->dimension, q->fact->member,
                           wanted, q->fact->kind);
        bool cited = false;
        for (size_t f = 0; f < segment->count; f++)
            cited |= segment->facts[f] == other;
        if (other == NULL || !cited || !msp_fact_backs(other, q))
            return msp_judge_refuse(
                judge, "text_period", q->first, q->behind,
                wanted == MSP_FACT_PREVIOUS
                    ? "the words say the previous period, but the fact cited is of the current one."
                    : "the fact cited is of the previous period, but the words do not say so next "
                      "to the number.");
        q->fact = other;
    }
    return MSP_OK;
}
