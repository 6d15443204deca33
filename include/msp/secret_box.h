/*
 * Secrets that must lie in the database, sealed by a key that the database does not know:
 * XChaCha20-Poly1305 under a key made of SECRET_KEY. What is sealed is bound to the place it lies
 * in, so that it cannot be carried over to another row.
 */
#ifndef MSP_SECRET_BOX_H
#define MSP_SECRET_BOX_H

#include "msp/buffer.h"

/* Values of SECRET_KEY and SECRET_KEY_PREVIOUS; NULL or "" = not set. */
struct msp_secret_keys {
    const char *present;  /* seals and opens */
    const char *previous; /* opens what was sealed before a change of the key */
};

/* Appends the sealed form of `plain` to `out`. MSP_CONFLICT "secret_key_missing" without a present
 * key. */
enum msp_result msp_secret_seal(const struct msp_secret_keys *keys, const char *place,
                                const void *plain, size_t size, struct msp_buffer *out,
                                struct msp_error *error) MSP_MUST_CHECK;

/*
 * Appends the plain form to `out`, whose user wipes it (msp_secret_wipe). MSP_CONFLICT
 * "secret_key_missing" if no key is set, "secret_key_wrong" if none of them opens it there.
 */
enum msp_result msp_secret_open(const struct msp_secret_keys *keys, const char *place,
                                const void *sealed, size_t size, struct msp_buffer *out,
                                struct msp_error *error) MSP_MUST_CHECK;

/* Overwrites what the buffer holds and gives its memory back. */
void msp_secret_wipe(struct msp_buffer *buffer);

#endif
