/*
 * Cancelling and retrying jobs, for those who ask. What it means for parents, children and waiting
 * jobs is decided by the database's functions; a running job's own end is its worker's.
 */
#include "idempotency_params.h"
#include "job_row.h"

#include "msp/buffer.h"

#include <string.h>

/* Two people may pull at one tree of jobs in opposite directions: one of them is sent back. */
#define DEADLOCK_TRIES 5
#define DEADLOCK_CODE  "sql_40P01"

/* What stands beside the function's answer is read before it changes anything. */
static const struct msp_statement control_statement = {
    "job_control",
    "SELECT c.changed, c.replayed, coalesce(j.tenant_id, 0),"
    "       json_build_object('kind', j.kind, 'state', j.state)::text"
    "  FROM msp.job_control($1::text, nullif($2::bigint, 0), $3::uuid,"
    "                       $4::bigint, $5::text, $6::text, $7::text, $8::bytea) c"
    "  LEFT JOIN msp.jobs j ON j.job_id = $3::uuid",
    false};

static const struct msp_statement state_statement = {
    "job_state",
    "SELECT json_build_object('kind', j.kind, 'state', j.state, 'stopping',"
    "                         j.state = 'running' AND j.cancel_requested_at IS NOT NULL)::text"
    "  FROM msp.jobs j WHERE j.job_id = $1::uuid",
    false};

/* What is wanted of which job, and by whom. */
struct control {
    const char *action; /* of the database's function */
    const char *audit;  /* of the line */
    int64_t tenant_id;
    const char *id;
    const struct msp_job_asker *asker;
};

static void control_params(const struct control *control, struct msp_params *out)
{
    msp_params_init(out);
    msp_params_text(out, control->action);
    msp_params_int(out, control->tenant_id);
    msp_params_text(out, control->id);
    msp_idempotency_params(out, control->asker->idempotency);
}

/* In the open transaction: the line about what control_statement has changed. */
static enum msp_result leave_line(struct msp_db *db, const struct control *control,
                                  const PGresult *changed, int64_t deadline_ms,
                                  struct msp_error *error)
{
    struct msp_buffer detail;
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, control->id);
    struct msp_call call = {&state_statement, &params, NULL};
    enum msp_result result = msp_db_run(db, &call, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    msp_buffer_init(&detail, 0);
    msp_buffer_printf(&detail, "{\"before\":%s,\"after\":%s}", msp_result_text(changed, 0, 3),
                      msp_result_text(call.result, 0, 0));
    msp_buffer_append(&detail, "", 1);
    msp_calls_clear(&call, 1);
    const struct msp_audit_line line = {msp_result_int(changed, 0, 2), control->audit, control->id,
                                        detail.failed ? NULL : detail.data};
    result = msp_audit_append(db, control->asker->actor, &line, deadline_ms, error);
    msp_buffer_done(&detail);
    return result;
}

/* One transaction; without a line it is one round trip. */
static enum msp_result try(struct msp_db *db, const struct control *control, struct msp_call *call,
                           int64_t deadline_ms, struct msp_error *error)
{
    struct msp_scope scope = msp_audit_scope(control->tenant_id);
    if (control->asker->actor == NULL)
        return msp_db_transact(db, &scope, call, 1, deadline_ms, error);
    struct msp_call calls[] = {msp_audit_impatience, *call};
    enum msp_result result = msp_db_begin(db, &scope, deadline_ms, error);
    if (result == MSP_OK)
        result = msp_db_run(db, calls, 2, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    *call = calls[1];
    PQclear(calls[0].result);
    if (msp_result_bool(call->result, 0, 0))
        result = leave_line(db, control, call->result, deadline_ms, error);
    if (result == MSP_OK)
        result = msp_db_commit(db, deadline_ms, error);
    if (result != MSP_OK)
        msp_calls_clear(call, 1);
    return result;
}

static enum msp_result ask(struct msp_db *db, const struct control *control, int64_t deadline_ms,
                           bool *out_changed, struct msp_error *error)
{
    struct msp_params params;
    control_params(control, &params);
    struct msp_call call = {&control_statement, &params, NULL};
    enum msp_result result = MSP_UNAVAILABLE;
    for (int tries = 0; tries < DEADLOCK_TRIES; tries++) {
        result = try(db, control, &call, deadline_ms, error);
        if (result != MSP_UNAVAILABLE || error == NULL || strcmp(error->code, DEADLOCK_CODE) != 0)
            break;
    }
    if (result == MSP_OK) {
        *out_changed = msp_result_bool(call.result, 0, 0);
        if (control->asker->idempotency != NULL)
            control->asker->idempotency->replayed = msp_result_bool(call.result, 0, 1);
    }
    msp_calls_clear(&call, 1);
    return result;
}

/* The job is read behind the change: the caller shows it as it is now. */
static enum msp_result change(struct msp_db *db, const struct control *control,
                              struct msp_arena *arena, int64_t deadline_ms, struct msp_job *out,
                              bool *out_changed, struct msp_error *error)
{
    if (!msp_job_id_is_well_formed(control->id))
        return msp_fail(error, MSP_NOT_FOUND, "job_unknown", "There is no such job.");
    bool changed = false;
    enum msp_result result = ask(db, control, deadline_ms, &changed, error);
    if (result == MSP_OK)
        result = msp_job_get(db, control->tenant_id, control->id, arena, deadline_ms, out, error);
    if (result == MSP_OK)
        *out_changed = changed;
    return result;
}

enum msp_result msp_job_cancel(struct msp_db *db, int64_t tenant_id, const char *id,
                               const struct msp_job_asker *asker, struct msp_arena *arena,
                               int64_t deadline_ms, struct msp_job *out, bool *out_changed,
                               struct msp_error *error)
{
    struct control control = {"cancel", "job.cancel", tenant_id, id, asker};
    return change(db, &control, arena, deadline_ms, out, out_changed, error);
}

enum msp_result msp_job_retry(struct msp_db *db, int64_t tenant_id, const char *id,
                              const struct msp_job_asker *asker, struct msp_arena *arena,
                              int64_t deadline_ms, struct msp_job *out, bool *out_changed,
                              struct msp_error *error)
{
    struct control control = {"retry", "job.retry", tenant_id, id, asker};
    return change(db, &control, arena, deadline_ms, out, out_changed, error);
}
