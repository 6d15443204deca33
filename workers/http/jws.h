/*
 * Verification of a signed token (JWS compact serialization, RFC 7515) under the rules of RFC 8725:
 * the key prescribes the algorithm, never the token. Judges the signature only; claims
 * are judged in authenticate.c. No clock, no settings, no I/O.
 */
#ifndef MSP_HTTP_JWS_H
#define MSP_HTTP_JWS_H

#include "msp/result.h"

#include <jansson.h>
#include <stddef.h>

#define MSP_JWS_MAX_BYTES     4096
#define MSP_JWS_MIN_KEY_BYTES 32 /* RFC 7518 section 3.2: as long as the hash */

enum msp_jws_algorithm { MSP_JWS_HS256 };

struct msp_jws_key {
    enum msp_jws_algorithm algorithm;
    const char *id; /* compared with the token's "kid" where both have one; may be NULL */
    const void *secret;
    size_t secret_bytes;
};

/*
 * Signs a payload (JSON text) with HS256. `out` gets the token and a NUL. MSP_UNAVAILABLE for a
 * short key or a payload that would make a token of more than 4 KiB.
 */
enum msp_result msp_jws_sign(const char *payload, size_t size, const struct msp_jws_key *key,
                             char out[MSP_JWS_MAX_BYTES + 1],
                             struct msp_error *error) MSP_MUST_CHECK;

/*
 * Tries the token against the keys it may be signed with. On success *out_claims is a new
 * reference to the payload, a JSON object. Otherwise MSP_UNAUTHORISED with one of the codes
 * "token_malformed", "token_header_refused", "token_signature_wrong"; MSP_NO_MEMORY.
 */
enum msp_result msp_jws_verify(const char *token, size_t length, const struct msp_jws_key *keys,
                               size_t key_count, json_t **out_claims,
                               struct msp_error *error) MSP_MUST_CHECK;

#endif
