/* Computing and reading daily KPIs. The statements are in queries/kpi_*.sql; here they are put in
 * order. */
#include "msp/kpi_store.h"

#include "kpi_rows.h"
#include "msp/ddsketch.h"
#include "queries.h"
#include "wire.h"

#include <stdlib.h>
#include <string.h>

static const struct msp_statement ingest_lock_statement = {
    "kpi_ingest_lock", "SELECT msp.lock_ingest($1::bigint, -1)", false};
static const struct msp_statement compute_lock_statement = {
    "kpi_compute_lock", "SELECT msp.lock_compute($1::bigint)", false};
static const struct msp_statement announce_statement = {"kpi_announce", msp_query_kpi_announce,
                                                        false};
static const struct msp_statement wanted_statement = {"kpi_wanted", msp_query_kpi_wanted, false};
/* A year of days and several hundred members group in memory. */
static const struct msp_statement memory_statement = {
    "kpi_memory", "SELECT set_config('work_mem', '128MB', true)", false};
static const struct msp_statement forget_statement = {
    "kpi_forget",
    "DELETE FROM msp.kpi_daily"
    " WHERE tenant_id = $1::bigint AND day = ANY ($2::date[])"
    "   AND dimension IN ('all', 'priority', 'category', 'assignee', 'group')",
    false};
static const struct msp_statement compute_statement = {"kpi_compute", msp_query_kpi_compute, false};
static const struct msp_statement finish_statement = {"kpi_finish", msp_query_kpi_finish, false};
static const struct msp_statement fence_statement = {
    "job_fence", "SELECT msp.job_fence($1::uuid, $2::bigint::integer, $3::text)", false};

/* The sketch's boundaries as PostgreSQL writes an array. */
static enum msp_result thresholds_text(struct msp_buffer *out, struct msp_error *error)
{
    const int64_t *thresholds = msp_ddsketch_thresholds();
    for (size_t i = 0; i < MSP_DDSKETCH_BINS - 1; i++)
        msp_buffer_printf(out, "%c%lld", i == 0 ? '{' : ',', (long long)thresholds[i]);
    msp_buffer_append(out, "}", 2); /* with its NUL */
    if (out->failed)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to compute KPIs.");
    return MSP_OK;
}

static void range_params(struct msp_params *params, int64_t tenant_id,
                         const struct msp_kpi_range *range)
{
    msp_params_init(params);
    msp_params_int(params, tenant_id);
    msp_params_day(params, range->from);
    msp_params_day(params, range->to);
    msp_params_bool(params, range->last_ended);
}

/*
 * Makes the wanted days known before any of their tickets is looked at. An ingest that commits
 * before this is seen by the computation; one that commits later finds the days here and marks
 * them.
 */
static enum msp_result announce(struct msp_db *db, int64_t tenant_id,
                                const struct msp_params *range, int64_t deadline_ms,
                                struct msp_error *error)
{
    struct msp_params tenant;
    msp_params_init(&tenant);
    msp_params_int(&tenant, tenant_id);
    struct msp_call calls[] = {{&ingest_lock_statement, &tenant, NULL},
                               {&announce_statement, range, NULL}};
    struct msp_scope scope = {tenant_id, NULL};
    enum msp_result result = msp_db_transact(db, &scope, calls, 2, deadline_ms, error);
    msp_calls_clear(calls, 2);
    return result;
}

/* The days with their bounds and marks, as texts of arrays that go back to PostgreSQL as they came.
 */
static enum msp_result read_wanted(struct msp_db *db, int64_t tenant_id,
                                   const struct msp_params *range, int64_t deadline_ms,
                                   PGresult **out_wanted, struct msp_error *error)
{
    struct msp_params tenant;
    msp_params_init(&tenant);
    msp_params_int(&tenant, tenant_id);
    struct msp_call calls[] = {{&compute_lock_statement, &tenant, NULL},
                               {&memory_statement, NULL, NULL},
                               {&wanted_statement, range, NULL}};
    enum msp_result result = msp_db_run(db, calls, 3, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    *out_wanted = calls[2].result;
    msp_calls_clear(calls, 2);
    return MSP_OK;
}

static void days_params(struct msp_params *params, int64_t tenant_id, const PGresult *wanted)
{
    msp_params_init(params);
    msp_params_int(params, tenant_id);
    msp_params_text(params, msp_result_text(wanted, 0, 0));
}

static void fence_params(struct msp_params *params, const struct msp_fence *fence)
{
    msp_params_init(params);
    msp_params_text(params, fence->job_id);
    msp_params_int(params, fence->claim);
    msp_params_text(params, fence->worker);
}

static enum msp_result write_days(struct msp_db *db, int64_t tenant_id, const PGresult *wanted,
                                  const char *thresholds, const struct msp_fence *fence,
                                  int64_t deadline_ms, struct msp_kpi_computed *out,
                                  struct msp_error *error)
{
    struct msp_params forget;
    struct msp_params compute;
    struct msp_params finish;
    struct msp_params held;
    days_params(&forget, tenant_id, wanted);
    days_params(&compute, tenant_id, wanted);
    msp_params_text(&compute, msp_result_text(wanted, 0, 1));
    msp_params_text(&compute, msp_result_text(wanted, 0, 2));
    msp_params_text(&compute, thresholds);
    days_params(&finish, tenant_id, wanted);
    msp_params_text(&finish, msp_result_text(wanted, 0, 3));
    struct msp_call calls[4] = {{&forget_statement, &forget, NULL},
                                {&compute_statement, &compute, NULL},
                                {&finish_statement, &finish, NULL}};
    size_t count = 3;
    if (fence != NULL) {
        fence_params(&held, fence);
        calls[count++] = (struct msp_call){&fence_statement, &held, NULL};
    }
    enum msp_result result = msp_db_run(db, calls, count, deadline_ms, error);
    if (result == MSP_OK) {
        out->rows_written = strtoll(PQcmdTuples(calls[1].result), NULL, 10);
        out->days = msp_result_int(wanted, 0, 4);
    }
    msp_calls_clear(calls, count);
    return result;
}

enum msp_result msp_kpi_compute(struct msp_db *db, int64_t tenant_id,
                                const struct msp_kpi_range *range, const struct msp_fence *fence,
                                int64_t deadline_ms, struct msp_kpi_computed *out,
                                struct msp_error *error)
{
    struct msp_params params;
    range_params(&params, tenant_id, range);
    enum msp_result result = announce(db, tenant_id, &params, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    struct msp_buffer thresholds;
    msp_buffer_init(&thresholds, 0);
    struct msp_scope scope = {tenant_id, NULL};
    struct msp_kpi_computed computed = {0, 0};
    PGresult *wanted = NULL;
    result = thresholds_text(&thresholds, error);
    if (result == MSP_OK)
        result = msp_db_begin(db, &scope, deadline_ms, error);
    if (result == MSP_OK)
        result = read_wanted(db, tenant_id, &params, deadline_ms, &wanted, error);
    if (result == MSP_OK && msp_result_int(wanted, 0, 4) > 0)
        result = write_days(db, tenant_id, wanted, thresholds.data, fence, deadline_ms, &computed,
                            error);
    if (result == MSP_OK)
        result = msp_db_commit(db, deadline_ms, error);
    PQclear(wanted);
    msp_buffer_done(&thresholds);
    if (result == MSP_OK)
        *out = computed;
    return result;
}

static enum msp_result read_kpis(struct msp_db *db, const struct msp_statement *statement,
                                 int64_t tenant_id, const struct msp_kpi_query *query,
                                 struct msp_arena *arena, int64_t deadline_ms,
                                 struct msp_kpi_row **out_rows, size_t *out_count,
                                 struct msp_kpi_freshness *freshness, struct msp_error *error)
{
    struct msp_params tenant;
    struct msp_params params;
    msp_params_init(&tenant);
    msp_params_int(&tenant, tenant_id);
    msp_kpi_query_params(&params, tenant_id, query);
    struct msp_call calls[] = {{statement, &params, NULL},
                               {&msp_kpi_freshness_statement, &tenant, NULL}};
    struct msp_scope scope = {tenant_id, NULL};
    enum msp_result result = msp_db_transact(db, &scope, calls, 2, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    result = msp_kpi_rows_read(calls[0].result, arena, out_rows, out_count, error);
    if (result == MSP_OK)
        msp_kpi_freshness_read(calls[1].result, freshness);
    msp_calls_clear(calls, 2);
    return result;
}

enum msp_result msp_kpi_read_daily(struct msp_db *db, int64_t tenant_id,
                                   const struct msp_kpi_query *query, struct msp_arena *arena,
                                   int64_t deadline_ms, struct msp_kpi_row **out_rows,
                                   size_t *out_count, struct msp_kpi_freshness *freshness,
                                   struct msp_error *error)
{
    return read_kpis(db, &msp_kpi_daily_statement, tenant_id, query, arena, deadline_ms, out_rows,
                     out_count, freshness, error);
}

enum msp_result msp_kpi_read_merged(struct msp_db *db, int64_t tenant_id,
                                    const struct msp_kpi_query *query, struct msp_arena *arena,
                                    int64_t deadline_ms, struct msp_kpi_row **out_rows,
                                    size_t *out_count, struct msp_kpi_freshness *freshness,
                                    struct msp_error *error)
{
    enum msp_result result = read_kpis(db, &msp_kpi_merged_statement, tenant_id, query, arena,
                                       deadline_ms, out_rows, out_count, freshness, error);
    if (result == MSP_OK && *out_count == 0 && strcmp(query->dimension, "all") == 0) {
        /* The array has room for one more; cleared, it says "never computed". */
        (*out_rows)[0] = (struct msp_kpi_row){.day = MSP_NO_DAY, .member = ""};
        *out_count = 1;
    }
    return result;
}
