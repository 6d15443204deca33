/* Appends to the audit log. Reads, changes and removes nothing of it. */
#include "msp/audit_store.h"

#include "msp/json_reader.h"
#include "msp/json_writer.h"

#include <string.h>

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

static const struct msp_scope admin_scope = {0, "msp_admin"};

/* The name that keep_object wrote; NULL for what is no such record. */
static const char *object_of(const struct msp_actor *actor, const char *answer)
{
    static const struct msp_json_limits limits = {1024, 2, 8};
    struct msp_error ignored;
    json_t *record = NULL;
    const char *object = NULL;
    if (answer == NULL ||
        msp_json_parse(answer, strlen(answer), &limits, &record, &ignored) != MSP_OK)
        return NULL;
    const json_t *name = json_object_get(record, "object");
    if (json_is_string(name))
        object = msp_arena_copy(actor->arena, json_string_value(name), json_string_length(name));
    json_decref(record);
    return object;
}

enum msp_result msp_audit_begin(struct msp_db *db, const struct msp_actor *actor,
                                int64_t deadline_ms, const char **out_object,
                                struct msp_error *error)
{
    const char *answer = NULL;
    enum msp_result result = msp_db_begin(db, &admin_scope, deadline_ms, error);
    *out_object = NULL;
    if (result != MSP_OK || actor->idempotency == NULL)
        return result;
    result =
        msp_idempotency_find(db, actor->idempotency, actor->arena, deadline_ms, &answer, error);
    if (result != MSP_OK || !actor->idempotency->replayed)
        return result;
    msp_db_rollback(db);
    *out_object = object_of(actor, answer);
    if (*out_object == NULL)
        return msp_fail(error, MSP_BROKEN, "idempotency_answer_odd",
                        "What was kept under the key cannot be read.");
    return MSP_OK;
}

static enum msp_result keep_object(struct msp_db *db, const struct msp_actor *actor,
                                   const char *object, int64_t deadline_ms, struct msp_error *error)
{
    struct msp_buffer answer;
    struct msp_json_writer json;
    if (actor->idempotency == NULL)
        return MSP_OK;
    msp_buffer_init(&answer, 0);
    msp_json_writer_init(&json, &answer);
    msp_json_begin_object(&json);
    msp_json_key_string(&json, "object", object);
    msp_json_end_object(&json);
    msp_buffer_append(&answer, "", 1);
    enum msp_result result =
        answer.failed
            ? msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to keep an answer.")
            : msp_idempotency_keep(db, actor->idempotency, answer.data, deadline_ms, error);
    msp_buffer_done(&answer);
    return result;
}

enum msp_result msp_audit_commit(struct msp_db *db, const struct msp_actor *actor,
                                 const struct msp_audit_line *line, int64_t deadline_ms,
                                 struct msp_error *error)
{
    struct msp_call notify = {&notify_statement, NULL, NULL};
    enum msp_result result = msp_audit_append(db, actor, line, deadline_ms, error);
    if (result == MSP_OK)
        result = keep_object(db, actor, line->object, deadline_ms, error);
    if (result == MSP_OK)
        result = msp_db_run(db, &notify, 1, deadline_ms, error);
    msp_calls_clear(&notify, 1);
    if (result == MSP_OK)
        return msp_db_commit(db, deadline_ms, error);
    msp_db_rollback(db);
    return result;
}
