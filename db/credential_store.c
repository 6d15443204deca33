/* Reads credentials for the snapshot and notes their uses. Changes none. */
#include "msp/credential_store.h"

#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct msp_statement keys_statement = {
    "credential_keys",
    "SELECT key_id, key_hash, tenant_id, slug, role, expires_at FROM msp.all_api_keys()", true};

static const struct msp_statement cut_offs_statement = {
    "credential_cut_offs", "SELECT subject, not_before FROM msp.all_cut_offs()", true};

static const struct msp_statement revocations_statement = {
    "credential_revocations", "SELECT token FROM msp.all_revoked_tokens()", true};

static const struct msp_statement uses_statement = {
    "credential_uses", "SELECT msp.note_key_uses($1::text[], $2::bigint[])", false};

static const struct msp_scope nobody = {0, NULL};

void msp_credential_lists_done(struct msp_credential_lists *lists)
{
    free(lists->keys);
    free(lists->cut_offs);
    free(lists->revocations);
    memset(lists, 0, sizeof(*lists));
}

/* Bytes of a length that the schema checks; anything shorter leaves zeroes. */
static void read_bytes(const PGresult *rows, int row, int column, unsigned char *out, size_t size)
{
    size_t length = (size_t)PQgetlength(rows, row, column);
    memcpy(out, PQgetvalue(rows, row, column), length < size ? length : size);
}

static void read_keys(const PGresult *rows, struct msp_credential_lists *lists)
{
    for (size_t i = 0; i < lists->key_count; i++) {
        struct msp_cached_key *key = &lists->keys[i];
        int row = (int)i;
        snprintf(key->id, sizeof(key->id), "%s", msp_result_text(rows, row, 0));
        read_bytes(rows, row, 1, key->digest, sizeof(key->digest));
        key->tenant_id = msp_result_int(rows, row, 2);
        snprintf(key->tenant, sizeof(key->tenant), "%s", msp_result_text(rows, row, 3));
        key->role = msp_role_parse(msp_result_text(rows, row, 4));
        key->expires_us = msp_wire_time(rows, row, 5);
    }
}

static void read_cut_offs(const PGresult *rows, struct msp_credential_lists *lists)
{
    for (size_t i = 0; i < lists->cut_off_count; i++) {
        struct msp_cut_off *cut_off = &lists->cut_offs[i];
        read_bytes(rows, (int)i, 0, cut_off->subject, sizeof(cut_off->subject));
        cut_off->not_before_seconds =
            msp_result_is_null(rows, (int)i, 1) ? INT64_MAX : msp_result_int(rows, (int)i, 1);
    }
}

static bool read_lists(const struct msp_call calls[3], struct msp_credential_lists *lists)
{
    lists->key_count = (size_t)PQntuples(calls[0].result);
    lists->cut_off_count = (size_t)PQntuples(calls[1].result);
    lists->revocation_count = (size_t)PQntuples(calls[2].result);
    lists->keys = calloc(lists->key_count + 1, sizeof(*lists->keys));
    lists->cut_offs = calloc(lists->cut_off_count + 1, sizeof(*lists->cut_offs));
    lists->revocations = calloc(lists->revocation_count + 1, sizeof(*lists->revocations));
    if (lists->keys == NULL || lists->cut_offs == NULL || lists->revocations == NULL)
        return false;
    read_keys(calls[0].result, lists);
    read_cut_offs(calls[1].result, lists);
    for (size_t i = 0; i < lists->revocation_count; i++)
        read_bytes(calls[2].result, (int)i, 0, lists->revocations[i].token,
                   sizeof(lists->revocations[i].token));
    return true;
}

enum msp_result msp_credential_store_all(struct msp_db *db, int64_t deadline_ms,
                                         struct msp_credential_lists *out, struct msp_error *error)
{
    struct msp_call calls[] = {{&keys_statement, NULL, NULL},
                               {&cut_offs_statement, NULL, NULL},
                               {&revocations_statement, NULL, NULL}};
    enum msp_result result = msp_db_transact(db, &nobody, calls, 3, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    struct msp_credential_lists lists = {0};
    bool read = read_lists(calls, &lists);
    msp_calls_clear(calls, 3);
    if (!read) {
        msp_credential_lists_done(&lists);
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the credentials.");
    }
    *out = lists;
    return MSP_OK;
}

enum msp_result msp_credential_store_note_uses(struct msp_db *db, const char *const *ids,
                                               const int64_t *unix_seconds, size_t count,
                                               int64_t deadline_ms, struct msp_error *error)
{
    struct msp_buffer names;
    struct msp_buffer seconds;
    msp_buffer_init(&names, 0);
    msp_buffer_init(&seconds, 0);
    msp_wire_array_begin(&names, MSP_OID_TEXT, count);
    msp_wire_array_begin(&seconds, MSP_OID_INT8, count);
    for (size_t i = 0; i < count; i++) {
        msp_wire_add_text(&names, ids[i]);
        msp_wire_add_int(&seconds, unix_seconds[i], 8);
    }
    enum msp_result result = MSP_OK;
    if (names.failed || seconds.failed) {
        result = msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to note uses of keys.");
    } else {
        struct msp_params params;
        msp_params_init(&params);
        msp_params_binary(&params, names.data, names.length);
        msp_params_binary(&params, seconds.data, seconds.length);
        struct msp_call call = {&uses_statement, &params, NULL};
        result = msp_db_transact(db, &nobody, &call, 1, deadline_ms, error);
        msp_calls_clear(&call, 1);
    }
    msp_buffer_done(&names);
    msp_buffer_done(&seconds);
    return result;
}
