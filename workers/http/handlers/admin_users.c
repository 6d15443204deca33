/* People for admins: listing, adding, changing. Passwords go in and never come out. */
#include "handlers.h"

#include "../http_worker.h"
#include "admin.h"
#include "inputs.h"
#include "password_turn.h"

#include "msp/credential_json.h"

#include <stdlib.h>
#include <string.h>

#define PAGE      200
#define MOST_PAGE 1000

static void write_person(struct msp_json_writer *json, const struct msp_person *person)
{
    msp_json_begin_object(json);
    msp_person_write_members(json, person);
    msp_json_end_object(json);
}

static enum msp_result read_page(const struct msp_request *request, char after[MSP_EMAIL_BYTES],
                                 int *out_limit, struct msp_error *error)
{
    const char *cursor = msp_request_query(request, "cursor");

    after[0] = '\0';
    *out_limit = PAGE;
    if (cursor != NULL && msp_people_email(cursor, after, error) != MSP_OK)
        return msp_query_fail(error, "query_malformed", "cursor",
                              "\"cursor\" must be the next_cursor of an earlier page.");
    return msp_query_limit(request, MOST_PAGE, out_limit, error);
}

int msp_handle_admin_users(const struct msp_request *request, struct msp_response *response)
{
    struct msp_person *people = NULL;
    struct msp_db *db = NULL;
    struct msp_json_writer json;
    struct msp_error error;
    char after[MSP_EMAIL_BYTES];
    size_t count = 0;
    int limit = PAGE;
    enum msp_result result = read_page(request, after, &limit, &error);

    if (result == MSP_OK)
        result = msp_input_database(request, &db, &error);
    if (result == MSP_OK) {
        result = msp_people_list(db, msp_request_query(request, "tenant"), after, limit,
                                 msp_request_db_deadline_ms(request), &people, &count, &error);
        msp_pool_give(request->worker->pool, db);
    }
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    msp_admin_json(response, &json);
    msp_json_key(&json, "users");
    msp_json_begin_array(&json);
    for (size_t i = 0; i < count; i++)
        write_person(&json, &people[i]);
    msp_json_end_array(&json);
    msp_json_key_string(&json, "next_cursor",
                        count == (size_t)limit ? people[count - 1].email : NULL);
    msp_json_end_object(&json);
    free(people);
    return 200;
}

/* The hash of the body's password; *out_given is false if it has none. */
static enum msp_result read_password(const struct msp_request *request, const json_t *body,
                                     char hash[MSP_PASSWORD_HASH_BYTES], bool *out_given,
                                     struct msp_error *error)
{
    const char *password = NULL;
    enum msp_result result = msp_input_text(body, "password", &password, error);

    *out_given = password != NULL;
    if (result != MSP_OK || password == NULL)
        return result;
    result = msp_password_check(password, error);
    if (result != MSP_OK)
        return result;
    if (!msp_password_turn_begin(request->worker))
        return msp_fail(error, MSP_BUSY, "sign_in_busy",
                        "Many people sign in at this moment; try again in a second.");
    result = msp_password_hash(password, hash, error);
    msp_password_turn_end(request->worker);
    return result;
}

static int answer(const struct msp_request *request, struct msp_response *response,
                  const struct msp_admin_call *call, enum msp_result result,
                  const struct msp_person *person, int status, const struct msp_error *error)
{
    struct msp_json_writer json;

    if (result != MSP_OK)
        return msp_problem_from_error(request, response, error);
    msp_admin_json(response, &json);
    msp_json_key(&json, "user");
    write_person(&json, person);
    msp_json_end_object(&json);
    return msp_admin_answer(request, response, call, status);
}

static enum msp_result add(const struct msp_request *request, struct msp_admin_call *call,
                           struct msp_person *out, struct msp_error *error)
{
    struct msp_person_order order = {.role = MSP_ROLE_NONE};
    char hash[MSP_PASSWORD_HASH_BYTES];
    bool given = false;
    enum msp_result result = msp_admin_text(call->body, "email", &order.email, error);

    if (result == MSP_OK)
        result = msp_admin_text(call->body, "name", &order.name, error);
    if (result == MSP_OK)
        result = msp_admin_role(call->body, &order.role, error);
    if (result == MSP_OK)
        result = msp_input_text(call->body, "tenant", &order.tenant, error);
    if (result == MSP_OK)
        result = read_password(request, call->body, hash, &given, error);
    if (result != MSP_OK)
        return result;
    order.password_hash = given ? hash : NULL;
    return msp_people_add(call->db, &order, &call->actor, call->deadline_ms, out, error);
}

int msp_handle_admin_user_add(const struct msp_request *request, struct msp_response *response)
{
    static const char *const members[] = {"email", "name", "role", "tenant", "password", NULL};
    struct msp_admin_call call;
    struct msp_person person;
    struct msp_error error;

    if (msp_admin_begin(request, members, &call, &error) != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    enum msp_result result = add(request, &call, &person, &error);
    msp_admin_end(request, &call);
    return answer(request, response, &call, result, &person, 201, &error);
}

static enum msp_result change(const struct msp_request *request, struct msp_admin_call *call,
                              struct msp_person *out, struct msp_error *error)
{
    struct msp_person_change order = {.active = -1};
    char hash[MSP_PASSWORD_HASH_BYTES];
    bool given = false;
    enum msp_result result = msp_input_text(call->body, "name", &order.name, error);

    if (result == MSP_OK)
        result = msp_admin_role(call->body, &order.role, error);
    if (result == MSP_OK)
        result = msp_admin_active(call->body, &order.active, error);
    if (result == MSP_OK)
        result = read_password(request, call->body, hash, &given, error);
    if (result != MSP_OK)
        return result;
    order.password_hash = given ? hash : NULL;
    return msp_people_change(call->db, request->path_parameters[0], &order, &call->actor,
                             call->deadline_ms, out, error);
}

int msp_handle_admin_user_change(const struct msp_request *request, struct msp_response *response)
{
    static const char *const members[] = {"name", "role", "active", "password", NULL};
    struct msp_admin_call call;
    struct msp_person person;
    struct msp_error error;

    if (msp_admin_begin(request, members, &call, &error) != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    enum msp_result result = change(request, &call, &person, &error);
    msp_admin_end(request, &call);
    return answer(request, response, &call, result, &person, 200, &error);
}
