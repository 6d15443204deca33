/* What a job of several steps asks of the database: its next child, and the day it is about. */
#include "msp/job_store.h"

#include "wire.h"

static const struct msp_scope no_tenant = {0, NULL};

static const struct msp_statement step_statement = {
    "job_step",
    "SELECT msp.job_step($1::uuid, $2::bigint::integer, $3::text, $4::text, $5::bigint::smallint,"
    "                    $6::json, $7::bigint, $8::bigint, $9::text)",
    false};

static const struct msp_statement last_ended_statement = {
    "job_last_ended_day",
    "SELECT msp.local_day($2::timestamptz, t.timezone) - 1 FROM msp.tenants t"
    " WHERE t.tenant_id = $1::bigint",
    true};

enum msp_result msp_job_step(struct msp_db *db, const struct msp_fence *fence,
                             const struct msp_job_step *step, int64_t deadline_ms,
                             struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, fence->job_id);
    msp_params_int(&params, fence->claim);
    msp_params_text(&params, fence->worker);
    msp_params_text(&params, step->kind);
    msp_params_int(&params, step->lane);
    msp_params_text(&params, step->parameters);
    msp_params_int(&params, step->done);
    msp_params_int(&params, step->total);
    msp_params_text(&params, step->stage);
    struct msp_call call = {&step_statement, &params, NULL};
    enum msp_result result = msp_db_transact(db, &no_tenant, &call, 1, deadline_ms, error);
    msp_calls_clear(&call, 1);
    return result;
}

enum msp_result msp_job_last_ended_day(struct msp_db *db, int64_t tenant_id, int64_t instant_us,
                                       int64_t deadline_ms, int32_t *out_day,
                                       struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, tenant_id);
    msp_params_time(&params, instant_us);
    struct msp_call call = {&last_ended_statement, &params, NULL};
    enum msp_result result = msp_db_transact(db, &no_tenant, &call, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    if (PQntuples(call.result) == 0)
        result = msp_fail(error, MSP_NOT_FOUND, "tenant_unknown", "There is no such tenant.");
    else
        *out_day = msp_wire_day(call.result, 0, 0);
    msp_calls_clear(&call, 1);
    return result;
}
