/* Several tenants in one transaction, one after another: before each one's statements stands the
 * call that sets it. */
#include "msp/glance_store.h"

#include "kpi_rows.h"
#include "wire.h"

#include <string.h>

/* With what is prepared meanwhile they stay below the answers a pipeline expects (connection.h). */
#define TENANTS_AT_ONCE 8
#define CALLS_A_TENANT  4

static const struct msp_statement tenant_statement = {"glance_tenant",
                                                      "SELECT msp.set_tenant($1::bigint)", false};

static const struct msp_statement source_statement = {
    "glance_source",
    "SELECT c.drained_at, c.failed_at, c.failure"
    "  FROM msp.tenants t"
    "  JOIN msp.ingest_cursors c ON c.tenant_id = t.tenant_id AND c.source = t.source"
    " WHERE t.tenant_id = $1::bigint AND c.tenant_id = $1::bigint AND t.source <> ''",
    true};

static const struct msp_statement failed_job_statement = {
    "glance_failed_job",
    "SELECT j.job_id::text, j.kind, j.finished_at, j.error::text"
    "  FROM msp.jobs j WHERE j.tenant_id = $1::bigint AND j.state = 'failed'"
    " ORDER BY j.finished_at DESC LIMIT 1",
    true};

/* The calls of a few tenants on their way, CALLS_A_TENANT each. */
struct round {
    struct msp_call calls[TENANTS_AT_ONCE * CALLS_A_TENANT];
    struct msp_params params[TENANTS_AT_ONCE * CALLS_A_TENANT];
    size_t count;
};

static struct msp_params *add_call(struct round *round, const struct msp_statement *statement,
                                   int64_t tenant_id)
{
    struct msp_params *params = &round->params[round->count];
    msp_params_init(params);
    msp_params_int(params, tenant_id);
    round->calls[round->count++] = (struct msp_call){statement, params, NULL};
    return params;
}

static enum msp_result ask(struct msp_db *db, struct round *round, int64_t deadline_ms,
                           struct msp_error *error)
{
    const struct msp_scope no_tenant_yet = {0, NULL};
    return msp_db_transact(db, &no_tenant_yet, round->calls, round->count, deadline_ms, error);
}

/* ---- how fresh, and what failed ---- */

static const char *copy(const PGresult *rows, int column, struct msp_arena *arena, bool *failed)
{
    if (msp_result_is_null(rows, 0, column))
        return NULL;
    const char *text =
        msp_arena_copy(arena, PQgetvalue(rows, 0, column), (size_t)PQgetlength(rows, 0, column));
    *failed = *failed || text == NULL;
    return text;
}

static bool read_source(const PGresult *rows, struct msp_arena *arena, struct msp_glance *out)
{
    bool failed = false;
    out->drained_us = MSP_NO_TIME;
    out->failed_us = MSP_NO_TIME;
    if (PQntuples(rows) == 0)
        return true;
    out->drained_us = msp_wire_time(rows, 0, 0);
    out->failed_us = msp_wire_time(rows, 0, 1);
    out->failure = copy(rows, 2, arena, &failed);
    return !failed;
}

static bool read_job(const PGresult *rows, struct msp_arena *arena, struct msp_glance *out)
{
    bool failed = false;
    if (PQntuples(rows) == 0 || PQgetlength(rows, 0, 0) != MSP_JOB_ID_BYTES - 1)
        return true;
    memcpy(out->job_id, PQgetvalue(rows, 0, 0), MSP_JOB_ID_BYTES - 1);
    out->job_kind = copy(rows, 1, arena, &failed);
    out->job_finished_us = msp_wire_time(rows, 0, 2);
    out->job_error = copy(rows, 3, arena, &failed);
    return !failed;
}

static enum msp_result read_states(struct msp_db *db, struct msp_glance *tenants, size_t count,
                                   struct msp_arena *arena, int64_t deadline_ms,
                                   struct msp_error *error)
{
    struct round round = {.count = 0};
    for (size_t i = 0; i < count; i++) {
        (void)add_call(&round, &tenant_statement, tenants[i].tenant_id);
        (void)add_call(&round, &msp_kpi_freshness_statement, tenants[i].tenant_id);
        (void)add_call(&round, &source_statement, tenants[i].tenant_id);
        (void)add_call(&round, &failed_job_statement, tenants[i].tenant_id);
    }
    enum msp_result result = ask(db, &round, deadline_ms, error);
    bool whole = true;
    for (size_t i = 0; i < count && result == MSP_OK; i++) {
        const struct msp_call *calls = &round.calls[i * CALLS_A_TENANT];
        msp_kpi_freshness_read(calls[1].result, &tenants[i].freshness);
        whole = read_source(calls[2].result, arena, &tenants[i]) &&
                read_job(calls[3].result, arena, &tenants[i]) && whole;
    }
    msp_calls_clear(round.calls, round.count);
    if (result == MSP_OK && !whole)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the tenants.");
    return result;
}

/* ---- the days ---- */

static void add_days(struct round *round, const struct msp_statement *statement, int64_t tenant_id,
                     int32_t from, int32_t to)
{
    const struct msp_kpi_query query = {.from = from, .to = to, .dimension = "all"};
    msp_kpi_query_params(add_call(round, statement, tenant_id), tenant_id, &query);
}

static enum msp_result read_merged(const PGresult *rows, struct msp_arena *arena,
                                   struct msp_kpi_values *out, struct msp_error *error)
{
    struct msp_kpi_row *merged = NULL;
    size_t count = 0;
    enum msp_result result = msp_kpi_rows_read(rows, arena, &merged, &count, error);
    if (result == MSP_OK && count > 0)
        *out = merged[0].values;
    return result;
}

static enum msp_result read_days(struct msp_db *db, struct msp_glance *const *tenants, size_t count,
                                 struct msp_arena *arena, int64_t deadline_ms,
                                 struct msp_error *error)
{
    struct round round = {.count = 0};
    for (size_t i = 0; i < count; i++) {
        const struct msp_glance *tenant = tenants[i];
        int32_t days = tenant->to - tenant->from + 1;
        (void)add_call(&round, &tenant_statement, tenant->tenant_id);
        add_days(&round, &msp_kpi_daily_statement, tenant->tenant_id, tenant->from, tenant->to);
        add_days(&round, &msp_kpi_merged_statement, tenant->tenant_id, tenant->from, tenant->to);
        add_days(&round, &msp_kpi_merged_statement, tenant->tenant_id, tenant->from - days,
                 tenant->to - days);
    }
    enum msp_result result = ask(db, &round, deadline_ms, error);
    for (size_t i = 0; i < count && result == MSP_OK; i++) {
        const struct msp_call *calls = &round.calls[i * CALLS_A_TENANT];
        result = msp_kpi_rows_read(calls[1].result, arena, &tenants[i]->days,
                                   &tenants[i]->day_count, error);
        if (result == MSP_OK)
            result = read_merged(calls[2].result, arena, &tenants[i]->now, error);
        if (result == MSP_OK)
            result = read_merged(calls[3].result, arena, &tenants[i]->before, error);
    }
    msp_calls_clear(round.calls, round.count);
    return result;
}

static enum msp_result read_few(struct msp_db *db, struct msp_glance *tenants, size_t count,
                                int days, struct msp_arena *arena, int64_t deadline_ms,
                                struct msp_error *error)
{
    struct msp_glance *with_days[TENANTS_AT_ONCE];
    size_t with_count = 0;
    enum msp_result result = read_states(db, tenants, count, arena, deadline_ms, error);
    for (size_t i = 0; i < count && result == MSP_OK; i++) {
        tenants[i].to = tenants[i].freshness.complete_through;
        tenants[i].from = tenants[i].to == MSP_NO_DAY ? MSP_NO_DAY : tenants[i].to - days + 1;
        if (tenants[i].to != MSP_NO_DAY)
            with_days[with_count++] = &tenants[i];
    }
    if (result == MSP_OK && with_count > 0)
        result = read_days(db, with_days, with_count, arena, deadline_ms, error);
    return result;
}

enum msp_result msp_glance_read(struct msp_db *db, struct msp_glance *tenants, size_t count,
                                int days, struct msp_arena *arena, int64_t deadline_ms,
                                struct msp_error *error)
{
    enum msp_result result = MSP_OK;
    for (size_t at = 0; at < count && result == MSP_OK; at += TENANTS_AT_ONCE) {
        size_t few = count - at < TENANTS_AT_ONCE ? count - at : TENANTS_AT_ONCE;
        result = read_few(db, &tenants[at], few, days, arena, deadline_ms, error);
    }
    return result;
}
