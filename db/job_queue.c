/* The worker's side of the queue: claiming, beating, ending. Every write names the claim it was
 * made under. */
#include "job_row.h"

#include <stdio.h>
#include <string.h>

static const struct msp_statement claim_statement = {
    "job_claim",
    "WITH next AS (SELECT job_id FROM msp.jobs"
    "               WHERE state = 'queued' AND lane = $1::bigint::smallint AND run_at <= now()"
    "               ORDER BY run_at, created_at LIMIT 1 FOR UPDATE SKIP LOCKED),"
    " j AS (UPDATE msp.jobs j"
    "          SET state = 'running', claims = j.claims + 1, worker = $2::text, heartbeat_at = "
    "now(),"
    "              started_at = coalesce(j.started_at, clock_timestamp())"
    "         FROM next WHERE j.job_id = next.job_id RETURNING j.*)"
    " SELECT " JOB_COLUMNS " FROM j LEFT JOIN msp.tenants t USING (tenant_id)",
    true};

static const struct msp_statement heartbeat_statement = {
    "job_heartbeat",
    "UPDATE msp.jobs SET heartbeat_at = now() WHERE state = 'running' AND worker = $1::text",
    false};

static const struct msp_statement recover_statement = {
    "job_recover", "SELECT msp.jobs_recover($1::text, $2::text)", false};

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
    "UPDATE msp.jobs SET state = 'queued', worker = NULL, stage = '',"
    "       run_at = now() + make_interval(secs => $4::bigint::integer),"
    "       excused = excused + $5::bigint::integer,"
    "       error = CASE WHEN $6::text IS NOT NULL"
    "                    THEN json_build_object('code', $6::text, 'detail', $7::text) END"
    " WHERE job_id = $1::uuid AND claims = $2::bigint AND worker = $3::text AND state = 'running'"
    " RETURNING pg_notify('msp_jobs', '')",
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

enum msp_result msp_job_claim(struct msp_db *db, enum msp_job_lane lane, const char *worker,
                              struct msp_arena *arena, int64_t deadline_ms, bool *out_found,
                              struct msp_job *out, struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, lane);
    msp_params_text(&params, worker);
    struct msp_call call = {&claim_statement, &params, NULL};
    enum msp_result result = msp_db_transact(db, &no_tenant, &call, 1, deadline_ms, error);
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

enum msp_result msp_job_heartbeat(struct msp_db *db, const char *worker, int64_t deadline_ms,
                                  struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, worker);
    struct msp_call call = {&heartbeat_statement, &params, NULL};
    enum msp_result result = msp_db_transact(db, &no_tenant, &call, 1, deadline_ms, error);
    msp_calls_clear(&call, 1);
    return result;
}

enum msp_result msp_job_recover(struct msp_db *db, const char *node, const char *worker,
                                int64_t deadline_ms, int *out_count, struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, node);
    msp_params_text(&params, worker);
    struct msp_call call = {&recover_statement, &params, NULL};
    enum msp_result result = msp_db_transact(db, &no_tenant, &call, 1, deadline_ms, error);
    if (result == MSP_OK)
        *out_count = (int)msp_result_int(call.result, 0, 0);
    msp_calls_clear(&call, 1);
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

/* Puts a job back into the queue; `code` may be NULL. */
static enum msp_result requeue(struct msp_db *db, const struct msp_fence *fence, int in_seconds,
                               bool excuse, const char *code, const char *detail,
                               int64_t deadline_ms, struct msp_error *error)
{
    struct msp_params params;
    fence_params(&params, fence);
    msp_params_int(&params, in_seconds);
    msp_params_int(&params, excuse ? 1 : 0);
    msp_params_text(&params, code);
    msp_params_text(&params, detail);
    return run_fenced(db, &requeue_statement, &params, deadline_ms, error);
}

enum msp_result msp_job_fail(struct msp_db *db, const struct msp_fence *fence, const char *code,
                             const char *detail, int retry_in_seconds, int64_t deadline_ms,
                             struct msp_error *error)
{
    if (retry_in_seconds >= 0)
        return requeue(db, fence, retry_in_seconds, false, code, detail, deadline_ms, error);
    struct msp_params params;
    fence_params(&params, fence);
    msp_params_text(&params, "failed");
    msp_params_null(&params);
    msp_params_text(&params, code);
    msp_params_text(&params, detail);
    return run_fenced(db, &end_statement, &params, deadline_ms, error);
}

enum msp_result msp_job_hand_back(struct msp_db *db, const struct msp_fence *fence,
                                  int64_t deadline_ms, struct msp_error *error)
{
    return requeue(db, fence, 0, true, NULL, NULL, deadline_ms, error);
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
