/* Ticket sources for admins: what is set for each tenant, setting it, trying it. Secrets come in
 * and never go out; the job worker tries, since nobody else may call out. */
#include "handlers.h"

#include "../http_worker.h"
#include "admin.h"
#include "inputs.h"
#include "job_answer.h"

#include "msp/clock.h"
#include "msp/json_reader.h"
#include "msp/source_store.h"

#include <string.h>

#define PAGE      200
#define MOST_PAGE 1000

/* ---- showing ---- */

static enum msp_result read_page(const struct msp_request *request, const char **out_after,
                                 int *out_limit, struct msp_error *error)
{
    const char *cursor = msp_request_query(request, "cursor");

    *out_after = cursor != NULL ? cursor : "";
    *out_limit = PAGE;
    if (cursor != NULL && strlen(cursor) >= MSP_TENANT_SLUG_BYTES)
        return msp_query_fail(error, "query_malformed", "cursor",
                              "\"cursor\" must be the next_cursor of an earlier page.");
    return msp_query_limit(request, MOST_PAGE, out_limit, error);
}

int msp_handle_admin_sources(const struct msp_request *request, struct msp_response *response)
{
    struct msp_source_info *sources = NULL;
    struct msp_db *db = NULL;
    struct msp_json_writer json;
    struct msp_error error;
    const char *after = NULL;
    size_t count = 0;
    int limit = PAGE;
    enum msp_result result = read_page(request, &after, &limit, &error);

    if (result == MSP_OK)
        result = msp_input_database(request, &db, &error);
    if (result == MSP_OK) {
        result = msp_source_store_list(db, msp_request_query(request, "tenant"), after, limit,
                                       request->arena, msp_request_db_deadline_ms(request),
                                       &sources, &count, &error);
        msp_pool_give(request->worker->pool, db);
    }
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    msp_admin_json(response, &json);
    msp_json_key(&json, "sources");
    msp_json_begin_array(&json);
    for (size_t i = 0; i < count; i++)
        msp_source_info_write(&json, &sources[i], msp_clock_unix_us());
    msp_json_end_array(&json);
    msp_json_key_string(&json, "next_cursor",
                        count == (size_t)limit ? sources[count - 1].tenant : NULL);
    msp_json_end_object(&json);
    return 200;
}

static void write_source(struct msp_response *response, const struct msp_source_info *info)
{
    struct msp_json_writer json;

    msp_admin_json(response, &json);
    msp_json_key(&json, "source");
    msp_source_info_write(&json, info, msp_clock_unix_us());
    msp_json_end_object(&json);
}

int msp_handle_admin_source(const struct msp_request *request, struct msp_response *response)
{
    struct msp_source_info info;
    struct msp_db *db = NULL;
    struct msp_error error;
    enum msp_result result = msp_input_database(request, &db, &error);

    if (result == MSP_OK) {
        result = msp_source_store_find(db, request->path_parameters[0], request->arena,
                                       msp_request_db_deadline_ms(request), &info, &error);
        msp_pool_give(request->worker->pool, db);
    }
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    write_source(response, &info);
    return 200;
}

/* ---- setting ---- */

/* A member that is an object, or {} where it is absent: a new reference. */
static enum msp_result take_object(const json_t *body, const char *name, json_t **out,
                                   struct msp_error *error)
{
    const char *pointer = strcmp(name, "options") == 0 ? "/options" : "/secrets";
    json_t *value = json_object_get(body, name);

    if (json_is_object(value)) {
        *out = json_incref(value);
        return MSP_OK;
    }
    if (value != NULL && !json_is_null(value))
        return msp_fail_at(error, MSP_INVALID, "wrong_type", pointer, "\"%s\" must be an object.",
                           name);
    *out = json_object();
    return *out != NULL ? MSP_OK
                        : msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a source.");
}

static enum msp_result set_source(const struct msp_request *request,
                                  const struct msp_admin_call *call, struct msp_source_info *info,
                                  struct msp_error *error)
{
    struct msp_source_setup setup = {.tenant = request->path_parameters[0]};
    json_t *options = NULL;
    json_t *secrets = NULL;
    enum msp_result result = msp_admin_text(call->body, "kind", &setup.kind, error);

    if (result == MSP_OK)
        result = take_object(call->body, "options", &options, error);
    if (result == MSP_OK)
        result = take_object(call->body, "secrets", &secrets, error);
    setup.options = options;
    setup.secrets = secrets;
    if (result == MSP_OK)
        result = msp_source_store_set(call->db, &setup, request->settings, &call->actor,
                                      call->deadline_ms, error);
    json_decref(options);
    json_decref(secrets);
    if (result == MSP_OK)
        result = msp_source_store_find(call->db, setup.tenant, request->arena, call->deadline_ms,
                                       info, error);
    return result;
}

int msp_handle_admin_source_set(const struct msp_request *request, struct msp_response *response)
{
    static const char *const members[] = {"kind", "options", "secrets", NULL};
    struct msp_admin_call call;
    struct msp_source_info info;
    struct msp_error error;

    if (msp_admin_begin(request, members, &call, &error) != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    enum msp_result result = set_source(request, &call, &info, &error);
    msp_admin_end(request, &call);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    write_source(response, &info);
    return msp_admin_answer(request, response, &call, 200);
}

/* ---- trying ---- */

int msp_handle_admin_source_test(const struct msp_request *request, struct msp_response *response)
{
    static const char *const members[] = {NULL};
    static const struct msp_job_request wanted = {.kind = "source_test",
                                                  .lane = MSP_LANE_SHORT,
                                                  .parameters = "{}",
                                                  .merges = true,
                                                  .by_person = true};
    struct msp_tenant tenant = {.id = 0};
    struct msp_error error;
    json_t *body = NULL;
    enum msp_result result = msp_input_body(request, &body, &error);

    if (result == MSP_OK)
        result = msp_json_only_members(body, members, &error);
    if (result == MSP_OK)
        result = msp_input_tenant(request, request->path_parameters[0], "", &tenant, &error);
    json_decref(body);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    return msp_job_answer_start(request, response, tenant.id, &wanted, "/v1/jobs/");
}
