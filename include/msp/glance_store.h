/*
 * How each of several tenants stands: its last complete days against those before, and what is
 * wrong with it. Nobody sees all tenants' data at once: each tenant is set in turn, and each is
 * read behind its own wall.
 */
#ifndef MSP_GLANCE_STORE_H
#define MSP_GLANCE_STORE_H

#include "msp/job_message.h"
#include "msp/kpi_store.h"

/* Texts and rows live in the arena given to the call. */
struct msp_glance {
    int64_t tenant_id; /* in */
    struct msp_kpi_freshness freshness;
    int64_t drained_us; /* every change before was read; MSP_NO_TIME: none, pushed */
    int64_t failed_us;  /* when the last pull failed; MSP_NO_TIME: it did not */
    const char *failure;
    char job_id[MSP_JOB_ID_BYTES]; /* of the job that failed last; "" = none */
    const char *job_kind;
    int64_t job_finished_us;
    const char *job_error;    /* JSON object or NULL */
    int32_t from, to;         /* the last complete days; MSP_NO_DAY: no day is complete */
    struct msp_kpi_row *days; /* the computed ones of them */
    size_t day_count;
    struct msp_kpi_values now, before; /* those days merged, and as many right before */
};

/* Fills in `count` tenants by their last `days` complete days, a few in each round trip. As
 * msp_api. */
enum msp_result msp_glance_read(struct msp_db *db, struct msp_glance *tenants, size_t count,
                                int days, struct msp_arena *arena, int64_t deadline_ms,
                                struct msp_error *error) MSP_MUST_CHECK;

#endif
