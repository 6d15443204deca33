/* API keys: made, listed, revoked. The text of a key is never stored. */
#include "msp/key_store.h"

#include "wire.h"

#include "msp/json_writer.h"
#include "msp/no_value.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS                                                                                    \
    "k.key_id, t.slug, k.name, k.role, k.created_at, k.expires_at, k.revoked_at, k.last_used_at"

static const struct msp_statement add_statement = {
    "key_add",
    "SELECT msp.add_api_key($1::text, $2::text, $3::bytea, $4::text, $5::text, $6::timestamptz)",
    true};

static const struct msp_statement list_statement = {
    "key_list",
    "SELECT " COLUMNS " FROM msp.api_keys k JOIN msp.tenants t ON t.tenant_id = k.tenant_id"
    " WHERE ($1::text IS NULL OR t.slug = $1::text) AND k.key_id COLLATE \"C\" > $2::text"
    " ORDER BY k.key_id COLLATE \"C\" LIMIT $3::bigint",
    true};

static const struct msp_statement find_statement = {
    "key_find",
    "SELECT " COLUMNS " FROM msp.api_keys k JOIN msp.tenants t ON t.tenant_id = k.tenant_id"
    " WHERE k.key_id = $1::text",
    true};

static const struct msp_statement revoke_statement = {
    "key_revoke",
    "UPDATE msp.api_keys k SET revoked_at = coalesce(k.revoked_at, now())"
    "  FROM msp.tenants t WHERE t.tenant_id = k.tenant_id AND k.key_id = $1::text"
    " RETURNING " COLUMNS ", k.tenant_id",
    true};

static const struct msp_scope admin_scope = {0, "msp_admin"};

static void read_key(const PGresult *rows, int row, struct msp_key_info *out)
{
    snprintf(out->id, sizeof(out->id), "%s", msp_result_text(rows, row, 0));
    snprintf(out->tenant, sizeof(out->tenant), "%s", msp_result_text(rows, row, 1));
    snprintf(out->name, sizeof(out->name), "%s", msp_result_text(rows, row, 2));
    out->role = msp_role_parse(msp_result_text(rows, row, 3));
    out->created_us = msp_wire_time(rows, row, 4);
    out->expires_us = msp_wire_time(rows, row, 5);
    out->revoked_us = msp_wire_time(rows, row, 6);
    out->last_used_us = msp_wire_time(rows, row, 7);
}

/* {"before": …, "after": …} of a key; false when memory is short. */
static bool write_detail(struct msp_buffer *out, const char *tenant, const char *name,
                         enum msp_role role, int64_t expires_us, bool made)
{
    struct msp_json_writer json;
    msp_buffer_init(out, 0);
    msp_json_writer_init(&json, out);
    msp_json_begin_object(&json);
    msp_json_key(&json, made ? "after" : "before");
    msp_json_begin_object(&json);
    msp_json_key_string(&json, "tenant", tenant);
    msp_json_key_string(&json, "name", name);
    msp_json_key_string(&json, "role", msp_role_name(role));
    msp_json_key_time(&json, "expires_at", expires_us);
    msp_json_end_object(&json);
    msp_json_key(&json, made ? "before" : "after");
    msp_json_null(&json);
    msp_json_end_object(&json);
    msp_buffer_append(out, "", 1);
    return !out->failed;
}

/* Ends the open transaction with its audit line. */
static enum msp_result conclude(struct msp_db *db, const struct msp_actor *actor,
                                struct msp_audit_line *line, struct msp_buffer *detail,
                                bool written, int64_t deadline_ms, struct msp_error *error)
{
    enum msp_result result;
    line->detail = detail->data;
    if (written) {
        result = msp_audit_commit(db, actor, line, deadline_ms, error);
    } else {
        msp_db_rollback(db);
        result = msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the audit line.");
    }
    msp_buffer_done(detail);
    return result;
}

static enum msp_result check_order(const struct msp_key_order *order, struct msp_error *error)
{
    size_t length = strlen(order->name);
    if (length == 0 || length >= MSP_KEY_NAME_BYTES)
        return msp_fail_at(error, MSP_INVALID, "name_length", "/name",
                           "A key's name has 1 to 100 characters.");
    if (order->role == MSP_ROLE_ADMIN || order->role == MSP_ROLE_NONE)
        return msp_fail_at(error, MSP_INVALID, "role_unknown", "/role",
                           "A key's role is manager, tech or client.");
    return MSP_OK;
}

enum msp_result msp_key_store_create(struct msp_db *db, const struct msp_key_order *order,
                                     const struct msp_actor *actor, int64_t deadline_ms,
                                     struct msp_api_key *out_key, struct msp_error *error)
{
    struct msp_api_key key;
    unsigned char digest[SHA256_DIGEST_LENGTH];
    enum msp_result result = check_order(order, error);
    if (result == MSP_OK)
        result = msp_api_key_make(&key, error);
    if (result != MSP_OK)
        return result;
    (void)SHA256((const unsigned char *)key.text, MSP_API_KEY_LENGTH, digest);
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, order->tenant);
    msp_params_text(&params, key.id);
    msp_params_binary(&params, digest, sizeof(digest));
    msp_params_text(&params, order->name);
    msp_params_text(&params, msp_role_name(order->role));
    msp_params_time(&params, order->expires_us);
    struct msp_call call = {&add_statement, &params, NULL};
    const char *replayed = NULL;
    result = msp_audit_begin(db, actor, deadline_ms, &replayed, error);
    if (result == MSP_OK && replayed != NULL) {
        *out_key = (struct msp_api_key){.text = ""};
        snprintf(out_key->id, sizeof(out_key->id), "%s", replayed);
        return MSP_OK;
    }
    if (result == MSP_OK)
        result = msp_db_run(db, &call, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    struct msp_audit_line line = {msp_result_int(call.result, 0, 0), "key.create", key.id, NULL};
    msp_calls_clear(&call, 1);
    struct msp_buffer detail;
    bool written =
        write_detail(&detail, order->tenant, order->name, order->role, order->expires_us, true);
    result = conclude(db, actor, &line, &detail, written, deadline_ms, error);
    if (result == MSP_OK)
        *out_key = key;
    return result;
}

enum msp_result msp_key_store_list(struct msp_db *db, const char *tenant, const char *after,
                                   int limit, int64_t deadline_ms, struct msp_key_info **out_keys,
                                   size_t *out_count, struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, tenant);
    msp_params_text(&params, after);
    msp_params_int(&params, limit);
    struct msp_call call = {&list_statement, &params, NULL};
    enum msp_result result = msp_db_transact(db, &admin_scope, &call, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    size_t count = (size_t)PQntuples(call.result);
    struct msp_key_info *keys = calloc(count + 1, sizeof(*keys));
    for (size_t i = 0; i < count && keys != NULL; i++)
        read_key(call.result, (int)i, &keys[i]);
    msp_calls_clear(&call, 1);
    if (keys == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the list of keys.");
    *out_keys = keys;
    *out_count = count;
    return MSP_OK;
}

static enum msp_result key_unknown(struct msp_error *error)
{
    return msp_fail(error, MSP_NOT_FOUND, "key_unknown", "There is no key of that id.");
}

enum msp_result msp_key_store_find(struct msp_db *db, const char *id, int64_t deadline_ms,
                                   struct msp_key_info *out, struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, id);
    struct msp_call call = {&find_statement, &params, NULL};
    enum msp_result result = msp_db_transact(db, &admin_scope, &call, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    bool found = PQntuples(call.result) > 0;
    if (found)
        read_key(call.result, 0, out);
    msp_calls_clear(&call, 1);
    return found ? MSP_OK : key_unknown(error);
}

enum msp_result msp_key_store_revoke(struct msp_db *db, const char *id,
                                     const struct msp_actor *actor, int64_t deadline_ms,
                                     struct msp_key_info *out, struct msp_error *error)
{
    if (!msp_api_key_is_id(id))
        return key_unknown(error);
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, id);
    struct msp_call call = {&revoke_statement, &params, NULL};
    const char *replayed = NULL;
    enum msp_result result = msp_audit_begin(db, actor, deadline_ms, &replayed, error);
    if (result == MSP_OK && replayed != NULL)
        return msp_key_store_find(db, replayed, deadline_ms, out, error);
    if (result == MSP_OK)
        result = msp_db_run(db, &call, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    if (PQntuples(call.result) == 0) {
        msp_calls_clear(&call, 1);
        msp_db_rollback(db);
        return key_unknown(error);
    }
    struct msp_key_info key = {0};
    read_key(call.result, 0, &key);
    struct msp_audit_line line = {msp_result_int(call.result, 0, 8), "key.revoke", id, NULL};
    msp_calls_clear(&call, 1);
    struct msp_buffer detail;
    bool written = write_detail(&detail, key.tenant, key.name, key.role, key.expires_us, false);
    result = conclude(db, actor, &line, &detail, written, deadline_ms, error);
    if (result == MSP_OK)
        *out = key;
    return result;
}
