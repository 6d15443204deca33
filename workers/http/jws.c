/*
 * Takes apart and verifies one compact JWS. Refuses what other readers might read differently:
 * other alphabets, padding, non-canonical last bits, doubled members, extensions.
 * Not done with libjwt 1.10, which parses a token of any depth before it looks at the signature.
 */
#include "jws.h"

#include "hmac_sha256.h"

#include "msp/json_reader.h"

#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* A header is flat; a claim may hold a list or an object of ours, not a tree. */
static const struct msp_json_limits header_limits = {MSP_JWS_MAX_BYTES, 4, 32};
static const struct msp_json_limits claims_limits = {MSP_JWS_MAX_BYTES, 8, 256};

/*
 * crit and b64 change how a token is to be read (RFC 7515, 7797), zip compresses it, and the others
 * offer a key: nobody who signs with our keys needs them.
 */
static const char *const refused_members[] = {"crit", "b64", "zip", "jku", "jwk", "x5u", "x5c"};

static const char *const algorithm_names[] = {[MSP_JWS_HS256] = "HS256"};

struct part {
    const char *text;
    size_t length;
};

struct parts {
    struct part header, payload, signature;
    struct part signed_text; /* header "." payload, as it came */
};

static enum msp_result malformed(struct msp_error *error)
{
    return msp_fail(error, MSP_UNAUTHORISED, "token_malformed",
                    "The token is not three base64url parts of at most 4 KiB; ask for a new one.");
}

/* The value of a base64url character (RFC 4648 section 5), or -1. */
static int sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '-')
        return 62;
    return c == '_' ? 63 : -1;
}

/* Strict: no padding, no other characters, unused last bits zero. `out` has 3/4 of the length. */
static bool decode(struct part part, unsigned char *out, size_t *out_size)
{
    uint32_t bits = 0;
    unsigned have = 0;
    size_t size = 0;
    for (size_t i = 0; i < part.length; i++) {
        int value = sextet(part.text[i]);
        if (value < 0)
            return false;
        bits = (bits << 6 | (uint32_t)value) & 0xFFFFU;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[size++] = (unsigned char)(bits >> have);
        }
    }
    *out_size = size;
    /* 6 bits over is a lone character, which encodes nothing. */
    return have < 6 && (bits & ((1U << have) - 1)) == 0;
}

static bool cut(const char *token, size_t length, struct parts *out)
{
    const char *first = memchr(token, '.', length);
    if (first == NULL)
        return false;
    const char *rest = first + 1;
    const char *second = memchr(rest, '.', (size_t)(token + length - rest));
    if (second == NULL)
        return false;
    out->header = (struct part){token, (size_t)(first - token)};
    out->payload = (struct part){rest, (size_t)(second - rest)};
    out->signature = (struct part){second + 1, (size_t)(token + length - second - 1)};
    out->signed_text = (struct part){token, (size_t)(second - token)};
    return out->header.length > 0 && out->payload.length > 0 && out->signature.length > 0;
}

/* Base64url of a JSON object; a third dot fails here, as it is not in the alphabet. */
static enum msp_result parse_part(struct part part, const struct msp_json_limits *limits,
                                  json_t **out, struct msp_error *error)
{
    unsigned char json[MSP_JWS_MAX_BYTES];
    size_t size = 0;
    if (!decode(part, json, &size))
        return malformed(error);
    json_t *parsed = NULL;
    enum msp_result result = msp_json_parse((const char *)json, size, limits, &parsed, error);
    if (result == MSP_NO_MEMORY)
        return result;
    if (result != MSP_OK || !json_is_object(parsed)) {
        json_decref(parsed);
        return malformed(error);
    }
    *out = parsed;
    return MSP_OK;
}

static enum msp_result refuse_header(struct msp_error *error)
{
    return msp_fail(error, MSP_UNAUTHORISED, "token_header_refused",
                    "The token's header asks for an algorithm or an extension that is not taken "
                    "here; ask for a new token.");
}

static bool header_is_plain(const json_t *header)
{
    for (size_t i = 0; i < sizeof refused_members / sizeof refused_members[0]; i++)
        if (json_object_get(header, refused_members[i]) != NULL)
            return false;
    const json_t *id = json_object_get(header, "kid");
    return id == NULL || json_is_string(id);
}

static bool key_is_strong(const struct msp_jws_key *key)
{
    return key->secret != NULL && key->secret_bytes >= MSP_JWS_MIN_KEY_BYTES;
}

static bool key_is_for_hs256(const struct msp_jws_key *key)
{
    return key->algorithm == MSP_JWS_HS256 && key_is_strong(key);
}

static bool key_fits(const struct msp_jws_key *key, const json_t *header)
{
    const char *algorithm = json_string_value(json_object_get(header, "alg"));
    const char *id = json_string_value(json_object_get(header, "kid"));
    if (algorithm == NULL || strcmp(algorithm, algorithm_names[key->algorithm]) != 0)
        return false;
    if (!key_is_strong(key))
        return false;
    return id == NULL || key->id == NULL || strcmp(id, key->id) == 0;
}

static bool signature_is_right(const struct msp_jws_key *key, const struct parts *parts)
{
    unsigned char given[MSP_JWS_MAX_BYTES];
    unsigned char right[MSP_HMAC_SHA256_BYTES];
    size_t given_size = 0;
    if (!decode(parts->signature, given, &given_size) ||
        !msp_hmac_sha256(key->secret, key->secret_bytes, parts->signed_text.text,
                         parts->signed_text.length, right))
        return false;
    return given_size == sizeof right && CRYPTO_memcmp(given, right, sizeof right) == 0;
}

/* Nearly every token has one of these headers to the letter; they need no parser to be understood.
 */
static bool header_is_usual(struct part header)
{
    static const char *const usual[] = {
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", /* {"alg":"HS256","typ":"JWT"} */
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9", /* {"typ":"JWT","alg":"HS256"} */
    };
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
        if (header.length == strlen(usual[i]) && memcmp(header.text, usual[i], header.length) == 0)
            return true;
    return false;
}

/* `header` is NULL for a usual one, which names HS256 and no key. */
static enum msp_result check_signature(const struct parts *parts, const json_t *header,
                                       const struct msp_jws_key *keys, size_t key_count,
                                       struct msp_error *error)
{
    bool fitted = false;
    if (header != NULL && !header_is_plain(header))
        return refuse_header(error);
    for (size_t i = 0; i < key_count; i++) {
        if (header != NULL ? !key_fits(&keys[i], header) : !key_is_for_hs256(&keys[i]))
            continue;
        fitted = true;
        if (signature_is_right(&keys[i], parts))
            return MSP_OK;
    }
    if (!fitted)
        return refuse_header(error);
    return msp_fail(error, MSP_UNAUTHORISED, "token_signature_wrong",
                    "The token was not signed with this server's key; ask for a new one.");
}

enum msp_result msp_jws_verify(const char *token, size_t length, const struct msp_jws_key *keys,
                               size_t key_count, json_t **out_claims, struct msp_error *error)
{
    struct parts parts;
    if (length > MSP_JWS_MAX_BYTES || !cut(token, length, &parts))
        return malformed(error);
    json_t *header = NULL;
    enum msp_result result = MSP_OK;
    if (!header_is_usual(parts.header))
        result = parse_part(parts.header, &header_limits, &header, error);
    if (result != MSP_OK)
        return result;
    result = check_signature(&parts, header, keys, key_count, error);
    json_decref(header);
    if (result != MSP_OK)
        return result;
    return parse_part(parts.payload, &claims_limits, out_claims, error);
}
