/*
 * Takes a request from its head to its line in the log. What must hold before a handler sees it is
 * a list of steps in a fixed order, each of which may answer instead. Knows no resource.
 */
#include "router.h"

#include "access_log.h"
#include "answer.h"
#include "authenticate.h"
#include "body.h"
#include "civetweb_seam.h"
#include "client_address.h"
#include "failures.h"
#include "kept_answers.h"
#include "last_words.h"
#include "query.h"
#include "rate_gate.h"
#include "request_check.h"
#include "request_figures.h"
#include "route_match.h"
#include "session_cookie.h"
#include "workspace.h"

#include "msp/clock.h"
#include "msp/log.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* How much of a request that was refused is read for the answer's sake, and how long. */
#define LINGER_BYTES 65536
#define LINGER_MS    1000

struct exchange {
    struct msp_request request;
    struct msp_response *response;
    struct msp_workspace *workspace;
    const struct mg_request_info *info;
    struct msp_request_head head;
    struct msp_route_match match;
    struct msp_body body;
    struct msp_kept_answer kept;
    enum msp_cache_use cache;
    int64_t database_waited_us;    /* of this thread, before the request */
    struct msp_rate_standing rate; /* count 0 = not counted */
    bool head_is_sound;
    int64_t streamed_bytes;
};

/* 0 = go on, or the status of the answer that was made. */
typedef int (*step)(struct exchange *exchange);

static int fail(struct exchange *exchange, const struct msp_error *error)
{
    return msp_problem_from_error(&exchange->request, exchange->response, error);
}

static int check_head(struct exchange *exchange)
{
    struct msp_error error;
    if (!msp_seam_line_is_sound())
        return msp_problem(&exchange->request, exchange->response, 400, "request_malformed",
                           "Every line of the head must end in CR LF.", NULL);
    int status = msp_request_check(exchange->info, msp_seam_head_buffer(), MSP_SEAM_HEAD_BYTES,
                                   &exchange->head, &error);
    if (status != 0)
        return msp_problem(&exchange->request, exchange->response, status, error.code, error.detail,
                           NULL);
    exchange->head_is_sound = true;
    msp_seam_head_taken(exchange->head.length, exchange->head.content_length);
    exchange->request.content_length = exchange->head.content_length;
    exchange->request.prefer = exchange->head.prefer;
    exchange->request.host = exchange->head.host;
    exchange->request.origin = exchange->head.origin;
    exchange->request.secure = msp_session_is_secure(exchange->head.host, exchange->head.forwarded);
    msp_client_address(exchange->info, exchange->request.settings->trusted_proxies,
                       exchange->request.address);
    exchange->body.continue_due = exchange->head.expects_continue;
    return 0;
}

static bool host_is_listed(const char *host, const char *list)
{
    size_t name_length = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    while (*list != '\0') {
        list += strspn(list, ", ");
        size_t length = strcspn(list, ", ");
        bool whole = length == strlen(host) && strncasecmp(list, host, length) == 0;
        bool name = length == name_length && strncasecmp(list, host, length) == 0;
        if (length > 0 && (whole || name))
            return true;
        list += length;
    }
    return false;
}

static int check_host(struct exchange *exchange)
{
    const char *list = exchange->request.settings->allowed_hosts;
    if (list[0] == '\0' || host_is_listed(exchange->head.host, list))
        return 0;
    return msp_problem(&exchange->request, exchange->response, 400, "host_not_allowed",
                       "This server does not answer under that Host; see ALLOWED_HOSTS.", NULL);
}

static int find_route(struct exchange *exchange)
{
    struct msp_request *request = &exchange->request;
    struct msp_route_match *match = &exchange->match;
    msp_route_find(msp_routes, msp_route_count, request->method, request->path, match);
    request->route = match->route;
    if (match->route != NULL)
        return 0;
    if (match->allow[0] == '\0')
        return msp_problem(request, exchange->response, 404, "not_found",
                           "Nothing answers at this path; check its spelling.", NULL);
    int status = msp_problem(request, exchange->response, 405, "method_not_allowed",
                             "The path does not know this method; see the Allow field.", NULL);
    msp_response_header(exchange->response, "Allow", "%s", match->allow);
    return status;
}

static int admit_peer(struct exchange *exchange)
{
    struct msp_error error;
    if (exchange->match.route->credential != MSP_CREDENTIAL_SERVICE)
        return 0;
    if (msp_authenticate_internal_peer(exchange->request.settings, exchange->info->remote_addr,
                                       exchange->head.forwarded, &error) == MSP_OK)
        return 0;
    return fail(exchange, &error);
}

/* Wrong credentials are counted an address; past the limit they are answered 429, while a right
 * one still opens. */
static int refuse_credential(struct exchange *exchange, const struct msp_error *error)
{
    struct msp_request *request = &exchange->request;
    bool wrong =
        error->result == MSP_UNAUTHORISED && strcmp(error->code, "credential_missing") != 0;
    int wait = 0;
    if (wrong)
        wait = msp_failures_note(request->worker->child->shared->attempts, request->address,
                                 request->settings->auth_failures_per_minute,
                                 msp_clock_unix_us() / 1000000);
    if (wait == 0)
        return fail(exchange, error);
    int status = msp_problem(request, exchange->response, 429, "failures_too_many",
                             "Too many wrong credentials came from this address; wait, then send "
                             "a right one.",
                             NULL);
    msp_response_header(exchange->response, "Retry-After", "%d", wait);
    return status;
}

static int authenticate(struct exchange *exchange)
{
    struct msp_request *request = &exchange->request;
    const struct msp_http_worker *worker = request->worker;
    enum msp_credential credential = exchange->match.route->credential;
    struct msp_proofs proofs = {exchange->head.authorization, exchange->head.api_key, NULL};
    struct msp_error error;
    if (credential == MSP_CREDENTIAL_NONE)
        return 0;
    enum msp_result result = msp_session_find(exchange->head.cookie, request->secure,
                                              request->arena, &proofs.session, &error);
    if (result == MSP_OK && credential == MSP_CREDENTIAL_SERVICE)
        result = msp_authenticate_service(request->settings, &proofs, &request->caller, &error);
    else if (result == MSP_OK)
        result = msp_authenticate_caller(worker->tokens, request->settings, worker->child->shared,
                                         &proofs, msp_clock_unix_us(), &request->caller, &error);
    return result == MSP_OK ? 0 : refuse_credential(exchange, &error);
}

/* A browser sends the cookie for whoever asks it to; what changes something must come from a page
 * of ours. */
static int check_origin(struct exchange *exchange)
{
    const struct msp_request *request = &exchange->request;
    if (request->caller.credential != MSP_CREDENTIAL_SESSION ||
        strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0)
        return 0;
    if (request->origin != NULL &&
        msp_origin_is_ours(request->origin, request->host, request->secure))
        return 0;
    return msp_problem(request, exchange->response, 403, "origin_foreign",
                       "With a session this must come from a page of this server; programs send a "
                       "token or a key instead.",
                       NULL);
}

static int authorise(struct exchange *exchange)
{
    const struct msp_route *route = exchange->match.route;
    if (route->credential != MSP_CREDENTIAL_PERSON ||
        (route->roles & (unsigned)exchange->request.caller.role) != 0)
        return 0;
    return msp_problem(&exchange->request, exchange->response, 403, "role_not_allowed",
                       "Your role may not do this; ask a manager of your tenant.", NULL);
}

/* "read" for the first policy of a class, "read-86400" for those behind it: its window. */
static void append_policy_name(const struct exchange *exchange, int index, struct msp_buffer *out)
{
    const struct msp_rate_policy *policy = &exchange->rate.policies[index];
    msp_buffer_append_text(out, "\"");
    msp_buffer_append_text(out, msp_limit_class_name(exchange->match.route->limit_class));
    if (index > 0) {
        msp_buffer_append_text(out, "-");
        msp_buffer_append_int(out, policy->window_seconds);
    }
    msp_buffer_append_text(out, "\"");
}

/* The fields of draft-ietf-httpapi-ratelimit-headers-10: every policy, and how the tightest stands.
 */
static void tell_rate(struct exchange *exchange)
{
    const struct msp_rate_standing *standing = &exchange->rate;
    struct msp_buffer *out = &exchange->response->headers;
    if (standing->count == 0)
        return;
    msp_buffer_append_text(out, "RateLimit-Policy: ");
    for (int i = 0; i < standing->count; i++) {
        if (i > 0)
            msp_buffer_append_text(out, ", ");
        append_policy_name(exchange, i, out);
        msp_buffer_append_text(out, ";q=");
        msp_buffer_append_int(out, standing->policies[i].limit);
        msp_buffer_append_text(out, ";w=");
        msp_buffer_append_int(out, standing->policies[i].window_seconds);
    }
    const struct msp_rate_state *state = &standing->states[standing->tightest];
    msp_buffer_append_text(out, "\r\nRateLimit: ");
    append_policy_name(exchange, standing->tightest, out);
    msp_buffer_append_text(out, ";r=");
    msp_buffer_append_int(out, state->remaining);
    msp_buffer_append_text(out, ";t=");
    msp_buffer_append_int(out, state->reset_seconds);
    msp_buffer_append_text(out, "\r\n");
}

/* Those of RATE_LIMITS, but for the classes that the tenant has limits of its own for. */
static void choose_limits(struct msp_request *request)
{
    const char *own = request->caller.tenant.limits;
    struct msp_error error; /* what is stored was checked; damage leaves the common limits */
    if (own[0] == '\0')
        return;
    struct msp_rate_limits *limits = msp_arena_alloc(request->arena, sizeof *limits);
    if (limits == NULL)
        return;
    *limits = *request->limits;
    if (msp_rate_limits_parse(own, limits, &error) == MSP_OK)
        request->limits = limits;
}

static int check_rate(struct exchange *exchange)
{
    struct msp_request *request = &exchange->request;
    enum msp_limit_class limit_class = exchange->match.route->limit_class;
    choose_limits(request);
    if (limit_class == MSP_LIMIT_NONE ||
        msp_rate_gate_pass(request->worker->rates, request->caller.tenant.id, limit_class,
                           request->limits, &exchange->rate))
        return 0;
    int status = msp_problem(request, exchange->response, 429, "rate_limited",
                             "More requests came than the limit allows; wait as many seconds as "
                             "Retry-After says.",
                             NULL);
    msp_response_header(exchange->response, "Retry-After", "%d",
                        exchange->rate.retry_after_seconds);
    return status;
}

static int refuse_query_name(struct exchange *exchange, const char *name)
{
    struct msp_error member;
    char pointer[160];
    (void)snprintf(pointer, sizeof pointer, "/%.100s", name);
    (void)msp_fail_at(&member, MSP_INVALID, "query_name_unknown", pointer,
                      "\"%.100s\" is not a query name of this address; leave it out or check its "
                      "spelling.",
                      name);
    return fail(exchange, &member);
}

static int read_query(struct exchange *exchange)
{
    struct msp_request *request = &exchange->request;
    const struct msp_route *route = exchange->match.route;
    struct msp_error error;
    if (route->query_names != NULL && strcmp(route->query_names, "*") == 0)
        return 0; /* whatever it is, nobody reads it */
    if (msp_query_parse(exchange->info->query_string, request->arena, request->query,
                        &request->query_count, &error) != MSP_OK)
        return fail(exchange, &error);
    for (size_t i = 0; i < request->query_count; i++)
        if (!msp_route_knows_query(route, request->query[i].name))
            return refuse_query_name(exchange, request->query[i].name);
    return 0;
}

static int read_path_parts(struct exchange *exchange)
{
    const struct msp_route_match *match = &exchange->match;
    struct msp_request *request = &exchange->request;
    struct msp_error error;
    for (size_t i = 0; i < match->part_count; i++)
        if (msp_path_decode(match->parts[i].text, match->parts[i].length, request->arena,
                            &request->path_parameters[i], &error) != MSP_OK)
            return fail(exchange, &error);
    return 0;
}

static int choose_admins_tenant(struct exchange *exchange, const char *named)
{
    struct msp_request *request = &exchange->request;
    if (named == NULL)
        return msp_problem(request, exchange->response, 400, "tenant_missing",
                           "An admin belongs to no tenant; name one with ?tenant=.", NULL);
    if (!msp_tenant_cache_find(request->worker->child->shared->tenants, named,
                               &request->caller.tenant))
        return msp_problem(request, exchange->response, 404, "tenant_unknown",
                           "There is no tenant of that name; GET /v1/tenants lists them.", NULL);
    return 0;
}

static int choose_tenant(struct exchange *exchange)
{
    struct msp_request *request = &exchange->request;
    if (exchange->match.route->tenant_rule != MSP_TENANT_OF_CALLER)
        return 0;
    const char *named = msp_request_query(request, "tenant");
    if (request->caller.role == MSP_ROLE_ADMIN)
        return choose_admins_tenant(exchange, named);
    if (named == NULL || strcmp(named, request->caller.tenant.slug) == 0)
        return 0;
    return msp_problem(request, exchange->response, 403, "tenant_foreign",
                       "Your credential is of another tenant; leave out ?tenant=.", NULL);
}

/* "Application/JSON; charset=utf-8" → "application/json". */
static const char *media_type(struct msp_arena *arena, const char *field)
{
    char *type = msp_arena_copy(arena, field, strcspn(field, "; \t"));
    for (char *c = type; c != NULL && *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return type;
}

static int check_body(struct exchange *exchange)
{
    struct msp_request *request = &exchange->request;
    const struct msp_route *route = exchange->match.route;
    if (exchange->head.content_type != NULL)
        request->content_type = media_type(request->arena, exchange->head.content_type);
    if (request->content_length == 0 || route->streams_body)
        return 0;
    if (!route->has_body)
        return msp_problem(request, exchange->response, 400, "body_not_taken",
                           "This address takes no body; leave it out.", NULL);
    if (request->content_type == NULL || strcmp(request->content_type, "application/json") != 0)
        return msp_problem(request, exchange->response, 415, "content_type_not_json",
                           "Send the body as Content-Type: application/json.", NULL);
    return 0;
}

/* Until the login has been looked at (msp_db_check), nothing that needs it is begun. */
static int check_database(struct exchange *exchange)
{
    const struct msp_request *request = &exchange->request;
    const struct msp_route *route = exchange->match.route;
    bool needs_none = route->credential == MSP_CREDENTIAL_NONE && !route->has_body;
    if (needs_none ||
        atomic_load_explicit(&request->worker->database_checked, memory_order_acquire))
        return 0;
    int status = msp_problem(request, exchange->response, 503, "database_unavailable",
                             "The database has not answered yet; try again in a moment.", NULL);
    msp_response_header(exchange->response, "Retry-After", "2");
    return status;
}

static int find_kept_answer(struct exchange *exchange)
{
    int status = msp_kept_answer_find(&exchange->request, exchange->response, &exchange->kept);
    if (exchange->kept.wanted)
        exchange->cache = status != 0 ? MSP_CACHE_HIT : MSP_CACHE_MISS;
    return status;
}

static int call_handler(struct exchange *exchange)
{
    const struct msp_route *route = exchange->match.route;
    int status = route->handler(&exchange->request, exchange->response);
    if (!exchange->response->body.failed)
        status =
            msp_kept_answer_keep(&exchange->request, exchange->response, &exchange->kept, status);
    if (!exchange->response->body.failed && !exchange->response->headers.failed)
        return status;
    return msp_problem_no_memory(&exchange->request, exchange->response);
}

/* Who may be told apart from who may not comes before anything that looks at what was sent. */
static const step steps[] = {
    check_head,    check_host, find_route,       admit_peer,     authenticate,
    check_origin,  authorise,  check_rate,       read_query,     read_path_parts,
    choose_tenant, check_body, find_kept_answer, check_database, call_handler,
};

static int work(struct exchange *exchange)
{
    int status = 0;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] && status == 0; i++)
        status = steps[i](exchange);
    return status;
}

/* Whether the connection can outlive this answer. */
static bool may_keep(const struct exchange *exchange)
{
    const struct msp_request *request = &exchange->request;
    const struct msp_body *body = &exchange->body;
    if (!exchange->head_is_sound || !exchange->head.keep_alive || exchange->response->close)
        return false;
    if (atomic_load_explicit(&request->worker->draining, memory_order_relaxed) ||
        msp_seam_crowded())
        return false;
    if (request->content_length == 0 || body->ended)
        return true;
    return !body->broken && !body->continue_due && request->content_length > 0 &&
           request->content_length - body->taken_bytes <= LINGER_BYTES;
}

/* Hands a long body on as it comes; the connection ends where it fails. */
static void send_stream(struct exchange *exchange)
{
    struct msp_response *response = exchange->response;
    struct mg_connection *connection = exchange->request.connection;
    while (exchange->streamed_bytes < response->stream_bytes) {
        const void *bytes = NULL;
        size_t size = 0;
        struct msp_error error;
        if (response->next(response->next_context, &bytes, &size, &error) != MSP_OK) {
            msp_log(MSP_LOG_WARNING, "An answer was cut short", "request_id", exchange->request.id,
                    "code", error.code, "detail", error.detail, NULL);
            mg_disable_keep_alive(connection);
            return;
        }
        if (!msp_seam_write(connection, bytes, size))
            return;
        exchange->streamed_bytes += (int64_t)size;
    }
}

static void send_answer(struct exchange *exchange, int status, bool keep)
{
    struct msp_buffer *out = &exchange->workspace->out;
    const struct msp_buffer *body = &exchange->response->body;
    bool http_1_0 = strcmp(exchange->info->http_version, "1.0") == 0;
    struct msp_answer_head head = {
        .status = status,
        .request_id = exchange->request.id,
        .date = msp_workspace_date(exchange->workspace),
        .connection = !keep      ? MSP_ANSWER_CLOSE
                      : http_1_0 ? MSP_ANSWER_KEEP_HTTP_1_0
                                 : MSP_ANSWER_KEEP,
    };
    bool only_head = strcmp(exchange->request.method, "HEAD") == 0;
    bool has_body = exchange->response->content_type != NULL && body->length > 0 && !only_head;
    struct mg_connection *connection = exchange->request.connection;
    tell_rate(exchange);
    msp_request_tell_time(&exchange->request, head.status,
                          msp_db_waited_us() - exchange->database_waited_us, exchange->cache,
                          exchange->response);
    msp_answer_write_head(&head, exchange->response, out);
    if (out->failed || body->failed || exchange->response->headers.failed) {
        msp_last_words_send(connection);
        return;
    }
    if (has_body)
        (void)msp_seam_write_both(connection, out->data, out->length, body->data, body->length);
    else if (msp_seam_write(connection, out->data, out->length) &&
             exchange->response->next != NULL && !only_head)
        send_stream(exchange);
}

/* Sends and leaves the connection in a state in which CivetWeb reads nothing of this request any
 * more. True if another may follow. */
static bool finish(struct exchange *exchange, int status)
{
    struct mg_connection *connection = exchange->request.connection;
    bool keep = may_keep(exchange);
    if (!keep)
        mg_disable_keep_alive(connection);
    send_answer(exchange, status, keep);
    if (exchange->response->after != NULL)
        exchange->response->after(&exchange->request, exchange->response->after_context);
    bool consumed =
        exchange->head_is_sound && (exchange->body.ended || exchange->request.content_length == 0 ||
                                    (keep && msp_body_skip_rest(&exchange->request)));
    if (consumed)
        return keep;
    mg_disable_keep_alive(connection);
    msp_seam_linger(LINGER_BYTES, LINGER_MS);
    return false;
}

static void begin(struct exchange *exchange, struct msp_http_worker *worker,
                  struct mg_connection *connection)
{
    struct msp_request *request = &exchange->request;
    exchange->info = mg_get_request_info(connection);
    exchange->response = &exchange->workspace->response;
    request->settings = &exchange->workspace->settings->values;
    request->limits = &exchange->workspace->settings->limits;
    request->worker = worker;
    request->connection = connection;
    request->arena = exchange->workspace->arena;
    request->body = &exchange->body;
    request->method = exchange->info->request_method;
    request->path = exchange->info->request_uri;
    request->started_us = msp_clock_monotonic_us();
    exchange->database_waited_us = msp_db_waited_us();
    msp_workspace_random_hex(exchange->workspace, 16, request->id);
}

static void note(const struct exchange *exchange, int status)
{
    struct msp_board_slot *slot = exchange->request.worker->child->slot;
    msp_board_add(&slot->requests, 1);
    if (status >= 500)
        msp_board_add(&slot->request_errors, 1);
    const struct msp_access access = {
        .status = status,
        .bytes = exchange->response->body.length + (size_t)exchange->streamed_bytes,
        .took_us = msp_clock_monotonic_us() - exchange->request.started_us,
        .cache = exchange->cache,
    };
    msp_request_count(&exchange->request, exchange->match.route, status, access.took_us);
    msp_access_log(&exchange->request, exchange->match.route, &access);
}

int msp_router_serve(struct msp_http_worker *worker, struct mg_connection *connection)
{
    msp_seam_request_begin();
    struct exchange exchange = {.workspace = msp_workspace_take(worker->workspaces)};
    if (exchange.workspace == NULL) {
        msp_last_words_send(connection);
        msp_seam_linger(LINGER_BYTES, LINGER_MS);
        msp_seam_request_end(false);
        return 503;
    }
    begin(&exchange, worker, connection);
    int status = work(&exchange);
    bool kept = finish(&exchange, status);
    note(&exchange, status);
    msp_memory_give(&worker->memory, exchange.body.reserved_bytes);
    msp_workspace_give(worker->workspaces, exchange.workspace);
    msp_seam_request_end(kept);
    return status;
}

void msp_router_refuse(struct msp_http_worker *worker, struct mg_connection *connection, int status,
                       const char *code, const char *detail)
{
    msp_seam_request_begin();
    mg_disable_keep_alive(connection);
    struct msp_workspace *workspace = msp_workspace_take(worker->workspaces);
    if (workspace != NULL) {
        char id[MSP_REQUEST_ID_BYTES];
        msp_workspace_random_hex(workspace, 16, id);
        struct msp_answer_head head = {status, id, msp_workspace_date(workspace), MSP_ANSWER_CLOSE};
        struct msp_response *response = &workspace->response;
        response->content_type = "application/problem+json";
        msp_problem_body(&response->body, status, code, detail, NULL, id, NULL);
        msp_answer_write_head(&head, response, &workspace->out);
        msp_buffer_append(&workspace->out, response->body.data, response->body.length);
        if (!workspace->out.failed && !response->body.failed)
            (void)msp_seam_write(connection, workspace->out.data, workspace->out.length);
        msp_board_add(&worker->child->slot->requests, 1);
        msp_access_log_refused(id, status, code);
        msp_workspace_give(worker->workspaces, workspace);
    }
    msp_seam_linger(LINGER_BYTES, LINGER_MS);
    msp_seam_request_end(false);
}
