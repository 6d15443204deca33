/* From KPI values to numbered facts. It writes no sentence and knows no language but in the
 * prompt's form, where number_format.h writes the values. */
#include "facts.h"

#include "number_format.h"

#include "msp/no_value.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define SECONDS_A_MINUTE 60
#define AT(member)       offsetof(struct msp_kpi_values, member)

enum form { FORM_COUNT, FORM_RATIO, FORM_MEAN_MINUTES, FORM_PERCENTILE_MINUTES };

struct measure {
    const char *metric;
    enum msp_fact_kind kind;
    enum msp_fact_good good;
    enum form form;
    size_t of, per;   /* offsets in struct msp_kpi_values */
    bool of_members;  /* also spoken of for a member of a dimension */
    bool no_relative; /* a percentage of a percentage is what readers mistake for points */
};

/* New rows go to the end, so that the ids of the totals stay. */
static const struct measure measures[] = {
    {"tickets_created", MSP_FACT_COUNT, MSP_FACT_NEITHER, FORM_COUNT, AT(tickets_created), 0, true,
     false},
    {"tickets_resolved", MSP_FACT_COUNT, MSP_FACT_MORE_IS_BETTER, FORM_COUNT, AT(tickets_resolved),
     0, true, false},
    {"tickets_closed", MSP_FACT_COUNT, MSP_FACT_MORE_IS_BETTER, FORM_COUNT, AT(tickets_closed), 0,
     false, false},
    {"tickets_reopened", MSP_FACT_COUNT, MSP_FACT_LESS_IS_BETTER, FORM_COUNT, AT(tickets_reopened),
     0, false, false},
    {"backlog", MSP_FACT_COUNT, MSP_FACT_LESS_IS_BETTER, FORM_COUNT, AT(backlog), 0, true, false},
    {"sla_known", MSP_FACT_COUNT, MSP_FACT_NEITHER, FORM_COUNT, AT(sla_known), 0, false, false},
    {"sla_met", MSP_FACT_COUNT, MSP_FACT_MORE_IS_BETTER, FORM_COUNT, AT(sla_met), 0, false, false},
    {"sla_compliance", MSP_FACT_RATIO, MSP_FACT_MORE_IS_BETTER, FORM_RATIO, AT(sla_met),
     AT(sla_known), true, true},
    {"resolution_minutes_mean", MSP_FACT_MINUTES, MSP_FACT_LESS_IS_BETTER, FORM_MEAN_MINUTES,
     AT(resolution.sum_seconds), AT(resolution.count), false, false},
    {"resolution_minutes_p50", MSP_FACT_MINUTES, MSP_FACT_LESS_IS_BETTER, FORM_PERCENTILE_MINUTES,
     AT(resolution.p50_seconds), AT(resolution.count), true, false},
    {"resolution_minutes_p90", MSP_FACT_MINUTES, MSP_FACT_LESS_IS_BETTER, FORM_PERCENTILE_MINUTES,
     AT(resolution.p90_seconds), AT(resolution.count), false, false},
    {"resolution_minutes_p95", MSP_FACT_MINUTES, MSP_FACT_LESS_IS_BETTER, FORM_PERCENTILE_MINUTES,
     AT(resolution.p95_seconds), AT(resolution.count), false, false},
    {"first_response_minutes_mean", MSP_FACT_MINUTES, MSP_FACT_LESS_IS_BETTER, FORM_MEAN_MINUTES,
     AT(first_response.sum_seconds), AT(first_response.count), false, false},
    {"first_response_minutes_p50", MSP_FACT_MINUTES, MSP_FACT_LESS_IS_BETTER,
     FORM_PERCENTILE_MINUTES, AT(first_response.p50_seconds), AT(first_response.count), false,
     false},
    {"first_response_minutes_p90", MSP_FACT_MINUTES, MSP_FACT_LESS_IS_BETTER,
     FORM_PERCENTILE_MINUTES, AT(first_response.p90_seconds), AT(first_response.count), false,
     false},
    {"reopen_rate", MSP_FACT_RATIO, MSP_FACT_LESS_IS_BETTER, FORM_RATIO, AT(tickets_reopened),
     AT(tickets_resolved), false, true},
    {"kill_rate", MSP_FACT_RATIO, MSP_FACT_MORE_IS_BETTER, FORM_RATIO, AT(tickets_closed),
     AT(tickets_created), false, true},
    {"csat_mean", MSP_FACT_SCORE, MSP_FACT_MORE_IS_BETTER, FORM_RATIO, AT(csat_sum), AT(csat_count),
     false, false},
    {"csat_count", MSP_FACT_COUNT, MSP_FACT_NEITHER, FORM_COUNT, AT(csat_count), 0, false, false},
};
#define MEASURES (sizeof measures / sizeof measures[0])

static const char *const dimensions[] = {"priority", "category", "group"};

/* A value, or that there is none. */
struct maybe {
    bool known;
    int64_t value;
};
static const struct maybe nothing = {.known = false};

/* Past this an answer would not fit in billionths; no tenant counts so far. */
#define LARGEST (INT64_MAX / MSP_FACT_ONE - 1)

/* numerator / denominator in billionths, half away from zero. */
static struct maybe divide(int64_t numerator, int64_t denominator)
{
    if (denominator == 0)
        return nothing;
    bool negative = (numerator < 0) != (denominator < 0);
    unsigned __int128 over = (unsigned __int128)(numerator < 0 ? -(__int128)numerator : numerator);
    unsigned __int128 under =
        (unsigned __int128)(denominator < 0 ? -(__int128)denominator : denominator);
    unsigned __int128 result = (over * MSP_FACT_ONE * 2 + under) / (under * 2);
    if (result > (unsigned __int128)LARGEST * MSP_FACT_ONE)
        return nothing;
    return (struct maybe){true, negative ? -(int64_t)result : (int64_t)result};
}

static int64_t count_at(const struct msp_kpi_values *values, size_t offset)
{
    return *(const int64_t *)((const char *)values + offset);
}

static struct maybe percentile(const struct msp_kpi_values *values, const struct measure *measure)
{
    double seconds = *(const double *)((const char *)values + measure->of);
    if (count_at(values, measure->per) == 0 || !(seconds >= 0) || seconds > (double)LARGEST)
        return nothing;
    /* A millisecond of a duration that is known to 1 % is finer than anybody reads. */
    return divide((int64_t)(seconds * 1000 + 0.5), (int64_t)SECONDS_A_MINUTE * 1000);
}

static struct maybe measure_of(const struct msp_kpi_values *values, const struct measure *measure)
{
    if (values == NULL || !values->computed)
        return nothing;
    switch (measure->form) {
    case FORM_COUNT:
        return divide(count_at(values, measure->of), 1);
    case FORM_RATIO:
        return divide(count_at(values, measure->of), count_at(values, measure->per));
    case FORM_MEAN_MINUTES:
        if (count_at(values, measure->per) > LARGEST)
            return nothing;
        return divide(count_at(values, measure->of),
                      count_at(values, measure->per) * SECONDS_A_MINUTE);
    case FORM_PERCENTILE_MINUTES:
        return percentile(values, measure);
    }
    return nothing;
}

static struct maybe difference(struct maybe now, struct maybe before)
{
    if (!now.known || !before.known)
        return nothing;
    return (struct maybe){true, now.value - before.value};
}

static struct maybe relative(struct maybe now, struct maybe before)
{
    struct maybe change = difference(now, before);
    return change.known ? divide(change.value, before.value) : nothing;
}

/* Facts are counted before they are made, so that the list is one array; `list` NULL counts. */
struct maker {
    struct msp_fact *list;
    size_t count;
};

static void make(struct maker *maker, struct msp_fact fact)
{
    if (maker->list != NULL) {
        snprintf(fact.id, sizeof fact.id, "f%zu", maker->count + 1);
        maker->list[maker->count] = fact;
    }
    maker->count++;
}

static void make_day(struct maker *maker, const char *metric, enum msp_fact_period period,
                     int32_t day)
{
    make(maker, (struct msp_fact){.metric = metric,
                                  .dimension = "all",
                                  .period = period,
                                  .kind = MSP_FACT_DAY,
                                  .known = day != MSP_NO_DAY,
                                  .day = day});
}

static void make_days(struct maker *maker, const char *metric, enum msp_fact_period period,
                      bool known, int64_t days)
{
    make(maker, (struct msp_fact){.metric = metric,
                                  .dimension = "all",
                                  .period = period,
                                  .kind = MSP_FACT_COUNT,
                                  .known = known,
                                  .value = known ? days * MSP_FACT_ONE : 0});
}

static int64_t incomplete_days(const struct msp_facts *facts)
{
    if (facts->complete_through < facts->from) /* MSP_NO_DAY is the least of all days */
        return (int64_t)facts->to - facts->from + 1;
    if (facts->complete_through >= facts->to)
        return 0;
    return (int64_t)facts->to - facts->complete_through;
}

static void make_periods(struct maker *maker, const struct msp_facts *facts)
{
    bool compared = facts->previous_from != MSP_NO_DAY;
    make_day(maker, "period_from", MSP_FACT_CURRENT, facts->from);
    make_day(maker, "period_to", MSP_FACT_CURRENT, facts->to);
    make_day(maker, "period_from", MSP_FACT_PREVIOUS, facts->previous_from);
    make_day(maker, "period_to", MSP_FACT_PREVIOUS, facts->previous_to);
    make_days(maker, "period_days", MSP_FACT_CURRENT, true, (int64_t)facts->to - facts->from + 1);
    make_days(maker, "period_days", MSP_FACT_PREVIOUS, compared,
              compared ? (int64_t)facts->previous_to - facts->previous_from + 1 : 0);
    make_day(maker, "complete_through", MSP_FACT_CURRENT, facts->complete_through);
    make_days(maker, "incomplete_days", MSP_FACT_CURRENT, true, incomplete_days(facts));
}

static void make_measure(struct maker *maker, const struct measure *measure, const char *dimension,
                         const char *member, const struct msp_kpi_values *current,
                         const struct msp_kpi_values *previous)
{
    struct maybe now = measure_of(current, measure);
    struct maybe before = measure_of(previous, measure);
    struct maybe change = difference(now, before);
    struct msp_fact fact = {.metric = measure->metric,
                            .dimension = dimension,
                            .member = member,
                            .kind = measure->kind,
                            .good = measure->good};

    fact.period = MSP_FACT_CURRENT, fact.known = now.known, fact.value = now.value;
    make(maker, fact);
    fact.period = MSP_FACT_PREVIOUS, fact.known = before.known, fact.value = before.value;
    make(maker, fact);
    fact.period = MSP_FACT_CHANGE, fact.known = change.known, fact.value = change.value;
    make(maker, fact);
    if (measure->no_relative)
        return;
    change = relative(now, before);
    fact.kind = MSP_FACT_PERCENT, fact.known = change.known, fact.value = change.value;
    make(maker, fact);
}

static struct maybe share(const struct msp_kpi_values *part, const struct msp_kpi_values *whole)
{
    if (part == NULL || !part->computed || whole == NULL || !whole->computed)
        return nothing;
    return divide(part->tickets_created, whole->tickets_created);
}

static void make_share(struct maker *maker, const struct msp_facts_member *of,
                       enum msp_fact_period period, struct maybe share)
{
    make(maker, (struct msp_fact){.metric = "tickets_created_share",
                                  .dimension = of->dimension,
                                  .member = of->member,
                                  .period = period,
                                  .kind = MSP_FACT_RATIO,
                                  .known = share.known,
                                  .value = share.value});
}

static void make_all(struct maker *maker, const struct msp_facts *facts,
                     const struct msp_facts_input *input, const struct msp_facts_member *members)
{
    make_periods(maker, facts);
    for (size_t i = 0; i < MEASURES; i++)
        make_measure(maker, &measures[i], "all", NULL, input->current, input->previous);
    for (size_t m = 0; m < input->member_count; m++) {
        const struct msp_facts_member *of = &members[m];
        for (size_t i = 0; i < MEASURES; i++) {
            if (measures[i].of_members)
                make_measure(maker, &measures[i], of->dimension, of->member, of->current,
                             of->previous);
        }
        make_share(maker, of, MSP_FACT_CURRENT, share(of->current, input->current));
        make_share(maker, of, MSP_FACT_PREVIOUS, share(of->previous, input->previous));
    }
}

static const char *known_dimension(const char *dimension)
{
    for (size_t i = 0; dimension != NULL && i < sizeof dimensions / sizeof dimensions[0]; i++) {
        if (strcmp(dimension, dimensions[i]) == 0)
            return dimensions[i];
    }
    return NULL;
}

static enum msp_result check(const struct msp_facts_input *input, struct msp_error *error)
{
    bool compared = input->previous_from != MSP_NO_DAY && input->previous_to != MSP_NO_DAY;
    bool alone = input->previous_from == MSP_NO_DAY && input->previous_to == MSP_NO_DAY;
    if (input->from == MSP_NO_DAY || input->to < input->from || (!compared && !alone) ||
        (compared && input->previous_to < input->previous_from))
        return msp_fail(error, MSP_INVALID, "facts_period",
                        "The period of the summary or the one before it is no range of days.");
    if (input->member_count > MSP_FACT_MAX_MEMBERS)
        return msp_fail(error, MSP_TOO_LARGE, "facts_members",
                        "A summary speaks of at most %d members; choose the largest.",
                        MSP_FACT_MAX_MEMBERS);
    for (size_t i = 0; i < input->member_count; i++) {
        const struct msp_facts_member *member = &input->members[i];
        if (known_dimension(member->dimension) == NULL || member->member == NULL ||
            strlen(member->member) > MSP_FACT_MEMBER_MAX_BYTES)
            return msp_fail(error, MSP_INVALID, "facts_member",
                            "A summary speaks of priorities, categories and groups only, with "
                            "names of at most %d bytes.",
                            MSP_FACT_MEMBER_MAX_BYTES);
    }
    return MSP_OK;
}

/* The input's members with texts that live as long as the facts. */
static struct msp_facts_member *keep_members(const struct msp_facts_input *input,
                                             struct msp_arena *arena)
{
    struct msp_facts_member *members =
        msp_arena_calloc(arena, input->member_count + 1, sizeof *members);
    for (size_t i = 0; members != NULL && i < input->member_count; i++) {
        members[i] = input->members[i];
        members[i].dimension = known_dimension(members[i].dimension);
        members[i].member =
            msp_arena_copy(arena, input->members[i].member, strlen(input->members[i].member));
        if (members[i].member == NULL)
            return NULL;
    }
    return members;
}

enum msp_result msp_facts_build(const struct msp_facts_input *input, struct msp_arena *arena,
                                struct msp_facts *out, struct msp_error *error)
{
    const char *name = input->tenant_name == NULL ? "" : input->tenant_name;
    const char *timezone = input->timezone == NULL ? "" : input->timezone;
    struct msp_facts facts = {.from = input->from,
                              .to = input->to,
                              .previous_from = input->previous_from,
                              .previous_to = input->previous_to,
                              .complete_through = input->complete_through};
    struct maker maker = {.list = NULL};
    enum msp_result result = check(input, error);
    if (result != MSP_OK)
        return result;

    facts.tenant_name = msp_arena_copy(arena, name, strlen(name));
    facts.timezone = msp_arena_copy(arena, timezone, strlen(timezone));
    struct msp_facts_member *members = keep_members(input, arena);
    if (facts.tenant_name == NULL || facts.timezone == NULL || members == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "Memory is short; try again.");

    make_all(&maker, &facts, input, members);
    facts.list = msp_arena_calloc(arena, maker.count, sizeof *facts.list);
    if (facts.list == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "Memory is short; try again.");
    maker = (struct maker){.list = facts.list};
    make_all(&maker, &facts, input, members);
    facts.count = maker.count;
    *out = facts;
    return MSP_OK;
}

const struct msp_fact *msp_facts_by_id(const struct msp_facts *facts, const char *id, size_t length)
{
    for (size_t i = 0; i < facts->count; i++) {
        if (strlen(facts->list[i].id) == length && memcmp(facts->list[i].id, id, length) == 0)
            return &facts->list[i];
    }
    return NULL;
}

static bool same_member(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

const struct msp_fact *msp_facts_find(const struct msp_facts *facts, const char *metric,
                                      const char *dimension, const char *member,
                                      enum msp_fact_period period, enum msp_fact_kind kind)
{
    for (size_t i = 0; i < facts->count; i++) {
        const struct msp_fact *fact = &facts->list[i];
        if (fact->period == period && fact->kind == kind && strcmp(fact->metric, metric) == 0 &&
            strcmp(fact->dimension, dimension) == 0 && same_member(fact->member, member))
            return fact;
    }
    return NULL;
}

const struct msp_fact *msp_facts_total(const struct msp_facts *facts, const char *metric,
                                       enum msp_fact_period period)
{
    for (size_t i = 0; i < facts->count; i++) {
        const struct msp_fact *fact = &facts->list[i];
        if (fact->period == period && fact->kind != MSP_FACT_PERCENT && fact->member == NULL &&
            strcmp(fact->metric, metric) == 0)
            return fact;
    }
    return NULL;
}

bool msp_facts_complete(const struct msp_facts *facts)
{
    return incomplete_days(facts) == 0;
}
