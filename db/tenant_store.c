/* Tenants: listing them for the snapshot, adding and changing them as msp_admin. */
#include "msp/tenant_store.h"

#include "msp/buffer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct msp_statement all_statement = {
    "tenant_all",
    "SELECT tenant_id, slug, name, timezone, source, active, limits FROM msp.all_tenants()", false};

/* pg_timezone_names is slow but complete; adding a tenant is rare. POSIX-style and link-less names
 * stay out. */
static const struct msp_statement zone_statement = {
    "tenant_zone",
    "SELECT count(*) FROM pg_timezone_names"
    " WHERE name = $1::text AND name NOT LIKE 'posix/%' AND name NOT LIKE 'right/%'",
    false};

static const struct msp_statement add_statement = {
    "tenant_add",
    "INSERT INTO msp.tenants (slug, name, timezone, source, limits)"
    " SELECT $1::text, $2::text, $3::text, coalesce($4::text, ''), coalesce($5::text, '')"
    "  WHERE NOT EXISTS (SELECT FROM msp.erased_tenants e"
    "                     WHERE e.slug_digest = sha256(convert_to($1::text, 'UTF8')))"
    " RETURNING tenant_id",
    false};

static const struct msp_statement find_statement = {
    "tenant_find",
    "SELECT tenant_id, slug, name, timezone, source, active, limits,"
    "       json_build_object('name', name, 'timezone', timezone, 'source', source,"
    "                         'active', active, 'limits', limits)::text"
    "  FROM msp.tenants WHERE slug = $1::text FOR UPDATE",
    false};
#define AS_JSON 7

static const struct msp_statement set_statement = {
    "tenant_set",
    "UPDATE msp.tenants SET name = coalesce($2::text, name), timezone = coalesce($3::text, "
    "timezone),"
    "       source = coalesce($4::text, source), active = coalesce($5::boolean, active),"
    "       limits = coalesce($6::text, limits)"
    " WHERE tenant_id = $1::bigint",
    false};

static const struct msp_statement dirty_statement = {
    "tenant_dirty", "SELECT msp.mark_every_day_dirty($1::bigint)", false};

static const struct msp_statement scope_statement = {"tenant_scope",
                                                     "SELECT msp.set_tenant($1::bigint)", false};

static void copy_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text);
}

static void read_tenant(const PGresult *rows, int row, struct msp_tenant *out)
{
    out->id = msp_result_int(rows, row, 0);
    copy_text(out->slug, sizeof(out->slug), msp_result_text(rows, row, 1));
    copy_text(out->name, sizeof(out->name), msp_result_text(rows, row, 2));
    copy_text(out->timezone, sizeof(out->timezone), msp_result_text(rows, row, 3));
    copy_text(out->source, sizeof(out->source), msp_result_text(rows, row, 4));
    out->active = msp_result_bool(rows, row, 5);
    copy_text(out->limits, sizeof(out->limits), msp_result_text(rows, row, 6));
}

enum msp_result msp_tenant_store_all(struct msp_db *db, int64_t deadline_ms,
                                     struct msp_tenant **out_tenants, size_t *out_count,
                                     struct msp_error *error)
{
    struct msp_call call = {&all_statement, NULL, NULL};
    struct msp_scope scope = {0, NULL};
    enum msp_result result = msp_db_transact(db, &scope, &call, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    size_t count = (size_t)PQntuples(call.result);
    struct msp_tenant *tenants = calloc(count + 1, sizeof(*tenants));
    if (tenants == NULL) {
        msp_calls_clear(&call, 1);
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the list of tenants.");
    }
    for (size_t i = 0; i < count; i++)
        read_tenant(call.result, (int)i, &tenants[i]);
    msp_calls_clear(&call, 1);
    *out_tenants = tenants;
    *out_count = count;
    return MSP_OK;
}

static const struct msp_scope admin_scope = {0, "msp_admin"};

static enum msp_result check_zone(struct msp_db *db, const char *timezone, int64_t deadline_ms,
                                  struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, timezone);
    struct msp_call call = {&zone_statement, &params, NULL};
    enum msp_result result = msp_db_transact(db, &admin_scope, &call, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    bool known = msp_result_int(call.result, 0, 0) > 0;
    msp_calls_clear(&call, 1);
    if (!known)
        return msp_fail_at(error, MSP_INVALID, "timezone_unknown", "/timezone",
                           "There is no time zone \"%s\". Use an IANA name such as Europe/Paris.",
                           timezone);
    return MSP_OK;
}

static enum msp_result check_slug(const char *slug, struct msp_error *error)
{
    size_t length = strlen(slug);
    if (length < 1 || length > 63 ||
        strspn(slug, "abcdefghijklmnopqrstuvwxyz0123456789-") != length)
        return msp_fail_at(error, MSP_INVALID, "tenant_id_malformed", "/id",
                           "A tenant's id has 1 to 63 characters out of a-z, 0-9 and \"-\".");
    return MSP_OK;
}

/* NULL is fine: nothing is said. */
static enum msp_result check_limits(const char *limits, struct msp_error *error)
{
    struct msp_error fault;
    if (limits == NULL || msp_rate_limits_check_tenants(limits, &fault) == MSP_OK)
        return MSP_OK;
    return msp_fail_at(error, fault.result, fault.code, "/limits", "%s", fault.detail);
}

/* The tenant of the open transaction, locked; *out_rows is the caller's. MSP_NOT_FOUND. */
static enum msp_result find_tenant(struct msp_db *db, const char *slug, int64_t deadline_ms,
                                   PGresult **out_rows, struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, slug);
    struct msp_call call = {&find_statement, &params, NULL};
    enum msp_result result = msp_db_run(db, &call, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    if (PQntuples(call.result) == 0) {
        msp_calls_clear(&call, 1);
        msp_db_rollback(db);
        return msp_fail(error, MSP_NOT_FOUND, "tenant_unknown", "There is no tenant \"%.80s\".",
                        slug);
    }
    *out_rows = call.result;
    return MSP_OK;
}

/* What was changed before under the same idempotency key, as it is now. */
static enum msp_result show_tenant(struct msp_db *db, const char *slug, int64_t deadline_ms,
                                   struct msp_tenant *out, struct msp_error *error)
{
    PGresult *rows = NULL;
    enum msp_result result = msp_db_begin(db, &admin_scope, deadline_ms, error);
    if (result == MSP_OK)
        result = find_tenant(db, slug, deadline_ms, &rows, error);
    if (result != MSP_OK)
        return result;
    read_tenant(rows, 0, out);
    PQclear(rows);
    msp_db_rollback(db);
    return MSP_OK;
}

/* Ends the transaction with the audit line of a change from `before` (NULL = was not there). */
static enum msp_result conclude(struct msp_db *db, const char *slug, const char *action,
                                const PGresult *before, const struct msp_actor *actor,
                                int64_t deadline_ms, struct msp_tenant *out,
                                struct msp_error *error)
{
    PGresult *after = NULL;
    struct msp_tenant tenant = {.id = 0};
    enum msp_result result = find_tenant(db, slug, deadline_ms, &after, error);
    if (result != MSP_OK)
        return result;
    struct msp_buffer detail;
    msp_buffer_init(&detail, 0);
    msp_buffer_printf(&detail, "{\"before\":%s,\"after\":%s}",
                      before != NULL ? msp_result_text(before, 0, AS_JSON) : "null",
                      msp_result_text(after, 0, AS_JSON));
    msp_buffer_append(&detail, "", 1);
    read_tenant(after, 0, &tenant);
    PQclear(after);
    struct msp_audit_line line = {tenant.id, action, slug, detail.failed ? NULL : detail.data};
    result = msp_audit_commit(db, actor, &line, deadline_ms, error);
    msp_buffer_done(&detail);
    if (result == MSP_OK)
        *out = tenant;
    return result;
}

static enum msp_result insert_tenant(struct msp_db *db, const struct msp_tenant_order *order,
                                     int64_t deadline_ms, struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, order->slug);
    msp_params_text(&params, order->name);
    msp_params_text(&params, order->timezone);
    msp_params_text(&params, order->source);
    msp_params_text(&params, order->limits);
    struct msp_call call = {&add_statement, &params, NULL};
    enum msp_result result = msp_db_run(db, &call, 1, deadline_ms, error);
    const bool was_erased = result == MSP_OK && PQntuples(call.result) == 0;
    msp_calls_clear(&call, 1);
    if (was_erased)
        msp_db_rollback(db);
    if (was_erased || result == MSP_CONFLICT)
        return msp_fail_at(
            error, MSP_CONFLICT, "tenant_exists", "/id",
            "The tenant id \"%s\" has been given already; ids are never given again.", order->slug);
    return result;
}

enum msp_result msp_tenant_store_add(struct msp_db *db, const struct msp_tenant_order *order,
                                     const struct msp_actor *actor, int64_t deadline_ms,
                                     struct msp_tenant *out, struct msp_error *error)
{
    const char *replayed = NULL;
    enum msp_result result = check_slug(order->slug, error);
    if (result == MSP_OK)
        result = check_limits(order->limits, error);
    if (result == MSP_OK)
        result = check_zone(db, order->timezone, deadline_ms, error);
    if (result == MSP_OK)
        result = msp_audit_begin(db, actor, deadline_ms, &replayed, error);
    if (result == MSP_OK && replayed != NULL)
        return show_tenant(db, replayed, deadline_ms, out, error);
    if (result == MSP_OK)
        result = insert_tenant(db, order, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    return conclude(db, order->slug, "tenant.add", NULL, actor, deadline_ms, out, error);
}

/* Inside an open transaction as msp_admin: changes the tenant and, for a new time zone, marks its
 * days. */
static enum msp_result change_tenant(struct msp_db *db, int64_t tenant_id, bool new_zone,
                                     const struct msp_tenant_change *change, int64_t deadline_ms,
                                     struct msp_error *error)
{
    struct msp_params tenant;
    struct msp_params values;
    msp_params_init(&tenant);
    msp_params_int(&tenant, tenant_id);
    msp_params_init(&values);
    msp_params_int(&values, tenant_id);
    msp_params_text(&values, change->name);
    msp_params_text(&values, change->timezone);
    msp_params_text(&values, change->source);
    if (change->active < 0)
        msp_params_null(&values);
    else
        msp_params_bool(&values, change->active == 1);
    msp_params_text(&values, change->limits);
    struct msp_call calls[3] = {{&set_statement, &values, NULL}};
    size_t count = 1;
    if (new_zone) {
        calls[count++] = (struct msp_call){&scope_statement, &tenant, NULL};
        calls[count++] = (struct msp_call){&dirty_statement, &tenant, NULL};
    }
    enum msp_result result = msp_db_run(db, calls, count, deadline_ms, error);
    msp_calls_clear(calls, count);
    return result;
}

static const char *action_of(const struct msp_tenant_change *change)
{
    if (change->active < 0)
        return "tenant.change";
    return change->active == 1 ? "tenant.enable" : "tenant.disable";
}

enum msp_result msp_tenant_store_set(struct msp_db *db, const char *slug,
                                     const struct msp_tenant_change *change,
                                     const struct msp_actor *actor, int64_t deadline_ms,
                                     struct msp_tenant *out, struct msp_error *error)
{
    const char *replayed = NULL;
    PGresult *before = NULL;
    enum msp_result result = check_limits(change->limits, error);
    if (result == MSP_OK && change->timezone != NULL)
        result = check_zone(db, change->timezone, deadline_ms, error);
    if (result == MSP_OK)
        result = msp_audit_begin(db, actor, deadline_ms, &replayed, error);
    if (result == MSP_OK && replayed != NULL)
        return show_tenant(db, replayed, deadline_ms, out, error);
    if (result == MSP_OK)
        result = find_tenant(db, slug, deadline_ms, &before, error);
    if (result != MSP_OK)
        return result;
    bool new_zone =
        change->timezone != NULL && strcmp(change->timezone, msp_result_text(before, 0, 3)) != 0;
    result = change_tenant(db, msp_result_int(before, 0, 0), new_zone, change, deadline_ms, error);
    if (result == MSP_OK)
        result = conclude(db, slug, action_of(change), before, actor, deadline_ms, out, error);
    PQclear(before);
    return result;
}
