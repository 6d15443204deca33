/* Writing a batch: one transaction in one round trip under the tenant's ingest lock. */
#include "msp/ticket_store.h"

#include "queries.h"
#include "ticket_batch.h"
#include "wire.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/*
 * Two batches with tickets of one shard at once would each miss the other's old rows, and with them
 * dirty days. The lock is a statement of its own, so that the upsert's snapshot is taken once it is
 * held.
 */
static const struct msp_statement lock_statement = {
    "ingest_lock", "SELECT msp.lock_ingest($1::bigint, $2::bigint::integer)", false};

static const struct msp_statement safe_later_statement = {
    "ingest_safe_later", "SELECT set_config('synchronous_commit', 'off', true)", false};

static const struct msp_statement upsert_statement = {"ticket_upsert", msp_query_ticket_upsert,
                                                      false};

static const struct msp_statement reject_statement = {
    "ticket_reject",
    "INSERT INTO msp.raw_rejects AS k (tenant_id, code, pointer, reason, payload, digest, times)"
    " SELECT $1::bigint, r.code, r.pointer, min(r.reason), r.payload,"
    "        sha256(convert_to(r.code || r.pointer || chr(10) || r.payload, 'UTF8')), count(*)"
    "   FROM unnest($2::text[], $3::text[], $4::text[], $5::text[])"
    "        AS r (code, pointer, reason, payload)"
    "  GROUP BY r.code, r.pointer, r.payload"
    " ON CONFLICT (tenant_id, digest) DO UPDATE"
    "    SET times = k.times + EXCLUDED.times, received_at = EXCLUDED.received_at",
    false};

static const struct msp_statement cursor_statement = {
    "cursor_move",
    "SELECT msp.move_cursor($1::bigint, $2::text, $3::text, $4::text, $5::boolean,"
    " coalesce($6::timestamptz, now()))",
    false};

static const struct msp_statement failure_statement = {
    "source_failure", "SELECT msp.note_source_failure($1::bigint, $2::text, $3::text)", false};

static const struct msp_statement cursor_read_statement = {
    "cursor_read",
    "SELECT cursor, previous_cursor, drained_at FROM msp.ingest_cursors"
    " WHERE tenant_id = $1::bigint AND source = $2::text",
    true};

/* The columns of ticket_upsert.sql in its parameters' order, from $2 on. */
enum column_form { FORM_TEXT, FORM_TIME, FORM_VERDICT, FORM_COUNT, FORM_SCORE, FORM_VERSION };

static const struct column {
    enum column_form form;
    size_t offset; /* in struct msp_ticket */
} columns[] = {
    {FORM_TEXT, offsetof(struct msp_ticket, external_id)},
    {FORM_TEXT, offsetof(struct msp_ticket, title)},
    {FORM_TEXT, offsetof(struct msp_ticket, status)},
    {FORM_TEXT, offsetof(struct msp_ticket, source_status)},
    {FORM_TEXT, offsetof(struct msp_ticket, priority)},
    {FORM_TEXT, offsetof(struct msp_ticket, category)},
    {FORM_TEXT, offsetof(struct msp_ticket, assignee)},
    {FORM_TEXT, offsetof(struct msp_ticket, requester)},
    {FORM_TEXT, offsetof(struct msp_ticket, group)},
    {FORM_TEXT, offsetof(struct msp_ticket, channel)},
    {FORM_TIME, offsetof(struct msp_ticket, created_us)},
    {FORM_TIME, offsetof(struct msp_ticket, updated_us)},
    {FORM_TIME, offsetof(struct msp_ticket, first_response_us)},
    {FORM_TIME, offsetof(struct msp_ticket, resolved_us)},
    {FORM_TIME, offsetof(struct msp_ticket, closed_us)},
    {FORM_TIME, offsetof(struct msp_ticket, due_us)},
    {FORM_VERDICT, offsetof(struct msp_ticket, sla_met)},
    {FORM_COUNT, offsetof(struct msp_ticket, reopen_count)},
    {FORM_COUNT, offsetof(struct msp_ticket, reassignment_count)},
    {FORM_SCORE, offsetof(struct msp_ticket, csat)},
    {FORM_VERSION, offsetof(struct msp_ticket, version)},
};
#define COLUMN_COUNT (sizeof(columns) / sizeof(columns[0]))
_Static_assert(COLUMN_COUNT + 1 == BATCH_ARRAYS, "one array a column, and the arrivals");

static const enum msp_wire_oid form_oids[] = {
    [FORM_TEXT] = MSP_OID_TEXT,  [FORM_TIME] = MSP_OID_TIMESTAMPTZ, [FORM_VERDICT] = MSP_OID_BOOL,
    [FORM_COUNT] = MSP_OID_INT4, [FORM_SCORE] = MSP_OID_INT2,       [FORM_VERSION] = MSP_OID_INT8,
};

static void add_cell(struct msp_buffer *out, enum column_form form, const void *cell)
{
    switch (form) {
    case FORM_TEXT:
        msp_wire_add_text(out, *(const char *const *)cell);
        return;
    case FORM_TIME:
        msp_wire_add_time(out, *(const int64_t *)cell);
        return;
    case FORM_VERDICT: {
        enum msp_verdict verdict = *(const enum msp_verdict *)cell;
        if (verdict == MSP_VERDICT_UNKNOWN)
            msp_wire_add_null(out);
        else
            msp_wire_add_bool(out, verdict == MSP_VERDICT_MET);
        return;
    }
    case FORM_COUNT:
    case FORM_SCORE: {
        int32_t value = *(const int32_t *)cell;
        if (value == MSP_NO_COUNT)
            msp_wire_add_null(out);
        else
            msp_wire_add_int(out, value, form == FORM_COUNT ? 4 : 2);
        return;
    }
    case FORM_VERSION: {
        int64_t value = *(const int64_t *)cell;
        if (value == MSP_NO_VERSION)
            msp_wire_add_null(out);
        else
            msp_wire_add_int(out, value, 8);
        return;
    }
    }
}

static bool build_upsert(struct msp_ticket_batch *batch, int64_t tenant_id)
{
    bool good = true;
    msp_params_init(&batch->upsert_params);
    msp_params_int(&batch->upsert_params, tenant_id);
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        struct msp_buffer *array = &batch->arrays[i];
        msp_wire_array_begin(array, form_oids[columns[i].form], batch->ticket_count);
        for (size_t t = 0; t < batch->ticket_count; t++)
            add_cell(array, columns[i].form,
                     (const char *)&batch->tickets[t].ticket + columns[i].offset);
        msp_params_binary(&batch->upsert_params, array->data, array->length);
        good = good && !array->failed;
    }
    struct msp_buffer *arrivals = &batch->arrays[COLUMN_COUNT];
    msp_wire_array_begin(arrivals, MSP_OID_INT4, batch->ticket_count);
    for (size_t t = 0; t < batch->ticket_count; t++)
        msp_wire_add_int(arrivals, batch->tickets[t].arrivals, 4);
    msp_params_binary(&batch->upsert_params, arrivals->data, arrivals->length);
    return good && !arrivals->failed;
}

static bool build_rejects(struct msp_ticket_batch *batch, int64_t tenant_id)
{
    static const size_t offsets[] = {
        offsetof(struct batch_reject, code), offsetof(struct batch_reject, pointer),
        offsetof(struct batch_reject, reason), offsetof(struct batch_reject, payload)};
    bool good = true;
    msp_params_init(&batch->reject_params);
    msp_params_int(&batch->reject_params, tenant_id);
    for (size_t i = 0; i < 4; i++) {
        struct msp_buffer *array = &batch->reject_arrays[i];
        msp_wire_array_begin(array, MSP_OID_TEXT, batch->reject_count);
        for (size_t r = 0; r < batch->reject_count; r++)
            msp_wire_add_text(
                array, *(const char *const *)((const char *)&batch->rejects[r] + offsets[i]));
        msp_params_binary(&batch->reject_params, array->data, array->length);
        good = good && !array->failed;
    }
    return good;
}

static void add_call(struct msp_ticket_batch *batch, const struct msp_statement *statement,
                     const struct msp_params *params)
{
    batch->calls[batch->call_count++] = (struct msp_call){statement, params, NULL};
}

enum msp_result msp_ticket_batch_seal(struct msp_ticket_batch *batch, int64_t tenant_id,
                                      struct msp_error *error)
{
    if (batch->sealed)
        return MSP_OK;
    msp_params_init(&batch->lock_params);
    msp_params_int(&batch->lock_params, tenant_id);
    msp_params_int(&batch->lock_params, batch->shard);
    batch->sealed = build_upsert(batch, tenant_id) &&
                    (batch->reject_count == 0 || build_rejects(batch, tenant_id));
    if (!batch->sealed)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a batch of tickets.");
    return MSP_OK;
}

enum msp_result msp_ticket_batch_send(struct msp_db *db, int64_t tenant_id,
                                      struct msp_ticket_batch *batch,
                                      const struct msp_cursor_move *move,
                                      enum msp_batch_safety safety, int64_t deadline_ms,
                                      struct msp_error *error)
{
    enum msp_result result = msp_ticket_batch_seal(batch, tenant_id, error);
    if (result != MSP_OK)
        return result;
    batch->call_count = 0;
    msp_params_text(&batch->upsert_params, move != NULL ? move->source : NULL);
    add_call(batch, &lock_statement, &batch->lock_params);
    /* Runs for an empty batch too: it notes that the tenant's data was looked at. */
    add_call(batch, &upsert_statement, &batch->upsert_params);
    if (batch->reject_count > 0)
        add_call(batch, &reject_statement, &batch->reject_params);
    if (move != NULL) {
        msp_params_init(&batch->cursor_params);
        msp_params_int(&batch->cursor_params, tenant_id);
        msp_params_text(&batch->cursor_params, move->source);
        msp_params_text(&batch->cursor_params, move->expected);
        msp_params_text(&batch->cursor_params, move->next);
        msp_params_bool(&batch->cursor_params, move->drained);
        msp_params_time(&batch->cursor_params, move->complete_until_us);
        add_call(batch, &cursor_statement, &batch->cursor_params);
    }
    if (safety == MSP_BATCH_SAFE_LATER)
        add_call(batch, &safe_later_statement, NULL);
    struct msp_scope scope = {tenant_id, NULL};
    result = msp_db_send(db, &scope, batch->calls, batch->call_count, deadline_ms, error);
    msp_ticket_batch_drop_arrays(batch);
    return result;
}

enum msp_result msp_ticket_batch_receive(struct msp_db *db, struct msp_ticket_batch *batch,
                                         int64_t deadline_ms, struct msp_ingest_stats *stats,
                                         struct msp_error *error)
{
    enum msp_result result =
        msp_db_receive(db, batch->calls, batch->call_count, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    int64_t inserted = msp_result_int(batch->calls[1].result, 0, 0);
    int64_t updated = msp_result_int(batch->calls[1].result, 0, 1);
    stats->fetched += batch->fetched;
    stats->inserted += inserted;
    stats->updated += updated;
    stats->rejected += (int64_t)batch->reject_count;
    stats->unchanged += batch->fetched - (int64_t)batch->reject_count - inserted - updated;
    msp_calls_clear(batch->calls, batch->call_count);
    return MSP_OK;
}

enum msp_result msp_cursor_read(struct msp_db *db, int64_t tenant_id, const char *source,
                                int64_t deadline_ms, struct msp_cursor *out,
                                struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, tenant_id);
    msp_params_text(&params, source);
    struct msp_call call = {&cursor_read_statement, &params, NULL};
    struct msp_scope scope = {tenant_id, NULL};
    enum msp_result result = msp_db_transact(db, &scope, &call, 1, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    struct msp_cursor cursor = {.drained_us = MSP_NO_TIME};
    if (PQntuples(call.result) > 0) {
        snprintf(cursor.current, sizeof(cursor.current), "%s", msp_result_text(call.result, 0, 0));
        snprintf(cursor.previous, sizeof(cursor.previous), "%s",
                 msp_result_text(call.result, 0, 1));
        cursor.drained_us = msp_wire_time(call.result, 0, 2);
    }
    msp_calls_clear(&call, 1);
    *out = cursor;
    return MSP_OK;
}

enum msp_result msp_cursor_note_failure(struct msp_db *db, int64_t tenant_id, const char *source,
                                        const char *sentence, int64_t deadline_ms,
                                        struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, tenant_id);
    msp_params_text(&params, source);
    msp_params_text(&params, sentence);
    struct msp_call call = {&failure_statement, &params, NULL};
    const struct msp_scope scope = {tenant_id, NULL};
    enum msp_result result = msp_db_transact(db, &scope, &call, 1, deadline_ms, error);
    msp_calls_clear(&call, 1);
    return result;
}
