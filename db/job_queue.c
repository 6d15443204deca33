/* One job in a worker's hands: claimed, moved on, ended. Every write names the claim it was made
 * under. */
#include "job_row.h"

#include "msp/buffer.h"

static const struct msp_statement claim_statement = {
    "job_claim",
    "SELECT " JOB_COLUMNS
    "  FROM msp.job_claim($1::bigint::smallint, $2::text, $3::bigint, $4::bigint[]) AS j"
    "  LEFT JOIN msp.tenants t USING (tenant_id)",
    true};

static const struct msp_statement progress_statement = {
    "job_progress",
    "UPDATE msp.jobs SET done = $4::bigint, total = $5::bigint, stage = $6::text"
    " WHERE job_id = $1::uuid AND claims = $2::bigint AND worker = $3::text AND state = 'running'"
    " RETURNING 1",
    false};

static const struct msp_statement end_statement = {
    "job_end",
    "SELECT msp.job_end($1::uuid, $2::bigint::integer, $3::text, $4::text, $5::json,"
    "  CASE WHEN $6::text IS NOT NULL THEN json_build_object('code', $6::text, 'detail', $7::text) "
    "END)",
    false};

static const struct msp_statement requeue_statement = {
    "job_requeue",
    "SELECT msp.job_requeue($1::uuid, $2::bigint::integer, $3::text, $4::bigint::integer,"
    "  $5::bigint::integer, $6::bigint::integer,"
    "  CASE WHEN $7::text IS NOT NULL THEN json_build_object('code', $7::text, 'detail', $8::text) "
    "END)",
    false};

static const struct msp_statement fan_out_statement = {
    "job_fan_out",
    "SELECT msp.job_fan_out($1::uuid, $2::bigint::integer, $3::text, $4::bigint::smallint)", false};

static const struct msp_statement children_statement = {
    "job_children",
    "SELECT " JOB_COLUMNS "  FROM msp.jobs j LEFT JOIN msp.tenants t USING (tenant_id)"
    " WHERE j.parent_id = $1::uuid ORDER BY t.slug COLLATE \"C\"",
    true};

static const struct msp_scope no_tenant = {0, NULL};

/* "{1,2}": an array as PostgreSQL reads it from text. */
static void array_text(const int64_t *numbers, size_t count, struct msp_buffer *out)
{
    msp_buffer_append_text(out, "{");
    for (size_t i = 0; i < count; i++)
        msp_buffer_printf(out, "%s%lld", i > 0 ? "," : "", (long long)numbers[i]);
    msp_buffer_append(out, "}", 2);
}

enum msp_result msp_job_claim(struct msp_db *db, const struct msp_job_claim_order *order,
                              struct msp_arena *arena, int64_t deadline_ms, bool *out_found,
                              struct msp_job *out, struct msp_error *error)
{
    struct msp_buffer full;
    msp_buffer_init(&full, 0);
    array_text(order->full_tenants, order->full_count, &full);
    if (full.failed) {
        msp_buffer_done(&full);
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to claim a job.");
    }
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, order->lane);
    msp_params_text(&params, order->worker);
    msp_params_int(&params, order->after_tenant);
    msp_params_text(&params, full.data);
    struct msp_call call = {&claim_statement, &params, NULL};
    enum msp_result result = msp_db_transact(db, &no_tenant, &call, 1, deadline_ms, error);
    msp_buffer_done(&full);
    if (result != MSP_OK)
        return result;
    bool found = PQntuples(call.result) > 0;
    if (found)
        result = msp_job_read_row(call.result, 0, arena, out, error);
    msp_calls_clear(&call, 1);
    if (result == MSP_OK)
        *out_found = found;
    return result;
}

static void fence_params(struct msp_params *params, const struct msp_fence *fence)
{
    msp_params_init(params);
    msp_params_text(params, fence->job_id);
    msp_params_int(params, fence->claim);
    msp_params_text(params, fence->worker);
}

/* Runs a fenced statement. One that returns no row found that the job is no longer ours. */
static enum msp_result run_fenced(struct msp_db *db, const struct msp_statement *statement,
                                  const struct msp_params *params, int64_t deadline_ms,
                                  struct msp_error *error)
{
    struct msp_call call = {statement, params, NULL};
    enum msp_result result = msp_db_transact(db, &no_tenant, &call, 1, deadline_ms, error);
    if (result == MSP_OK && PQntuples(call.result) == 0)
        result = msp_fail(error, MSP_CONFLICT, "job_lost",
                          "This worker no longer holds the job; another attempt does its work.");
    msp_calls_clear(&call, 1);
    return result;
}

enum msp_result msp_job_progress(struct msp_db *db, const struct msp_fence *fence, int64_t done,
                                 int64_t total, const char *stage, int64_t deadline_ms,
                                 struct msp_error *error)
{
    struct msp_params params;
    fence_params(&params, fence);
    msp_params_int(&params, done);
    msp_params_int(&params, total);
    msp_params_text(&params, stage);
    return run_fenced(db, &progress_statement, &params, deadline_ms, error);
}

enum msp_result msp_job_succeed(struct msp_db *db, const struct msp_fence *fence,
                                const char *result_json, int64_t deadline_ms,
                                struct msp_error *error)
{
    struct msp_params params;
    fence_params(&params, fence);
    msp_params_text(&params, "succeeded");
    msp_params_text(&params, result_json);
    msp_params_null(&params);
    msp_params_null(&params);
    return run_fenced(db, &end_statement, &params, deadline_ms, error);
}

/* `final_state` without a result; `code` may be NULL. */
static enum msp_result end_without_result(struct msp_db *db, const struct msp_fence *fence,
                                          const char *final_state, const char *code,
                                          const char *detail, int64_t deadline_ms,
                                          struct msp_error *error)
{
    struct msp_params params;
    fence_params(&params, fence);
    msp_params_text(&params, final_state);
    msp_params_null(&params);
    msp_params_text(&params, code);
    msp_params_text(&params, detail);
    return run_fenced(db, &end_statement, &params, deadline_ms, error);
}

enum msp_result msp_job_fail(struct msp_db *db, const struct msp_fence *fence, const char *code,
                             const char *detail, int64_t deadline_ms, struct msp_error *error)
{
    return end_without_result(db, fence, "failed", code, detail, deadline_ms, error);
}

enum msp_result msp_job_end_cancelled(struct msp_db *db, const struct msp_fence *fence,
                                      int64_t deadline_ms, struct msp_error *error)
{
    return end_without_result(db, fence, "cancelled", NULL, NULL, deadline_ms, error);
}

enum msp_result msp_job_requeue(struct msp_db *db, const struct msp_fence *fence,
                                const struct msp_job_requeue *requeue, int64_t deadline_ms,
                                struct msp_error *error)
{
    struct msp_params params;
    fence_params(&params, fence);
    msp_params_int(&params, requeue->in_seconds);
    msp_params_int(&params, requeue->excused ? 1 : 0);
    msp_params_int(&params, requeue->rate_limited ? 1 : 0);
    msp_params_text(&params, requeue->code);
    msp_params_text(&params, requeue->detail);
    return run_fenced(db, &requeue_statement, &params, deadline_ms, error);
}

enum msp_result msp_job_fan_out(struct msp_db *db, const struct msp_fence *fence,
                                enum msp_job_lane lane, int64_t deadline_ms,
                                struct msp_error *error)
{
    struct msp_params params;
    fence_params(&params, fence);
    msp_params_int(&params, lane);
    return run_fenced(db, &fan_out_statement, &params, deadline_ms, error);
}

enum msp_result msp_job_children(struct msp_db *db, const char *parent_id, struct msp_arena *arena,
                                 int64_t deadline_ms, struct msp_job **out_jobs, size_t *out_count,
                                 struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, parent_id);
    struct msp_call call = {&children_statement, &params, NULL};
    enum msp_result result = msp_db_transact(db, &no_tenant, &call, 1, deadline_ms, error);
    if (result == MSP_OK)
        result = msp_job_read_rows(call.result, arena, out_jobs, out_count, error);
    msp_calls_clear(&call, 1);
    return result;
}
