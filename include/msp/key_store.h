/* API keys in PostgreSQL, as msp_admin. The request path reads the credential cache instead. */
#ifndef MSP_KEY_STORE_H
#define MSP_KEY_STORE_H

#include "msp/api_key.h"
#include "msp/audit_store.h"
#include "msp/role.h"
#include "msp/tenant_cache.h"

#define MSP_KEY_NAME_BYTES 401 /* 100 characters of UTF-8 and a NUL */

/* Instants are unix microseconds, MSP_NO_TIME = none. */
struct msp_key_info {
    char id[MSP_API_KEY_ID_BYTES];
    char tenant[MSP_TENANT_SLUG_BYTES];
    char name[MSP_KEY_NAME_BYTES];
    enum msp_role role;
    int64_t created_us;
    int64_t expires_us;
    int64_t revoked_us;
    int64_t last_used_us; /* a minute or two late */
};

struct msp_key_order {
    const char *tenant; /* slug */
    const char *name;   /* 1 to 100 characters; two active keys of a tenant may share it */
    enum msp_role role; /* not admin */
    int64_t expires_us; /* MSP_NO_TIME = never */
};

/*
 * Makes a key and stores its hash. The text in *out_key is nowhere else: whoever asked is shown
 * it once. What was made before under the actor's idempotency key comes back as its id, the text
 * empty. MSP_NOT_FOUND for the tenant, MSP_INVALID for a name, role or expiry, MSP_CONFLICT when
 * two keys of that name are active.
 */
enum msp_result msp_key_store_create(struct msp_db *db, const struct msp_key_order *order,
                                     const struct msp_actor *actor, int64_t deadline_ms,
                                     struct msp_api_key *out_key,
                                     struct msp_error *error) MSP_MUST_CHECK;

/*
 * Up to `limit` keys in the order of their ids, those behind `after` ("" = from the start), of a
 * tenant or (NULL) of all. *out_keys is malloc'ed and the caller's.
 */
enum msp_result msp_key_store_list(struct msp_db *db, const char *tenant, const char *after,
                                   int limit, int64_t deadline_ms, struct msp_key_info **out_keys,
                                   size_t *out_count, struct msp_error *error) MSP_MUST_CHECK;

/* The key as it is. MSP_NOT_FOUND. */
enum msp_result msp_key_store_find(struct msp_db *db, const char *id, int64_t deadline_ms,
                                   struct msp_key_info *out,
                                   struct msp_error *error) MSP_MUST_CHECK;

/* Revokes a key for ever; one that is revoked already stays as it is. MSP_NOT_FOUND. */
enum msp_result msp_key_store_revoke(struct msp_db *db, const char *id,
                                     const struct msp_actor *actor, int64_t deadline_ms,
                                     struct msp_key_info *out,
                                     struct msp_error *error) MSP_MUST_CHECK;

#endif
