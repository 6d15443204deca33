/* Writes jobs, and starts them: the row first, then the wake, then, if asked for, the wait. */
#include "job_answer.h"

#include "../callback_release.h"
#include "../http_worker.h"
#include "../idempotency.h"
#include "../job_client.h"
#include "../request_actor.h"
#include "../trace_context.h"
#include "inputs.h"
#include "msp/clock.h"
#include "msp/json_reader.h"

#include <stdlib.h>
#include <string.h>

/* A result names every file of an export over all tenants: longer than a request, but still
 * bounded. */
static const struct msp_json_limits result_limits = {
    .max_bytes = 16U * 1024 * 1024, .max_depth = 32, .max_elements = 1000000};

#define POLL_SECONDS "2"

json_t *msp_job_object(const char *json)
{
    json_t *object;

    if (json == NULL || msp_json_parse(json, strlen(json), &result_limits, &object, NULL) != MSP_OK)
        return NULL;
    if (!json_is_object(object)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static bool is_one_of(const char *name, const char *const names[])
{
    for (size_t i = 0; names[i] != NULL; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

void msp_json_write_members(struct msp_json_writer *writer, const json_t *object,
                            const char *const except[])
{
    /* jansson's iterator takes a mutable object but changes nothing in it. */
    json_t *members = json_incref((json_t *)(uintptr_t)object);
    const char *name;
    json_t *value;

    json_object_foreach(members, name, value)
    {
        char *text;

        if (is_one_of(name, except))
            continue;
        text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        if (text == NULL)
            writer->out->failed = true; /* no memory: better no answer than a wrong one */
        msp_json_key(writer, name);
        msp_json_raw(writer, text);
        free(text);
    }
    json_decref(members);
}

int msp_json_answer(const struct msp_request *request, struct msp_response *response)
{
    if (!response->body.failed) {
        response->content_type = "application/json";
        return 200;
    }
    return msp_problem_no_memory(request, response);
}

/* A job's own "job" and "error" stand inside "job"; there is never an "error" at the top level. */
static const char *const not_at_top[] = {"job", "error", NULL};

static int write_job(const struct msp_request *request, struct msp_response *response,
                     const struct msp_job *job, bool with_result)
{
    json_t *result = with_result ? msp_job_object(job->result) : NULL;
    struct msp_json_writer writer;

    msp_json_writer_init(&writer, &response->body);
    msp_json_begin_object(&writer);
    msp_json_key(&writer, "job");
    msp_job_write(&writer, job);
    if (job->callback != NULL) {
        msp_json_key(&writer, "callback");
        msp_json_raw(&writer, job->callback);
    }
    if (result != NULL)
        msp_json_write_members(&writer, result, not_at_top);
    msp_json_end_object(&writer);
    json_decref(result);
    return msp_json_answer(request, response);
}

int msp_job_answer(const struct msp_request *request, struct msp_response *response,
                   const struct msp_job *job)
{
    return write_job(request, response, job, false);
}

static enum msp_result insert(const struct msp_request *request, int64_t tenant_id,
                              const struct msp_job_request *wanted, struct msp_job *out,
                              struct msp_error *error)
{
    struct msp_job_request traced = *wanted;
    char trace[MSP_TRACE_ID_BYTES];
    struct msp_db *db;
    enum msp_result result = msp_input_database(request, &db, error);

    if (result != MSP_OK)
        return result;
    if (msp_trace_id_read(msp_request_header(request, "traceparent"), trace))
        traced.trace = trace;
    result = msp_job_insert(db, tenant_id, &traced, request->arena,
                            msp_request_db_deadline_ms(request), out, error);
    msp_pool_give(request->worker->pool, db);
    return result;
}

enum msp_result msp_job_run(const struct msp_request *request, int64_t tenant_id,
                            const struct msp_job_request *wanted, int64_t deadline_ms,
                            struct msp_job *out, struct msp_error *error)
{
    struct msp_job job;
    enum msp_result result = insert(request, tenant_id, wanted, &job, error);

    if (result != MSP_OK)
        return result;
    msp_job_client_wait(request, tenant_id, deadline_ms, &job);
    *out = job;
    return MSP_OK;
}

/* 202, or 200 with the result on top where the caller preferred to wait and did not wait in vain.
 */
static int answer_start(const struct msp_request *request, struct msp_response *response,
                        const struct msp_job *job, const char *location)
{
    int wait_seconds = msp_request_prefer_wait_seconds(request);
    bool ended = wait_seconds > 0 && msp_job_state_is_final(job->state);
    int status = write_job(request, response, job, ended);

    if (status != 200)
        return status;
    msp_response_header(response, "Location", "%s%s", location, job->id);
    if (wait_seconds > 0)
        msp_response_header(response, "Preference-Applied", "wait=%d", wait_seconds);
    if (ended)
        return 200;
    msp_response_header(response, "Retry-After", "%s", POLL_SECONDS);
    return 202;
}

int msp_job_answer_start(const struct msp_request *request, struct msp_response *response,
                         int64_t tenant_id, const struct msp_job_request *wanted,
                         const char *location)
{
    int wait_seconds = msp_request_prefer_wait_seconds(request);
    struct msp_actor actor = msp_request_actor(request);
    struct msp_job_request keyed = *wanted;
    struct msp_idempotency idempotency;
    struct msp_error error;
    struct msp_job job;
    bool has_key = false;
    int status;

    if (msp_idempotency_read(request, &idempotency, &has_key, &error) != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    keyed.by_staff = request->caller.credential == MSP_CREDENTIAL_SERVICE;
    /* An admin's route may name the tenant in its path: the key is kept where the job is. */
    if (!keyed.by_staff)
        idempotency.tenant_id = tenant_id;
    keyed.idempotency = has_key ? &idempotency : NULL;
    keyed.actor = msp_request_is_audited(request) ? &actor : NULL;
    if (insert(request, tenant_id, &keyed, &job, &error) != MSP_OK)
        return msp_problem_from_error(request, response, &error);
    if (wait_seconds > 0)
        msp_job_client_wait(request, tenant_id,
                            msp_clock_monotonic_ms() + (int64_t)wait_seconds * 1000, &job);
    else if (!msp_job_state_is_final(job.state))
        msp_job_client_wake(request->worker, &job);
    status = answer_start(request, response, &job, location);
    if (wanted->callback_url != NULL)
        msp_callback_release_after(request, response, tenant_id, job.id);
    if (has_key && (status == 200 || status == 202))
        msp_idempotency_mark(&idempotency, response);
    return status;
}
