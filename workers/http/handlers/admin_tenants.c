/* Tenants for admins: all of them, adding one, changing one. A tenant is disabled, never removed,
 * and its id is never given again. */
#include "handlers.h"

#include "../http_worker.h"
#include "admin.h"
#include "inputs.h"

#include "msp/tenant_store.h"

static void write_tenant(struct msp_json_writer *json, const struct msp_tenant *tenant)
{
    msp_json_begin_object(json);
    msp_json_key_string(json, "id", tenant->slug);
    msp_json_key_string(json, "name", tenant->name);
    msp_json_key_string(json, "timezone", tenant->timezone);
    msp_json_key_string(json, "status", tenant->active ? "active" : "disabled");
    msp_json_key_string(json, "source", tenant->source[0] != '\0' ? tenant->source : NULL);
    msp_json_key_string(json, "limits", tenant->limits[0] != '\0' ? tenant->limits : NULL);
    msp_json_end_object(json);
}

int msp_handle_admin_tenants(const struct msp_request *request, struct msp_response *response)
{
    const struct msp_tenant_cache *cache = request->worker->child->shared->tenants;
    struct msp_json_writer json;
    struct msp_tenant tenant;

    msp_admin_json(response, &json);
    msp_json_key(&json, "tenants");
    msp_json_begin_array(&json);
    for (size_t at = 0; msp_tenant_cache_at(cache, at, &tenant); at++)
        write_tenant(&json, &tenant);
    msp_json_end_array(&json);
    msp_json_end_object(&json);
    return 200;
}

static int answer(const struct msp_request *request, struct msp_response *response,
                  const struct msp_admin_call *call, enum msp_result result,
                  const struct msp_tenant *tenant, int status, const struct msp_error *error)
{
    struct msp_json_writer json;

    if (result != MSP_OK)
        return msp_problem_from_error(request, response, error);
    msp_admin_json(response, &json);
    msp_json_key(&json, "tenant");
    write_tenant(&json, tenant);
    msp_json_end_object(&json);
    return msp_admin_answer(request, response, call, status);
}

int msp_handle_admin_tenant_add(const struct msp_request *request, struct msp_response *response)
{
    static const char *const members[] = {"id", "name", "timezone", "source", "limits", NULL};
    struct msp_tenant_order order = {.slug = NULL};
    struct msp_admin_call call;
    struct msp_tenant tenant;
    struct msp_error error;

    if (msp_admin_begin(request, members, &call, &error) != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    enum msp_result result = msp_admin_text(call.body, "id", &order.slug, &error);
    if (result == MSP_OK)
        result = msp_admin_text(call.body, "name", &order.name, &error);
    if (result == MSP_OK)
        result = msp_admin_text(call.body, "timezone", &order.timezone, &error);
    if (result == MSP_OK)
        result = msp_input_text(call.body, "source", &order.source, &error);
    if (result == MSP_OK)
        result = msp_input_text(call.body, "limits", &order.limits, &error);
    if (result == MSP_OK)
        result =
            msp_tenant_store_add(call.db, &order, &call.actor, call.deadline_ms, &tenant, &error);
    msp_admin_end(request, &call);
    return answer(request, response, &call, result, &tenant, 201, &error);
}

int msp_handle_admin_tenant_change(const struct msp_request *request, struct msp_response *response)
{
    static const char *const members[] = {"name", "timezone", "source", "limits", "active", NULL};
    struct msp_tenant_change change = {.active = -1};
    struct msp_admin_call call;
    struct msp_tenant tenant;
    struct msp_error error;

    if (msp_admin_begin(request, members, &call, &error) != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    enum msp_result result = msp_input_text(call.body, "name", &change.name, &error);
    if (result == MSP_OK)
        result = msp_input_text(call.body, "timezone", &change.timezone, &error);
    if (result == MSP_OK)
        result = msp_input_text(call.body, "source", &change.source, &error);
    if (result == MSP_OK)
        result = msp_input_text(call.body, "limits", &change.limits, &error);
    if (result == MSP_OK)
        result = msp_admin_active(call.body, &change.active, &error);
    if (result == MSP_OK)
        result = msp_tenant_store_set(call.db, request->path_parameters[0], &change, &call.actor,
                                      call.deadline_ms, &tenant, &error);
    msp_admin_end(request, &call);
    return answer(request, response, &call, result, &tenant, 200, &error);
}
