/* Summaries kept and read back, and the month's count of tokens. What is in them is others' work.
 */
#include "msp/summary_store.h"

#include "job_row.h"
#include "wire.h"

#include <stdio.h>

/* Read in binary form. */
#define HEAD_COLUMNS                                                                               \
    "s.summary_id::text, s.job_id::text, s.created_at, s.from_day, s.to_day, s.previous_from_day," \
    " s.previous_to_day, s.complete_through, s.data_as_of, s.language, s.written, s.model,"        \
    " s.not_by_model, s.not_by_model_detail"

enum column {
    COLUMN_ID,
    COLUMN_JOB,
    COLUMN_CREATED,
    COLUMN_FROM,
    COLUMN_TO,
    COLUMN_PREVIOUS_FROM,
    COLUMN_PREVIOUS_TO,
    COLUMN_COMPLETE_THROUGH,
    COLUMN_DATA_AS_OF,
    COLUMN_LANGUAGE,
    COLUMN_TEXT,
    COLUMN_MODEL,
    COLUMN_NOT_BY_MODEL,
    COLUMN_NOT_BY_MODEL_DETAIL,
    COLUMN_SENTENCES, /* of one summary alone, as the next */
    COLUMN_FACTS,
};

static const struct msp_statement of_job_statement = {
    "summary_of_job",
    "SELECT summary_id::text FROM msp.summaries WHERE tenant_id = $1::bigint AND job_id = $2::uuid",
    false};

#define THIS_MONTH "date_trunc('month', now() AT TIME ZONE 'UTC')::date"

static const struct msp_statement reserve_statement = {
    "summary_reserve",
    "INSERT INTO msp.summary_tokens AS t (tenant_id, month, tokens)"
    " SELECT $1::bigint, " THIS_MONTH ", $2::bigint WHERE $2::bigint <= $3::bigint"
    " ON CONFLICT (tenant_id, month) DO UPDATE SET tokens = t.tokens + EXCLUDED.tokens"
    "  WHERE t.tokens + EXCLUDED.tokens <= $3::bigint"
    " RETURNING 1",
    false};

/* A month may have begun since the tokens were reserved. */
static const struct msp_statement settle_statement = {
    "summary_settle",
    "INSERT INTO msp.summary_tokens AS t (tenant_id, month, tokens)"
    " VALUES ($1::bigint, " THIS_MONTH ", greatest($2::bigint, 0))"
    " ON CONFLICT (tenant_id, month) DO UPDATE"
    "   SET tokens = greatest(t.tokens + $2::bigint, 0)",
    false};

static const struct msp_statement save_statement = {
    "summary_save",
    "INSERT INTO msp.summaries (tenant_id, job_id, from_day, to_day, previous_from_day,"
    "                           previous_to_day, complete_through, data_as_of, language, written,"
    "                           sentences, facts, model, not_by_model, not_by_model_detail)"
    " VALUES ($1::bigint, $2::uuid, $3::date, $4::date, $5::date, $6::date, $7::date,"
    "         $8::timestamptz, $9::text, $10::text, $11::text, $12::text, $13::text, $14::text,"
    "         $15::text)"
    " RETURNING summary_id::text",
    false};

static const struct msp_statement fence_statement = {
    "summary_fence", "SELECT msp.job_fence($1::uuid, $2::bigint::integer, $3::text)", false};

static const struct msp_statement get_statement = {
    "summary_get",
    "SELECT " HEAD_COLUMNS ", s.sentences, s.facts FROM msp.summaries s"
    " WHERE s.tenant_id = $1::bigint AND s.summary_id = $2::uuid",
    true};

static const struct msp_statement list_statement = {
    "summary_list",
    "SELECT " HEAD_COLUMNS " FROM msp.summaries s"
    " WHERE s.tenant_id = $1::bigint"
    "   AND ($2::timestamptz IS NULL"
    "        OR (s.created_at, s.summary_id) < ($2::timestamptz, $3::uuid))"
    " ORDER BY s.created_at DESC, s.summary_id DESC LIMIT $4::bigint",
    true};

/* ---- for the job worker ---- */

static void fence_params(struct msp_params *params, const struct msp_fence *fence)
{
    msp_params_init(params);
    msp_params_text(params, fence->job_id);
    msp_params_int(params, fence->claim);
    msp_params_text(params, fence->worker);
}

static void tenant_params(struct msp_params *params, int64_t tenant_id)
{
    msp_params_init(params);
    msp_params_int(params, tenant_id);
}

enum msp_result msp_summary_of_job(struct msp_db *db, int64_t tenant_id, const char *job_id,
                                   int64_t deadline_ms, bool *out_found,
                                   char out_id[MSP_JOB_ID_BYTES], struct msp_error *error)
{
    struct msp_params params;
    tenant_params(&params, tenant_id);
    msp_params_text(&params, job_id);
    struct msp_call call = {&of_job_statement, &params, NULL};
    struct msp_scope scope = {tenant_id, NULL};
    enum msp_result result = msp_db_transact(db, &scope, &call, 1, deadline_ms, error);
    if (result == MSP_OK) {
        *out_found = PQntuples(call.result) > 0;
        if (*out_found)
            (void)snprintf(out_id, MSP_JOB_ID_BYTES, "%s", msp_result_text(call.result, 0, 0));
    }
    msp_calls_clear(&call, 1);
    return result;
}

enum msp_result msp_summary_reserve_tokens(struct msp_db *db, int64_t tenant_id,
                                           const struct msp_fence *fence, int64_t tokens,
                                           int64_t budget, int64_t deadline_ms, bool *out_granted,
                                           struct msp_error *error)
{
    struct msp_params held;
    struct msp_params params;
    fence_params(&held, fence);
    tenant_params(&params, tenant_id);
    msp_params_int(&params, tokens);
    msp_params_int(&params, budget);
    struct msp_call calls[] = {{&fence_statement, &held, NULL},
                               {&reserve_statement, &params, NULL}};
    struct msp_scope scope = {tenant_id, NULL};
    enum msp_result result = msp_db_transact(db, &scope, calls, 2, deadline_ms, error);
    if (result == MSP_OK)
        *out_granted = PQntuples(calls[1].result) > 0;
    msp_calls_clear(calls, 2);
    return result;
}

static void save_params(struct msp_params *params, int64_t tenant_id, const char *job_id,
                        const struct msp_summary *summary)
{
    tenant_params(params, tenant_id);
    msp_params_text(params, job_id);
    msp_params_day(params, summary->from);
    msp_params_day(params, summary->to);
    msp_params_day(params, summary->previous_from);
    msp_params_day(params, summary->previous_to);
    msp_params_day(params, summary->complete_through);
    msp_params_time(params, summary->data_as_of_us);
    msp_params_text(params, summary->language);
    msp_params_text(params, summary->text);
    msp_params_text(params, summary->sentences);
    msp_params_text(params, summary->facts);
    msp_params_text(params, summary->model);
    msp_params_text(params, summary->not_by_model);
    msp_params_text(params, summary->not_by_model_detail);
}

enum msp_result msp_summary_save(struct msp_db *db, int64_t tenant_id,
                                 const struct msp_fence *fence, const struct msp_summary *summary,
                                 int64_t tokens, int64_t deadline_ms, char out_id[MSP_JOB_ID_BYTES],
                                 struct msp_error *error)
{
    struct msp_params held;
    struct msp_params saved;
    struct msp_params settled;
    fence_params(&held, fence);
    save_params(&saved, tenant_id, fence->job_id, summary);
    tenant_params(&settled, tenant_id);
    msp_params_int(&settled, tokens);
    struct msp_call calls[] = {{&fence_statement, &held, NULL},
                               {&save_statement, &saved, NULL},
                               {&settle_statement, &settled, NULL}};
    struct msp_scope scope = {tenant_id, NULL};
    size_t count = tokens == 0 ? 2 : 3;
    enum msp_result result = msp_db_transact(db, &scope, calls, count, deadline_ms, error);
    if (result == MSP_OK)
        (void)snprintf(out_id, MSP_JOB_ID_BYTES, "%s", msp_result_text(calls[1].result, 0, 0));
    msp_calls_clear(calls, count);
    return result;
}

/* ---- for those who read ---- */

/* NULL for null; false without memory. */
static bool copy_text(const PGresult *rows, int row, int column, struct msp_arena *arena,
                      const char **out)
{
    *out = NULL;
    if (msp_result_is_null(rows, row, column))
        return true;
    *out = msp_arena_copy(arena, PQgetvalue(rows, row, column),
                          (size_t)PQgetlength(rows, row, column));
    return *out != NULL;
}

static bool read_texts(const PGresult *rows, int row, struct msp_arena *arena,
                       struct msp_summary *out)
{
    const struct {
        int column;
        const char **text;
    } texts[] = {
        {COLUMN_LANGUAGE, &out->language},
        {COLUMN_TEXT, &out->text},
        {COLUMN_MODEL, &out->model},
        {COLUMN_NOT_BY_MODEL, &out->not_by_model},
        {COLUMN_NOT_BY_MODEL_DETAIL, &out->not_by_model_detail},
        {COLUMN_SENTENCES, &out->sentences},
        {COLUMN_FACTS, &out->facts},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].column < PQnfields(rows) &&
            !copy_text(rows, row, texts[i].column, arena, texts[i].text))
            return false;
    }
    return true;
}

static enum msp_result read_row(const PGresult *rows, int row, struct msp_arena *arena,
                                struct msp_summary *out, struct msp_error *error)
{
    struct msp_summary summary = {
        .created_us = msp_wire_time(rows, row, COLUMN_CREATED),
        .from = msp_wire_day(rows, row, COLUMN_FROM),
        .to = msp_wire_day(rows, row, COLUMN_TO),
        .previous_from = msp_wire_day(rows, row, COLUMN_PREVIOUS_FROM),
        .previous_to = msp_wire_day(rows, row, COLUMN_PREVIOUS_TO),
        .complete_through = msp_wire_day(rows, row, COLUMN_COMPLETE_THROUGH),
        .data_as_of_us = msp_wire_time(rows, row, COLUMN_DATA_AS_OF),
    };
    (void)snprintf(summary.id, sizeof summary.id, "%s", msp_result_text(rows, row, COLUMN_ID));
    (void)snprintf(summary.job_id, sizeof summary.job_id, "%s",
                   msp_result_text(rows, row, COLUMN_JOB));
    if (!read_texts(rows, row, arena, &summary))
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to read a summary.");
    *out = summary;
    return MSP_OK;
}

static enum msp_result fail_unknown(struct msp_error *error)
{
    return msp_fail(error, MSP_NOT_FOUND, "summary_unknown", "There is no such summary.");
}

enum msp_result msp_summary_get(struct msp_db *db, int64_t tenant_id, const char *id,
                                struct msp_arena *arena, int64_t deadline_ms,
                                struct msp_summary *out, struct msp_error *error)
{
    if (!msp_job_id_is_well_formed(id))
        return fail_unknown(error);
    struct msp_params params;
    tenant_params(&params, tenant_id);
    msp_params_text(&params, id);
    struct msp_call call = {&get_statement, &params, NULL};
    struct msp_scope scope = {tenant_id, NULL};
    enum msp_result result = msp_db_transact(db, &scope, &call, 1, deadline_ms, error);
    if (result == MSP_OK)
        result = PQntuples(call.result) == 0 ? fail_unknown(error)
                                             : read_row(call.result, 0, arena, out, error);
    msp_calls_clear(&call, 1);
    return result;
}

static enum msp_result read_rows(const PGresult *rows, struct msp_arena *arena,
                                 struct msp_summary **out_summaries, size_t *out_count,
                                 struct msp_error *error)
{
    size_t count = (size_t)PQntuples(rows);
    struct msp_summary *summaries = msp_arena_calloc(arena, count + 1, sizeof *summaries);
    if (summaries == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to read summaries.");
    for (size_t i = 0; i < count; i++) {
        enum msp_result result = read_row(rows, (int)i, arena, &summaries[i], error);
        if (result != MSP_OK)
            return result;
    }
    *out_summaries = summaries;
    *out_count = count;
    return MSP_OK;
}

enum msp_result msp_summary_list(struct msp_db *db, int64_t tenant_id, int64_t before_us,
                                 const char *before_id, int limit, struct msp_arena *arena,
                                 int64_t deadline_ms, struct msp_summary **out_summaries,
                                 size_t *out_count, struct msp_error *error)
{
    bool from_start = before_us == MSP_NO_TIME;
    if (!from_start && !msp_job_id_is_well_formed(before_id))
        return msp_fail(error, MSP_INVALID, "cursor_malformed", "The cursor is not one of ours.");
    struct msp_params params;
    tenant_params(&params, tenant_id);
    msp_params_time(&params, before_us);
    msp_params_text(&params, from_start ? NULL : before_id);
    msp_params_int(&params, limit);
    struct msp_call call = {&list_statement, &params, NULL};
    struct msp_scope scope = {tenant_id, NULL};
    enum msp_result result = msp_db_transact(db, &scope, &call, 1, deadline_ms, error);
    if (result == MSP_OK)
        result = read_rows(call.result, arena, out_summaries, out_count, error);
    msp_calls_clear(&call, 1);
    return result;
}
