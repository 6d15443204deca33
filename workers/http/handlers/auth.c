/* Signing in and out. Says the same, in the same time, whatever is wrong with a sign-in. */
#include "handlers.h"

#include "../authenticate.h"
#include "../claims.h"
#include "../failures.h"
#include "../http_worker.h"
#include "../jws.h"
#include "../request_actor.h"
#include "../session_cookie.h"
#include "inputs.h"
#include "password_turn.h"
#include "publication.h"

#include "msp/clock.h"
#include "msp/json_reader.h"
#include "msp/json_writer.h"
#include "msp/people_store.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* A working day. */
#define SESSION_SECONDS INT64_C(43200)

/* A flood of wrong passwords fills no disk: lines of a node and minute. */
#define REFUSED_LINES 120

struct attempt {
    char email[MSP_EMAIL_BYTES];
    const char *password; /* of the body */
    struct msp_sign_in found;
    int64_t now_seconds;
};

static int64_t now_seconds(void)
{
    return msp_clock_unix_us() / 1000000;
}

static enum msp_result read_attempt(const json_t *body, struct attempt *attempt,
                                    struct msp_error *error)
{
    static const char *const members[] = {"email", "password", NULL};
    const char *email = NULL;
    enum msp_result result = msp_json_only_members(body, members, error);

    if (result == MSP_OK)
        result = msp_input_text(body, "email", &email, error);
    if (result == MSP_OK)
        result = msp_input_text(body, "password", &attempt->password, error);
    if (result != MSP_OK)
        return result;
    if (email == NULL || attempt->password == NULL)
        return msp_fail_at(error, MSP_INVALID, "member_missing",
                           email == NULL ? "/email" : "/password",
                           "Send \"email\" and \"password\".");
    if (strlen(attempt->password) > MSP_PASSWORD_MOST_BYTES)
        return msp_fail_at(error, MSP_INVALID, "password_length", "/password",
                           "A password has at most %d bytes.", MSP_PASSWORD_MOST_BYTES);
    return msp_people_email(email, attempt->email, error);
}

static int answer_late(const struct msp_request *request, struct msp_response *response, int status,
                       int seconds, const char *code, const char *detail)
{
    (void)msp_problem(request, response, status, code, detail, NULL);
    msp_response_header(response, "Retry-After", "%d", seconds);
    return status;
}

/* Looks the person up and compares, whoever it is; the connection is given back before the hash. */
static enum msp_result compare_password(const struct msp_request *request, struct attempt *attempt,
                                        bool *out_entered, struct msp_error *error)
{
    struct msp_db *db = NULL;
    enum msp_result result = msp_input_database(request, &db, error);

    if (result != MSP_OK)
        return result;
    result = msp_people_find_sign_in(db, attempt->email, msp_request_db_deadline_ms(request),
                                     &attempt->found, error);
    msp_pool_give(request->worker->pool, db);
    if (result != MSP_OK)
        return result;
    bool right = msp_password_matches(attempt->password, attempt->found.password_hash);
    *out_entered = right && attempt->found.may_enter && attempt->found.role != MSP_ROLE_NONE;
    return MSP_OK;
}

static bool make_token_id(char out[33])
{
    unsigned char random[16];

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return false;
    for (size_t i = 0; i < sizeof random; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", random[i]);
    return true;
}

/* A second may have begun since the person's tokens were ended; the new one is issued behind it. */
static int64_t issue_time(const struct attempt *attempt)
{
    int64_t least = attempt->found.not_before_seconds;

    return attempt->now_seconds > least ? attempt->now_seconds : least;
}

static enum msp_result make_token(const struct msp_request *request, const struct attempt *attempt,
                                  char token[MSP_JWS_MAX_BYTES + 1], struct msp_error *error)
{
    const struct msp_settings *settings = request->settings;
    const struct msp_jws_key key = {MSP_JWS_HS256, NULL, settings->jwt_secret,
                                    strlen(settings->jwt_secret)};
    struct msp_buffer payload;
    struct msp_json_writer json;
    char id[33];

    if (!make_token_id(id))
        return msp_fail(error, MSP_UNAVAILABLE, "random_unavailable",
                        "The system has no random bytes for a session.");
    msp_buffer_init(&payload, 0);
    msp_json_writer_init(&json, &payload);
    msp_json_begin_object(&json);
    msp_json_key_string(&json, "sub", attempt->email);
    msp_json_key_string(&json, "name", attempt->found.name);
    msp_json_key_string(&json, "role", msp_role_name(attempt->found.role));
    if (attempt->found.tenant[0] != '\0')
        msp_json_key_string(&json, "tenant", attempt->found.tenant);
    msp_json_key_string(&json, "aud", MSP_TOKEN_AUDIENCE);
    if (settings->jwt_issuer[0] != '\0')
        msp_json_key_string(&json, "iss", settings->jwt_issuer);
    msp_json_key_int(&json, "iat", issue_time(attempt));
    msp_json_key_int(&json, "exp", attempt->now_seconds + SESSION_SECONDS);
    msp_json_key_string(&json, "jti", id);
    msp_json_end_object(&json);
    enum msp_result result =
        payload.failed ? msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a session.")
                       : msp_jws_sign(payload.data, payload.length, &key, token, error);
    msp_buffer_done(&payload);
    return result;
}

/* The e-mail is whom somebody claims to be; the line is that account's tenant's. */
static enum msp_result leave_line(const struct msp_request *request, const struct attempt *attempt,
                                  const char *action, const char *detail, struct msp_error *error)
{
    const struct msp_audit_line line = {attempt->found.tenant_id, action, attempt->email, detail};
    struct msp_actor actor = msp_request_actor(request);
    struct msp_db *db = NULL;
    enum msp_result result = msp_input_database(request, &db, error);

    if (result != MSP_OK)
        return result;
    actor.name = attempt->email;
    result = msp_audit_note(db, &actor, &line, msp_request_db_deadline_ms(request), error);
    msp_pool_give(request->worker->pool, db);
    return result;
}

static int enter(const struct msp_request *request, struct msp_response *response,
                 const struct attempt *attempt)
{
    char token[MSP_JWS_MAX_BYTES + 1];
    struct msp_json_writer json;
    struct msp_error error;
    enum msp_result result = make_token(request, attempt, token, &error);

    if (result == MSP_OK)
        result = leave_line(request, attempt, "sign_in", NULL, &error);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    response->content_type = "application/json";
    msp_json_writer_init(&json, &response->body);
    msp_json_begin_object(&json);
    msp_json_key_string(&json, "subject", attempt->email);
    msp_json_key_string(&json, "name", attempt->found.name);
    msp_json_key_string(&json, "role", msp_role_name(attempt->found.role));
    msp_json_key_string(&json, "tenant",
                        attempt->found.tenant[0] != '\0' ? attempt->found.tenant : NULL);
    msp_json_key_time(&json, "expires_at", (attempt->now_seconds + SESSION_SECONDS) * 1000000);
    msp_json_end_object(&json);
    msp_session_set(response, request->secure, token, SESSION_SECONDS);
    return 200;
}

static enum msp_result leave_refused_line(const struct msp_request *request,
                                          const struct attempt *attempt, struct msp_error *error)
{
    static const char last[] = "{\"before\":null,\"after\":{\"further_ones_of_this_minute\":"
                               "\"not written\"}}";
    int number =
        msp_refused_line_note(request->worker->child->shared->attempts, attempt->now_seconds);

    if (number > REFUSED_LINES)
        return MSP_OK;
    return leave_line(request, attempt, "sign_in.refused", number == REFUSED_LINES ? last : NULL,
                      error);
}

static int refuse(const struct msp_request *request, struct msp_response *response,
                  const struct attempt *attempt)
{
    int wait = msp_failures_note(request->worker->child->shared->attempts, request->address,
                                 request->settings->auth_failures_per_minute, attempt->now_seconds);
    struct msp_error error;

    if (leave_refused_line(request, attempt, &error) != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    if (wait > 0)
        return answer_late(request, response, 429, wait, "failures_too_many",
                           "Too many wrong credentials came from this address; wait.");
    return msp_problem(request, response, 401, "sign_in_refused",
                       "The e-mail or the password is wrong, or the account is disabled.", NULL);
}

static int sign_in(const struct msp_request *request, struct msp_response *response,
                   struct attempt *attempt)
{
    struct msp_http_worker *worker = request->worker;
    struct msp_attempts *attempts = worker->child->shared->attempts;
    int wait = msp_sign_in_wait(attempts, attempt->email, request->address, now_seconds());
    struct msp_error error;
    bool entered = false;

    if (wait > 0)
        return answer_late(request, response, 429, wait, "sign_in_delayed",
                           "Too many sign-ins of this account or address failed; wait, then try "
                           "again.");
    if (!msp_password_turn_begin(worker))
        return answer_late(request, response, 503, 1, "sign_in_busy",
                           "Many people sign in at this moment; try again in a second.");
    enum msp_result result = compare_password(request, attempt, &entered, &error);
    msp_password_turn_end(worker);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    attempt->now_seconds = now_seconds();
    msp_sign_in_note(attempts, attempt->email, request->address, entered, attempt->now_seconds);
    return entered ? enter(request, response, attempt) : refuse(request, response, attempt);
}

/* Another site must not sign a browser in as somebody of its choice. */
static bool origin_is_fine(const struct msp_request *request)
{
    return request->origin == NULL ||
           msp_origin_is_ours(request->origin, request->host, request->secure);
}

int msp_handle_login(const struct msp_request *request, struct msp_response *response)
{
    struct attempt attempt = {.password = NULL};
    struct msp_error error;
    json_t *body = NULL;
    int status;

    if (!origin_is_fine(request))
        return msp_problem(request, response, 403, "origin_foreign",
                           "Sign in from a page of this server.", NULL);
    if (request->settings->jwt_secret[0] == '\0')
        return msp_problem(request, response, 503, "sign_in_off",
                           "JWT_SECRET is not set, so nobody can sign in.", NULL);
    if (msp_input_body(request, &body, &error) != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    if (read_attempt(body, &attempt, &error) != MSP_OK)
        status = msp_problem_from_error(request, response, &error);
    else
        status = sign_in(request, response, &attempt);
    json_decref(body);
    return status;
}

static enum msp_result refuse_members(const struct msp_request *request, struct msp_error *error)
{
    static const char *const none[] = {NULL};
    json_t *body = NULL;
    enum msp_result result = msp_input_body(request, &body, error);

    if (result == MSP_OK)
        result = msp_json_only_members(body, none, error);
    json_decref(body);
    return result;
}

int msp_handle_logout(const struct msp_request *request, struct msp_response *response)
{
    const struct msp_caller *caller = &request->caller;
    const struct msp_actor actor = msp_request_actor(request);
    struct msp_db *db = NULL;
    struct msp_error error;

    if (caller->credential == MSP_CREDENTIAL_KEY)
        return msp_problem(request, response, 400, "key_not_a_session",
                           "A key is not signed out but revoked; see msp-analytics key revoke.",
                           NULL);
    enum msp_result result = refuse_members(request, &error);
    if (result == MSP_OK)
        result = msp_input_database(request, &db, &error);
    if (result == MSP_OK) {
        result = msp_people_end_token(db, caller->tenant.id, caller->token_digest, &actor,
                                      caller->token_expires_seconds + MSP_TOKEN_LEEWAY_SECONDS,
                                      msp_request_db_deadline_ms(request), &error);
        msp_pool_give(request->worker->pool, db);
    }
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    msp_publication_wait(request);
    msp_session_clear(response, request->secure);
    return 204;
}
