/* Signs tokens of our own: always the same header, always HS256. */
#include "hmac_sha256.h"
#include "jws.h"

#include <stdint.h>
#include <string.h>

/* Base64url of {"alg":"HS256","typ":"JWT"}. */
static const char header[] = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.";

/* Base64url without padding (RFC 4648 section 5); returns the length. `out` has 4/3 of the size and
 * 4 bytes more. */
static size_t encode(const unsigned char *bytes, size_t size, char *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t length = 0;
    uint32_t bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < size; i++) {
        bits = (bits << 8 | bytes[i]) & 0xFFFFU;
        for (have += 8; have >= 6; have -= 6)
            out[length++] = alphabet[bits >> (have - 6) & 63];
    }
    if (have > 0)
        out[length++] = alphabet[bits << (6 - have) & 63];
    return length;
}

enum msp_result msp_jws_sign(const char *payload, size_t size, const struct msp_jws_key *key,
                             char out[MSP_JWS_MAX_BYTES + 1], struct msp_error *error)
{
    unsigned char mac[MSP_HMAC_SHA256_BYTES];
    /* Header, payload, dot and signature. */
    size_t needed = sizeof header - 1 + (size * 4 + 2) / 3 + 1 + (sizeof mac * 4 + 2) / 3;
    if (size > MSP_JWS_MAX_BYTES || needed > MSP_JWS_MAX_BYTES ||
        key->secret_bytes < MSP_JWS_MIN_KEY_BYTES)
        return msp_fail(error, MSP_UNAVAILABLE, "token_not_signed",
                        "A token of this length, or with so short a key, is not made.");
    memcpy(out, header, sizeof header - 1);
    size_t length = sizeof header - 1;
    length += encode((const unsigned char *)payload, size, out + length);
    if (!msp_hmac_sha256(key->secret, key->secret_bytes, out, length, mac))
        return msp_fail(error, MSP_BROKEN, "token_not_signed", "The token is too long to sign.");
    out[length++] = '.';
    length += encode(mac, sizeof mac, out + length);
    out[length] = '\0';
    return MSP_OK;
}
