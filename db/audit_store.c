/* Appends to the audit log. Reads, changes and removes nothing of it. */
#include "msp/audit_store.h"

#include "wire.h"

#include "msp/audit_chain.h"
#include "msp/json_reader.h"
#include "msp/json_writer.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define ACTOR_BYTES      201
#define ADDRESS_BYTES    46
#define ACTION_BYTES     65
#define OBJECT_BYTES     257
#define REQUEST_ID_BYTES 65
#define OWN_KEY_BYTES    64 /* the database's has 32 */

static const struct msp_statement next_statement = {
    "audit_next",
    "SELECT next_id, next_place, last_mac, instant, database_key"
    "  FROM msp.audit_next($1::bigint, $2::boolean)",
    true};

static const struct msp_statement append_statement = {
    "audit_append",
    "WITH line AS ("
    "  INSERT INTO msp.audit_log (tenant_id, audit_id, place, at, action, actor, address, object,"
    "                             request_id, detail, salt, digest, key_id, mac)"
    "  OVERRIDING SYSTEM VALUE"
    "  VALUES ($1::bigint, $2::bigint, $3::bigint, $4::timestamptz, $5::text, $6::text, $7::text,"
    "          $8::text, $9::text, $10::json, $11::bytea, $12::bytea, $13::text, $14::bytea))"
    " UPDATE msp.audit_heads SET place = $3::bigint, key_id = $13::text, mac = $14::bytea"
    "  WHERE tenant_id = $1::bigint",
    false};

static const struct msp_statement impatience_statement = {
    "audit_impatience", "SELECT set_config('idle_in_transaction_session_timeout', '5000', true)",
    false};

const struct msp_call msp_audit_impatience = {&impatience_statement, NULL, NULL};

static const struct msp_statement notify_statement = {"audit_notify",
                                                      "SELECT pg_notify('msp_tenants', '')", false};

/* A line on its way: its texts within their bounds, its place in the chain, and the key. */
struct entry {
    char actor[ACTOR_BYTES];
    char address[ADDRESS_BYTES];
    char action[ACTION_BYTES];
    char object[OBJECT_BYTES];
    char request_id[REQUEST_ID_BYTES];
    char omitted[80];
    struct msp_audit_payload payload;
    struct msp_audit_link link;
    unsigned char salt[MSP_AUDIT_SALT_BYTES];
    unsigned char mac[MSP_AUDIT_DIGEST_BYTES];
    unsigned char own_key[OWN_KEY_BYTES];
    size_t own_key_size;
    char key_id[MSP_AUDIT_KEY_ID_BYTES];
};

/* What fits of a text, whole characters of UTF-8. */
static const char *cut(const char *text, char *out, size_t size)
{
    if (text == NULL)
        return NULL;
    size_t length = strnlen(text, size - 1);
    while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80)
        length--;
    memcpy(out, text, length);
    out[length] = '\0';
    return out;
}

static const char *bound_detail(const char *detail, char *out, size_t size)
{
    size_t length = detail != NULL ? strlen(detail) : 0;
    if (length <= MSP_AUDIT_DETAIL_BYTES)
        return detail;
    (void)snprintf(out, size, "{\"before\":null,\"after\":{\"omitted_bytes\":%zu}}", length);
    return out;
}

static bool uses_own_key(const struct msp_actor *actor)
{
    return actor->audit_secret == NULL || actor->audit_secret[0] == '\0';
}

static void fill_payload(struct entry *entry, const struct msp_actor *actor,
                         const struct msp_audit_line *line)
{
    entry->payload = (struct msp_audit_payload){
        .actor = cut(actor->name, entry->actor, sizeof entry->actor),
        .address = cut(actor->address, entry->address, sizeof entry->address),
        .object = cut(line->object, entry->object, sizeof entry->object),
        .request_id = cut(actor->request_id, entry->request_id, sizeof entry->request_id),
        .detail = bound_detail(line->detail, entry->omitted, sizeof entry->omitted),
    };
    entry->link.tenant_id = line->tenant_id;
    entry->link.action = cut(line->action, entry->action, sizeof entry->action);
    entry->link.key_id = entry->key_id;
}

static bool copy_bytes(const PGresult *rows, int column, void *out, size_t size)
{
    if ((size_t)PQgetlength(rows, 0, column) != size)
        return false;
    memcpy(out, PQgetvalue(rows, 0, column), size);
    return true;
}

static bool read_next(const PGresult *rows, bool with_key, struct entry *entry)
{
    entry->link.id = msp_result_int(rows, 0, 0);
    entry->link.place = msp_result_int(rows, 0, 1);
    entry->link.at_us = msp_wire_time(rows, 0, 3);
    entry->own_key_size = (size_t)PQgetlength(rows, 0, 4);
    return copy_bytes(rows, 2, entry->link.previous, sizeof entry->link.previous) &&
           (!with_key || (entry->own_key_size <= sizeof entry->own_key &&
                          copy_bytes(rows, 4, entry->own_key, entry->own_key_size)));
}

/* Locks the end of the chain, and learns the line's place and instant behind it. */
static enum msp_result take_place(struct msp_db *db, bool with_key, struct entry *entry,
                                  int64_t deadline_ms, struct msp_error *error)
{
    struct msp_error ignored;
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, entry->link.tenant_id);
    msp_params_bool(&params, with_key);
    struct msp_call call = {&next_statement, &params, NULL};
    enum msp_result result =
        msp_db_run(db, &call, 1, deadline_ms, error != NULL ? error : &ignored);
    if (result == MSP_INVALID && error != NULL && strcmp(error->code, "audit_secret_missing") == 0)
        error->result = result = MSP_UNAVAILABLE; /* whoever asks cannot ask better */
    if (result != MSP_OK)
        return result;
    bool whole = read_next(call.result, with_key, entry);
    msp_calls_clear(&call, 1);
    if (whole)
        return MSP_OK;
    msp_db_rollback(db);
    return msp_fail(error, MSP_BROKEN, "audit_head_odd", "The end of the audit log is damaged.");
}

static enum msp_result seal(const struct msp_actor *actor, struct entry *entry,
                            struct msp_error *error)
{
    bool own = uses_own_key(actor);
    const void *key = own ? (const void *)entry->own_key : actor->audit_secret;
    size_t size = own ? entry->own_key_size : strlen(actor->audit_secret);
    if (getrandom(entry->salt, sizeof entry->salt, 0) != (ssize_t)sizeof entry->salt)
        return msp_fail(error, MSP_UNAVAILABLE, "random_unavailable",
                        "The system has no random bytes for a line of the audit log.");
    if (own)
        (void)snprintf(entry->key_id, sizeof entry->key_id, "%s", MSP_AUDIT_DATABASE_KEY);
    else
        msp_audit_key_id(key, size, entry->key_id);
    enum msp_result result =
        msp_audit_digest(&entry->payload, entry->salt, entry->link.digest, error);
    if (result == MSP_OK)
        result = msp_audit_mac(key, size, &entry->link, entry->mac, error);
    return result;
}

static enum msp_result store(struct msp_db *db, const struct entry *entry, int64_t deadline_ms,
                             struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, entry->link.tenant_id);
    msp_params_int(&params, entry->link.id);
    msp_params_int(&params, entry->link.place);
    msp_params_time(&params, entry->link.at_us);
    msp_params_text(&params, entry->link.action);
    msp_params_text(&params, entry->payload.actor);
    msp_params_text(&params, entry->payload.address);
    msp_params_text(&params, entry->payload.object);
    msp_params_text(&params, entry->payload.request_id);
    msp_params_text(&params, entry->payload.detail);
    msp_params_binary(&params, entry->salt, sizeof entry->salt);
    msp_params_binary(&params, entry->link.digest, sizeof entry->link.digest);
    msp_params_text(&params, entry->key_id);
    msp_params_binary(&params, entry->mac, sizeof entry->mac);
    struct msp_call call = {&append_statement, &params, NULL};
    enum msp_result result = msp_db_run(db, &call, 1, deadline_ms, error);
    msp_calls_clear(&call, 1);
    return result;
}

enum msp_result msp_audit_append(struct msp_db *db, const struct msp_actor *actor,
                                 const struct msp_audit_line *line, int64_t deadline_ms,
                                 struct msp_error *error)
{
    struct entry entry = {.own_key_size = 0};
    fill_payload(&entry, actor, line);
    enum msp_result result = take_place(db, uses_own_key(actor), &entry, deadline_ms, error);
    if (result != MSP_OK)
        return result;
    result = seal(actor, &entry, error);
    if (result == MSP_OK)
        result = store(db, &entry, deadline_ms, error);
    else
        msp_db_rollback(db);
    explicit_bzero(entry.own_key, sizeof entry.own_key);
    return result;
}

static const struct msp_scope admin_scope = {0, "msp_admin"};

struct msp_scope msp_audit_scope(int64_t tenant_id)
{
    return (struct msp_scope){tenant_id, tenant_id == 0 ? "msp_admin" : NULL};
}

enum msp_result msp_audit_note(struct msp_db *db, const struct msp_actor *actor,
                               const struct msp_audit_line *line, int64_t deadline_ms,
                               struct msp_error *error)
{
    enum msp_result result = msp_db_begin(db, &admin_scope, deadline_ms, error);
    if (result == MSP_OK)
        result = msp_audit_append(db, actor, line, deadline_ms, error);
    if (result == MSP_OK)
        result = msp_db_commit(db, deadline_ms, error);
    return result;
}

/* The name that keep_object wrote; NULL for what is no such record. */
static const char *object_of(const struct msp_actor *actor, const char *answer)
{
    static const struct msp_json_limits limits = {1024, 2, 8};
    struct msp_error ignored;
    json_t *record = NULL;
    const char *object = NULL;
    if (answer == NULL ||
        msp_json_parse(answer, strlen(answer), &limits, &record, &ignored) != MSP_OK)
        return NULL;
    const json_t *name = json_object_get(record, "object");
    if (json_is_string(name))
        object = msp_arena_copy(actor->arena, json_string_value(name), json_string_length(name));
    json_decref(record);
    return object;
}

enum msp_result msp_audit_begin(struct msp_db *db, const struct msp_actor *actor,
                                int64_t deadline_ms, const char **out_object,
                                struct msp_error *error)
{
    const char *answer = NULL;
    enum msp_result result = msp_db_begin(db, &admin_scope, deadline_ms, error);
    *out_object = NULL;
    if (result != MSP_OK || actor->idempotency == NULL)
        return result;
    result =
        msp_idempotency_find(db, actor->idempotency, actor->arena, deadline_ms, &answer, error);
    if (result != MSP_OK || !actor->idempotency->replayed)
        return result;
    msp_db_rollback(db);
    *out_object = object_of(actor, answer);
    if (*out_object == NULL)
        return msp_fail(error, MSP_BROKEN, "idempotency_answer_odd",
                        "What was kept under the key cannot be read.");
    return MSP_OK;
}

static enum msp_result keep_object(struct msp_db *db, const struct msp_actor *actor,
                                   const char *object, int64_t deadline_ms, struct msp_error *error)
{
    struct msp_buffer answer;
    struct msp_json_writer json;
    if (actor->idempotency == NULL)
        return MSP_OK;
    msp_buffer_init(&answer, 0);
    msp_json_writer_init(&json, &answer);
    msp_json_begin_object(&json);
    msp_json_key_string(&json, "object", object);
    msp_json_end_object(&json);
    msp_buffer_append(&answer, "", 1);
    enum msp_result result =
        answer.failed
            ? msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to keep an answer.")
            : msp_idempotency_keep(db, actor->idempotency, answer.data, deadline_ms, error);
    msp_buffer_done(&answer);
    return result;
}

enum msp_result msp_audit_commit(struct msp_db *db, const struct msp_actor *actor,
                                 const struct msp_audit_line *line, int64_t deadline_ms,
                                 struct msp_error *error)
{
    struct msp_call notify = {&notify_statement, NULL, NULL};
    enum msp_result result = msp_audit_append(db, actor, line, deadline_ms, error);
    if (result == MSP_OK)
        result = keep_object(db, actor, line->object, deadline_ms, error);
    if (result == MSP_OK)
        result = msp_db_run(db, &notify, 1, deadline_ms, error);
    msp_calls_clear(&notify, 1);
    if (result == MSP_OK)
        return msp_db_commit(db, deadline_ms, error);
    msp_db_rollback(db);
    return result;
}
