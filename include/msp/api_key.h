/*
 * The text of an API key: mspk_<id>_<secret><checksum>, letters and digits only. The id names the
 * key in lists and may be shown, the secret holds 256 random bits, and the checksum (CRC-32, base
 * 62) tells a mistyped or cut key from a wrong one without asking anybody.
 */
#ifndef MSP_API_KEY_H
#define MSP_API_KEY_H

#include "msp/result.h"

#include <stdbool.h>

#define MSP_API_KEY_ID_LENGTH 16
#define MSP_API_KEY_ID_BYTES  (MSP_API_KEY_ID_LENGTH + 1)
#define MSP_API_KEY_LENGTH    71 /* "mspk_", id, "_", 43 of secret, 6 of checksum */
#define MSP_API_KEY_BYTES     (MSP_API_KEY_LENGTH + 1)

struct msp_api_key {
    char id[MSP_API_KEY_ID_BYTES];
    char text[MSP_API_KEY_BYTES]; /* the whole key: a secret */
};

/* A new random key. MSP_UNAVAILABLE if the system has no random bytes. */
enum msp_result msp_api_key_make(struct msp_api_key *out, struct msp_error *error) MSP_MUST_CHECK;

/* Whether `text` has the form and the checksum of a key; then its id is in `out_id`. */
bool msp_api_key_parse(const char *text, char out_id[MSP_API_KEY_ID_BYTES]) MSP_MUST_CHECK;

/* Whether `text` has the form of a key's id. */
bool msp_api_key_is_id(const char *text) MSP_MUST_CHECK;

#endif
