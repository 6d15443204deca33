/* Sources as admins see them, and their secrets sealed anew. Opens no secret to show it. */
#include "msp/source_store.h"

#include "source_row.h"
#include "wire.h"

#include "msp/no_value.h"
#include "msp/source_kinds.h"

#include <stdio.h>
#include <string.h>

#define US_A_SECOND 1000000

#define COLUMNS                                                                                    \
    "t.slug, t.source, s.settings, s.secret_names, s.updated_at, s.updated_by,"                    \
    " c.drained_at, c.failed_at, c.failure"
#define TABLES                                                                                     \
    "  FROM msp.tenants t"                                                                         \
    "  LEFT JOIN msp.sources s ON s.tenant_id = t.tenant_id AND s.kind = t.source"                 \
    "  LEFT JOIN msp.ingest_cursors c ON c.tenant_id = t.tenant_id AND c.source = t.source"

static const struct msp_statement list_statement = {
    "source_list",
    "SELECT " COLUMNS TABLES " WHERE t.source <> '' AND ($1::text IS NULL OR t.slug = $1::text)"
    "   AND t.slug COLLATE \"C\" > $2::text ORDER BY t.slug COLLATE \"C\" LIMIT $3::bigint",
    true};

static const struct msp_statement behind_statement = {
    "source_behind",
    "SELECT " COLUMNS TABLES " WHERE t.source <> '' AND t.active"
    " ORDER BY c.drained_at NULLS FIRST, t.slug COLLATE \"C\" LIMIT $1::bigint",
    true};

static const struct msp_statement find_statement = {
    "source_find", "SELECT " COLUMNS TABLES " WHERE t.slug = $1::text", true};

enum column {
    SLUG,
    KIND,
    SETTINGS,
    SECRET_NAMES,
    UPDATED_AT,
    UPDATED_BY,
    DRAINED_AT,
    FAILED_AT,
    FAILURE,
};

static const struct msp_scope admin_scope = {0, "msp_admin"};

static enum msp_result no_memory(struct msp_error *error)
{
    return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the ticket sources.");
}

static const char *copy(const PGresult *rows, int row, int column, struct msp_arena *arena,
                        bool *failed)
{
    if (msp_result_is_null(rows, row, column))
        return NULL;
    const char *text = msp_arena_copy(arena, PQgetvalue(rows, row, column),
                                      (size_t)PQgetlength(rows, row, column));
    *failed = *failed || text == NULL;
    return text;
}

static bool read_row(const PGresult *rows, int row, struct msp_arena *arena,
                     struct msp_source_info *out)
{
    bool failed = false;
    out->tenant = copy(rows, row, SLUG, arena, &failed);
    out->kind = copy(rows, row, KIND, arena, &failed);
    out->options = copy(rows, row, SETTINGS, arena, &failed);
    out->secret_names = copy(rows, row, SECRET_NAMES, arena, &failed);
    out->updated_us = msp_wire_time(rows, row, UPDATED_AT);
    out->updated_by = copy(rows, row, UPDATED_BY, arena, &failed);
    out->drained_us = msp_wire_time(rows, row, DRAINED_AT);
    out->failed_us = msp_wire_time(rows, row, FAILED_AT);
    out->failure = copy(rows, row, FAILURE, arena, &failed);
    return !failed;
}

static enum msp_result read_rows(struct msp_db *db, const struct msp_statement *statement,
                                 const struct msp_params *params, struct msp_arena *arena,
                                 int64_t deadline_ms, struct msp_source_info **out_sources,
                                 size_t *out_count, struct msp_error *error)
{
    struct msp_call call = {statement, params, NULL};
    enum msp_result result = msp_db_transact(db, &admin_scope, &call, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    int count = PQntuples(call.result);
    struct msp_source_info *sources = msp_arena_calloc(arena, (size_t)count + 1, sizeof *sources);
    bool whole = sources != NULL;
    for (int row = 0; row < count && whole; row++)
        whole = read_row(call.result, row, arena, &sources[row]);
    msp_calls_clear(&call, 1);
    if (!whole)
        return no_memory(error);
    *out_sources = sources;
    *out_count = (size_t)count;
    return MSP_OK;
}

enum msp_result msp_source_store_list(struct msp_db *db, const char *tenant, const char *after,
                                      int limit, struct msp_arena *arena, int64_t deadline_ms,
                                      struct msp_source_info **out_sources, size_t *out_count,
                                      struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, tenant);
    msp_params_text(&params, after);
    msp_params_int(&params, limit);
    return read_rows(db, &list_statement, &params, arena, deadline_ms, out_sources, out_count,
                     error);
}

enum msp_result msp_source_store_behind(struct msp_db *db, int limit, struct msp_arena *arena,
                                        int64_t deadline_ms, struct msp_source_info **out_sources,
                                        size_t *out_count, struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, limit);
    return read_rows(db, &behind_statement, &params, arena, deadline_ms, out_sources, out_count,
                     error);
}

enum msp_result msp_source_store_find(struct msp_db *db, const char *tenant,
                                      struct msp_arena *arena, int64_t deadline_ms,
                                      struct msp_source_info *out, struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, tenant);
    struct msp_call call = {&find_statement, &params, NULL};
    enum msp_result result = msp_db_transact(db, &admin_scope, &call, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    bool known = PQntuples(call.result) > 0;
    bool whole = !known || read_row(call.result, 0, arena, out);
    msp_calls_clear(&call, 1);
    if (!whole)
        return no_memory(error);
    if (!known)
        return msp_fail(error, MSP_NOT_FOUND, "tenant_unknown", "There is no tenant \"%.80s\".",
                        tenant);
    if (out->kind[0] == '\0')
        return msp_fail(error, MSP_NOT_FOUND, "source_not_set",
                        "Tickets of tenant \"%.80s\" are pushed; msp-analytics source set says "
                        "where to pull them from.",
                        tenant);
    return MSP_OK;
}

/* ---- showing ---- */

static bool lists(const char *names, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = names; at != NULL && *at != '\0'; at += strspn(at, " ")) {
        size_t span = strcspn(at, " ");
        if (span == length && strncmp(at, name, length) == 0)
            return true;
        at += span;
    }
    return false;
}

static void write_secrets(struct msp_json_writer *writer, const struct msp_source_info *info)
{
    const struct msp_source_kind *kind = msp_source_kind_find(info->kind);
    msp_json_key(writer, "secrets");
    msp_json_begin_object(writer);
    for (size_t i = 0; kind != NULL && kind->options[i].name != NULL; i++) {
        if (kind->options[i].is_secret)
            msp_json_key_bool(writer, kind->options[i].name,
                              lists(info->secret_names, kind->options[i].name));
    }
    msp_json_end_object(writer);
}

static void write_failure(struct msp_json_writer *writer, const struct msp_source_info *info)
{
    msp_json_key(writer, "last_error");
    if (info->failed_us == MSP_NO_TIME) {
        msp_json_null(writer);
        return;
    }
    msp_json_begin_object(writer);
    msp_json_key_time(writer, "at", info->failed_us);
    msp_json_key_string(writer, "detail", info->failure);
    msp_json_end_object(writer);
}

int64_t msp_source_info_lag_seconds(const struct msp_source_info *info, int64_t now_us)
{
    if (info->drained_us == MSP_NO_TIME)
        return -1;
    return now_us > info->drained_us ? (now_us - info->drained_us) / US_A_SECOND : 0;
}

void msp_source_info_write_freshness(struct msp_json_writer *writer,
                                     const struct msp_source_info *info, int64_t now_us)
{
    const int64_t lag_seconds = msp_source_info_lag_seconds(info, now_us);
    msp_json_key_time(writer, "complete_until", info->drained_us);
    msp_json_key(writer, "lag_seconds");
    if (lag_seconds < 0)
        msp_json_null(writer);
    else
        msp_json_int(writer, lag_seconds);
    write_failure(writer, info);
}

void msp_source_info_write(struct msp_json_writer *writer, const struct msp_source_info *info,
                           int64_t now_us)
{
    msp_json_begin_object(writer);
    msp_json_key_string(writer, "tenant", info->tenant);
    msp_json_key_string(writer, "kind", info->kind);
    msp_json_key(writer, "options");
    msp_json_raw(writer, info->options);
    write_secrets(writer, info);
    msp_json_key_time(writer, "updated_at", info->updated_us);
    msp_json_key_string(writer, "updated_by", info->updated_by);
    msp_source_info_write_freshness(writer, info, now_us);
    msp_json_end_object(writer);
}
