/*
 * How lines of the audit log hang together. A line's payload (what may name a person) enters as
 *   SHA-256(salt, actor, address, object, request id, detail)
 * and the line as
 *   HMAC-SHA-256(key, "msp-audit-1", tenant, place, id, instant, action, key id, digest, MAC
 * before) Numbers are 8 bytes, big end first; a text is a byte 1, its length and its bytes, an
 * absent one a byte 0: no two lines run into the same bytes. Pure computation, any thread.
 */
#ifndef MSP_AUDIT_CHAIN_H
#define MSP_AUDIT_CHAIN_H

#include "msp/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MSP_AUDIT_DIGEST_BYTES 32
#define MSP_AUDIT_SALT_BYTES   16
#define MSP_AUDIT_KEY_ID_BYTES 17 /* 16 hex digits and a NUL */
#define MSP_AUDIT_DATABASE_KEY "database"

/* Goes when the line is erased. NULL = absent, which is not the same as "". */
struct msp_audit_payload {
    const char *actor;
    const char *address;
    const char *object;
    const char *request_id;
    const char *detail;
};

/* Stays for ever. */
struct msp_audit_link {
    int64_t tenant_id;
    int64_t place; /* in the tenant's chain, from 1 */
    int64_t id;
    int64_t at_us;
    const char *action;
    const char *key_id;
    unsigned char digest[MSP_AUDIT_DIGEST_BYTES];   /* of the payload */
    unsigned char previous[MSP_AUDIT_DIGEST_BYTES]; /* the MAC before; zeros for the first */
};

/* MSP_NO_MEMORY only. */
enum msp_result msp_audit_digest(const struct msp_audit_payload *payload,
                                 const unsigned char salt[MSP_AUDIT_SALT_BYTES],
                                 unsigned char out[MSP_AUDIT_DIGEST_BYTES],
                                 struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_audit_mac(const void *key, size_t key_size, const struct msp_audit_link *link,
                              unsigned char out[MSP_AUDIT_DIGEST_BYTES],
                              struct msp_error *error) MSP_MUST_CHECK;

/* The public name of a secret; tells nothing of it. */
void msp_audit_key_id(const void *key, size_t key_size, char out[MSP_AUDIT_KEY_ID_BYTES]);

/* A secret by the id it stored with a line. */
struct msp_audit_key {
    char id[MSP_AUDIT_KEY_ID_BYTES];
    const void *bytes; /* borrowed */
    size_t size;
};

#define MSP_AUDIT_KEYS_MOST 32
struct msp_audit_keys {
    struct msp_audit_key keys[MSP_AUDIT_KEYS_MOST];
    size_t count;
};

/* The present secret and those before it (comma-separated; either may be NULL or ""). */
void msp_audit_keys_read(const char *present, const char *previous, struct msp_audit_keys *out);

/* NULL for an id that none of them has. */
const struct msp_audit_key *msp_audit_keys_find(const struct msp_audit_keys *keys, const char *id);

#endif
