/* The common parts of administrative requests. Changes nothing itself. */
#include "admin.h"

#include "../http_worker.h"
#include "../request_actor.h"
#include "inputs.h"
#include "publication.h"

#include "msp/json_reader.h"

#include <stdio.h>

static enum msp_result read_key(const struct msp_request *request, struct msp_admin_call *call,
                                struct msp_error *error)
{
    bool given = false;
    enum msp_result result = msp_idempotency_read(request, &call->idempotency, &given, error);

    call->actor = msp_request_actor(request);
    call->actor.idempotency = given ? &call->idempotency : NULL;
    call->actor.arena = request->arena;
    return result;
}

enum msp_result msp_admin_begin(const struct msp_request *request, const char *const members[],
                                struct msp_admin_call *out, struct msp_error *error)
{
    enum msp_result result = msp_input_body(request, &out->body, error);

    out->db = NULL;
    out->idempotency.replayed = false;
    if (result != MSP_OK)
        return result;
    result = msp_json_only_members(out->body, members, error);
    if (result == MSP_OK)
        result = read_key(request, out, error);
    if (result == MSP_OK)
        result = msp_input_database(request, &out->db, error);
    out->deadline_ms = msp_request_db_deadline_ms(request);
    if (result != MSP_OK)
        json_decref(out->body);
    return result;
}

void msp_admin_end(const struct msp_request *request, struct msp_admin_call *call)
{
    msp_pool_give(request->worker->pool, call->db);
    json_decref(call->body);
}

enum msp_result msp_admin_role(const json_t *body, enum msp_role *out, struct msp_error *error)
{
    const char *name = NULL;
    enum msp_result result = msp_input_text(body, "role", &name, error);

    if (result != MSP_OK || name == NULL)
        return result;
    *out = msp_role_parse(name);
    if (*out == MSP_ROLE_NONE)
        return msp_fail_at(error, MSP_INVALID, "role_unknown", "/role",
                           "\"role\" must be admin, manager, tech or client.");
    return MSP_OK;
}

enum msp_result msp_admin_active(const json_t *body, int *out, struct msp_error *error)
{
    bool active = false;
    enum msp_result result = msp_input_bool(body, "active", &active, error);

    if (result == MSP_OK && msp_input_has(body, "active"))
        *out = active ? 1 : 0;
    return result;
}

enum msp_result msp_admin_text(const json_t *body, const char *name, const char **out,
                               struct msp_error *error)
{
    char pointer[64];
    enum msp_result result = msp_input_text(body, name, out, error);

    if (result != MSP_OK || *out != NULL)
        return result;
    (void)snprintf(pointer, sizeof pointer, "/%s", name);
    return msp_fail_at(error, MSP_INVALID, "member_missing", pointer, "\"%s\" is missing.", name);
}

int msp_admin_answer(const struct msp_request *request, struct msp_response *response,
                     const struct msp_admin_call *call, int status)
{
    msp_publication_wait(request);
    msp_idempotency_mark(&call->idempotency, response);
    return status;
}

void msp_admin_json(struct msp_response *response, struct msp_json_writer *json)
{
    response->content_type = "application/json";
    msp_json_writer_init(json, &response->body);
    msp_json_begin_object(json);
}
