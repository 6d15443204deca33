/* API keys for admins: listing, making, revoking. A key's text is in one answer and nowhere else.
 */
#include "handlers.h"

#include "../http_worker.h"
#include "admin.h"
#include "inputs.h"

#include "msp/clock.h"
#include "msp/credential_json.h"
#include "msp/no_value.h"
#include "msp/timestamp.h"

#include <stdlib.h>
#include <string.h>

#define PAGE      200
#define MOST_PAGE 1000

static enum msp_result read_page(const struct msp_request *request, const char **out_after,
                                 int *out_limit, struct msp_error *error)
{
    const char *cursor = msp_request_query(request, "cursor");

    *out_after = cursor != NULL ? cursor : "";
    *out_limit = PAGE;
    if (cursor != NULL && !msp_api_key_is_id(cursor))
        return msp_query_fail(error, "query_malformed", "cursor",
                              "\"cursor\" must be the next_cursor of an earlier page.");
    return msp_query_limit(request, MOST_PAGE, out_limit, error);
}

int msp_handle_admin_keys(const struct msp_request *request, struct msp_response *response)
{
    struct msp_key_info *keys = NULL;
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
        result = msp_key_store_list(db, msp_request_query(request, "tenant"), after, limit,
                                    msp_request_db_deadline_ms(request), &keys, &count, &error);
        msp_pool_give(request->worker->pool, db);
    }
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    msp_admin_json(response, &json);
    msp_json_key(&json, "keys");
    msp_json_begin_array(&json);
    for (size_t i = 0; i < count; i++)
        msp_key_write(&json, &keys[i]);
    msp_json_end_array(&json);
    msp_json_key_string(&json, "next_cursor", count == (size_t)limit ? keys[count - 1].id : NULL);
    msp_json_end_object(&json);
    free(keys);
    return 200;
}

static enum msp_result read_expiry(const json_t *body, int64_t *out_us, struct msp_error *error)
{
    const char *text = NULL;
    enum msp_result result = msp_input_text(body, "expires_at", &text, error);

    if (result != MSP_OK || text == NULL || msp_timestamp_parse(text, strlen(text), out_us))
        return result;
    return msp_fail_at(error, MSP_INVALID, "time_malformed", "/expires_at",
                       "\"expires_at\" must be a time like 2027-01-31T12:00:00Z.");
}

static enum msp_result read_order(const json_t *body, struct msp_key_order *order,
                                  struct msp_error *error)
{
    enum msp_result result = msp_admin_text(body, "tenant", &order->tenant, error);

    if (result == MSP_OK)
        result = msp_admin_text(body, "name", &order->name, error);
    if (result == MSP_OK)
        result = msp_admin_role(body, &order->role, error);
    if (result == MSP_OK)
        result = read_expiry(body, &order->expires_us, error);
    return result;
}

static int answer(const struct msp_request *request, struct msp_response *response,
                  const struct msp_admin_call *call, const struct msp_key_info *key,
                  const char *secret, int status)
{
    struct msp_json_writer json;

    msp_admin_json(response, &json);
    msp_json_key(&json, "key");
    msp_key_write(&json, key);
    if (secret != NULL && secret[0] != '\0')
        msp_json_key_string(&json, "secret", secret);
    msp_json_end_object(&json);
    return msp_admin_answer(request, response, call, status);
}

int msp_handle_admin_key_create(const struct msp_request *request, struct msp_response *response)
{
    static const char *const members[] = {"tenant", "name", "role", "expires_at", NULL};
    struct msp_key_order order = {.expires_us = MSP_NO_TIME};
    struct msp_admin_call call;
    struct msp_key_info info;
    struct msp_api_key key;
    struct msp_error error;

    if (msp_admin_begin(request, members, &call, &error) != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    enum msp_result result = read_order(call.body, &order, &error);
    if (result == MSP_OK)
        result = msp_key_store_create(call.db, &order, &call.actor, call.deadline_ms, &key, &error);
    if (result == MSP_OK)
        result = msp_key_store_find(call.db, key.id, call.deadline_ms, &info, &error);
    msp_admin_end(request, &call);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    return answer(request, response, &call, &info, key.text, 201);
}

int msp_handle_admin_key_revoke(const struct msp_request *request, struct msp_response *response)
{
    static const char *const none[] = {NULL};
    struct msp_admin_call call;
    struct msp_key_info info;
    struct msp_error error;

    if (msp_admin_begin(request, none, &call, &error) != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    enum msp_result result = msp_key_store_revoke(call.db, request->path_parameters[0], &call.actor,
                                                  call.deadline_ms, &info, &error);
    msp_admin_end(request, &call);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    return answer(request, response, &call, &info, NULL, 200);
}
