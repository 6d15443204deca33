/* Who there is: the tenants, out of the tenant cache, and the caller itself. No database is asked.
 */
#include "handlers.h"

#include "../http_worker.h"
#include "msp/json_writer.h"

static void begin_json(struct msp_response *response, struct msp_json_writer *writer)
{
    response->content_type = "application/json";
    msp_json_writer_init(writer, &response->body);
    msp_json_begin_object(writer);
}

int msp_handle_internal_tenants(const struct msp_request *request, struct msp_response *response)
{
    const struct msp_tenant_cache *cache = request->worker->child->shared->tenants;
    struct msp_json_writer writer;
    struct msp_tenant tenant;

    begin_json(response, &writer);
    msp_json_key(&writer, "tenants");
    msp_json_begin_array(&writer);
    for (size_t at = 0; msp_tenant_cache_at(cache, at, &tenant); at++) {
        msp_json_begin_object(&writer);
        msp_json_key_string(&writer, "id", tenant.slug);
        msp_json_key_string(&writer, "name", tenant.name);
        msp_json_key_string(&writer, "timezone", tenant.timezone);
        msp_json_key_string(&writer, "status", tenant.active ? "active" : "disabled");
        msp_json_key_string(&writer, "source", tenant.source[0] == '\0' ? NULL : tenant.source);
        msp_json_end_object(&writer);
    }
    msp_json_end_array(&writer);
    msp_json_end_object(&writer);
    return 200;
}

static void write_tenant(struct msp_json_writer *writer, const struct msp_tenant *tenant)
{
    msp_json_begin_object(writer);
    msp_json_key_string(writer, "id", tenant->slug);
    msp_json_key_string(writer, "name", tenant->name);
    msp_json_key_string(writer, "timezone", tenant->timezone);
    msp_json_end_object(writer);
}

int msp_handle_tenants(const struct msp_request *request, struct msp_response *response)
{
    const struct msp_tenant_cache *cache = request->worker->child->shared->tenants;
    struct msp_json_writer writer;
    struct msp_tenant tenant;

    begin_json(response, &writer);
    msp_json_key(&writer, "tenants");
    msp_json_begin_array(&writer);
    if (request->caller.role != MSP_ROLE_ADMIN) {
        write_tenant(&writer, &request->caller.tenant);
    } else {
        for (size_t at = 0; msp_tenant_cache_at(cache, at, &tenant); at++) {
            if (tenant.active)
                write_tenant(&writer, &tenant);
        }
    }
    msp_json_end_array(&writer);
    msp_json_end_object(&writer);
    return 200;
}

static const char *credential_name(enum msp_credential credential)
{
    if (credential == MSP_CREDENTIAL_KEY)
        return "key";
    return credential == MSP_CREDENTIAL_SESSION ? "session" : "token";
}

int msp_handle_me(const struct msp_request *request, struct msp_response *response)
{
    const struct msp_caller *caller = &request->caller;
    struct msp_json_writer writer;

    begin_json(response, &writer);
    msp_json_key_string(&writer, "subject", caller->subject);
    msp_json_key_string(&writer, "role", msp_role_name(caller->role));
    msp_json_key_string(&writer, "tenant", caller->tenant.id == 0 ? NULL : caller->tenant.slug);
    msp_json_key_string(&writer, "credential", credential_name(caller->credential));
    if (caller->credential != MSP_CREDENTIAL_KEY)
        msp_json_key_time(&writer, "expires_at", caller->token_expires_seconds * 1000000);
    msp_json_end_object(&writer);
    return 200;
}
