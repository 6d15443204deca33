/* Tokens from strangers as they come, and (two lines: header, payload) with a right signature, so
 * that what lies behind it is reached too. A taken token must be an object and bear the claims
 * check. */
#include "claims.h"
#include "jws.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char secret[] = "a secret of more than thirty-two bytes";
static const struct msp_jws_key key = {MSP_JWS_HS256, NULL, secret, sizeof secret - 1};

static size_t encode(const uint8_t *in, size_t size, char *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    size_t length = 0;
    unsigned bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < size; i++) {
        bits = (bits << 8 | in[i]) & 0xFFFF;
        for (have += 8; have >= 6; have -= 6)
            out[length++] = alphabet[bits >> (have - 6) & 63];
    }
    if (have > 0)
        out[length++] = alphabet[bits << (6 - have) & 63];
    return length;
}

static size_t sign(const uint8_t *data, size_t size, size_t line, char *out)
{
    unsigned char signature[EVP_MAX_MD_SIZE];
    unsigned signature_size = 0;
    size_t length = encode(data, line, out);
    out[length++] = '.';
    length += encode(data + line + 1, size - line - 1, out + length);
    if (HMAC(EVP_sha256(), secret, (int)(sizeof secret - 1), (const unsigned char *)out, length,
             signature, &signature_size) == NULL)
        abort();
    out[length++] = '.';
    return length + encode(signature, signature_size, out + length);
}

static void verify(const char *token, size_t length)
{
    json_t *claims = NULL;
    struct msp_error error;
    struct msp_claims read;
    if (msp_jws_verify(token, length, &key, 1, &claims, &error) != MSP_OK) {
        if (claims != NULL || error.result != MSP_UNAUTHORISED)
            abort();
        return;
    }
    if (!json_is_object(claims))
        abort();
    if (msp_claims_check(claims, "", 1700000000, &read, &error) == MSP_OK &&
        (read.subject[0] == '\0' || read.role == MSP_ROLE_NONE ||
         read.expires_seconds <= 1700000000 - MSP_TOKEN_LEEWAY_SECONDS ||
         (read.role == MSP_ROLE_ADMIN) != (read.tenant[0] == '\0')))
        abort();
    json_decref(claims);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char token[16384];
    const uint8_t *line = memchr(data, '\n', size);
    verify((const char *)data, size);
    if (line != NULL && size < 8192)
        verify(token, sign(data, size, (size_t)(line - data), token));
    return 0;
}
