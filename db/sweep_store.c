/* What a sweep noted, was told and moves. Asks no source. */
#include "msp/sweep_store.h"

#include "queries.h"
#include "wire.h"

#include <inttypes.h>
#include <stdio.h>

static const struct msp_statement due_statement = {
    "sweep_due", "SELECT msp.sweep_is_due($1::bigint, $2::text, $3::bigint::integer)", false};

static const struct msp_statement name_statement = {"sweep_name", "SELECT gen_random_uuid()::text",
                                                    false};

/* What an earlier sweep left when its worker died. */
static const struct msp_statement forget_statement = {
    "sweep_forget",
    "DELETE FROM msp.sweep_ids WHERE tenant_id = $1::bigint"
    " AND (sweep = $2::uuid OR begun_at < now() - interval '2 days')",
    false};

static const struct msp_statement note_statement = {
    "sweep_note",
    "WITH noted AS (INSERT INTO msp.sweep_ids (tenant_id, sweep, external_id, updated_at)"
    "   SELECT $1::bigint, $2::uuid, r.external_id, r.updated_at FROM msp.raw_tickets r"
    "    WHERE r.tenant_id = $1::bigint AND r.pulled_from = $3::text"
    "   ON CONFLICT DO NOTHING RETURNING external_id)"
    " SELECT count(*) FROM noted",
    false};

static const struct msp_statement list_statement = {
    "sweep_list",
    "UPDATE msp.sweep_ids SET listed = true"
    " WHERE tenant_id = $1::bigint AND sweep = $2::uuid AND external_id = ANY ($3::text[])"
    "   AND NOT listed",
    false};

static const struct msp_statement lock_statement = {
    "sweep_lock", "SELECT msp.lock_ingest($1::bigint, -1)", false};

static const struct msp_statement count_statement = {
    "sweep_count",
    "SELECT count(*), count(*) FILTER (WHERE NOT listed) FROM msp.sweep_ids"
    " WHERE tenant_id = $1::bigint AND sweep = $2::uuid",
    false};

static const struct msp_statement bury_statement = {"ticket_bury", msp_query_ticket_bury, false};

/* Those that came back since they were buried. */
static const struct msp_statement revive_statement = {
    "sweep_revive",
    "DELETE FROM msp.ticket_tombstones k USING msp.raw_tickets r"
    " WHERE k.tenant_id = $1::bigint AND r.tenant_id = $1::bigint"
    "   AND r.external_id = k.external_id",
    false};

static const struct msp_statement swept_statement = {
    "sweep_swept",
    "UPDATE msp.ingest_cursors SET swept_at = now()"
    " WHERE tenant_id = $1::bigint AND source = $2::text",
    false};

enum msp_result msp_sweep_is_due(struct msp_db *db, int64_t tenant_id, const char *source,
                                 int from_hour, int64_t deadline_ms, bool *out_due,
                                 struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, tenant_id);
    msp_params_text(&params, source);
    msp_params_int(&params, from_hour);
    struct msp_call call = {&due_statement, &params, NULL};
    const struct msp_scope scope = {tenant_id, NULL};
    enum msp_result result = msp_db_transact(db, &scope, &call, 1, deadline_ms, error);
    if (result == MSP_OK)
        *out_due = msp_result_bool(call.result, 0, 0);
    msp_calls_clear(&call, 1);
    return result;
}

static void name_params(struct msp_params *params, const struct msp_sweep *sweep)
{
    msp_params_init(params);
    msp_params_int(params, sweep->tenant_id);
    msp_params_text(params, sweep->id);
}

enum msp_result msp_sweep_begin(struct msp_db *db, int64_t tenant_id, const char *source,
                                int64_t deadline_ms, struct msp_sweep *out, struct msp_error *error)
{
    struct msp_sweep sweep = {.tenant_id = tenant_id, .source = source};
    const struct msp_scope scope = {tenant_id, NULL};
    struct msp_call name = {&name_statement, NULL, NULL};
    enum msp_result result = msp_db_transact(db, &scope, &name, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    (void)snprintf(sweep.id, sizeof sweep.id, "%s", msp_result_text(name.result, 0, 0));
    msp_calls_clear(&name, 1);
    struct msp_params forgotten;
    struct msp_params noted;
    name_params(&forgotten, &sweep);
    name_params(&noted, &sweep);
    msp_params_text(&noted, source);
    struct msp_call calls[] = {{&forget_statement, &forgotten, NULL},
                               {&note_statement, &noted, NULL}};
    result = msp_db_transact(db, &scope, calls, 2, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    sweep.stored = msp_result_int(calls[1].result, 0, 0);
    msp_calls_clear(calls, 2);
    *out = sweep;
    return MSP_OK;
}

enum msp_result msp_sweep_list(struct msp_db *db, const struct msp_sweep *sweep,
                               const char *const ids[], size_t count, int64_t deadline_ms,
                               struct msp_error *error)
{
    const struct msp_scope scope = {sweep->tenant_id, NULL};
    struct msp_buffer array;
    struct msp_params params;
    msp_buffer_init(&array, 0);
    msp_wire_array_begin(&array, MSP_OID_TEXT, count);
    for (size_t i = 0; i < count; i++)
        msp_wire_add_text(&array, ids[i]);
    enum msp_result result = MSP_OK;
    if (array.failed) {
        result = msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a page of ids.");
    } else {
        name_params(&params, sweep);
        msp_params_binary(&params, array.data, array.length);
        struct msp_call call = {&list_statement, &params, NULL};
        result = msp_db_transact(db, &scope, &call, 1, deadline_ms, error);
        msp_calls_clear(&call, 1);
    }
    msp_buffer_done(&array);
    return result;
}

/* Takes the lock in the open transaction and sees whether the listing can be believed. */
static enum msp_result judge(struct msp_db *db, const struct msp_sweep *sweep, bool force,
                             int64_t deadline_ms, struct msp_error *error)
{
    struct msp_params tenant;
    struct msp_params named;
    msp_params_init(&tenant);
    msp_params_int(&tenant, sweep->tenant_id);
    name_params(&named, sweep);
    struct msp_call calls[] = {{&lock_statement, &tenant, NULL}, {&count_statement, &named, NULL}};
    enum msp_result result = msp_db_run(db, calls, 2, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    int64_t stored = msp_result_int(calls[1].result, 0, 0);
    int64_t missing = msp_result_int(calls[1].result, 0, 1);
    msp_calls_clear(calls, 2);
    if (missing <= stored / 2 || force)
        return MSP_OK;
    return msp_fail(
        error, MSP_CONFLICT, "listing_too_short",
        "%" PRId64 " of the %" PRId64 " tickets stored are not in the list that %s gave. "
        "That many are seldom deleted in a day, so nothing was taken away: see whether "
        "its user may still see all tickets. If they are gone indeed, run msp-analytics "
        "source sweep with --force.",
        missing, stored, sweep->source);
}

static enum msp_result bury(struct msp_db *db, const struct msp_sweep *sweep, int64_t deadline_ms,
                            int64_t *out_buried, struct msp_error *error)
{
    struct msp_params buried;
    struct msp_params named;
    struct msp_params tenant;
    struct msp_params cursor;
    name_params(&buried, sweep);
    msp_params_text(&buried, sweep->source);
    name_params(&named, sweep);
    msp_params_init(&tenant);
    msp_params_int(&tenant, sweep->tenant_id);
    msp_params_init(&cursor);
    msp_params_int(&cursor, sweep->tenant_id);
    msp_params_text(&cursor, sweep->source);
    struct msp_call calls[] = {{&bury_statement, &buried, NULL},
                               {&revive_statement, &tenant, NULL},
                               {&swept_statement, &cursor, NULL},
                               {&forget_statement, &named, NULL}};
    enum msp_result result = msp_db_run(db, calls, 4, deadline_ms, error);
    if (result == MSP_OK)
        *out_buried = msp_result_int(calls[0].result, 0, 0);
    msp_calls_clear(calls, 4);
    return result;
}

enum msp_result msp_sweep_end(struct msp_db *db, const struct msp_sweep *sweep, bool force,
                              int64_t deadline_ms, int64_t *out_buried, struct msp_error *error)
{
    const struct msp_scope scope = {sweep->tenant_id, NULL};
    int64_t buried = 0;
    enum msp_result result = msp_db_begin(db, &scope, deadline_ms, error);
    if (result == MSP_OK)
        result = judge(db, sweep, force, deadline_ms, error);
    if (result == MSP_OK)
        result = bury(db, sweep, deadline_ms, &buried, error);
    if (result == MSP_OK)
        result = msp_db_commit(db, deadline_ms, error);
    else
        msp_db_rollback(db);
    if (result == MSP_OK)
        *out_buried = buried;
    return result;
}
