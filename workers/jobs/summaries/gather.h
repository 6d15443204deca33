/* Gathers the facts of a tenant's period from its stored KPIs. Computes none and writes no text. */
#ifndef MSP_JOBS_SUMMARIES_GATHER_H
#define MSP_JOBS_SUMMARIES_GATHER_H

#include "job_run.h"
#include "summaries/facts.h"

struct msp_gathered {
    struct msp_facts facts;
    int64_t data_as_of_us; /* MSP_NO_TIME */
};

/*
 * The facts of the job's tenant from `from` to `to`, and of the equally long range right before:
 * its totals, its priorities, and the categories and groups with the most tickets, under names that
 * were cleaned. They add up: MSP_UNAVAILABLE "data_changing" if they never did, since they were
 * computed anew while they were read.
 */
enum msp_result msp_facts_gather(const struct msp_job_run *run, int32_t from, int32_t to,
                                 struct msp_gathered *out, struct msp_error *error) MSP_MUST_CHECK;

#endif
