/*
 * Tickets coming in, in three forms: a pull from the tenant's source (done by the job worker,
 * waited for here), a list in one JSON body, and a stream of lines of any length. Sending the same
 * again is always safe.
 */
#include "handlers.h"

#include "../http_worker.h"
#include "ingest_lines.h"
#include "inputs.h"
#include "job_answer.h"
#include "msp/clock.h"
#include "msp/json_reader.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The contract's budget of a pull is 20 s; the rest is for queueing and the last page. */
#define PULL_PATIENCE_MS 30000

#define RETRY_SECONDS 5

/* ---- the answer of a push ---- */

static int answer_push(const struct msp_request *request, struct msp_response *response,
                       const struct msp_tenant *tenant, const struct msp_ingest_stats *stats)
{
    struct msp_json_writer writer;

    msp_json_writer_init(&writer, &response->body);
    msp_json_begin_object(&writer);
    msp_json_key_string(&writer, "tenant_id", tenant->slug);
    msp_json_key_string(&writer, "next_cursor", NULL);
    msp_json_key_bool(&writer, "has_more", false);
    msp_json_key(&writer, "stats");
    msp_json_begin_object(&writer);
    msp_json_key_int(&writer, "fetched", stats->fetched);
    msp_json_key_int(&writer, "inserted", stats->inserted);
    msp_json_key_int(&writer, "updated", stats->updated);
    msp_json_key_int(&writer, "unchanged", stats->unchanged);
    msp_json_key_int(&writer, "rejected", stats->rejected);
    msp_json_end_object(&writer);
    msp_json_end_object(&writer);
    return msp_json_answer(request, response);
}

/* A push that ended early through the client's own body: its fault, and how much of it is in. */
static int answer_broken_body(const struct msp_request *request, struct msp_response *response,
                              const struct msp_ingest_stats *stats, struct msp_error *error)
{
    char detail[sizeof error->detail];

    snprintf(detail, sizeof detail,
             "%.300s %" PRId64 " tickets of this request are in; sending all of it again is "
             "safe.",
             error->detail, stats->fetched);
    memcpy(error->detail, detail, sizeof detail);
    response->close = true; /* the rest of the body is unread */
    return msp_problem_from_error(request, response, error);
}

/* The same through the database. */
static int answer_interrupted(const struct msp_request *request, struct msp_response *response,
                              const struct msp_ingest_stats *stats, const struct msp_error *error)
{
    int status = msp_problem_from_error(request, response, error);
    char detail[256];

    response->close = true;
    if (status != 503)
        return status;
    snprintf(detail, sizeof detail,
             "Not all of it could be stored. At least %" PRId64
             " tickets of this request are stored; "
             "sending all of it again is safe.",
             stats->fetched);
    status = msp_problem(request, response, 503, "ingest_interrupted", detail, NULL);
    msp_response_header(response, "Retry-After", "%d", RETRY_SECONDS);
    return status;
}

/* ---- lines ---- */

/* Of a body that broke off, the lines that came whole are kept; what is told is the body's fault.
 */
static void keep_what_came(struct msp_ingest_sink *sink)
{
    struct msp_error unheard;

    if (msp_ingest_sink_finish(sink, &unheard) != MSP_OK)
        return;
}

static int push_lines(const struct msp_request *request, struct msp_response *response)
{
    const char *slug = msp_request_query(request, "tenant_id");
    struct msp_ingest_reading reading = {.lines = 0};
    struct msp_ingest_sink sink;
    struct msp_tenant tenant = {.id = 0};
    struct msp_error error;
    enum msp_result result;
    int status;

    if (slug == NULL)
        result = msp_query_fail(&error, "query_missing", "tenant_id",
                                "Say whose tickets these are with ?tenant_id=.");
    else
        result = msp_input_tenant(request, slug, "/tenant_id", &tenant, &error);
    if (result == MSP_OK)
        result = msp_ingest_sink_open(&sink, request, tenant.id, &error);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    result = msp_ingest_lines_read(request, &sink, &reading, &error);
    if (result == MSP_OK)
        result = msp_ingest_sink_finish(&sink, &error);
    else if (reading.body_failed)
        keep_what_came(&sink);
    msp_ingest_sink_settle(&sink);
    if (result == MSP_OK)
        status = answer_push(request, response, &tenant, &sink.stats);
    else if (reading.body_failed)
        status = answer_broken_body(request, response, &sink.stats, &error);
    else
        status = answer_interrupted(request, response, &sink.stats, &error);
    msp_ingest_sink_done(&sink);
    return status;
}

/* ---- a list ---- */

static int push_list(const struct msp_request *request, struct msp_response *response,
                     const struct msp_tenant *tenant, const json_t *tickets)
{
    struct msp_ingest_sink sink;
    struct msp_error error;
    const json_t *ticket;
    size_t at;
    int status;
    enum msp_result result = msp_ingest_sink_open(&sink, request, tenant->id, &error);

    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    json_array_foreach(tickets, at, ticket)
    {
        char place[32];

        snprintf(place, sizeof place, "/tickets/%zu", at);
        result = msp_ingest_sink_take(&sink, ticket, place, NULL, 0, &error);
        if (result != MSP_OK)
            break;
    }
    if (result == MSP_OK)
        result = msp_ingest_sink_finish(&sink, &error);
    msp_ingest_sink_settle(&sink);
    status = result == MSP_OK ? answer_push(request, response, tenant, &sink.stats)
                              : answer_interrupted(request, response, &sink.stats, &error);
    msp_ingest_sink_done(&sink);
    return status;
}

/* ---- a pull ---- */

/* What became of a failed pull, in HTTP's words; any other fault lies with the source or behind us.
 */
static const struct {
    const char *code;
    int status;
} pull_faults[] = {
    {"cursor_conflict", 409},
    {"cursor_malformed", 400},
    {"tenant_has_no_source", 409},
};

static int pull_status(const char *code)
{
    for (size_t i = 0; i < sizeof pull_faults / sizeof pull_faults[0]; i++) {
        if (strcmp(pull_faults[i].code, code) == 0)
            return pull_faults[i].status;
    }
    return 502;
}

static enum msp_result read_stored_cursor(const struct msp_request *request,
                                          const struct msp_tenant *tenant, struct msp_cursor *out)
{
    struct msp_error error;
    struct msp_db *db;
    enum msp_result result = msp_input_database(request, &db, &error);

    if (result != MSP_OK)
        return result;
    result = msp_cursor_read(db, tenant->id, tenant->source, msp_request_db_deadline_ms(request),
                             out, &error);
    msp_pool_give(request->worker->pool, db);
    return result;
}

/* Puts one more text member at the end of a problem, which is an object and ends in '}'. */
static void add_to_problem(struct msp_response *response, const char *name, const char *text)
{
    struct msp_json_writer writer;

    if (response->body.failed || response->body.length < 2)
        return;
    response->body.length--;
    msp_buffer_printf(&response->body, ",\"%s\":", name);
    msp_json_writer_init(&writer, &response->body);
    msp_json_string(&writer, text);
    msp_buffer_append_text(&response->body, "}");
}

static int answer_failed_pull(const struct msp_request *request, struct msp_response *response,
                              const struct msp_tenant *tenant, const struct msp_job *job)
{
    json_t *fault = msp_job_object(job->error);
    const char *code = json_string_value(json_object_get(fault, "code"));
    const char *detail = json_string_value(json_object_get(fault, "detail"));
    struct msp_cursor cursor;
    struct msp_error at = {.result = MSP_INVALID, .pointer = "/cursor"};
    int status;

    if (code == NULL)
        code = job->state == MSP_JOB_CANCELLED ? "pull_cancelled" : "pull_failed";
    if (detail == NULL)
        detail = "The pull ended without tickets; the job worker's log says why.";
    status = pull_status(code);
    snprintf(at.code, sizeof at.code, "%s", code);
    snprintf(at.detail, sizeof at.detail, "%s", detail);
    status = msp_problem(request, response, status, code, detail,
                         strncmp(code, "cursor_", 7) == 0 ? &at : NULL);
    if (strcmp(code, "cursor_conflict") == 0 &&
        read_stored_cursor(request, tenant, &cursor) == MSP_OK)
        add_to_problem(response, "stored_cursor", cursor.current);
    json_decref(fault);
    return status;
}

static int answer_pull(const struct msp_request *request, struct msp_response *response,
                       const struct msp_tenant *tenant, const struct msp_job *job)
{
    static const char *const nothing[] = {NULL};
    struct msp_json_writer writer;
    json_t *result;

    if (!msp_job_state_is_final(job->state)) {
        int status = msp_problem(request, response, 503, "pull_still_running",
                                 "The pull was queued and goes on, but has not ended in time; call "
                                 "again to go on from where it comes to.",
                                 NULL);

        msp_response_header(response, "Retry-After", "%d", RETRY_SECONDS);
        return status;
    }
    if (job->state != MSP_JOB_SUCCEEDED)
        return answer_failed_pull(request, response, tenant, job);
    result = msp_job_object(job->result);
    msp_json_writer_init(&writer, &response->body);
    msp_json_begin_object(&writer);
    if (result != NULL)
        msp_json_write_members(&writer, result, nothing);
    msp_json_end_object(&writer);
    json_decref(result);
    return msp_json_answer(request, response);
}

static int pull(const struct msp_request *request, struct msp_response *response,
                const struct msp_tenant *tenant, const char *cursor)
{
    struct msp_job_request wanted = {.kind = "ingest", .lane = MSP_LANE_SHORT, .merges = true};
    struct msp_json_writer writer;
    struct msp_buffer parameters;
    struct msp_error error;
    struct msp_job job = {.state = MSP_JOB_QUEUED};
    enum msp_result result;

    if (tenant->source[0] == '\0')
        return msp_problem(request, response, 409, "tenant_has_no_source",
                           "This tenant has no ticket source to pull from; push its tickets with "
                           "\"tickets\".",
                           NULL);
    msp_buffer_init(&parameters, 0);
    msp_json_writer_init(&writer, &parameters);
    msp_json_begin_object(&writer);
    if (cursor != NULL)
        msp_json_key_string(&writer, "cursor", cursor);
    msp_json_end_object(&writer);
    msp_buffer_append(&parameters, "", 1); /* closes the text */
    if (parameters.failed)
        result = msp_fail(&error, MSP_NO_MEMORY, "no_memory", "Memory is short; try again soon.");
    else {
        wanted.parameters = parameters.data;
        result = msp_job_run(request, tenant->id, &wanted,
                             msp_clock_monotonic_ms() + PULL_PATIENCE_MS, &job, &error);
    }
    msp_buffer_done(&parameters);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    return answer_pull(request, response, tenant, &job);
}

/* ---- which of them ---- */

static enum msp_result read_form(const struct msp_request *request, const json_t *body,
                                 struct msp_tenant *tenant, const char **cursor,
                                 struct msp_error *error)
{
    static const char *const known[] = {"tenant_id", "cursor", "tickets", NULL};
    const char *slug = NULL;
    enum msp_result result = msp_json_only_members(body, known, error);

    if (result == MSP_OK)
        result = msp_input_text(body, "tenant_id", &slug, error);
    if (result == MSP_OK)
        result = msp_input_text(body, "cursor", cursor, error);
    if (result != MSP_OK)
        return result;
    if (slug == NULL)
        return msp_fail_at(error, MSP_INVALID, "tenant_missing", "/tenant_id",
                           "Say whose tickets are meant with \"tenant_id\".");
    if (msp_input_has(body, "tickets") && !json_is_array(json_object_get(body, "tickets")))
        return msp_fail_at(error, MSP_INVALID, "wrong_type", "/tickets",
                           "\"tickets\" must be a list of tickets.");
    if (msp_input_has(body, "tickets") && *cursor != NULL)
        return msp_fail_at(error, MSP_INVALID, "cursor_with_tickets", "/cursor",
                           "\"cursor\" belongs to a pull; leave it out when sending \"tickets\".");
    return msp_input_tenant(request, slug, "/tenant_id", tenant, error);
}

static int take_json(const struct msp_request *request, struct msp_response *response)
{
    struct msp_tenant tenant = {.id = 0};
    struct msp_error error;
    const char *cursor = NULL;
    json_t *body = NULL;
    enum msp_result result = MSP_OK;
    int status;

    if (msp_request_query(request, "tenant_id") != NULL)
        result = msp_query_fail(&error, "query_unexpected", "tenant_id",
                                "In a JSON request \"tenant_id\" stands in the body; leave it out "
                                "of the address.");
    if (result == MSP_OK)
        result = msp_input_body(request, &body, &error);
    if (result == MSP_OK)
        result = read_form(request, body, &tenant, &cursor, &error);
    if (result != MSP_OK)
        status = msp_problem_from_error(request, response, &error);
    else if (msp_input_has(body, "tickets"))
        status = push_list(request, response, &tenant, json_object_get(body, "tickets"));
    else
        status = pull(request, response, &tenant, cursor);
    json_decref(body);
    return status;
}

int msp_handle_ingest_tickets(const struct msp_request *request, struct msp_response *response)
{
    const char *encoding = msp_request_header(request, "Content-Encoding");
    const char *type = request->content_type;

    if (encoding != NULL && strcmp(encoding, "identity") != 0) {
        response->close = true;
        return msp_problem(request, response, 415, "content_encoding_unsupported",
                           "Compressed bodies are not taken; send the text itself.", NULL);
    }
    if (type != NULL && strcmp(type, "application/x-ndjson") == 0)
        return push_lines(request, response);
    if (type != NULL && strcmp(type, "application/json") == 0)
        return take_json(request, response);
    response->close = true;
    return msp_problem(request, response, 415, "content_type_unsupported",
                       "Send application/json, or application/x-ndjson for one ticket a line.",
                       NULL);
}
