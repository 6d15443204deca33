/*
 * What a request must know about credentials without asking the database, in shared memory: API
 * keys, the moment before which a person's tokens no longer count, and tokens that were signed
 * out. Built and read as the tenant cache: one writer, the snapshot keeper, and readers that never
 * wait. Where memory is damaged a key is unknown and a token revoked.
 */
#ifndef MSP_CREDENTIAL_CACHE_H
#define MSP_CREDENTIAL_CACHE_H

#include "msp/api_key.h"
#include "msp/role.h"
#include "msp/tenant_cache.h"

#define MSP_CREDENTIAL_DIGEST_BYTES 32 /* SHA-256 of a whole key */
#define MSP_NAME_DIGEST_BYTES       16 /* the first half of a SHA-256, of a subject or token id */

/* Memory is touched only as far as it is used. Past one of these a node keeps what it knew. */
#define MSP_CREDENTIAL_CACHE_KEYS        65536
#define MSP_CREDENTIAL_CACHE_CUT_OFFS    131072
#define MSP_CREDENTIAL_CACHE_REVOCATIONS 131072

/* A key that is neither revoked nor was expired when it was read. */
struct msp_cached_key {
    char id[MSP_API_KEY_ID_BYTES];
    unsigned char digest[MSP_CREDENTIAL_DIGEST_BYTES];
    int64_t tenant_id;
    char tenant[MSP_TENANT_SLUG_BYTES];
    enum msp_role role;
    int64_t expires_us; /* MSP_NO_TIME = never */
};

/* A person of whose tokens not all count. */
struct msp_cut_off {
    unsigned char subject[MSP_NAME_DIGEST_BYTES];
    int64_t not_before_seconds; /* tokens issued earlier are refused; INT64_MAX = all of them */
};

struct msp_revocation {
    unsigned char token[MSP_NAME_DIGEST_BYTES];
};

struct msp_credentials {
    const struct msp_cached_key *keys;
    size_t key_count;
    const struct msp_cut_off *cut_offs;
    size_t cut_off_count;
    const struct msp_revocation *revocations;
    size_t revocation_count;
};

struct msp_credential_cache; /* lives in the shared map */

size_t msp_credential_cache_bytes(void);

/* Makes an empty cache in `memory` (zeroes). The master, before the first fork. */
struct msp_credential_cache *msp_credential_cache_init(void *memory);

/*
 * Replaces the content, in any order; ids must be unique (MSP_INVALID). MSP_TOO_LARGE past a
 * capacity, MSP_NO_MEMORY; then the old content stays. Only the snapshot keeper calls this.
 */
enum msp_result msp_credential_cache_publish(struct msp_credential_cache *cache,
                                             const struct msp_credentials *credentials,
                                             struct msp_error *error) MSP_MUST_CHECK;

/* Copies the key of that id; false if there is none. */
bool msp_credential_cache_key(const struct msp_credential_cache *cache,
                              const char id[MSP_API_KEY_ID_BYTES],
                              struct msp_cached_key *out) MSP_MUST_CHECK;

/* Since when (unix seconds) a subject's tokens count: INT64_MIN = all do, INT64_MAX = none does. */
int64_t msp_credential_cache_not_before(const struct msp_credential_cache *cache,
                                        const unsigned char subject[MSP_NAME_DIGEST_BYTES]);

bool msp_credential_cache_is_revoked(const struct msp_credential_cache *cache,
                                     const unsigned char token[MSP_NAME_DIGEST_BYTES]);

/* Raised by one at each publish; 0 = nothing published yet. */
uint64_t msp_credential_cache_generation(const struct msp_credential_cache *cache);

/* Whether every record in force is as it was written; the keeper publishes again if not. */
bool msp_credential_cache_is_whole(const struct msp_credential_cache *cache);

/*
 * When the reading began that the content in force was last found equal to (monotonic
 * microseconds): whoever changed something in the database earlier than that finds it here and in
 * the tenant cache. The keeper notes it.
 */
void msp_credential_cache_note_read(struct msp_credential_cache *cache, int64_t began_us);
int64_t msp_credential_cache_read_us(const struct msp_credential_cache *cache);

#endif
