/* Jobs seen by those who ask for them: inserting, looking, listing. The worker's side is in
 * job_queue.c. */
#include "idempotency_params.h"
#include "job_row.h"

#include "msp/job_store.h"
#include "msp/no_value.h"

#include <stdio.h>
#include <string.h>

static const char *const state_names[] = {
    [MSP_JOB_QUEUED] = "queued",       [MSP_JOB_RUNNING] = "running",
    [MSP_JOB_SUCCEEDED] = "succeeded", [MSP_JOB_FAILED] = "failed",
    [MSP_JOB_CANCELLED] = "cancelled",
};

const char *msp_job_state_name(enum msp_job_state state)
{
    return state_names[state];
}

bool msp_job_state_is_final(enum msp_job_state state)
{
    return state == MSP_JOB_SUCCEEDED || state == MSP_JOB_FAILED || state == MSP_JOB_CANCELLED;
}

const char *msp_job_trace(const struct msp_job *job)
{
    return job->trace[0] != '\0' ? job->trace : NULL;
}

/* The column's default reads it. */
static const struct msp_statement trace_statement = {
    "job_trace", "SELECT set_config('msp.trace', $1::text, true)", false};

static const struct msp_statement insert_statement = {
    "job_insert",
    "SELECT " JOB_COLUMNS ", j.replayed"
    "  FROM (SELECT (s.job).*, s.replayed, CASE WHEN $13::boolean AND NOT s.replayed THEN"
    "               msp.job_hurry(nullif($1::bigint, 0), (s.job).job_id) END"
    "          FROM msp.job_start(nullif($1::bigint, 0), $2::text, $3::bigint::smallint, $4::json,"
    "                             $5::boolean, $6::uuid, $7::text,"
    "                             $8::bigint, $9::text, $10::text, $11::text, $12::bytea) s) j"
    "  LEFT JOIN msp.tenants t USING (tenant_id)",
    true};

static const struct msp_statement get_statement = {
    "job_get",
    "SELECT " JOB_COLUMNS "  FROM msp.jobs j LEFT JOIN msp.tenants t USING (tenant_id)"
    " WHERE j.job_id = $1::uuid AND ($2::bigint = 0 OR j.tenant_id = $2::bigint)",
    true};

/* A job that was tried again has a row an end; the last one counts. */
static const struct msp_statement callback_statement = {
    "job_callback",
    "SELECT json_build_object('state', d.state, 'attempts', d.attempt,"
    "                         'last_status', d.last_status)::text"
    "  FROM msp.callback_deliveries d"
    " WHERE d.job_id = $1::uuid AND ($2::bigint = 0 OR d.tenant_id = $2::bigint)"
    " ORDER BY d.asked_at DESC LIMIT 1",
    true};

static const struct msp_statement list_statement = {
    "job_list",
    "SELECT " JOB_COLUMNS "  FROM msp.jobs j LEFT JOIN msp.tenants t USING (tenant_id)"
    " WHERE ($1::bigint = 0 OR j.tenant_id = $1::bigint)"
    "   AND ($2::text IS NULL OR j.state = $2::text)"
    "   AND ($3::text IS NULL OR j.kind = $3::text)"
    "   AND ($4::timestamptz IS NULL OR (j.created_at, j.job_id) < ($4::timestamptz, $5::uuid))"
    " ORDER BY j.created_at DESC, j.job_id DESC LIMIT $6::bigint",
    true};

/* A tenant's own jobs under its own wall; all tenants' only as msp_admin. */
static struct msp_scope scope_of(int64_t tenant_id)
{
    return (struct msp_scope){tenant_id, tenant_id == 0 ? "msp_admin" : NULL};
}

bool msp_job_id_is_well_formed(const char *id)
{
    if (strlen(id) != MSP_JOB_ID_BYTES - 1)
        return false;
    for (int i = 0; i < MSP_JOB_ID_BYTES - 1; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? id[i] != '-' : strchr("0123456789abcdef", id[i]) == NULL)
            return false;
    }
    return true;
}

static enum msp_result refuse_after_job(struct msp_error *error)
{
    return msp_fail_at(error, MSP_INVALID, "after_job_unknown", "/after_job",
                       "There is no such job to wait for; give the id of a job you have started.");
}

static bool is_replay(const PGresult *inserted)
{
    return msp_result_bool(inserted, 0, PQnfields(inserted) - 1);
}

/* The line about a start. The callback's address may hold a secret and stays out. */
static enum msp_result leave_line(struct msp_db *db, int64_t tenant_id,
                                  const struct msp_job_request *request, const char *job_id,
                                  int64_t deadline_ms, struct msp_error *error)
{
    struct msp_buffer detail;
    msp_buffer_init(&detail, 0);
    msp_buffer_printf(&detail, "{\"before\":null,\"after\":{\"kind\":\"%s\",\"parameters\":%s}}",
                      request->kind, request->parameters);
    msp_buffer_append(&detail, "", 1);
    const struct msp_audit_line line = {tenant_id, "job.start", job_id,
                                        detail.failed ? NULL : detail.data};
    enum msp_result result = msp_audit_append(db, request->actor, &line, deadline_ms, error);
    msp_buffer_done(&detail);
    return result;
}

/* One round trip; the insert is the last of its calls. */
struct insertion {
    struct msp_call calls[3];
    size_t count;
};

static void add_call(struct insertion *insertion, struct msp_call call)
{
    insertion->calls[insertion->count++] = call;
}

static const PGresult *answer_of(const struct insertion *insertion)
{
    return insertion->calls[insertion->count - 1].result;
}

static enum msp_result insert_with_line(struct msp_db *db, const struct msp_scope *scope,
                                        int64_t tenant_id, const struct msp_job_request *request,
                                        struct insertion *insertion, struct msp_arena *arena,
                                        int64_t deadline_ms, struct msp_job *out,
                                        struct msp_error *error)
{
    struct msp_job job;
    enum msp_result result = msp_db_begin(db, scope, deadline_ms, error);
    if (result == MSP_OK)
        result = msp_db_run(db, insertion->calls, insertion->count, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    result = msp_job_read_row(answer_of(insertion), 0, arena, &job, error);
    if (result != MSP_OK)
        msp_db_rollback(db);
    else if (!is_replay(answer_of(insertion)))
        result = leave_line(db, tenant_id, request, job.id, deadline_ms, error);
    if (result == MSP_OK)
        result = msp_db_commit(db, deadline_ms, error);
    if (result == MSP_OK)
        *out = job;
    return result;
}

/* Without a line it is one round trip. */
static enum msp_result insert(struct msp_db *db, int64_t tenant_id,
                              const struct msp_job_request *request, struct insertion *insertion,
                              struct msp_arena *arena, int64_t deadline_ms, struct msp_job *out,
                              struct msp_error *error)
{
    struct msp_scope scope = scope_of(tenant_id);
    if (request->by_staff)
        scope.role = "msp_admin";
    if (request->actor != NULL)
        return insert_with_line(db, &scope, tenant_id, request, insertion, arena, deadline_ms, out,
                                error);
    enum msp_result result =
        msp_db_transact(db, &scope, insertion->calls, insertion->count, deadline_ms, error);
    if (result == MSP_OK)
        result = msp_job_read_row(answer_of(insertion), 0, arena, out, error);
    return result;
}

enum msp_result msp_job_insert(struct msp_db *db, int64_t tenant_id,
                               const struct msp_job_request *request, struct msp_arena *arena,
                               int64_t deadline_ms, struct msp_job *out, struct msp_error *error)
{
    if (request->after_job != NULL && !msp_job_id_is_well_formed(request->after_job))
        return refuse_after_job(error);
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, tenant_id);
    msp_params_text(&params, request->kind);
    msp_params_int(&params, request->lane);
    msp_params_text(&params, request->parameters);
    msp_params_bool(&params, request->merges);
    msp_params_text(&params, request->after_job);
    msp_params_text(&params, request->callback_url);
    msp_idempotency_params(&params, request->idempotency);
    msp_params_bool(&params, request->by_person);
    struct msp_params trace;
    msp_params_init(&trace);
    msp_params_text(&trace, request->trace);
    struct insertion insertion = {.count = 0};
    if (request->actor != NULL)
        add_call(&insertion, msp_audit_impatience);
    if (request->trace != NULL && request->trace[0] != '\0')
        add_call(&insertion, (struct msp_call){&trace_statement, &trace, NULL});
    add_call(&insertion, (struct msp_call){&insert_statement, &params, NULL});
    enum msp_result result =
        insert(db, tenant_id, request, &insertion, arena, deadline_ms, out, error);
    if (result == MSP_INVALID && strcmp(error->code, "after_job_unknown") == 0)
        return refuse_after_job(error);
    if (result == MSP_OK && request->idempotency != NULL)
        request->idempotency->replayed = is_replay(answer_of(&insertion));
    msp_calls_clear(insertion.calls, insertion.count);
    return result;
}

static enum msp_result read_job_and_callback(const struct msp_call calls[2],
                                             struct msp_arena *arena, struct msp_job *out,
                                             struct msp_error *error)
{
    struct msp_job job;
    if (PQntuples(calls[0].result) == 0)
        return msp_fail(error, MSP_NOT_FOUND, "job_unknown", "There is no such job.");
    enum msp_result result = msp_job_read_row(calls[0].result, 0, arena, &job, error);
    if (result != MSP_OK)
        return result;
    if (PQntuples(calls[1].result) > 0) {
        job.callback = msp_arena_copy(arena, PQgetvalue(calls[1].result, 0, 0),
                                      (size_t)PQgetlength(calls[1].result, 0, 0));
        if (job.callback == NULL)
            return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to read a job.");
    }
    *out = job;
    return MSP_OK;
}

enum msp_result msp_job_get(struct msp_db *db, int64_t tenant_id, const char *id,
                            struct msp_arena *arena, int64_t deadline_ms, struct msp_job *out,
                            struct msp_error *error)
{
    if (!msp_job_id_is_well_formed(id))
        return msp_fail(error, MSP_NOT_FOUND, "job_unknown", "There is no such job.");
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, id);
    msp_params_int(&params, tenant_id);
    struct msp_call calls[] = {{&get_statement, &params, NULL},
                               {&callback_statement, &params, NULL}};
    struct msp_scope scope = scope_of(tenant_id);
    enum msp_result result = msp_db_transact(db, &scope, calls, 2, deadline_ms, error);
    if (result == MSP_OK)
        result = read_job_and_callback(calls, arena, out, error);
    msp_calls_clear(calls, 2);
    return result;
}

enum msp_result msp_job_list(struct msp_db *db, int64_t tenant_id,
                             const struct msp_job_filter *filter, struct msp_arena *arena,
                             int64_t deadline_ms, struct msp_job **out_jobs, size_t *out_count,
                             struct msp_error *error)
{
    bool from_start = filter->before_us == MSP_NO_TIME;
    if (!from_start && !msp_job_id_is_well_formed(filter->before_id))
        return msp_fail(error, MSP_INVALID, "cursor_malformed", "The cursor is not one of ours.");
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, tenant_id);
    msp_params_text(&params, filter->state);
    msp_params_text(&params, filter->kind);
    msp_params_time(&params, filter->before_us);
    msp_params_text(&params, from_start ? NULL : filter->before_id);
    msp_params_int(&params, filter->limit);
    struct msp_call call = {&list_statement, &params, NULL};
    struct msp_scope scope = scope_of(tenant_id);
    enum msp_result result = msp_db_transact(db, &scope, &call, 1, deadline_ms, error);
    if (result == MSP_OK)
        result = msp_job_read_rows(call.result, arena, out_jobs, out_count, error);
    msp_calls_clear(&call, 1);
    return result;
}
