/*
 * The audit log: who changed what, written in the transaction of the change. The lines of a tenant
 * form a chain (audit_chain.h); two who write at once wait for one another.
 */
#ifndef MSP_AUDIT_STORE_H
#define MSP_AUDIT_STORE_H

#include "msp/idempotency.h"

/* Who acts, from where, and under which key. Texts are borrowed; longer ones than the log holds (an
 * actor has 200 bytes, an object 256, an action 64) are cut. */
struct msp_actor {
    const char *name;                    /* an e-mail, "key:…", or "command line (user)" */
    const char *address;                 /* IP address as text; NULL = none */
    const char *request_id;              /* NULL = not a request */
    const char *audit_secret;            /* keys the chain; NULL or "" = the database's own key */
    struct msp_idempotency *idempotency; /* NULL = none */
    struct msp_arena *arena;             /* goes with idempotency */
};

struct msp_audit_line {
    int64_t tenant_id;  /* 0 = of no tenant */
    const char *action; /* "key.create" */
    const char *object; /* the id of what was changed */
    const char *detail; /* JSON: {"before": …, "after": …}; NULL = none. Never holds a secret. Past
                           MSP_AUDIT_DETAIL_BYTES only its size is kept */
};

#define MSP_AUDIT_DETAIL_BYTES 8192

/* Where a line of the tenant may be written from: its own wall, or msp_admin for lines of none. */
struct msp_scope msp_audit_scope(int64_t tenant_id);

/*
 * Appends a line inside the open transaction, as msp_admin or with that tenant set. The end of the
 * chain stays locked until the transaction ends: it is the last thing to do. On failure the
 * transaction is over. MSP_UNAVAILABLE, code "audit_secret_missing", if the chain is keyed by a
 * secret and the actor brings none.
 */
enum msp_result msp_audit_append(struct msp_db *db, const struct msp_actor *actor,
                                 const struct msp_audit_line *line, int64_t deadline_ms,
                                 struct msp_error *error) MSP_MUST_CHECK;

/* The first call of a transaction that locks something before its line: a process that is stopped
 * loses the transaction after 5 s, as it does once the line is begun. */
extern const struct msp_call msp_audit_impatience;

/* The same as a transaction of its own, for what changes nothing else. As msp_admin. */
enum msp_result msp_audit_note(struct msp_db *db, const struct msp_actor *actor,
                               const struct msp_audit_line *line, int64_t deadline_ms,
                               struct msp_error *error) MSP_MUST_CHECK;

/*
 * The beginning of an administrative change: opens a transaction as msp_admin. If the actor's
 * idempotency key was used, *out_object names what was changed then (in the arena) and no
 * transaction is open; else it is NULL.
 */
enum msp_result msp_audit_begin(struct msp_db *db, const struct msp_actor *actor,
                                int64_t deadline_ms, const char **out_object,
                                struct msp_error *error) MSP_MUST_CHECK;

/*
 * The end of an administrative change: appends the line, keeps the line's object under the actor's
 * idempotency key, tells every node's snapshot keeper, and commits. On failure the whole
 * transaction is rolled back.
 */
enum msp_result msp_audit_commit(struct msp_db *db, const struct msp_actor *actor,
                                 const struct msp_audit_line *line, int64_t deadline_ms,
                                 struct msp_error *error) MSP_MUST_CHECK;

#endif
