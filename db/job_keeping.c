/* The queue as a whole: who still holds what, what the dead have left, how long it is, what is old.
 */
#include "job_row.h"

#include "msp/buffer.h"

#include <string.h>

static const struct msp_statement heartbeat_statement = {
    "job_heartbeat",
    /* A row that its own job's transaction has locked is passed over, here as in the recovery. */
    "UPDATE msp.jobs j"
    "   SET heartbeat_at = now(),"
    "       done = CASE WHEN held.done BETWEEN j.done AND j.total THEN held.done ELSE j.done END"
    "  FROM (SELECT h.job_id, ($2::bigint[])[array_position($1::text[], h.worker)] AS done"
    "          FROM msp.jobs h WHERE h.state = 'running' AND h.worker = ANY($1::text[])"
    "           FOR NO KEY UPDATE SKIP LOCKED) AS held"
    " WHERE j.job_id = held.job_id",
    false};

static const struct msp_statement held_statement = {
    "job_held",
    "SELECT j.worker, j.job_id::text, j.claims, j.cancel_requested_at IS NOT NULL"
    "  FROM msp.jobs j WHERE j.state = 'running' AND j.worker = ANY($1::text[])",
    false};

static const struct msp_statement recover_statement = {
    "job_recover", "SELECT msp.jobs_recover($1::text, $2::text)", false};

/* An arm for each of the partial indexes that hold what has not ended. */
static const struct msp_statement figures_statement = {
    "job_figures",
    "WITH open AS ("
    " SELECT lane, run_at <= now() AS due, run_at <= now() IS FALSE AS later, false AS running, "
    "run_at"
    "   FROM msp.jobs WHERE state = 'queued' AND waiting_for IS NULL"
    " UNION ALL SELECT lane, false, true, false, run_at FROM msp.jobs"
    "   WHERE state = 'queued' AND waiting_for IS NOT NULL"
    " UNION ALL SELECT lane, false, false, worker IS NOT NULL, run_at FROM msp.jobs"
    "   WHERE state = 'running')"
    " SELECT lane, count(*) FILTER (WHERE due), count(*) FILTER (WHERE later),"
    "        coalesce(extract(epoch FROM now() - min(run_at) FILTER (WHERE due)), 0)::bigint,"
    "        count(*) FILTER (WHERE running)"
    "   FROM open GROUP BY lane",
    false};

/* Keys are small and come and go within a day: as many as there may be are taken at once. */
static const struct msp_statement prune_statement = {
    "job_prune",
    "SELECT msp.jobs_prune($1::bigint::integer, $2::bigint::integer),"
    "       msp.idempotency_prune(100000)",
    false};

static const struct msp_scope no_tenant = {0, NULL};

/* The names as an array in PostgreSQL's text form; they hold nothing that it would quote. */
static enum msp_result names_text(const struct msp_job_hold *holds, size_t count,
                                  struct msp_buffer *out, struct msp_error *error)
{
    msp_buffer_append_text(out, "{");
    for (size_t i = 0; i < count; i++)
        msp_buffer_printf(out, "%s%s", i > 0 ? "," : "", holds[i].worker);
    msp_buffer_append(out, "}", 2);
    return out->failed ? msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a heartbeat.")
                       : MSP_OK;
}

static void done_text(const struct msp_job_hold *holds, size_t count, struct msp_buffer *out)
{
    msp_buffer_append_text(out, "{");
    for (size_t i = 0; i < count; i++)
        msp_buffer_printf(out, "%s%lld", i > 0 ? "," : "", (long long)holds[i].done);
    msp_buffer_append(out, "}", 2);
}

/* Runs a statement whose first parameter is the list of the holders' names; `more`, which may be
 * NULL, is the second. */
static enum msp_result run_for_names(struct msp_db *db, const struct msp_statement *statement,
                                     const struct msp_job_hold *holds, size_t count,
                                     const char *more, int64_t deadline_ms,
                                     struct msp_call *out_call, struct msp_error *error)
{
    struct msp_buffer names;
    msp_buffer_init(&names, 0);
    enum msp_result result = names_text(holds, count, &names, error);
    if (result == MSP_OK) {
        struct msp_params params;
        msp_params_init(&params);
        msp_params_text(&params, names.data);
        if (more != NULL)
            msp_params_text(&params, more);
        *out_call = (struct msp_call){statement, &params, NULL};
        result = msp_db_transact(db, &no_tenant, out_call, 1, deadline_ms, error);
        out_call->params = NULL;
    }
    msp_buffer_done(&names);
    return result;
}

enum msp_result msp_job_heartbeat(struct msp_db *db, const struct msp_job_hold *holds, size_t count,
                                  int64_t deadline_ms, struct msp_error *error)
{
    struct msp_call call = {0};
    struct msp_buffer done;
    msp_buffer_init(&done, 0);
    done_text(holds, count, &done);
    enum msp_result result =
        done.failed ? msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a heartbeat.")
                    : run_for_names(db, &heartbeat_statement, holds, count, done.data, deadline_ms,
                                    &call, error);
    msp_buffer_done(&done);
    msp_calls_clear(&call, 1);
    return result;
}

static bool is_hold(const PGresult *rows, int row, const struct msp_job_hold *hold)
{
    return strcmp(msp_result_text(rows, row, 0), hold->worker) == 0 &&
           strcmp(msp_result_text(rows, row, 1), hold->job_id) == 0 &&
           msp_result_int(rows, row, 2) == hold->claim;
}

enum msp_result msp_job_look_at_holds(struct msp_db *db, struct msp_job_hold *holds, size_t count,
                                      int64_t deadline_ms, struct msp_error *error)
{
    struct msp_call call = {0};
    enum msp_result result =
        run_for_names(db, &held_statement, holds, count, NULL, deadline_ms, &call, error);
    for (size_t i = 0; result == MSP_OK && i < count; i++) {
        holds[i].lost = true;
        holds[i].cancel_requested = false;
        for (int row = 0; row < PQntuples(call.result); row++) {
            if (is_hold(call.result, row, &holds[i])) {
                holds[i].lost = false;
                holds[i].cancel_requested = msp_result_bool(call.result, row, 3);
            }
        }
    }
    msp_calls_clear(&call, 1);
    return result;
}

enum msp_result msp_job_recover(struct msp_db *db, const char *node, const char *worker,
                                int64_t deadline_ms, int *out_count, struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, node);
    msp_params_text(&params, worker);
    struct msp_call call = {&recover_statement, &params, NULL};
    enum msp_result result = msp_db_transact(db, &no_tenant, &call, 1, deadline_ms, error);
    if (result == MSP_OK)
        *out_count = (int)msp_result_int(call.result, 0, 0);
    msp_calls_clear(&call, 1);
    return result;
}

enum msp_result msp_job_read_figures(struct msp_db *db, int64_t deadline_ms,
                                     struct msp_job_figures out[MSP_JOB_LANES],
                                     struct msp_error *error)
{
    struct msp_call call = {&figures_statement, NULL, NULL};
    enum msp_result result = msp_db_transact(db, &no_tenant, &call, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    for (int lane = 0; lane < MSP_JOB_LANES; lane++)
        out[lane] = (struct msp_job_figures){0};
    for (int row = 0; row < PQntuples(call.result); row++) {
        int64_t lane = msp_result_int(call.result, row, 0);
        if (lane < 0 || lane >= MSP_JOB_LANES)
            continue;
        out[lane] = (struct msp_job_figures){
            .queued = msp_result_int(call.result, row, 1),
            .scheduled = msp_result_int(call.result, row, 2),
            .oldest_queued_seconds = msp_result_int(call.result, row, 3),
            .running = msp_result_int(call.result, row, 4),
        };
    }
    msp_calls_clear(&call, 1);
    return MSP_OK;
}

enum msp_result msp_job_prune(struct msp_db *db, int days, int at_most, int64_t deadline_ms,
                              int *out_count, struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, days);
    msp_params_int(&params, at_most);
    struct msp_call call = {&prune_statement, &params, NULL};
    enum msp_result result = msp_db_transact(db, &no_tenant, &call, 1, deadline_ms, error);
    if (result == MSP_OK)
        *out_count = (int)msp_result_int(call.result, 0, 0);
    msp_calls_clear(&call, 1);
    return result;
}
