/*
 * Daily KPIs: computing them out of raw_tickets, and reading them back. The
 * arithmetic of a day is in db/queries/kpi_compute.sql; what a row means is in the contract.
 */
#ifndef MSP_KPI_STORE_H
#define MSP_KPI_STORE_H

#include "msp/arena.h"
#include "msp/db.h"
#include "msp/no_value.h"

struct msp_kpi_computed {
    int64_t rows_written;
    int64_t days;
};

/*
 * Computes the tenant's days from..to (both MSP_NO_DAY: none of its own; `last_ended`: the tenant's
 * last ended local day instead) and every dirty day, in one transaction, and clears only the
 * marks it read. Two computations of one tenant wait for one another. The transaction also sets the
 * tenant. `fence` may be NULL; otherwise it is run inside the transaction before commit and a
 * failure rolls back (job fencing).
 */
struct msp_kpi_range {
    int32_t from, to;
    bool last_ended;
};
struct msp_fence {
    const char *job_id;
    int claim; /* struct msp_job's */
    const char *worker;
};
enum msp_result msp_kpi_compute(struct msp_db *db, int64_t tenant_id,
                                const struct msp_kpi_range *range, const struct msp_fence *fence,
                                int64_t deadline_ms, struct msp_kpi_computed *out,
                                struct msp_error *error) MSP_MUST_CHECK;

/* How long something took, over the tickets counted. Percentiles are within 1 % (ddsketch.h). */
struct msp_kpi_durations {
    int64_t count;
    int64_t sum_seconds;
    double p50_seconds, p90_seconds, p95_seconds; /* < 0 = unknown */
};

/* Stored counts and sums of a day and member, or of several merged. */
struct msp_kpi_values {
    bool computed; /* false: the day was never computed, everything else is meaningless */
    int64_t tickets_created, tickets_resolved, tickets_closed, tickets_reopened;
    int64_t backlog; /* merged: that of the last computed day */
    int64_t sla_known, sla_met;
    int64_t csat_count, csat_sum;
    struct msp_kpi_durations resolution;
    struct msp_kpi_durations first_response; /* its p95 is not kept */
};

struct msp_kpi_row {
    int32_t day;
    const char *member;
    struct msp_kpi_values values;
};

/* What an answer over KPIs says about its data. MSP_NO_DAY and MSP_NO_TIME where there is none. */
struct msp_kpi_freshness {
    int32_t complete_through;
    int64_t data_as_of_us; /* when tickets last came in */
    int64_t data_version;
    int32_t today; /* in the tenant's zone */
};

struct msp_kpi_query {
    int32_t from, to;      /* inclusive */
    const char *dimension; /* "all", "priority", … */
    const char *member;    /* NULL = every member */
};

/*
 * The stored rows of a range, by day then member, in one round trip; only what is stored (days
 * without a row are left out). Rows live in `arena`.
 */
enum msp_result msp_kpi_read_daily(struct msp_db *db, int64_t tenant_id,
                                   const struct msp_kpi_query *query, struct msp_arena *arena,
                                   int64_t deadline_ms, struct msp_kpi_row **out_rows,
                                   size_t *out_count, struct msp_kpi_freshness *freshness,
                                   struct msp_error *error) MSP_MUST_CHECK;

/* The range merged: one row a member (day = MSP_NO_DAY), "all" gives one row even when nothing was
 * computed. */
enum msp_result msp_kpi_read_merged(struct msp_db *db, int64_t tenant_id,
                                    const struct msp_kpi_query *query, struct msp_arena *arena,
                                    int64_t deadline_ms, struct msp_kpi_row **out_rows,
                                    size_t *out_count, struct msp_kpi_freshness *freshness,
                                    struct msp_error *error) MSP_MUST_CHECK;

#endif
