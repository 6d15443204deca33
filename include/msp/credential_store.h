/* Credentials as the snapshot keeper reads them from PostgreSQL, and the uses it writes back. */
#ifndef MSP_CREDENTIAL_STORE_H
#define MSP_CREDENTIAL_STORE_H

#include "msp/credential_cache.h"
#include "msp/db.h"

/* Owns the lists of msp_credentials; cleared memory but for what was read, so that equal lists are
 * equal bytes. */
struct msp_credential_lists {
    struct msp_cached_key *keys;
    size_t key_count;
    struct msp_cut_off *cut_offs;
    size_t cut_off_count;
    struct msp_revocation *revocations;
    size_t revocation_count;
};

/* Everything in one round trip. The caller ends with msp_credential_lists_done. */
enum msp_result msp_credential_store_all(struct msp_db *db, int64_t deadline_ms,
                                         struct msp_credential_lists *out,
                                         struct msp_error *error) MSP_MUST_CHECK;
void msp_credential_lists_done(struct msp_credential_lists *lists);

/* When keys were last used, in unix seconds. */
enum msp_result msp_credential_store_note_uses(struct msp_db *db, const char *const *ids,
                                               const int64_t *unix_seconds, size_t count,
                                               int64_t deadline_ms,
                                               struct msp_error *error) MSP_MUST_CHECK;

#endif
