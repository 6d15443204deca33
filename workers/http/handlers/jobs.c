/* Jobs read back, one or the newest page by page, and cancelled or retried. Starting them is in
 * job_starts.c. */
#include "handlers.h"

#include "../http_worker.h"
#include "../idempotency.h"
#include "../job_client.h"
#include "../request_actor.h"
#include "inputs.h"
#include "job_answer.h"
#include "msp/json_reader.h"
#include "page_cursor.h"

#include <string.h>

#define DEFAULT_PAGE 50
#define LARGEST_PAGE 200

static enum msp_result query_state(const struct msp_request *request, const char **out,
                                   struct msp_error *error)
{
    const char *text = msp_request_query(request, "state");

    if (text == NULL)
        return MSP_OK;
    for (int state = MSP_JOB_QUEUED; state <= MSP_JOB_CANCELLED; state++) {
        const char *name = msp_job_state_name((enum msp_job_state)state);

        if (strcmp(name, text) == 0) {
            *out = name;
            return MSP_OK;
        }
    }
    return msp_query_fail(error, "query_malformed", "state",
                          "\"state\" must be queued, running, succeeded, failed or cancelled.");
}

static enum msp_result query_kind(const struct msp_request *request, const char **out,
                                  struct msp_error *error)
{
    static const char *const kinds[] = {"ingest",      "kpi",          "export",
                                        "pipeline",    "notification", "summary",
                                        "source_test", "sweep",        "erase"};
    const char *text = msp_request_query(request, "kind");

    if (text == NULL)
        return MSP_OK;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i], text) == 0) {
            *out = kinds[i];
            return MSP_OK;
        }
    }
    return msp_query_fail(
        error, "query_malformed", "kind",
        "\"kind\" must be ingest, kpi, export, pipeline, notification, summary or "
        "source_test.");
}

static enum msp_result query_cursor(const struct msp_request *request,
                                    struct msp_page_cursor *cursor, struct msp_job_filter *filter,
                                    struct msp_error *error)
{
    const char *text = msp_request_query(request, "cursor");

    if (text == NULL)
        return MSP_OK;
    if (!msp_page_cursor_parse(text, cursor))
        return msp_query_fail(error, "cursor_malformed", "cursor",
                              "This \"cursor\" is not one this server gave out; start again "
                              "without it.");
    filter->before_us = cursor->created_us;
    filter->before_id = cursor->id;
    return MSP_OK;
}

static enum msp_result read_filter(const struct msp_request *request,
                                   struct msp_page_cursor *cursor, struct msp_job_filter *filter,
                                   struct msp_error *error)
{
    enum msp_result result = query_state(request, &filter->state, error);

    if (result == MSP_OK)
        result = query_kind(request, &filter->kind, error);
    if (result == MSP_OK)
        result = query_cursor(request, cursor, filter, error);
    if (result == MSP_OK)
        result = msp_query_limit(request, LARGEST_PAGE, &filter->limit, error);
    return result;
}

static int answer_page(const struct msp_request *request, struct msp_response *response,
                       const struct msp_job *jobs, size_t count, bool more)
{
    struct msp_json_writer writer;

    msp_json_writer_init(&writer, &response->body);
    msp_json_begin_object(&writer);
    msp_json_key(&writer, "jobs");
    msp_json_begin_array(&writer);
    for (size_t i = 0; i < count; i++)
        msp_job_write(&writer, &jobs[i]);
    msp_json_end_array(&writer);
    msp_json_key(&writer, "next_cursor");
    if (more) {
        struct msp_page_cursor last = {.created_us = jobs[count - 1].created_us};
        char text[MSP_PAGE_CURSOR_BYTES];

        memcpy(last.id, jobs[count - 1].id, sizeof last.id);
        msp_page_cursor_format(&last, text);
        msp_json_string(&writer, text);
    } else {
        msp_json_null(&writer);
    }
    msp_json_end_object(&writer);
    return msp_json_answer(request, response);
}

static int list(const struct msp_request *request, struct msp_response *response, int64_t tenant_id)
{
    struct msp_job_filter filter = {.before_us = MSP_NO_TIME, .limit = DEFAULT_PAGE};
    struct msp_page_cursor cursor;
    struct msp_error error;
    struct msp_job *jobs;
    struct msp_db *db;
    size_t count;
    size_t page;
    enum msp_result result = read_filter(request, &cursor, &filter, &error);

    if (result == MSP_OK)
        result = msp_input_database(request, &db, &error);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    page = (size_t)filter.limit;
    filter.limit++; /* one more than is shown tells whether there is a next page */
    result = msp_job_list(db, tenant_id, &filter, request->arena,
                          msp_request_db_deadline_ms(request), &jobs, &count, &error);
    msp_pool_give(request->worker->pool, db);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    return answer_page(request, response, jobs, count < page ? count : page, count > page);
}

static int show(const struct msp_request *request, struct msp_response *response, int64_t tenant_id)
{
    struct msp_error error;
    struct msp_job job;
    struct msp_db *db;
    enum msp_result result = msp_input_database(request, &db, &error);

    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    result = msp_job_get(db, tenant_id, request->path_parameters[0], request->arena,
                         msp_request_db_deadline_ms(request), &job, &error);
    msp_pool_give(request->worker->pool, db);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    return msp_job_answer(request, response, &job);
}

/* ---- cancelling and retrying ---- */

typedef enum msp_result (*control_job)(struct msp_db *db, int64_t tenant_id, const char *id,
                                       const struct msp_job_asker *asker, struct msp_arena *arena,
                                       int64_t deadline_ms, struct msp_job *out, bool *out_changed,
                                       struct msp_error *error);

static enum msp_result refuse_members(const struct msp_request *request, struct msp_error *error)
{
    static const char *const none[] = {NULL};
    json_t *body;
    enum msp_result result = msp_input_body(request, &body, error);

    if (result != MSP_OK)
        return result;
    result = msp_json_only_members(body, none, error);
    json_decref(body);
    return result;
}

static enum msp_result run_control(const struct msp_request *request, int64_t tenant_id,
                                   control_job control, struct msp_idempotency *idempotency,
                                   struct msp_job *out, struct msp_error *error)
{
    const struct msp_actor actor = msp_request_actor(request);
    const struct msp_job_asker asker = {idempotency,
                                        msp_request_is_audited(request) ? &actor : NULL};
    struct msp_db *db;
    bool changed;
    enum msp_result result = msp_input_database(request, &db, error);

    if (result != MSP_OK)
        return result;
    result = control(db, tenant_id, request->path_parameters[0], &asker, request->arena,
                     msp_request_db_deadline_ms(request), out, &changed, error);
    msp_pool_give(request->worker->pool, db);
    return result;
}

/* The job as it is afterwards; what was asked of the worker it may still be about to do. */
static int take_control(const struct msp_request *request, struct msp_response *response,
                        int64_t tenant_id, control_job control, struct msp_job *job)
{
    struct msp_idempotency idempotency = {.replayed = false};
    struct msp_error error;
    bool has_key = false;
    enum msp_result result = refuse_members(request, &error);
    int status;

    if (result == MSP_OK)
        result = msp_idempotency_read(request, &idempotency, &has_key, &error);
    if (result == MSP_OK)
        result =
            run_control(request, tenant_id, control, has_key ? &idempotency : NULL, job, &error);
    if (result != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    status = msp_job_answer(request, response, job);
    if (status == 200)
        msp_idempotency_mark(&idempotency, response);
    return status;
}

static int cancel(const struct msp_request *request, struct msp_response *response,
                  int64_t tenant_id)
{
    struct msp_job job = {.state = MSP_JOB_QUEUED};
    int status = take_control(request, response, tenant_id, msp_job_cancel, &job);

    if (status == 200 && job.state == MSP_JOB_RUNNING)
        msp_job_client_cancel(request->worker, &job);
    return status;
}

static int retry(const struct msp_request *request, struct msp_response *response,
                 int64_t tenant_id)
{
    struct msp_job job = {.state = MSP_JOB_QUEUED};
    int status = take_control(request, response, tenant_id, msp_job_retry, &job);

    if (status == 200 && job.state == MSP_JOB_QUEUED)
        msp_job_client_wake(request->worker, &job);
    return status;
}

/* ---- the rows of the route table ---- */

int msp_handle_internal_jobs(const struct msp_request *request, struct msp_response *response)
{
    const char *slug = msp_request_query(request, "tenant_id");
    struct msp_tenant tenant = {.id = 0};
    struct msp_error error;

    if (slug != NULL && msp_input_tenant(request, slug, "/tenant_id", &tenant, &error) != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    return list(request, response, tenant.id);
}

int msp_handle_internal_job(const struct msp_request *request, struct msp_response *response)
{
    return show(request, response, 0);
}

int msp_handle_jobs(const struct msp_request *request, struct msp_response *response)
{
    return list(request, response, request->caller.tenant.id);
}

int msp_handle_job(const struct msp_request *request, struct msp_response *response)
{
    return show(request, response, request->caller.tenant.id);
}

int msp_handle_internal_job_cancel(const struct msp_request *request, struct msp_response *response)
{
    return cancel(request, response, 0);
}

int msp_handle_internal_job_retry(const struct msp_request *request, struct msp_response *response)
{
    return retry(request, response, 0);
}

int msp_handle_job_cancel(const struct msp_request *request, struct msp_response *response)
{
    return cancel(request, response, request->caller.tenant.id);
}

int msp_handle_job_retry(const struct msp_request *request, struct msp_response *response)
{
    return retry(request, response, request->caller.tenant.id);
}
