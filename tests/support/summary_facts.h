/* A tenant's March and the February before it, worked out by hand, for the tests of summaries. */
#ifndef TESTS_SUPPORT_SUMMARY_FACTS_H
#define TESTS_SUPPORT_SUMMARY_FACTS_H

#include "workers/jobs/summaries/facts.h"

#include "msp/no_value.h"
#include "msp/timestamp.h"

#include <criterion/criterion.h>
#include <string.h>

static inline int32_t sample_day(const char *text)
{
    int32_t day = 0;
    cr_assert(msp_day_parse(text, strlen(text), &day));
    return day;
}

static inline struct msp_kpi_values sample_march(void)
{
    return (struct msp_kpi_values){.computed = true,
                                   .tickets_created = 1240,
                                   .tickets_resolved = 1187,
                                   .tickets_closed = 1150,
                                   .tickets_reopened = 1,
                                   .backlog = 93,
                                   .sla_known = 1000,
                                   .sla_met = 914,
                                   .csat_count = 40,
                                   .csat_sum = 170,
                                   .resolution = {.count = 1187,
                                                  .sum_seconds = 1187 * INT64_C(15000),
                                                  .p50_seconds = 12000,
                                                  .p90_seconds = 187200,
                                                  .p95_seconds = 260000},
                                   .first_response = {.count = 1200,
                                                      .sum_seconds = 1200 * INT64_C(1500),
                                                      .p50_seconds = 1080,
                                                      .p90_seconds = 3000}};
}

static inline struct msp_kpi_values sample_february(void)
{
    return (struct msp_kpi_values){.computed = true,
                                   .tickets_created = 1100,
                                   .tickets_resolved = 1187,
                                   .tickets_closed = 1160,
                                   .tickets_reopened = 12,
                                   .backlog = 40,
                                   .sla_known = 1000,
                                   .sla_met = 899,
                                   .csat_count = 20,
                                   .csat_sum = 88,
                                   .resolution = {.count = 1187,
                                                  .sum_seconds = 1187 * INT64_C(16200),
                                                  .p50_seconds = 13380,
                                                  .p90_seconds = 172800,
                                                  .p95_seconds = 250000},
                                   .first_response = {.count = 1100,
                                                      .sum_seconds = 1100 * INT64_C(1400),
                                                      .p50_seconds = 900,
                                                      .p90_seconds = 2900}};
}

struct sample {
    struct msp_kpi_values march, february, network, printing, network_before, printing_before;
    struct msp_facts_member members[4];
    struct msp_facts_input input;
};

/* Filled in place, since the input points into it. */
static inline void sample_fill(struct sample *sample)
{
    sample->march = sample_march();
    sample->february = sample_february();
    sample->network = (struct msp_kpi_values){
        .computed = true, .tickets_created = 496, .tickets_resolved = 470, .backlog = 50};
    sample->network_before = (struct msp_kpi_values){
        .computed = true, .tickets_created = 400, .tickets_resolved = 410, .backlog = 24};
    sample->printing = (struct msp_kpi_values){
        .computed = true, .tickets_created = 124, .tickets_resolved = 130, .backlog = 3};
    sample->printing_before = (struct msp_kpi_values){
        .computed = true, .tickets_created = 155, .tickets_resolved = 150, .backlog = 9};
    sample->members[0] =
        (struct msp_facts_member){"priority", "high", &sample->printing, &sample->printing_before};
    sample->members[1] =
        (struct msp_facts_member){"category", "Network", &sample->network, &sample->network_before};
    sample->members[2] = (struct msp_facts_member){"category", "Printing 2", &sample->printing,
                                                   &sample->printing_before};
    sample->members[3] =
        (struct msp_facts_member){"category", "", &sample->printing, &sample->printing_before};
    sample->input = (struct msp_facts_input){.tenant_name = "Acme 24",
                                             .timezone = "Europe/Paris",
                                             .from = sample_day("2026-03-01"),
                                             .to = sample_day("2026-03-31"),
                                             .previous_from = sample_day("2026-02-01"),
                                             .previous_to = sample_day("2026-02-28"),
                                             .complete_through = sample_day("2026-03-31"),
                                             .current = &sample->march,
                                             .previous = &sample->february,
                                             .members = sample->members,
                                             .member_count = 4};
}

static inline struct msp_facts sample_facts(struct sample *sample, struct msp_arena *arena)
{
    struct msp_error error = {.result = MSP_OK};
    struct msp_facts facts;
    cr_assert_eq(msp_facts_build(&sample->input, arena, &facts, &error), MSP_OK, "%s",
                 error.detail);
    return facts;
}

#endif
