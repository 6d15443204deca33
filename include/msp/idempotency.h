/*
 * What was done under an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header), in
 * PostgreSQL, written by the very transaction that does it: whatever happens to a process or to
 * Redis, a key never stands for something that was not done, nor is something done without its key.
 */
#ifndef MSP_IDEMPOTENCY_H
#define MSP_IDEMPOTENCY_H

#include "msp/arena.h"
#include "msp/db.h"

#include <stdbool.h>
#include <stdint.h>

#define MSP_IDEMPOTENCY_KEY_BYTES    256 /* 255 characters and a NUL */
#define MSP_IDEMPOTENCY_CALLER_BYTES 160
#define MSP_FINGERPRINT_BYTES        32 /* SHA-256 */

/* A key and the scope it is good for. */
struct msp_idempotency {
    int64_t tenant_id; /* whom the caller works for; 0 = no tenant, which only msp_admin may keep */
    char caller[MSP_IDEMPOTENCY_CALLER_BYTES];
    const char *route; /* static text */
    char key[MSP_IDEMPOTENCY_KEY_BYTES];
    unsigned char fingerprint[MSP_FINGERPRINT_BYTES]; /* of all that was asked */
    bool replayed; /* out: it was done before; what is returned is that, and nothing was done now */
};

/*
 * Inside a transaction (msp_db_begin): keeps others out of the key until its end. If the key was
 * used, `idempotency->replayed` is set and *out_answer is the kept JSON text in `arena` or NULL.
 * MSP_CONFLICT "idempotency_key_in_use" or "idempotency_key_reused" (another fingerprint).
 */
enum msp_result msp_idempotency_find(struct msp_db *db, struct msp_idempotency *idempotency,
                                     struct msp_arena *arena, int64_t deadline_ms,
                                     const char **out_answer,
                                     struct msp_error *error) MSP_MUST_CHECK;

/* In the same transaction, before its commit: keeps `answer`, a JSON text without any secret. */
enum msp_result msp_idempotency_keep(struct msp_db *db, const struct msp_idempotency *idempotency,
                                     const char *answer, int64_t deadline_ms,
                                     struct msp_error *error) MSP_MUST_CHECK;

#endif
