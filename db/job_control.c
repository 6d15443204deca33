/*
 * Cancelling and retrying jobs, for those who ask. What it means for parents, children and waiting
 * jobs is decided by the database's functions; a running job's own end is its worker's.
 */
#include "job_row.h"

#include <string.h>

/* Two people may pull at one tree of jobs in opposite directions: one of them is sent back. */
#define DEADLOCK_TRIES 5
#define DEADLOCK_CODE  "sql_40P01"

struct control {
    struct msp_statement own; /* of a tenant's own job: $1 tenant, $2 job */
    struct msp_statement any; /* of any job, as msp_admin: $1 job */
};

static const struct control cancel_control = {
    {"job_cancel", "SELECT msp.job_cancel($1::bigint, $2::uuid)", false},
    {"job_cancel_any", "SELECT msp.job_cancel_any($1::uuid)", false},
};

static const struct control retry_control = {
    {"job_retry", "SELECT msp.job_retry($1::bigint, $2::uuid)", false},
    {"job_retry_any", "SELECT msp.job_retry_any($1::uuid)", false},
};

static enum msp_result ask(struct msp_db *db, int64_t tenant_id, const char *id,
                           const struct control *control, int64_t deadline_ms, bool *out_changed,
                           struct msp_error *error)
{
    bool any = tenant_id == 0;
    struct msp_scope scope = {tenant_id, any ? "msp_admin" : NULL};
    struct msp_params params;
    msp_params_init(&params);
    if (!any)
        msp_params_int(&params, tenant_id);
    msp_params_text(&params, id);
    struct msp_call call = {any ? &control->any : &control->own, &params, NULL};
    enum msp_result result = MSP_UNAVAILABLE;
    for (int try = 0; try < DEADLOCK_TRIES; try++) {
        result = msp_db_transact(db, &scope, &call, 1, deadline_ms, error);
        if (result != MSP_UNAVAILABLE || error == NULL || strcmp(error->code, DEADLOCK_CODE) != 0)
            break;
    }
    if (result == MSP_OK)
        *out_changed = msp_result_bool(call.result, 0, 0);
    msp_calls_clear(&call, 1);
    return result;
}

/* The job is read behind the change: the caller shows it as it is now. */
static enum msp_result change(struct msp_db *db, int64_t tenant_id, const char *id,
                              const struct control *control, struct msp_arena *arena,
                              int64_t deadline_ms, struct msp_job *out, bool *out_changed,
                              struct msp_error *error)
{
    if (!msp_job_id_is_well_formed(id))
        return msp_fail(error, MSP_NOT_FOUND, "job_unknown", "There is no such job.");
    bool changed = false;
    enum msp_result result = ask(db, tenant_id, id, control, deadline_ms, &changed, error);
    if (result == MSP_OK)
        result = msp_job_get(db, tenant_id, id, arena, deadline_ms, out, error);
    if (result == MSP_OK)
        *out_changed = changed;
    return result;
}

enum msp_result msp_job_cancel(struct msp_db *db, int64_t tenant_id, const char *id,
                               struct msp_arena *arena, int64_t deadline_ms, struct msp_job *out,
                               bool *out_changed, struct msp_error *error)
{
    return change(db, tenant_id, id, &cancel_control, arena, deadline_ms, out, out_changed, error);
}

enum msp_result msp_job_retry(struct msp_db *db, int64_t tenant_id, const char *id,
                              struct msp_arena *arena, int64_t deadline_ms, struct msp_job *out,
                              bool *out_changed, struct msp_error *error)
{
    return change(db, tenant_id, id, &retry_control, arena, deadline_ms, out, out_changed, error);
}
