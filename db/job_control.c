/*
 * Cancelling and retrying jobs, for those who ask. What it means for parents, children and waiting
 * jobs is decided by the database's functions; a running job's own end is its worker's.
 */
#include "idempotency_params.h"
#include "job_row.h"

#include <string.h>

/* Two people may pull at one tree of jobs in opposite directions: one of them is sent back. */
#define DEADLOCK_TRIES 5
#define DEADLOCK_CODE  "sql_40P01"

static const struct msp_statement control_statement = {
    "job_control",
    "SELECT c.changed, c.replayed"
    "  FROM msp.job_control($1::text, nullif($2::bigint, 0), $3::uuid,"
    "                       $4::bigint, $5::text, $6::text, $7::text, $8::bytea) c",
    false};

/* What is wanted of which job, and under which key (NULL = none). */
struct control {
    const char *action;
    int64_t tenant_id;
    const char *id;
    struct msp_idempotency *idempotency;
};

static enum msp_result ask(struct msp_db *db, const struct control *control, int64_t deadline_ms,
                           bool *out_changed, struct msp_error *error)
{
    struct msp_scope scope = {control->tenant_id, control->tenant_id == 0 ? "msp_admin" : NULL};
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, control->action);
    msp_params_int(&params, control->tenant_id);
    msp_params_text(&params, control->id);
    msp_idempotency_params(&params, control->idempotency);
    struct msp_call call = {&control_statement, &params, NULL};
    enum msp_result result = MSP_UNAVAILABLE;
    for (int try = 0; try < DEADLOCK_TRIES; try++) {
        result = msp_db_transact(db, &scope, &call, 1, deadline_ms, error);
        if (result != MSP_UNAVAILABLE || error == NULL || strcmp(error->code, DEADLOCK_CODE) != 0)
            break;
    }
    if (result == MSP_OK) {
        *out_changed = msp_result_bool(call.result, 0, 0);
        if (control->idempotency != NULL)
            control->idempotency->replayed = msp_result_bool(call.result, 0, 1);
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
                               struct msp_arena *arena, int64_t deadline_ms, struct msp_job *out,
                               bool *out_changed, struct msp_error *error)
{
    struct control control = {"cancel", tenant_id, id, NULL};
    return change(db, &control, arena, deadline_ms, out, out_changed, error);
}

enum msp_result msp_job_retry(struct msp_db *db, int64_t tenant_id, const char *id,
                              struct msp_arena *arena, int64_t deadline_ms, struct msp_job *out,
                              bool *out_changed, struct msp_error *error)
{
    struct control control = {"retry", tenant_id, id, NULL};
    return change(db, &control, arena, deadline_ms, out, out_changed, error);
}

enum msp_result msp_job_cancel_keyed(struct msp_db *db, int64_t tenant_id, const char *id,
                                     struct msp_idempotency *idempotency, struct msp_arena *arena,
                                     int64_t deadline_ms, struct msp_job *out,
                                     struct msp_error *error)
{
    struct control control = {"cancel", tenant_id, id, idempotency};
    bool changed;
    return change(db, &control, arena, deadline_ms, out, &changed, error);
}

enum msp_result msp_job_retry_keyed(struct msp_db *db, int64_t tenant_id, const char *id,
                                    struct msp_idempotency *idempotency, struct msp_arena *arena,
                                    int64_t deadline_ms, struct msp_job *out,
                                    struct msp_error *error)
{
    struct control control = {"retry", tenant_id, id, idempotency};
    bool changed;
    return change(db, &control, arena, deadline_ms, out, &changed, error);
}
