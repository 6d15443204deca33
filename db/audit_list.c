/* Lines of the audit log, page by page, and their erasing. What a line says is not checked here. */
#include "msp/audit_log.h"

#include "wire.h"

#include "msp/no_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct msp_statement list_statement = {
    "audit_list",
    "SELECT l.audit_id, t.slug, l.at, l.action, l.actor, l.address, l.object, l.request_id,"
    "       (l.detail -> 'before')::text, (l.detail -> 'after')::text,"
    "       l.salt IS NULL AND l.place IS NOT NULL"
    "  FROM msp.audit_log l LEFT JOIN msp.tenants t ON t.tenant_id = l.tenant_id"
    " WHERE ($1::bigint = 0 OR l.tenant_id = $1::bigint)"
    "   AND ($2::timestamptz IS NULL OR l.at >= $2::timestamptz)"
    "   AND ($3::timestamptz IS NULL OR l.at < $3::timestamptz)"
    "   AND ($4::text IS NULL OR l.action = $4::text)"
    "   AND ($5::text IS NULL OR l.actor = $5::text)"
    "   AND ($6::bigint = 0 OR l.audit_id < $6::bigint)"
    " ORDER BY l.audit_id DESC LIMIT $7::bigint",
    true};

enum column {
    ID,
    TENANT,
    AT,
    ACTION,
    ACTOR,
    ADDRESS,
    OBJECT,
    REQUEST_ID,
    BEFORE,
    AFTER,
    ERASED,
};

static const struct msp_statement find_statement = {
    "audit_find",
    "SELECT l.tenant_id, json_build_object('action', l.action, 'at', l.at)::text"
    "  FROM msp.audit_log l WHERE l.audit_id = $1::bigint",
    true};

static const struct msp_statement erase_statement = {
    "audit_erase", "SELECT msp.audit_erase($1::bigint, $2::bigint)", true};

static const struct msp_scope admin_scope = {0, "msp_admin"};

static const char *copy(const PGresult *rows, int row, enum column column, struct msp_arena *arena,
                        bool *failed)
{
    if (PQgetisnull(rows, row, column))
        return NULL;
    const char *text = msp_arena_copy(arena, PQgetvalue(rows, row, column),
                                      (size_t)PQgetlength(rows, row, column));
    *failed |= text == NULL;
    return text;
}

static bool read_row(const PGresult *rows, int row, struct msp_arena *arena,
                     struct msp_audit_row *out)
{
    bool failed = false;
    out->id = msp_result_int(rows, row, ID);
    out->at_us = msp_wire_time(rows, row, AT);
    out->erased = msp_result_bool(rows, row, ERASED);
    out->tenant = copy(rows, row, TENANT, arena, &failed);
    out->action = copy(rows, row, ACTION, arena, &failed);
    out->actor = copy(rows, row, ACTOR, arena, &failed);
    out->address = copy(rows, row, ADDRESS, arena, &failed);
    out->object = copy(rows, row, OBJECT, arena, &failed);
    out->request_id = copy(rows, row, REQUEST_ID, arena, &failed);
    out->before = copy(rows, row, BEFORE, arena, &failed);
    out->after = copy(rows, row, AFTER, arena, &failed);
    return !failed;
}

static enum msp_result read_rows(const PGresult *rows, struct msp_arena *arena,
                                 struct msp_audit_row **out_rows, size_t *out_count,
                                 struct msp_error *error)
{
    int count = PQntuples(rows);
    struct msp_audit_row *read = msp_arena_calloc(arena, (size_t)count + 1, sizeof *read);
    bool whole = read != NULL;
    for (int row = 0; row < count && whole; row++)
        whole = read_row(rows, row, arena, &read[row]);
    if (!whole)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the audit log's lines.");
    *out_rows = read;
    *out_count = (size_t)count;
    return MSP_OK;
}

enum msp_result msp_audit_list(struct msp_db *db, const struct msp_audit_filter *filter,
                               struct msp_arena *arena, int64_t deadline_ms,
                               struct msp_audit_row **out_rows, size_t *out_count,
                               struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, filter->tenant_id);
    msp_params_time(&params, filter->from_us);
    msp_params_time(&params, filter->before_us);
    msp_params_text(&params, filter->action);
    msp_params_text(&params, filter->actor);
    msp_params_int(&params, filter->before_id);
    msp_params_int(&params, filter->limit);
    struct msp_call call = {&list_statement, &params, NULL};
    enum msp_result result = msp_db_transact(db, &admin_scope, &call, 1, deadline_ms, error);
    if (result == MSP_OK)
        result = read_rows(call.result, arena, out_rows, out_count, error);
    msp_calls_clear(&call, 1);
    return result;
}

void msp_audit_row_write(struct msp_json_writer *writer, const struct msp_audit_row *row)
{
    msp_json_begin_object(writer);
    msp_json_key_int(writer, "id", row->id);
    msp_json_key_string(writer, "tenant", row->tenant);
    msp_json_key_time(writer, "at", row->at_us);
    msp_json_key_string(writer, "action", row->action);
    msp_json_key_string(writer, "actor", row->actor);
    msp_json_key_string(writer, "address", row->address);
    msp_json_key_string(writer, "object", row->object);
    msp_json_key_string(writer, "request_id", row->request_id);
    msp_json_key(writer, "before");
    msp_json_raw(writer, row->before);
    msp_json_key(writer, "after");
    msp_json_raw(writer, row->after);
    msp_json_key_bool(writer, "erased", row->erased);
    msp_json_end_object(writer);
}

/* ---- erasing ---- */

/* The line about the erasure, without anything that was erased. */
struct erasure {
    struct msp_audit_line line;
    char object[24];
    char detail[256];
};

/* In an open transaction: whose line it is, and what is left to say about it. */
static enum msp_result find_line(struct msp_db *db, int64_t id, int64_t deadline_ms,
                                 struct erasure *out, struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, id);
    struct msp_call call = {&find_statement, &params, NULL};
    enum msp_result result = msp_db_run(db, &call, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    bool found = PQntuples(call.result) > 0;
    if (found) {
        out->line = (struct msp_audit_line){msp_result_int(call.result, 0, 0), "audit.erase",
                                            out->object, out->detail};
        (void)snprintf(out->object, sizeof out->object, "%" PRId64, id);
        (void)snprintf(out->detail, sizeof out->detail, "{\"before\":%.200s,\"after\":null}",
                       msp_result_text(call.result, 0, 1));
    }
    msp_calls_clear(&call, 1);
    if (found)
        return MSP_OK;
    msp_db_rollback(db);
    return msp_fail(error, MSP_NOT_FOUND, "audit_line_unknown",
                    "There is no line %" PRId64 "; msp-analytics audit list shows their ids", id);
}

static enum msp_result blank(struct msp_db *db, int64_t tenant_id, int64_t id, int64_t deadline_ms,
                             struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, tenant_id);
    msp_params_int(&params, id);
    struct msp_call call = {&erase_statement, &params, NULL};
    enum msp_result result = msp_db_run(db, &call, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    bool done = msp_result_bool(call.result, 0, 0);
    msp_calls_clear(&call, 1);
    if (done)
        return MSP_OK;
    msp_db_rollback(db);
    return msp_fail(error, MSP_CONFLICT, "audit_line_fixed",
                    "line %" PRId64 " is erased already, tells of an erasure, or is older than the "
                    "chain; nothing was changed",
                    id);
}

enum msp_result msp_audit_erase(struct msp_db *db, int64_t id, const struct msp_actor *actor,
                                int64_t deadline_ms, struct msp_error *error)
{
    struct erasure erasure = {.object = ""};
    enum msp_result result = msp_db_begin(db, &admin_scope, deadline_ms, error);
    if (result == MSP_OK)
        result = find_line(db, id, deadline_ms, &erasure, error);
    if (result == MSP_OK)
        result = blank(db, erasure.line.tenant_id, id, deadline_ms, error);
    if (result == MSP_OK)
        result = msp_audit_append(db, actor, &erasure.line, deadline_ms, error);
    if (result == MSP_OK)
        result = msp_db_commit(db, deadline_ms, error);
    return result;
}
