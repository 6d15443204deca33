/* Faults as RFC 9457 problems. What a lower room says of its own insides goes to the log, not to
 * the caller. */
#include "answer.h"
#include "request.h"

#include "msp/json_writer.h"
#include "msp/log.h"

#include <stdio.h>
#include <string.h>

/* How a result word becomes an answer. */
struct mapping {
    int status;
    int retry_after_seconds; /* 0 = not said */
    const char *code; /* with `detail`, in place of the error's own; NULL = the error's own */
    const char *detail;
};

static const char unavailable[] = "Something this server depends on does not answer; "
                                  "try again in a moment.";
static const char broken[] = "The server failed; the fault is logged under the request_id. "
                             "Try again, and report it if it stays.";

static const struct mapping mappings[] = {
    [MSP_OK] = {500, 0, "internal_error", broken},
    [MSP_INVALID] = {400, 0, NULL, NULL},
    [MSP_UNAUTHORISED] = {401, 0, NULL, NULL},
    [MSP_FORBIDDEN] = {403, 0, NULL, NULL},
    [MSP_NOT_FOUND] = {404, 0, NULL, NULL},
    [MSP_CONFLICT] = {409, 0, NULL, NULL},
    [MSP_TOO_LARGE] = {413, 0, NULL, NULL},
    [MSP_BUSY] = {503, 1, NULL, NULL},
    [MSP_UNAVAILABLE] = {503, 2, "unavailable", unavailable},
    [MSP_TIMED_OUT] = {503, 5, "timed_out",
                       "The work was not done in time and was stopped; ask for less or try again."},
    [MSP_CANCELLED] = {503, 1, "cancelled", "The work was stopped before its end; try again."},
    [MSP_NO_MEMORY] = {503, 5, "no_memory", "The server is short of memory; try again later."},
    [MSP_BROKEN] = {500, 0, "internal_error", broken},
};

/* A client that was too slow with its body: its fault, not ours. */
static const struct mapping body_too_slow = {408, 0, NULL, NULL};

/* The draft's word for a key that comes with another request than before. */
static const struct mapping key_reused = {422, 0, NULL, NULL};

/* PostgreSQL's words name tables and columns, but for what our own functions raise (MS001). */
static const struct mapping database_refused = {
    400, 0, "value_refused", "The database refused a value of the request; check its bounds."};
static const struct mapping database_conflict = {
    409, 0, "conflict",
    "The request collides with what is stored or with another request; "
    "read the present state, then try again."};
static const struct mapping database_forbidden = {500, 0, "internal_error", broken};

void msp_problem_body(struct msp_buffer *out, int status, const char *code, const char *detail,
                      const char *instance, const char *request_id, const struct msp_error *member)
{
    struct msp_json_writer json;
    msp_json_writer_init(&json, out);
    msp_json_begin_object(&json);
    msp_json_key_string(&json, "type", "about:blank");
    msp_json_key_string(&json, "title", msp_status_phrase(status));
    msp_json_key_int(&json, "status", status);
    msp_json_key_string(&json, "detail", detail);
    if (instance != NULL)
        msp_json_key_string(&json, "instance", instance);
    msp_json_key_string(&json, "code", code);
    msp_json_key_string(&json, "request_id", request_id);
    if (member != NULL) {
        msp_json_key(&json, "errors");
        msp_json_begin_array(&json);
        msp_json_begin_object(&json);
        msp_json_key_string(&json, "pointer", member->pointer);
        msp_json_key_string(&json, "detail", member->detail);
        msp_json_end_object(&json);
        msp_json_end_array(&json);
    }
    msp_json_end_object(&json);
}

int msp_problem(const struct msp_request *request, struct msp_response *response, int status,
                const char *code, const char *detail, const struct msp_error *member)
{
    msp_buffer_clear(&response->body);
    msp_buffer_clear(&response->headers);
    response->cache_control = NULL;
    response->stream_bytes = 0;
    response->next = NULL;
    response->content_type = "application/problem+json";
    msp_problem_body(&response->body, status, code, detail, request->path, request->id, member);
    if (status == 401)
        msp_response_header(response, "WWW-Authenticate", "Bearer");
    return status;
}

static const struct mapping *mapping_of(const struct msp_error *error)
{
    bool from_database = strncmp(error->code, "sql_", 4) == 0;
    if (error->result == MSP_TIMED_OUT && strcmp(error->code, "body_too_slow") == 0)
        return &body_too_slow;
    if (error->result == MSP_CONFLICT && strcmp(error->code, "idempotency_key_reused") == 0)
        return &key_reused;
    if (from_database && error->result == MSP_INVALID && strcmp(error->code, "sql_MS001") != 0)
        return &database_refused;
    if (from_database && error->result == MSP_CONFLICT)
        return &database_conflict;
    if (from_database && error->result == MSP_FORBIDDEN)
        return &database_forbidden;
    if ((size_t)error->result >= sizeof mappings / sizeof mappings[0])
        return &mappings[MSP_BROKEN];
    return &mappings[error->result];
}

int msp_problem_from_error(const struct msp_request *request, struct msp_response *response,
                           const struct msp_error *error)
{
    const struct mapping *mapping = mapping_of(error);
    if (mapping->status >= 500)
        msp_log(mapping->status == 500 ? MSP_LOG_ERROR : MSP_LOG_WARNING, "A request failed",
                "request_id", request->id, "path", request->path, "result",
                msp_result_name(error->result), "code", error->code, "detail", error->detail, NULL);
    const char *code = mapping->code != NULL ? mapping->code : error->code;
    const char *detail = mapping->detail != NULL ? mapping->detail : error->detail;
    bool names_member = mapping->detail == NULL && error->pointer[0] != '\0';
    int status =
        msp_problem(request, response, mapping->status, code, detail, names_member ? error : NULL);
    if (mapping->retry_after_seconds > 0)
        msp_response_header(response, "Retry-After", "%d", mapping->retry_after_seconds);
    return status;
}

int msp_problem_no_memory(const struct msp_request *request, struct msp_response *response)
{
    struct msp_error error;
    (void)msp_fail(&error, MSP_NO_MEMORY, "no_memory", "Out of memory for the answer.");
    return msp_problem_from_error(request, response, &error);
}
