/* People: added, changed, listed, and looked up when they sign in. No password comes here, only
 * hashes of them. */
#include "msp/people_store.h"

#include "wire.h"

#include "msp/credential_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS                                                                                    \
    "u.email, u.display_name, coalesce(t.slug, ''), u.role, u.active,"                             \
    " u.password_hash IS NOT NULL, u.created_at, coalesce(u.tenant_id, 0),"                        \
    " json_build_object('name', u.display_name, 'role', u.role, 'active', u.active)::text"

enum column { EMAIL, NAME, TENANT, ROLE, ACTIVE, HAS_PASSWORD, CREATED_AT, TENANT_ID, AS_JSON };

static const struct msp_statement sign_in_statement = {
    "people_sign_in",
    "SELECT tenant_id, slug, role, display_name, password_hash, may_enter, not_before"
    "  FROM msp.find_sign_in($1::text)",
    true};

static const struct msp_statement end_token_statement = {
    "people_end_token",
    "SELECT msp.end_token($1::bigint, $2::bytea, $3::text, to_timestamp($4::bigint))", true};

/* No row: there is no such tenant. */
static const struct msp_statement add_statement = {
    "people_add",
    "INSERT INTO msp.users (tenant_id, email, display_name, role, password_hash)"
    " SELECT t.tenant_id, $2::text, $3::text, $4::text, $5::text"
    "   FROM (SELECT 1) AS one LEFT JOIN msp.tenants t ON t.slug = $1::text"
    "  WHERE $1::text IS NULL OR t.tenant_id IS NOT NULL"
    " RETURNING user_id",
    true};

static const struct msp_statement find_statement = {
    "people_find",
    "SELECT " COLUMNS " FROM msp.users u LEFT JOIN msp.tenants t ON t.tenant_id = u.tenant_id"
    " WHERE u.email = $1::text FOR UPDATE OF u",
    true};

static const struct msp_statement change_statement = {
    "people_change",
    "UPDATE msp.users SET display_name = coalesce($2::text, display_name),"
    "       role = coalesce($3::text, role), password_hash = coalesce($4::text, password_hash),"
    "       active = coalesce($5::boolean, active),"
    "       not_before = CASE WHEN $4::text IS NOT NULL OR role <> coalesce($3::text, role)"
    "                           OR active <> coalesce($5::boolean, active)"
    "                         THEN clock_timestamp() ELSE not_before END"
    " WHERE email = $1::text",
    false};

static const struct msp_statement list_statement = {
    "people_list",
    "SELECT " COLUMNS " FROM msp.users u LEFT JOIN msp.tenants t ON t.tenant_id = u.tenant_id"
    " WHERE ($1::text IS NULL OR t.slug = $1::text) AND u.email COLLATE \"C\" > $2::text"
    " ORDER BY u.email COLLATE \"C\" LIMIT $3::bigint",
    true};

static const struct msp_scope nobody = {0, NULL};
static const struct msp_scope admin_scope = {0, "msp_admin"};

static bool is_address_character(char c)
{
    return c > ' ' && c < 127 && c != '@';
}

/* The bounds are those that the table checks. */
enum msp_result msp_people_email(const char *text, char out[MSP_EMAIL_BYTES],
                                 struct msp_error *error)
{
    size_t length = strnlen(text, MSP_EMAIL_BYTES);
    const char *at = memchr(text, '@', length);
    size_t local = at != NULL ? (size_t)(at - text) : 0;
    bool fine = length < MSP_EMAIL_BYTES && local >= 1 && local <= 64 && length > local + 1 &&
                length - local - 1 <= 62;
    char lower[MSP_EMAIL_BYTES] = "";
    for (size_t i = 0; i < length && fine; i++) {
        fine = i == local || is_address_character(text[i]);
        lower[i] = text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] - 'A' + 'a') : text[i];
    }
    if (!fine)
        return msp_fail_at(error, MSP_INVALID, "email_malformed", "/email",
                           "An e-mail is name@domain in ASCII, at most 64 and 62 characters.");
    memcpy(out, lower, sizeof(lower));
    return MSP_OK;
}

enum msp_result msp_people_find_sign_in(struct msp_db *db, const char *email, int64_t deadline_ms,
                                        struct msp_sign_in *out, struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, email);
    struct msp_call call = {&sign_in_statement, &params, NULL};
    enum msp_result result = msp_db_transact(db, &nobody, &call, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    struct msp_sign_in found = {.not_before_seconds = 0};
    if (PQntuples(call.result) > 0) {
        found.tenant_id = msp_result_int(call.result, 0, 0);
        snprintf(found.tenant, sizeof(found.tenant), "%s", msp_result_text(call.result, 0, 1));
        found.role = msp_role_parse(msp_result_text(call.result, 0, 2));
        snprintf(found.name, sizeof(found.name), "%s", msp_result_text(call.result, 0, 3));
        snprintf(found.password_hash, sizeof(found.password_hash), "%s",
                 msp_result_text(call.result, 0, 4));
        found.may_enter = msp_result_bool(call.result, 0, 5);
        found.not_before_seconds = msp_result_int(call.result, 0, 6);
    }
    msp_calls_clear(&call, 1);
    *out = found;
    return MSP_OK;
}

enum msp_result msp_people_end_token(struct msp_db *db, int64_t tenant_id,
                                     const unsigned char *digest, const struct msp_actor *actor,
                                     int64_t expires_seconds, int64_t deadline_ms,
                                     struct msp_error *error)
{
    const struct msp_audit_line line = {tenant_id, "sign_out", actor->name, NULL};
    const struct msp_scope scope = msp_audit_scope(tenant_id);
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, tenant_id);
    msp_params_binary(&params, digest, MSP_NAME_DIGEST_BYTES);
    msp_params_text(&params, actor->name);
    msp_params_int(&params, expires_seconds);
    struct msp_call calls[] = {msp_audit_impatience, {&end_token_statement, &params, NULL}};
    enum msp_result result = msp_db_begin(db, &scope, deadline_ms, error);
    if (result == MSP_OK)
        result = msp_db_run(db, calls, 2, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    msp_calls_clear(calls, 2);
    result = msp_audit_append(db, actor, &line, deadline_ms, error);
    if (result == MSP_OK)
        result = msp_db_commit(db, deadline_ms, error);
    return result;
}

/* ---- administration ---- */

static void read_person(const PGresult *rows, int row, struct msp_person *out)
{
    snprintf(out->email, sizeof(out->email), "%s", msp_result_text(rows, row, EMAIL));
    snprintf(out->name, sizeof(out->name), "%s", msp_result_text(rows, row, NAME));
    snprintf(out->tenant, sizeof(out->tenant), "%s", msp_result_text(rows, row, TENANT));
    out->role = msp_role_parse(msp_result_text(rows, row, ROLE));
    out->active = msp_result_bool(rows, row, ACTIVE);
    out->has_password = msp_result_bool(rows, row, HAS_PASSWORD);
    out->created_us = msp_wire_time(rows, row, CREATED_AT);
}

static enum msp_result check_name(const char *name, struct msp_error *error)
{
    size_t length = strlen(name);
    if (length >= 1 && length < MSP_PERSON_NAME_BYTES)
        return MSP_OK;
    return msp_fail_at(error, MSP_INVALID, "name_length", "/name",
                       "A person's name has 1 to 150 characters.");
}

/* One person of the open transaction, locked; *out_rows is the caller's. MSP_NOT_FOUND. */
static enum msp_result find_person(struct msp_db *db, const char *email, int64_t deadline_ms,
                                   PGresult **out_rows, struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, email);
    struct msp_call call = {&find_statement, &params, NULL};
    enum msp_result result = msp_db_run(db, &call, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    if (PQntuples(call.result) == 0) {
        msp_calls_clear(&call, 1);
        msp_db_rollback(db);
        return msp_fail(error, MSP_NOT_FOUND, "user_unknown", "There is no user of that e-mail.");
    }
    *out_rows = call.result;
    return MSP_OK;
}

/* What was changed before under the same idempotency key, as it is now. */
static enum msp_result show_person(struct msp_db *db, const char *email, int64_t deadline_ms,
                                   struct msp_person *out, struct msp_error *error)
{
    PGresult *rows = NULL;
    enum msp_result result = msp_db_begin(db, &admin_scope, deadline_ms, error);
    if (result == MSP_OK)
        result = find_person(db, email, deadline_ms, &rows, error);
    if (result != MSP_OK)
        return result;
    read_person(rows, 0, out);
    PQclear(rows);
    msp_db_rollback(db);
    return MSP_OK;
}

/* Ends the transaction with the audit line of a change from `before` (NULL = was not there). */
static enum msp_result conclude(struct msp_db *db, const char *email, const char *action,
                                const PGresult *before, const struct msp_actor *actor,
                                int64_t deadline_ms, struct msp_person *out,
                                struct msp_error *error)
{
    PGresult *after = NULL;
    struct msp_person person = {.role = MSP_ROLE_NONE};
    enum msp_result result = find_person(db, email, deadline_ms, &after, error);
    if (result != MSP_OK)
        return result;
    struct msp_buffer detail;
    msp_buffer_init(&detail, 0);
    msp_buffer_printf(&detail, "{\"before\":%s,\"after\":%s}",
                      before != NULL ? msp_result_text(before, 0, AS_JSON) : "null",
                      msp_result_text(after, 0, AS_JSON));
    msp_buffer_append(&detail, "", 1);
    struct msp_audit_line line = {msp_result_int(after, 0, TENANT_ID), action, email,
                                  detail.failed ? NULL : detail.data};
    read_person(after, 0, &person);
    PQclear(after);
    result = msp_audit_commit(db, actor, &line, deadline_ms, error);
    msp_buffer_done(&detail);
    if (result == MSP_OK)
        *out = person;
    return result;
}

static enum msp_result check_order(const struct msp_person_order *order, struct msp_error *error)
{
    if (order->role == MSP_ROLE_NONE)
        return msp_fail_at(error, MSP_INVALID, "role_unknown", "/role",
                           "The role must be admin, manager, tech or client.");
    if (order->role == MSP_ROLE_ADMIN && order->tenant != NULL)
        return msp_fail_at(error, MSP_INVALID, "tenant_given", "/tenant",
                           "An admin belongs to no tenant; leave it out or choose another role.");
    if (order->role != MSP_ROLE_ADMIN && order->tenant == NULL)
        return msp_fail_at(error, MSP_INVALID, "tenant_missing", "/tenant",
                           "Everybody but an admin belongs to a tenant; name it.");
    return check_name(order->name, error);
}

static enum msp_result insert_person(struct msp_db *db, const char *email,
                                     const struct msp_person_order *order, int64_t deadline_ms,
                                     struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, order->tenant);
    msp_params_text(&params, email);
    msp_params_text(&params, order->name);
    msp_params_text(&params, msp_role_name(order->role));
    msp_params_text(&params, order->password_hash);
    struct msp_call call = {&add_statement, &params, NULL};
    enum msp_result result = msp_db_run(db, &call, 1, deadline_ms, error);
    if (result == MSP_CONFLICT)
        return msp_fail_at(error, MSP_CONFLICT, "email_taken", "/email",
                           "There is a user of that e-mail already; change that one.");
    if (result != MSP_OK)
        return result;
    bool added = PQntuples(call.result) > 0;
    msp_calls_clear(&call, 1);
    if (added)
        return MSP_OK;
    msp_db_rollback(db);
    return msp_fail_at(error, MSP_NOT_FOUND, "tenant_unknown", "/tenant",
                       "There is no tenant \"%.80s\".", order->tenant);
}

enum msp_result msp_people_add(struct msp_db *db, const struct msp_person_order *order,
                               const struct msp_actor *actor, int64_t deadline_ms,
                               struct msp_person *out, struct msp_error *error)
{
    char email[MSP_EMAIL_BYTES];
    enum msp_result result = msp_people_email(order->email, email, error);
    const char *replayed = NULL;
    if (result == MSP_OK)
        result = check_order(order, error);
    if (result == MSP_OK)
        result = msp_audit_begin(db, actor, deadline_ms, &replayed, error);
    if (result == MSP_OK && replayed != NULL)
        return show_person(db, replayed, deadline_ms, out, error);
    if (result == MSP_OK)
        result = insert_person(db, email, order, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    return conclude(db, email, "user.add", NULL, actor, deadline_ms, out, error);
}

static enum msp_result check_change(const struct msp_person_change *change, const PGresult *before,
                                    struct msp_error *error)
{
    enum msp_role role = msp_role_parse(msp_result_text(before, 0, ROLE));
    if (change->role != MSP_ROLE_NONE &&
        (change->role == MSP_ROLE_ADMIN) != (role == MSP_ROLE_ADMIN))
        return msp_fail_at(error, MSP_INVALID, "role_of_another_kind", "/role",
                           "An admin belongs to no tenant and others to one for ever; add another "
                           "user instead.");
    return change->name != NULL ? check_name(change->name, error) : MSP_OK;
}

static enum msp_result update_person(struct msp_db *db, const char *email,
                                     const struct msp_person_change *change, int64_t deadline_ms,
                                     struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, email);
    msp_params_text(&params, change->name);
    msp_params_text(&params, change->role != MSP_ROLE_NONE ? msp_role_name(change->role) : NULL);
    msp_params_text(&params, change->password_hash);
    if (change->active < 0)
        msp_params_null(&params);
    else
        msp_params_bool(&params, change->active == 1);
    struct msp_call call = {&change_statement, &params, NULL};
    enum msp_result result = msp_db_run(db, &call, 1, deadline_ms, error);
    msp_calls_clear(&call, 1);
    return result;
}

static const char *action_of(const struct msp_person_change *change)
{
    if (change->active >= 0)
        return change->active == 1 ? "user.enable" : "user.disable";
    return change->password_hash != NULL ? "user.set_password" : "user.change";
}

enum msp_result msp_people_change(struct msp_db *db, const char *email,
                                  const struct msp_person_change *change,
                                  const struct msp_actor *actor, int64_t deadline_ms,
                                  struct msp_person *out, struct msp_error *error)
{
    char known[MSP_EMAIL_BYTES];
    const char *replayed = NULL;
    PGresult *before = NULL;
    enum msp_result result = msp_people_email(email, known, error);
    if (result == MSP_OK)
        result = msp_audit_begin(db, actor, deadline_ms, &replayed, error);
    if (result == MSP_OK && replayed != NULL)
        return show_person(db, replayed, deadline_ms, out, error);
    if (result == MSP_OK)
        result = find_person(db, known, deadline_ms, &before, error);
    if (result != MSP_OK)
        return result;
    result = check_change(change, before, error);
    if (result != MSP_OK)
        msp_db_rollback(db);
    else
        result = update_person(db, known, change, deadline_ms, error);
    if (result == MSP_OK)
        result = conclude(db, known, action_of(change), before, actor, deadline_ms, out, error);
    PQclear(before);
    return result;
}

enum msp_result msp_people_list(struct msp_db *db, const char *tenant, const char *after, int limit,
                                int64_t deadline_ms, struct msp_person **out_people,
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
    struct msp_person *people = calloc(count + 1, sizeof(*people));
    for (size_t i = 0; i < count && people != NULL; i++)
        read_person(call.result, (int)i, &people[i]);
    msp_calls_clear(&call, 1);
    if (people == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the list of users.");
    *out_people = people;
    *out_count = count;
    return MSP_OK;
}
