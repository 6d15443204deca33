/* Goes along the chains of the audit log and says where the first link does not hold. Changes
 * nothing. */
#include "msp/audit_log.h"

#include "wire.h"

#include "msp/clock.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lines may hold 8 KiB each. */
#define PAGE 500

static const struct msp_statement key_statement = {"audit_key", "SELECT key FROM msp.audit_key",
                                                   true};

static const struct msp_statement tenants_statement = {
    "audit_tenants",
    "SELECT c.tenant_id,"
    "       coalesce(t.slug, CASE WHEN c.tenant_id = 0 THEN '' ELSE '(erased ' || c.tenant_id || "
    "')' END)"
    "  FROM (SELECT tenant_id FROM msp.audit_heads"
    "        UNION SELECT DISTINCT tenant_id FROM msp.audit_log) AS c"
    "  LEFT JOIN msp.tenants t ON t.tenant_id = c.tenant_id"
    " WHERE $1::text IS NULL OR t.slug = $1::text ORDER BY coalesce(t.slug, '') COLLATE \"C\"",
    true};

/* The end of the chain comes with every page, of the same snapshot: a line that is written in the
 * meantime is neither missing nor too many. */
static const struct msp_statement page_statement = {
    "audit_page",
    "SELECT coalesce(h.place, 0), h.mac, l.audit_id, l.place, l.at, l.action, l.actor, l.address,"
    "       l.object, l.request_id, l.detail::text, l.salt, l.digest, l.key_id, l.mac"
    "  FROM (SELECT 1) AS one LEFT JOIN msp.audit_heads h ON h.tenant_id = $1::bigint"
    "  LEFT JOIN LATERAL (SELECT * FROM msp.audit_log a"
    "                      WHERE a.tenant_id = $1::bigint AND a.place > $2::bigint"
    "                      ORDER BY a.place LIMIT $3::bigint) AS l ON true"
    " ORDER BY l.place",
    true};

enum column {
    HEAD_PLACE,
    HEAD_MAC,
    ID,
    PLACE,
    AT,
    ACTION,
    ACTOR,
    ADDRESS,
    OBJECT,
    REQUEST_ID,
    DETAIL,
    SALT,
    DIGEST,
    KEY_ID,
    MAC,
};

/* Lines outside the chain are old ones, unless the chain had begun when they came. */
static const struct msp_statement outside_statement = {
    "audit_outside",
    "SELECT count(*), coalesce(min(l.audit_id) FILTER (WHERE l.audit_id > f.first), 0)"
    "  FROM msp.audit_log l,"
    "       (SELECT min(a.audit_id) AS first FROM msp.audit_log a"
    "         WHERE a.tenant_id = $1::bigint AND a.place IS NOT NULL) AS f"
    " WHERE l.tenant_id = $1::bigint AND l.place IS NULL",
    true};

static const struct msp_scope admin_scope = {0, "msp_admin"};

/* Erased lines of which no line of the chain has told yet. */
struct erased {
    int64_t id;
    int64_t place;
};

struct walk {
    struct msp_db *db;
    const struct msp_audit_keys *keys;
    struct msp_audit_key own_key; /* the database's */
    int page_ms;
    int64_t tenant_id;
    int64_t place; /* of the last right line */
    unsigned char mac[MSP_AUDIT_DIGEST_BYTES];
    bool keyed_by_secret; /* a line so far was */
    struct erased *erased;
    size_t erased_count;
    size_t erased_room;
    struct msp_audit_verdict verdict;
};

/* One line on the table. */
struct found {
    const PGresult *rows;
    int row;
};

static MSP_PRINTF(4, 5) void break_at(struct walk *walk, int64_t place, int64_t id,
                                      const char *format, ...)
{
    struct msp_audit_verdict *verdict = &walk->verdict;
    va_list values;
    verdict->broken = true;
    verdict->broken_place = place;
    verdict->broken_id = id;
    va_start(values, format);
    (void)vsnprintf(verdict->fault, sizeof verdict->fault, format, values);
    va_end(values);
}

static enum msp_result ask(struct walk *walk, struct msp_call *call, struct msp_error *error)
{
    return msp_db_transact(walk->db, &admin_scope, call, 1,
                           msp_clock_monotonic_ms() + walk->page_ms, error);
}

/* ---- one line ---- */

static const char *text_of(const struct found *found, enum column column)
{
    return PQgetisnull(found->rows, found->row, column)
               ? NULL
               : PQgetvalue(found->rows, found->row, column);
}

static bool read_bytes(const struct found *found, enum column column, unsigned char *out,
                       size_t size)
{
    if ((size_t)PQgetlength(found->rows, found->row, column) != size)
        return false;
    memcpy(out, PQgetvalue(found->rows, found->row, column), size);
    return true;
}

static bool has_payload(const struct msp_audit_payload *payload)
{
    return payload->actor != NULL || payload->address != NULL || payload->object != NULL ||
           payload->request_id != NULL || payload->detail != NULL;
}

/* Whether the payload is the one the digest was made of, or was erased as a whole. */
static enum msp_result check_payload(const struct found *found, const struct msp_audit_link *link,
                                     bool *out_fits, struct msp_error *error)
{
    const struct msp_audit_payload payload = {text_of(found, ACTOR), text_of(found, ADDRESS),
                                              text_of(found, OBJECT), text_of(found, REQUEST_ID),
                                              text_of(found, DETAIL)};
    unsigned char salt[MSP_AUDIT_SALT_BYTES];
    unsigned char digest[MSP_AUDIT_DIGEST_BYTES];
    *out_fits = false;
    if (PQgetisnull(found->rows, found->row, SALT)) {
        *out_fits = !has_payload(&payload);
        return MSP_OK;
    }
    if (!read_bytes(found, SALT, salt, sizeof salt))
        return MSP_OK;
    enum msp_result result = msp_audit_digest(&payload, salt, digest, error);
    if (result == MSP_OK)
        *out_fits = memcmp(digest, link->digest, sizeof digest) == 0;
    return result;
}

static const struct msp_audit_key *find_key(const struct walk *walk, const char *id)
{
    if (strcmp(id, MSP_AUDIT_DATABASE_KEY) == 0)
        return &walk->own_key;
    return msp_audit_keys_find(walk->keys, id);
}

static enum msp_result note_erased(struct walk *walk, int64_t id, int64_t place,
                                   struct msp_error *error)
{
    if (walk->erased_count == walk->erased_room) {
        size_t room = walk->erased_room == 0 ? 64 : 2 * walk->erased_room;
        struct erased *grown = reallocarray(walk->erased, room, sizeof *grown);
        if (grown == NULL)
            return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the erased lines.");
        walk->erased = grown;
        walk->erased_room = room;
    }
    walk->erased[walk->erased_count++] = (struct erased){id, place};
    walk->verdict.erased++;
    return MSP_OK;
}

static void hear_of_erasure(struct walk *walk, const char *object)
{
    int64_t id = object != NULL ? strtoll(object, NULL, 10) : 0;
    for (size_t i = 0; i < walk->erased_count; i++) {
        if (walk->erased[i].id == id) {
            /* In order, so that the first that is left is the first that is wrong. */
            memmove(&walk->erased[i], &walk->erased[i + 1],
                    (walk->erased_count - i - 1) * sizeof walk->erased[0]);
            walk->erased_count--;
            return;
        }
    }
}

/* A right line: what it means for those to come. */
static enum msp_result accept(struct walk *walk, const struct found *found,
                              const struct msp_audit_link *link, const unsigned char *mac,
                              struct msp_error *error)
{
    bool is_own = strcmp(link->key_id, MSP_AUDIT_DATABASE_KEY) == 0;
    walk->place = link->place;
    memcpy(walk->mac, mac, sizeof walk->mac);
    walk->keyed_by_secret |= !is_own;
    walk->verdict.lines++;
    walk->verdict.by_database_key += is_own;
    if (PQgetisnull(found->rows, found->row, SALT))
        return note_erased(walk, link->id, link->place, error);
    if (strcmp(link->action, "audit.erase") == 0)
        hear_of_erasure(walk, text_of(found, OBJECT));
    else if (strcmp(link->action, MSP_AUDIT_TENANT_ERASE) == 0)
        walk->erased_count = 0; /* it tells of all lines before it */
    return MSP_OK;
}

static enum msp_result check_line(struct walk *walk, const struct found *found,
                                  struct msp_error *error)
{
    struct msp_audit_link link = {
        .tenant_id = walk->tenant_id,
        .place = msp_result_int(found->rows, found->row, PLACE),
        .id = msp_result_int(found->rows, found->row, ID),
        .at_us = msp_wire_time(found->rows, found->row, AT),
        .action = msp_result_text(found->rows, found->row, ACTION),
        .key_id = msp_result_text(found->rows, found->row, KEY_ID),
    };
    unsigned char stored[MSP_AUDIT_DIGEST_BYTES];
    unsigned char mac[MSP_AUDIT_DIGEST_BYTES];
    bool fits = false;
    int64_t due = walk->place + 1;
    if (link.place != due) {
        break_at(walk, due, 0, "it is missing; the next one there is line %" PRId64, link.id);
        return MSP_OK;
    }
    const struct msp_audit_key *key = find_key(walk, link.key_id);
    if (key == NULL) {
        break_at(walk, due, link.id,
                 "its key %.40s is neither AUDIT_SECRET nor one of AUDIT_SECRET_PREVIOUS",
                 link.key_id);
        return MSP_OK;
    }
    if (key == &walk->own_key && walk->keyed_by_secret) {
        break_at(walk, due, link.id, "the database's own key made it, behind lines of a secret");
        return MSP_OK;
    }
    memcpy(link.previous, walk->mac, sizeof link.previous);
    bool whole = read_bytes(found, DIGEST, link.digest, sizeof link.digest) &&
                 read_bytes(found, MAC, stored, sizeof stored);
    enum msp_result result = check_payload(found, &link, &fits, error);
    if (result == MSP_OK)
        result = msp_audit_mac(key->bytes, key->size, &link, mac, error);
    if (result != MSP_OK)
        return result;
    if (!whole || !fits || CRYPTO_memcmp(mac, stored, sizeof mac) != 0) {
        break_at(walk, due, link.id,
                 fits ? "it was changed, or does not follow the line before it"
                      : "what it says was changed");
        return MSP_OK;
    }
    return accept(walk, found, &link, mac, error);
}

/* ---- one chain ---- */

static void check_end(struct walk *walk, const struct found *last)
{
    int64_t head = msp_result_int(last->rows, last->row, HEAD_PLACE);
    unsigned char mac[MSP_AUDIT_DIGEST_BYTES];
    if (walk->place < head)
        break_at(walk, walk->place + 1, 0, "it is missing, the chain ends at place %" PRId64, head);
    else if (walk->place > head)
        break_at(walk, head + 1, 0, "the chain ends before it");
    else if (head > 0 && (!read_bytes(last, HEAD_MAC, mac, sizeof mac) ||
                          memcmp(mac, walk->mac, sizeof mac) != 0))
        break_at(walk, head, 0, "the record of the chain's end was changed");
}

static enum msp_result check_page(struct walk *walk, const PGresult *rows, bool *out_ended,
                                  struct msp_error *error)
{
    int count = PQntuples(rows);
    struct found found = {rows, 0};
    enum msp_result result = MSP_OK;
    bool empty = PQgetisnull(rows, 0, ID);
    for (int row = 0; row < count && !empty && result == MSP_OK && !walk->verdict.broken; row++) {
        found.row = row;
        result = check_line(walk, &found, error);
    }
    *out_ended = empty || count < PAGE || walk->verdict.broken;
    if (result == MSP_OK && *out_ended && !walk->verdict.broken)
        check_end(walk, &found);
    return result;
}

static enum msp_result check_pages(struct walk *walk, struct msp_error *error)
{
    enum msp_result result = MSP_OK;
    for (bool ended = false; !ended && result == MSP_OK;) {
        struct msp_params params;
        msp_params_init(&params);
        msp_params_int(&params, walk->tenant_id);
        msp_params_int(&params, walk->place);
        msp_params_int(&params, PAGE);
        struct msp_call call = {&page_statement, &params, NULL};
        result = ask(walk, &call, error);
        if (result == MSP_OK)
            result = check_page(walk, call.result, &ended, error);
        msp_calls_clear(&call, 1);
    }
    return result;
}

static enum msp_result check_outside(struct walk *walk, struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_int(&params, walk->tenant_id);
    struct msp_call call = {&outside_statement, &params, NULL};
    enum msp_result result = ask(walk, &call, error);
    if (result != MSP_OK)
        return result;
    int64_t planted = msp_result_int(call.result, 0, 1);
    walk->verdict.older = msp_result_int(call.result, 0, 0);
    msp_calls_clear(&call, 1);
    if (planted != 0 && !walk->verdict.broken)
        break_at(walk, 0, planted, "it is outside the chain, which had begun before it");
    return MSP_OK;
}

static enum msp_result check_chain(struct walk *walk, const char *slug, struct msp_error *error)
{
    struct msp_audit_verdict *verdict = &walk->verdict;
    *verdict = (struct msp_audit_verdict){.lines = 0};
    (void)snprintf(verdict->tenant, sizeof verdict->tenant, "%s", slug);
    walk->place = 0;
    walk->erased_count = 0;
    walk->keyed_by_secret = false;
    memset(walk->mac, 0, sizeof walk->mac);
    enum msp_result result = check_pages(walk, error);
    if (result == MSP_OK)
        result = check_outside(walk, error);
    if (result != MSP_OK)
        return result;
    /* Behind a break, the line that tells of an erasure may just not have been reached. */
    if (!verdict->broken && walk->erased_count > 0)
        break_at(walk, walk->erased[0].place, walk->erased[0].id,
                 "it is blank, and no line tells who erased it");
    for (size_t i = 0; i < sizeof walk->mac; i++)
        (void)snprintf(verdict->head + 2 * i, 3, "%02x", walk->mac[i]);
    return MSP_OK;
}

/* ---- all of them ---- */

static enum msp_result check_chains(struct walk *walk, const char *tenant, msp_audit_hear hear,
                                    void *context, struct msp_error *error)
{
    struct msp_params params;
    msp_params_init(&params);
    msp_params_text(&params, tenant);
    struct msp_call call = {&tenants_statement, &params, NULL};
    enum msp_result result = ask(walk, &call, error);
    if (result != MSP_OK)
        return result;
    int count = PQntuples(call.result);
    if (count == 0 && tenant != NULL)
        result = msp_fail(error, MSP_NOT_FOUND, "tenant_unknown",
                          "There is no tenant \"%.80s\" with lines in the audit log", tenant);
    for (int row = 0; row < count && result == MSP_OK; row++) {
        walk->tenant_id = msp_result_int(call.result, row, 0);
        result = check_chain(walk, msp_result_text(call.result, row, 1), error);
        if (result == MSP_OK)
            hear(context, &walk->verdict);
    }
    msp_calls_clear(&call, 1);
    return result;
}

enum msp_result msp_audit_verify(struct msp_db *db, const struct msp_audit_keys *keys,
                                 const char *tenant, int page_ms, msp_audit_hear hear,
                                 void *context, struct msp_error *error)
{
    struct walk walk = {.db = db, .keys = keys, .page_ms = page_ms};
    struct msp_call call = {&key_statement, NULL, NULL};
    enum msp_result result = ask(&walk, &call, error);
    if (result != MSP_OK)
        return result;
    if (PQntuples(call.result) > 0) {
        walk.own_key.bytes = PQgetvalue(call.result, 0, 0);
        walk.own_key.size = (size_t)PQgetlength(call.result, 0, 0);
        result = check_chains(&walk, tenant, hear, context, error);
    } else {
        result = msp_fail(error, MSP_BROKEN, "audit_key_missing",
                          "The database's own key of the audit log is gone");
    }
    free(walk.erased);
    msp_calls_clear(&call, 1);
    return result;
}
