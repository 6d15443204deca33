/* Callbacks released, taken up and judged. When to try again is decided by who sends them. */
#include "msp/callback_store.h"

#include "job_row.h"

#include <stdio.h>
#include <string.h>

static const struct msp_statement release_statement = {
    "callback_release",
    "UPDATE msp.callback_deliveries SET answered_at = clock_timestamp()"
    " WHERE job_id = $1::uuid AND ($2::bigint = 0 OR tenant_id = $2::bigint)"
    "   AND answered_at IS NULL",
    false};

/* 65 s: Prefer: wait=60 and the time to write the answer; then its HTTP worker is taken for dead.
 */
#define CLAIMABLE                                                                                  \
    "d.state = 'waiting' AND d.next_at <= clock_timestamp()"                                       \
    " AND (d.answered_at IS NOT NULL OR d.asked_at < clock_timestamp() - interval '65 s')"

static const struct msp_statement claim_statement = {
    "callback_claim",
    "WITH due AS (SELECT d.delivery_id FROM msp.callback_deliveries d"
    "              WHERE " CLAIMABLE "     AND d.host <> ALL (string_to_array($1::text, ' '))"
    "                AND ($2::boolean OR NOT EXISTS (SELECT FROM msp.callback_deliveries o"
    "                                                 WHERE o.state = 'waiting' AND o.failures > 0"
    "                                                   AND o.host = d.host))"
    "              ORDER BY d.next_at LIMIT 1 FOR UPDATE SKIP LOCKED),"
    " d AS (UPDATE msp.callback_deliveries d"
    "          SET attempt = d.attempt + 1,"
    "              next_at = clock_timestamp() + make_interval(secs => $3::bigint::integer)"
    "         FROM due WHERE d.delivery_id = due.delivery_id RETURNING d.*)"
    " SELECT " JOB_COLUMNS ", d.delivery_id::text AS delivery_id, d.url AS delivery_url,"
    "        d.host AS delivery_host, d.attempt AS delivery_attempt,"
    "        d.failures AS delivery_failures, d.conflicts AS delivery_conflicts,"
    "        (extract(epoch FROM clock_timestamp() - d.due_at) * 1000)::bigint AS delivery_age_ms"
    "   FROM d JOIN msp.jobs j USING (job_id)"
    "   LEFT JOIN msp.tenants t ON t.tenant_id = j.tenant_id",
    true};

static const struct msp_statement next_statement = {
    "callback_next",
    "SELECT greatest((extract(epoch FROM d.next_at - clock_timestamp()) * 1000)::bigint, 0)"
    "  FROM msp.callback_deliveries d WHERE d.state = 'waiting' ORDER BY d.next_at LIMIT 1",
    true};

static const struct msp_statement record_statement = {
    "callback_record",
    "UPDATE msp.callback_deliveries"
    "   SET state = $3::text, attempt = attempt - $4::bigint::integer,"
    "       failures = failures + $5::bigint::integer, conflicts = conflicts + $6::bigint::integer,"
    "       next_at = CASE WHEN $3::text = 'waiting' THEN clock_timestamp()"
    "                      + make_interval(secs => $7::bigint / 1000.0) END,"
    "       accepted_at = CASE WHEN $8::boolean THEN clock_timestamp() END,"
    "       ended_at = CASE WHEN $3::text <> 'waiting' THEN clock_timestamp() END,"
    "       last_status = coalesce(nullif($9::bigint, 0)::integer, last_status),"
    "       last_error = CASE WHEN $4::bigint = 1 THEN last_error ELSE $10::text END"
    " WHERE delivery_id = $1::uuid AND state = 'waiting'"
    "   AND (attempt = $2::bigint::integer OR $8::boolean)"
    " RETURNING 1",
    false};

static const struct msp_scope no_tenant = {0, NULL};

enum msp_result msp_callback_release(struct msp_db *db, int64_t tenant_id, const char *job_id,
                                     int64_t deadline_ms, struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, job_id);
    msp_params_int(&params, tenant_id);
    struct msp_call call = {&release_statement, &params, NULL};
    struct msp_scope scope = {tenant_id, tenant_id == 0 ? "msp_admin" : NULL};
    enum msp_result result = msp_db_transact(db, &scope, &call, 1, deadline_ms, error);
    msp_calls_clear(&call, 1);
    return result;
}

/* By name, since the job's columns come first. */
static const char *copy_text(const PGresult *rows, const char *name, struct msp_arena *arena)
{
    int column = PQfnumber(rows, name);
    return msp_arena_copy(arena, PQgetvalue(rows, 0, column), (size_t)PQgetlength(rows, 0, column));
}

static int64_t int_of(const PGresult *rows, const char *name)
{
    return msp_result_int(rows, 0, PQfnumber(rows, name));
}

static enum msp_result read_delivery(const PGresult *rows, struct msp_arena *arena,
                                     struct msp_callback *out, struct msp_error *error)
{
    struct msp_callback delivery = {
        .url = copy_text(rows, "delivery_url", arena),
        .host = copy_text(rows, "delivery_host", arena),
        .attempt = (int)int_of(rows, "delivery_attempt"),
        .failures = (int)int_of(rows, "delivery_failures"),
        .conflicts = (int)int_of(rows, "delivery_conflicts"),
        .age_ms = int_of(rows, "delivery_age_ms"),
    };
    const char *id = copy_text(rows, "delivery_id", arena);
    if (delivery.url == NULL || delivery.host == NULL || id == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to read a callback.");
    snprintf(delivery.id, sizeof(delivery.id), "%s", id);
    enum msp_result result = msp_job_read_row(rows, 0, arena, &delivery.job, error);
    if (result == MSP_OK)
        *out = delivery;
    return result;
}

enum msp_result msp_callback_claim(struct msp_db *db, const struct msp_callback_room *room,
                                   struct msp_arena *arena, int64_t deadline_ms, bool *out_found,
                                   struct msp_callback *out, int64_t *out_wait_ms,
                                   struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, room->busy_hosts);
    msp_params_bool(&params, room->troubled);
    msp_params_int(&params, room->lease_seconds);
    struct msp_call calls[] = {{&claim_statement, &params, NULL}, {&next_statement, NULL, NULL}};
    enum msp_result result = msp_db_transact(db, &no_tenant, calls, 2, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    bool found = PQntuples(calls[0].result) > 0;
    bool waiting = PQntuples(calls[1].result) > 0;
    if (found)
        result = read_delivery(calls[0].result, arena, out, error);
    if (result == MSP_OK) {
        *out_found = found;
        *out_wait_ms = waiting ? msp_result_int(calls[1].result, 0, 0) : INT64_MAX;
    }
    msp_calls_clear(calls, 2);
    return result;
}

enum msp_result msp_callback_record(struct msp_db *db, const char *id, int attempt,
                                    const struct msp_callback_outcome *outcome, int64_t deadline_ms,
                                    bool *out_held, struct msp_error *error)
{
    static const char *const states[] = {
        [MSP_CALLBACK_TAKEN] = "taken",
        [MSP_CALLBACK_AGAIN] = "waiting",
        [MSP_CALLBACK_FAILED] = "failed",
        [MSP_CALLBACK_GIVEN_BACK] = "waiting",
    };
    bool again = outcome->verdict == MSP_CALLBACK_AGAIN;
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, id);
    msp_params_int(&params, attempt);
    msp_params_text(&params, states[outcome->verdict]);
    msp_params_int(&params, outcome->verdict == MSP_CALLBACK_GIVEN_BACK ? 1 : 0);
    msp_params_int(&params, again && !outcome->conflict ? 1 : 0);
    msp_params_int(&params, again && outcome->conflict ? 1 : 0);
    msp_params_int(&params, again ? outcome->delay_ms : 0);
    msp_params_bool(&params, outcome->accepted);
    msp_params_int(&params, outcome->status);
    msp_params_text(&params, outcome->reason);
    struct msp_call call = {&record_statement, &params, NULL};
    enum msp_result result = msp_db_transact(db, &no_tenant, &call, 1, deadline_ms, error);
    if (result == MSP_OK)
        *out_held = PQntuples(call.result) > 0;
    msp_calls_clear(&call, 1);
    return result;
}
