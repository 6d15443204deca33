/* Appends to the audit log. Reads, changes and removes nothing of it. */
#include "msp/audit_store.h"

static const struct msp_statement append_statement = {
    "audit_append",
    "INSERT INTO msp.audit_log (tenant_id, actor, address, action, object, request_id, detail)"
    " VALUES ($1::bigint, $2::text, $3::text::inet, $4::text, $5::text, $6::text, $7::text::json)",
    false};

static const struct msp_statement notify_statement = {"audit_notify",
                                                      "SELECT pg_notify('msp_tenants', '')", false};

static void line_params(const struct msp_actor *actor, const struct msp_audit_line *line,
                        struct msp_params *out)
{
    msp_params_init(out);
    msp_params_int(out, line->tenant_id);
    msp_params_text(out, actor->name);
    msp_params_text(out, actor->address);
    msp_params_text(out, line->action);
    msp_params_text(out, line->object);
    msp_params_text(out, actor->request_id);
    msp_params_text(out, line->detail);
}

enum msp_result msp_audit_append(struct msp_db *db, const struct msp_actor *actor,
                                 const struct msp_audit_line *line, int64_t deadline_ms,
                                 struct msp_error *error)
{
    struct msp_params params;
    line_params(actor, line, &params);
    struct msp_call call = {&append_statement, &params, NULL};
    enum msp_result result = msp_db_run(db, &call, 1, deadline_ms, error);
    msp_calls_clear(&call, 1);
    return result;
}

enum msp_result msp_audit_commit(struct msp_db *db, const struct msp_actor *actor,
                                 const struct msp_audit_line *line, int64_t deadline_ms,
                                 struct msp_error *error)
{
    struct msp_call notify = {&notify_statement, NULL, NULL};
    enum msp_result result = msp_audit_append(db, actor, line, deadline_ms, error);
    if (result == MSP_OK)
        result = msp_db_run(db, &notify, 1, deadline_ms, error);
    msp_calls_clear(&notify, 1);
    if (result == MSP_OK)
        return msp_db_commit(db, deadline_ms, error);
    msp_db_rollback(db);
    return result;
}
