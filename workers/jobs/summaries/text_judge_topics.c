/* Whether the words name the metric, the statistic and the member of the facts they cite, and,
 * where one citation backs several of them, in the order of their numbers. */
#include "text_judge.h"

#include <string.h>

/* Metrics that may be named beside another because they are a part of what it means. */
static uint32_t companions_of(uint32_t bit)
{
    static const struct {
        uint32_t bits, companions;
    } table[] = {
        {MSP_M_REOPENED | MSP_M_REOPEN_RATE, MSP_M_RESOLVED | MSP_M_CLOSED | MSP_M_REOPENED},
        {MSP_M_SLA, MSP_M_RESOLVED | MSP_M_CLOSED | MSP_M_RESOLUTION | MSP_M_FIRST | MSP_M_SLA},
        {MSP_M_SLA_KNOWN, MSP_M_RESOLVED | MSP_M_CLOSED},
        {MSP_M_RESOLUTION, MSP_M_CREATED | MSP_M_CLOSED | MSP_M_SHARE},
        {MSP_M_FIRST, MSP_M_CREATED | MSP_M_SHARE},
        {MSP_M_KILL_RATE, MSP_M_CLOSED | MSP_M_CREATED},
        {MSP_M_CSAT, MSP_M_RESOLVED | MSP_M_CLOSED | MSP_M_CSAT},
        {MSP_M_SHARE, MSP_M_CREATED},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (table[i].bits & bit)
            return table[i].companions;
    }
    return 0;
}

static uint32_t bits_of(const struct msp_segment *segment)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < segment->count; i++)
        bits |= msp_metric_bit_of(segment->facts[i]);
    return bits;
}

static uint32_t said(const struct msp_judge *judge, const struct msp_segment *segment,
                     enum msp_mark_kind kind)
{
    uint32_t bits = 0;
    for (size_t i = 0; i < judge->parts.mark_count; i++) {
        const struct msp_mark *mark = &judge->parts.marks[i];
        if (mark->kind == kind && msp_within(mark->first, segment->first, segment->behind))
            bits |= mark->value;
    }
    return bits;
}

/* Words that name a metric none of the cited facts is of. */
static enum msp_result judge_strangers(const struct msp_judge *judge,
                                       const struct msp_segment *segment, uint32_t cited)
{
    uint32_t fitting = cited;
    for (uint32_t bit = 1; bit != 0 && bit <= MSP_M_INCOMPLETE; bit <<= 1)
        fitting |= cited & bit ? companions_of(bit) : 0;
    if ((cited & ~(uint32_t)MSP_M_DAYS) == 0)
        return MSP_OK;
    for (size_t i = 0; i < judge->parts.mark_count; i++) {
        const struct msp_mark *mark = &judge->parts.marks[i];
        bool metric = mark->kind == MSP_MARK_METRIC && (mark->value & fitting) == 0;
        bool statistic = mark->kind == MSP_MARK_STATISTIC && (mark->value & cited) == 0;
        if ((metric || statistic) && msp_within(mark->first, segment->first, segment->behind))
            return msp_judge_refuse(judge, "text_metric", mark->first, mark->behind,
                                    "the facts cited there are of another metric; put each "
                                    "citation right behind its own claim.");
    }
    return MSP_OK;
}

/* "With an increase of 9% [f12], the backlog …": what is named right behind the citation. */
static uint32_t named_ahead(const struct msp_judge *judge, const struct msp_segment *segment,
                            enum msp_mark_kind kind)
{
    const struct msp_segment *next = segment + 1;
    return next < judge->segments + judge->segment_count ? said(judge, next, kind) : 0;
}

static enum msp_result judge_metric(const struct msp_judge *judge,
                                    const struct msp_segment *segment, uint32_t bit)
{
    const uint32_t statistics = MSP_M_RESOLUTION | MSP_M_FIRST;
    uint32_t metrics = said(judge, segment, MSP_MARK_METRIC);
    uint32_t named = said(judge, segment, MSP_MARK_STATISTIC) | segment->statistics;
    bool ours = (metrics & bit) != 0;
    if (metrics == 0 && segment == judge->segments && !ours) {
        ours = (named_ahead(judge, segment, MSP_MARK_METRIC) & bit) != 0;
        if (named == 0)
            named = named_ahead(judge, segment, MSP_MARK_STATISTIC);
    }
    if (bit & MSP_M_DAYS)
        return MSP_OK;
    /* "Network tickets rose": tickets of which nothing else is said are those created. */
    if (metrics == 0 && segment == judge->segments && (bit & (MSP_M_CREATED | MSP_M_SHARE)) != 0)
        ours |= msp_segment_says(judge, segment, MSP_MARK_TICKETS);
    /* What was spoken of before counts only where nothing else is named. */
    if (!ours && (metrics != 0 || (judge->spoken.metrics & bit) == 0))
        return msp_judge_refuse(judge, "text_metric", segment->first, segment->behind,
                                "the words do not name the metric of the fact they cite.");
    if ((bit & statistics) && named == 0)
        named = judge->spoken.statistics;
    if ((bit & statistics) && (named & bit) == 0)
        return msp_judge_refuse(judge, "text_metric", segment->first, segment->behind,
                                "the words do not say which statistic it is: the median, the mean "
                                "or the 90th percentile.");
    return MSP_OK;
}

/* The members named in the segment, in order; NULL ends the list. */
static size_t members_named(const struct msp_judge *judge, const struct msp_segment *segment,
                            const char **names, size_t room)
{
    size_t count = 0;
    for (size_t at = segment->first; at < segment->behind && count < room; at++) {
        const char *name = msp_member_of_token(&judge->parts.tokens[at]);
        for (size_t i = 0; name == NULL && i < judge->parts.mark_count; i++) {
            if (judge->parts.marks[i].first == at)
                name = msp_member_of_mark(judge, &judge->parts.marks[i]);
        }
        if (name != NULL && (count == 0 || !msp_same_member(names[count - 1], name)))
            names[count++] = name;
    }
    return count;
}

static bool is_named(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (msp_same_member(names[i], name))
            return true;
    }
    return false;
}

static enum msp_result judge_members(struct msp_judge *judge, const struct msp_segment *segment)
{
    const char *names[MSP_SEGMENT_FACTS];
    size_t count = members_named(judge, segment, names, MSP_SEGMENT_FACTS);
    bool whole = msp_segment_says(judge, segment, MSP_MARK_TOTAL) ||
                 msp_segment_says(judge, segment, MSP_MARK_OF);
    for (size_t n = 0; n < count; n++) {
        bool cited = false;
        for (size_t i = 0; i < segment->count; i++)
            cited |= msp_same_member(segment->facts[i]->member, names[n]);
        if (!cited)
            return msp_judge_refuse(judge, "text_member", segment->first, segment->behind,
                                    "a member is named there but no fact of it is cited.");
    }
    for (size_t i = 0; i < segment->count; i++) {
        const struct msp_fact *fact = segment->facts[i];
        if (fact->kind == MSP_FACT_DAY || (msp_metric_bit_of(fact) & MSP_M_DAYS))
            continue;
        if (fact->member == NULL && judge->member_here != NULL && count == 0 && !whole)
            return msp_judge_refuse(judge, "text_member", segment->first, segment->behind,
                                    "the fact cited is of all tickets, but the sentence speaks of "
                                    "a member; begin a new sentence.");
        if (fact->member != NULL && !is_named(names, count, fact->member) &&
            (count > 0 || !msp_same_member(judge->spoken.member, fact->member)))
            return msp_judge_refuse(judge, "text_member", segment->first, segment->behind,
                                    "the words do not name the member whose fact they cite.");
    }
    if (count > 0)
        judge->spoken.member = judge->member_here = names[count - 1];
    else if (segment->count > 0 && segment->facts[0]->member == NULL &&
             segment->facts[0]->kind != MSP_FACT_DAY && judge->member_here == NULL)
        judge->spoken.member = NULL;
    return MSP_OK;
}

/* "31 tickets" is not what counts days. */
static enum msp_result judge_days(const struct msp_judge *judge, const struct msp_segment *segment)
{
    for (size_t i = 0; i < judge->parts.quantity_count; i++) {
        const struct msp_quantity *q = &judge->parts.quantities[i];
        if (q->fact == NULL || !msp_within(q->first, segment->first, segment->behind) ||
            !(msp_metric_bit_of(q->fact) & MSP_M_DAYS))
            continue;
        if (q->unit == MSP_UNIT_NONE && (msp_segment_says(judge, segment, MSP_MARK_TICKETS) ||
                                         msp_segment_says(judge, segment, MSP_MARK_METRIC)))
            return msp_judge_refuse(judge, "text_unit", q->first, q->behind,
                                    "the fact cited counts days.");
        if (q->unit == MSP_UNIT_NONE && msp_metric_bit_of(q->fact) == MSP_M_PERIOD_DAYS)
            return msp_judge_refuse(judge, "text_unit", q->first, q->behind,
                                    "the fact cited counts days; say so.");
        if (msp_metric_bit_of(q->fact) == MSP_M_INCOMPLETE &&
            !msp_segment_says(judge, segment, MSP_MARK_INCOMPLETE) &&
            !msp_segment_says(judge, segment, MSP_MARK_COMPLETE))
            return msp_judge_refuse(judge, "text_unit", q->first, q->behind,
                                    "the fact cited counts days that are not complete.");
    }
    return MSP_OK;
}

enum msp_result msp_judge_topics(struct msp_judge *judge, const struct msp_segment *segment)
{
    uint32_t cited = bits_of(segment);
    uint32_t metrics = said(judge, segment, MSP_MARK_METRIC);
    uint32_t statistics = said(judge, segment, MSP_MARK_STATISTIC) | segment->statistics;
    enum msp_result result = judge_strangers(judge, segment, cited);
    for (size_t i = 0; i < segment->count && result == MSP_OK; i++)
        result = judge_metric(judge, segment, msp_metric_bit_of(segment->facts[i]));
    if (result == MSP_OK)
        result = judge_members(judge, segment);
    if (result == MSP_OK)
        result = judge_days(judge, segment);
    if (result != MSP_OK)
        return result;

    if ((cited & ~(uint32_t)MSP_M_DAYS) == 0)
        judge->spoken.metrics |= metrics;
    else
        judge->spoken.metrics = metrics == 0 ? judge->spoken.metrics | cited : metrics | cited;
    if (statistics != 0)
        judge->spoken.statistics = statistics;
    return MSP_OK;
}

/* Quantities of one unit in the segment, and what tells them apart. */
struct row {
    const struct msp_quantity *list[MSP_SENTENCE_QUANTITIES];
    size_t count;
    uint32_t bits; /* of all together */
};

static struct row quantities_of(const struct msp_judge *judge, const struct msp_segment *segment,
                                enum msp_unit unit)
{
    struct row row = {.count = 0};
    for (size_t i = 0; i < judge->parts.quantity_count; i++) {
        const struct msp_quantity *q = &judge->parts.quantities[i];
        if (q->fact != NULL && q->unit == unit &&
            msp_within(q->first, segment->first, segment->behind)) {
            row.list[row.count++] = q;
            row.bits |= msp_metric_bit_of(q->fact);
        }
    }
    return row;
}

static bool are_part_and_whole(const struct msp_judge *judge, const struct row *row)
{
    if (row->count != 2)
        return false;
    for (size_t i = 0; i < judge->parts.mark_count; i++) {
        const struct msp_mark *mark = &judge->parts.marks[i];
        if (mark->kind == MSP_MARK_OF && mark->first >= row->list[0]->behind &&
            mark->behind == row->list[1]->first)
            return true;
    }
    return false;
}

/* The words of the metrics come in the order of the numbers. */
static bool metrics_in_order(const struct msp_judge *judge, const struct msp_segment *segment,
                             const struct row *row)
{
    size_t next = 0;
    uint32_t last = 0;
    for (size_t i = 0; i < judge->parts.mark_count; i++) {
        const struct msp_mark *mark = &judge->parts.marks[i];
        uint32_t bits = mark->value & row->bits;
        if ((mark->kind != MSP_MARK_METRIC && mark->kind != MSP_MARK_STATISTIC) ||
            !msp_within(mark->first, segment->first, segment->behind) || bits == 0 ||
            bits == row->bits || bits == last)
            continue;
        last = bits;
        if (next == row->count || (row->list[next]->bits & bits) == 0)
            return false;
        uint32_t bit = msp_metric_bit_of(row->list[next]->fact);
        while (next < row->count && msp_metric_bit_of(row->list[next]->fact) == bit)
            next++;
    }
    return next == row->count;
}

static bool members_in_order(const struct msp_judge *judge, const struct msp_segment *segment,
                             const struct row *row)
{
    const char *names[MSP_SEGMENT_FACTS];
    size_t count = members_named(judge, segment, names, MSP_SEGMENT_FACTS);
    size_t next = 0;
    for (size_t n = 0; n < count; n++) {
        if (next == row->count || !msp_same_member(row->list[next]->fact->member, names[n]))
            return false;
        while (next < row->count && msp_same_member(row->list[next]->fact->member, names[n]))
            next++;
    }
    return next == row->count;
}

static bool differ_in_member(const struct row *row)
{
    for (size_t i = 1; i < row->count; i++) {
        if (!msp_same_member(row->list[i]->fact->member, row->list[0]->fact->member))
            return true;
    }
    return false;
}

enum msp_result msp_judge_order(struct msp_judge *judge, const struct msp_segment *segment)
{
    for (enum msp_unit unit = MSP_UNIT_NONE; unit <= MSP_UNIT_SCORE; unit++) {
        struct row row = quantities_of(judge, segment, unit);
        bool many = row.count > 0 && (row.bits & (row.bits - 1)) != 0;
        if (row.count < 2 || are_part_and_whole(judge, &row))
            continue;
        if ((many && !metrics_in_order(judge, segment, &row)) ||
            (differ_in_member(&row) && !members_in_order(judge, segment, &row)))
            return msp_judge_refuse(judge, "text_order", row.list[0]->first,
                                    row.list[row.count - 1]->behind,
                                    "it is not clear which number belongs to what; put a citation "
                                    "right behind each number.");
    }
    return MSP_OK;
}
