/* Erasing tenants and people, and handing a tenant's rows out. The statements are the migrations':
 * they go by the catalogue, so that no table is forgotten. */
#include "msp/erasure_store.h"

#include "wire.h"

#include "msp/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct msp_statement quiet_statement = {"erasure_quiet",
                                                     "SELECT msp.quiet_tenant($1::bigint)", true};

static const struct msp_statement mentions_statement = {
    "erasure_mentions", "SELECT audit_id FROM msp.erase_mentions($1::text) AS audit_id", true};

static const struct msp_statement tenant_statement = {
    "erasure_tenant", "SELECT msp.erase_tenant($1::bigint)::text", false};

static const struct msp_statement person_statement = {
    "erasure_person",
    "SELECT counts::text, array_to_string(lines, ' ')"
    "  FROM msp.erase_person($1::bigint, $2::text)",
    false};

/* Must stand before any other statement, and so before that which chooses the role. */
static const struct msp_statement one_moment_statement = {
    "erasure_one_moment", "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", false};
static const struct msp_statement as_admin_statement = {"erasure_as_admin",
                                                        "SET LOCAL ROLE msp_admin", false};

static const struct msp_statement tables_statement = {
    "erasure_tables", "SELECT name FROM msp.tenant_tables($1::bigint) AS name", false};

static const struct msp_scope admin_scope = {0, "msp_admin"};

/* One number in, inside the open transaction. */
static enum msp_result ask_of(struct msp_db *db, const struct msp_statement *statement, int64_t id,
                              const char *text, int64_t deadline_ms, PGresult **out_rows,
                              struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    if (id != 0)
        msp_params_int(&params, id);
    if (text != NULL)
        msp_params_text(&params, text);
    struct msp_call call = {statement, &params, NULL};
    const enum msp_result result = msp_db_run(db, &call, 1, deadline_ms, error);
    if (result == MSP_OK)
        *out_rows = call.result;
    return result;
}

enum msp_result msp_erasure_quiet(struct msp_db *db, int64_t tenant_id, int64_t deadline_ms,
                                  int64_t *out_left, struct msp_error *error)
{
    PGresult *rows = NULL;
    enum msp_result result = msp_db_begin(db, &admin_scope, deadline_ms, error);
    if (result == MSP_OK)
        result = ask_of(db, &quiet_statement, tenant_id, NULL, deadline_ms, &rows, error);
    if (result != MSP_OK)
        return result;
    *out_left = msp_result_int(rows, 0, 0);
    PQclear(rows);
    return msp_db_commit(db, deadline_ms, error);
}

/* A line that was blanked meanwhile is as it shall be. */
static enum msp_result blank_line(struct msp_db *db, int64_t id, const struct msp_actor *actor,
                                  int64_t deadline_ms, struct msp_error *error)
{
    const enum msp_result result = msp_audit_erase(db, id, actor, deadline_ms, error);
    return result == MSP_CONFLICT ? MSP_OK : result;
}

/* ---- a tenant ---- */

static enum msp_result erase_mentions(struct msp_db *db, const char *slug,
                                      const struct msp_actor *actor, int64_t deadline_ms,
                                      struct msp_error *error)
{
    PGresult *rows = NULL;
    enum msp_result result = msp_db_begin(db, &admin_scope, deadline_ms, error);
    if (result == MSP_OK)
        result = ask_of(db, &mentions_statement, 0, slug, deadline_ms, &rows, error);
    if (result == MSP_OK)
        result = msp_db_commit(db, deadline_ms, error);
    for (int row = 0; rows != NULL && row < PQntuples(rows) && result == MSP_OK; row++)
        result = blank_line(db, msp_result_int(rows, row, 0), actor, deadline_ms, error);
    PQclear(rows);
    return result;
}

/* Ends the open transaction with the line that tells of it. */
static enum msp_result conclude(struct msp_db *db, const struct msp_audit_line *line,
                                const struct msp_actor *actor, const char *counts,
                                int64_t deadline_ms, struct msp_error *error)
{
    char detail[MSP_ERASURE_COUNTS_BYTES + 64];
    (void)snprintf(detail, sizeof(detail), "{\"before\":null,\"after\":%s}", counts);
    const struct msp_audit_line whole = {line->tenant_id, line->action, line->object, detail};
    return msp_audit_commit(db, actor, &whole, deadline_ms, error);
}

enum msp_result msp_erasure_tenant(struct msp_db *db, int64_t tenant_id, const char *slug,
                                   const struct msp_actor *actor, int64_t deadline_ms,
                                   char counts[MSP_ERASURE_COUNTS_BYTES], struct msp_error *error)
{
    PGresult *rows = NULL;
    char object[32];
    enum msp_result result = erase_mentions(db, slug, actor, deadline_ms, error);
    if (result == MSP_OK)
        result = msp_db_begin(db, &admin_scope, deadline_ms, error);
    if (result == MSP_OK)
        result = ask_of(db, &tenant_statement, tenant_id, NULL, deadline_ms, &rows, error);
    if (result != MSP_OK)
        return result;
    (void)snprintf(counts, MSP_ERASURE_COUNTS_BYTES, "%s", msp_result_text(rows, 0, 0));
    PQclear(rows);
    (void)snprintf(object, sizeof(object), "tenant %" PRId64, tenant_id);
    const struct msp_audit_line line = {tenant_id, MSP_AUDIT_TENANT_ERASE, object, NULL};
    return conclude(db, &line, actor, counts, deadline_ms, error);
}

/* ---- a person ---- */

static enum msp_result blank_lines(struct msp_db *db, const char *ids,
                                   const struct msp_actor *actor, int64_t deadline_ms,
                                   struct msp_error *error)
{
    enum msp_result result = MSP_OK;
    char *end = NULL;
    for (const char *at = ids; *at != '\0' && result == MSP_OK; at = end) {
        const int64_t id = strtoll(at, &end, 10);
        if (end == at)
            break;
        result = blank_line(db, id, actor, deadline_ms, error);
    }
    return result;
}

enum msp_result msp_erasure_person(struct msp_db *db, int64_t tenant_id, const char *who,
                                   const struct msp_actor *actor, int64_t deadline_ms,
                                   char counts[MSP_ERASURE_COUNTS_BYTES], struct msp_error *error)
{
    static const char object[] = "(a person)";
    PGresult *rows = NULL;
    enum msp_result result = msp_db_begin(db, &admin_scope, deadline_ms, error);
    if (result == MSP_OK)
        result = ask_of(db, &person_statement, tenant_id, who, deadline_ms, &rows, error);
    if (result != MSP_OK)
        return result;
    (void)snprintf(counts, MSP_ERASURE_COUNTS_BYTES, "%s", msp_result_text(rows, 0, 0));
    const struct msp_audit_line line = {tenant_id, "person.erase", object, NULL};
    result = conclude(db, &line, actor, counts, deadline_ms, error);
    if (result == MSP_OK)
        result = blank_lines(db, msp_result_text(rows, 0, 1), actor, deadline_ms, error);
    PQclear(rows);
    return result;
}

/* ---- handing out ---- */

/* As CSV with signs for quote and comma that JSON never holds unescaped: the lines as they are. */
static enum msp_result copy_table(struct msp_db *db, int64_t tenant_id, const char *name,
                                  const struct msp_tenant_copy *copy, int idle_ms,
                                  struct msp_error *error)
{
    char sql[320];
    if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name))
        return msp_fail(error, MSP_BROKEN, "table_odd", "A table has an odd name.");
    if (!copy->table(copy->context, name))
        return msp_fail(error, MSP_CANCELLED, "cancelled", "The copy was cancelled.");
    (void)snprintf(sql, sizeof(sql),
                   "COPY (SELECT line FROM msp.tenant_rows(%" PRId64 ", '%s') AS line) TO STDOUT "
                   "(FORMAT csv, QUOTE e'\\x01', DELIMITER e'\\x02')",
                   tenant_id, name);
    return msp_db_copy_out(db, sql, idle_ms, copy->row, copy->context, error);
}

enum msp_result msp_tenant_copy_out(struct msp_db *db, int64_t tenant_id,
                                    const struct msp_tenant_copy *copy, int idle_ms,
                                    struct msp_error *error)
{
    PGresult *tables = NULL;
    struct msp_call calls[] = {{&one_moment_statement, NULL, NULL},
                               {&as_admin_statement, NULL, NULL}};
    const struct msp_scope nobody = {0, NULL};
    const int64_t deadline_ms = msp_clock_monotonic_ms() + idle_ms;
    enum msp_result result = msp_db_begin(db, &nobody, deadline_ms, error);
    if (result == MSP_OK)
        result = msp_db_run(db, calls, 2, deadline_ms, error);
    msp_calls_clear(calls, 2);
    if (result == MSP_OK)
        result = ask_of(db, &tables_statement, tenant_id, NULL, deadline_ms, &tables, error);
    for (int row = 0; tables != NULL && row < PQntuples(tables) && result == MSP_OK; row++)
        result = copy_table(db, tenant_id, msp_result_text(tables, row, 0), copy, idle_ms, error);
    PQclear(tables);
    if (result == MSP_OK)
        result = msp_db_commit(db, msp_clock_monotonic_ms() + idle_ms, error);
    return result;
}
