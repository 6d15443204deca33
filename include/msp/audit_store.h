/* The audit log: who changed what, written in the transaction of the change. */
#ifndef MSP_AUDIT_STORE_H
#define MSP_AUDIT_STORE_H

#include "msp/idempotency.h"

/* Who acts, from where, and under which key. Texts are borrowed. */
struct msp_actor {
    const char *name;                    /* an e-mail, "key:…", or "command line (user)" */
    const char *address;                 /* IP address as text; NULL = none */
    const char *request_id;              /* NULL = not a request */
    struct msp_idempotency *idempotency; /* NULL = none */
    struct msp_arena *arena;             /* goes with idempotency */
};

struct msp_audit_line {
    int64_t tenant_id;  /* 0 = of no tenant */
    const char *action; /* "key.create" */
    const char *object; /* the id of what was changed */
    const char *detail; /* JSON: {"before": …, "after": …}; NULL = none. Never holds a secret */
};

/* Appends a line inside the open transaction (msp_db_begin as msp_admin). */
enum msp_result msp_audit_append(struct msp_db *db, const struct msp_actor *actor,
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
