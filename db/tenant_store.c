/* Tenants: listing them for the snapshot, adding and changing them as msp_admin. */
#include "msp/tenant_store.h"

#include "msp/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct msp_statement all_statement = {
    "tenant_all", "SELECT tenant_id, slug, name, timezone, source, active FROM msp.all_tenants()",
    false};

/* pg_timezone_names is slow but complete; adding a tenant is rare. POSIX-style and link-less names
 * stay out. */
static const struct msp_statement zone_statement = {
    "tenant_zone",
    "SELECT count(*) FROM pg_timezone_names"
    " WHERE name = $1::text AND name NOT LIKE 'posix/%' AND name NOT LIKE 'right/%'",
    false};

static const struct msp_statement add_statement = {
    "tenant_add",
    "INSERT INTO msp.tenants (slug, name, timezone, source)"
    " VALUES ($1::text, $2::text, $3::text, coalesce($4::text, ''))",
    false};

static const struct msp_statement find_statement = {
    "tenant_find", "SELECT tenant_id, timezone FROM msp.tenants WHERE slug = $1::text", false};

static const struct msp_statement set_statement = {
    "tenant_set",
    "UPDATE msp.tenants SET name = coalesce($2::text, name), timezone = coalesce($3::text, "
    "timezone),"
    "       source = coalesce($4::text, source), active = coalesce($5::boolean, active)"
    " WHERE tenant_id = $1::bigint",
    false};

static const struct msp_statement dirty_statement = {
    "tenant_dirty", "SELECT msp.mark_every_day_dirty($1::bigint)", false};

static const struct msp_statement notify_statement = {"tenant_notify",
                                                      "SELECT pg_notify('msp_tenants', '')", false};

static void copy_text(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text);
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
    for (size_t i = 0; i < count; i++) {
        struct msp_tenant *tenant = &tenants[i];
        int row = (int)i;
        tenant->id = msp_result_int(call.result, row, 0);
        copy_text(tenant->slug, sizeof(tenant->slug), msp_result_text(call.result, row, 1));
        copy_text(tenant->name, sizeof(tenant->name), msp_result_text(call.result, row, 2));
        copy_text(tenant->timezone, sizeof(tenant->timezone), msp_result_text(call.result, row, 3));
        copy_text(tenant->source, sizeof(tenant->source), msp_result_text(call.result, row, 4));
        tenant->active = msp_result_bool(call.result, row, 5);
    }
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
        return msp_fail(error, MSP_INVALID, "timezone_unknown",
                        "There is no time zone \"%s\". Use an IANA name such as Europe/Paris.",
                        timezone);
    return MSP_OK;
}

static enum msp_result check_slug(const char *slug, struct msp_error *error)
{
    size_t length = strlen(slug);
    if (length < 1 || length > 63 ||
        strspn(slug, "abcdefghijklmnopqrstuvwxyz0123456789-") != length)
        return msp_fail(error, MSP_INVALID, "tenant_id_malformed",
                        "A tenant's id has 1 to 63 characters out of a-z, 0-9 and \"-\".");
    return MSP_OK;
}

enum msp_result msp_tenant_store_add(struct msp_db *db, const char *slug, const char *name,
                                     const char *timezone, const char *source, int64_t deadline_ms,
                                     struct msp_error *error)
{
    enum msp_result result = check_slug(slug, error);
    if (result == MSP_OK)
        result = check_zone(db, timezone, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, slug);
    msp_params_text(&params, name);
    msp_params_text(&params, timezone);
    msp_params_text(&params, source);
    struct msp_call calls[] = {{&add_statement, &params, NULL}, {&notify_statement, NULL, NULL}};
    result = msp_db_transact(db, &admin_scope, calls, 2, deadline_ms, error);
    msp_calls_clear(calls, 2);
    if (result == MSP_CONFLICT)
        return msp_fail(error, MSP_CONFLICT, "tenant_exists",
                        "The tenant id \"%s\" has been given already; ids are never given again.",
                        slug);
    return result;
}

/* Inside an open transaction as msp_admin: changes the tenant and, for a new time zone, marks its
 * days. */
static enum msp_result change_tenant(struct msp_db *db, int64_t tenant_id, bool new_zone,
                                     const struct msp_params *values, int64_t deadline_ms,
                                     struct msp_error *error)
{
    struct msp_params tenant;
    msp_params_init(&tenant);
    msp_params_int(&tenant, tenant_id);
    static const struct msp_statement set_tenant = {"tenant_scope",
                                                    "SELECT msp.set_tenant($1::bigint)", false};
    struct msp_call calls[4] = {{&set_statement, values, NULL}, {&notify_statement, NULL, NULL}};
    size_t count = 2;
    if (new_zone) {
        calls[count++] = (struct msp_call){&set_tenant, &tenant, NULL};
        calls[count++] = (struct msp_call){&dirty_statement, &tenant, NULL};
    }
    enum msp_result result = msp_db_run(db, calls, count, deadline_ms, error);
    msp_calls_clear(calls, count);
    return result;
}

enum msp_result msp_tenant_store_set(struct msp_db *db, const char *slug, const char *name,
                                     const char *timezone, const char *source, int active,
                                     int64_t deadline_ms, struct msp_error *error)
{
    if (timezone != NULL) {
        enum msp_result known = check_zone(db, timezone, deadline_ms, error);
        if (known != MSP_OK)
            return known;
    }
    struct msp_params find;
    msp_params_init(&find);
    msp_params_text(&find, slug);
    struct msp_call call = {&find_statement, &find, NULL};
    enum msp_result result = msp_db_begin(db, &admin_scope, deadline_ms, error);
    if (result == MSP_OK)
        result = msp_db_run(db, &call, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    if (PQntuples(call.result) == 0) {
        msp_calls_clear(&call, 1);
        msp_db_rollback(db);
        return msp_fail(error, MSP_NOT_FOUND, "tenant_unknown", "There is no tenant \"%s\".", slug);
    }
    int64_t tenant_id = msp_result_int(call.result, 0, 0);
    bool new_zone = timezone != NULL && strcmp(timezone, msp_result_text(call.result, 0, 1)) != 0;
    msp_calls_clear(&call, 1);
    struct msp_params values;
    msp_params_init(&values);
    msp_params_int(&values, tenant_id);
    msp_params_text(&values, name);
    msp_params_text(&values, timezone);
    msp_params_text(&values, source);
    if (active < 0)
        msp_params_null(&values);
    else
        msp_params_bool(&values, active == 1);
    result = change_tenant(db, tenant_id, new_zone, &values, deadline_ms, error);
    if (result == MSP_OK)
        result = msp_db_commit(db, deadline_ms, error);
    return result;
}
