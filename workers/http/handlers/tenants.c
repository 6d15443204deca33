/* Who there is: the tenants, out of the tenant cache, and the caller itself. No database is asked.
 */
#include "handlers.h"

#include "../http_worker.h"
#include "msp/json_writer.h"
#include "msp/people_store.h"

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

/* The subject, where it is an e-mail address. */
static const char *email_of(const struct msp_caller *caller, char email[MSP_EMAIL_BYTES])
{
    struct msp_error error;

    return msp_people_email(caller->subject, email, &error) == MSP_OK ? email : NULL;
}

/* An admin has no tenant. */
static void write_place(struct msp_json_writer *writer, const struct msp_caller *caller)
{
    const struct msp_tenant *tenant = caller->tenant.id != 0 ? &caller->tenant : NULL;

    msp_json_key_string(writer, "tenant", tenant != NULL ? tenant->slug : NULL);
    msp_json_key_string(writer, "tenant_name", tenant != NULL ? tenant->name : NULL);
    msp_json_key_string(writer, "timezone", tenant != NULL ? tenant->timezone : NULL);
}

int msp_handle_me(const struct msp_request *request, struct msp_response *response)
{
    const struct msp_caller *caller = &request->caller;
    struct msp_json_writer writer;
    char email[MSP_EMAIL_BYTES];

    begin_json(response, &writer);
    msp_json_key_string(&writer, "subject", caller->subject);
    msp_json_key_string(&writer, "name", caller->name[0] != '\0' ? caller->name : NULL);
    msp_json_key_string(&writer, "email", email_of(caller, email));
    msp_json_key_string(&writer, "role", msp_role_name(caller->role));
    write_place(&writer, caller);
    msp_json_key_string(&writer, "credential", credential_name(caller->credential));
    if (caller->credential != MSP_CREDENTIAL_KEY)
        msp_json_key_time(&writer, "expires_at", caller->token_expires_seconds * 1000000);
    msp_json_end_object(&writer);
    return 200;
}
