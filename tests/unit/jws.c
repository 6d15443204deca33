/* Signed tokens: what is taken, and that nothing else is. */
#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "claims.h"
#include "jws.h"

static const char secret[] = "a secret of more than thirty-two bytes";
static const struct msp_jws_key our_key = {MSP_JWS_HS256, NULL, secret, sizeof secret - 1};

/* RFC 7515 appendix A.1: its key, and its token, which expired in 2011. */
static const unsigned char rfc_secret[] = {
    0x03, 0x23, 0x35, 0x4b, 0x2b, 0x0f, 0xa5, 0xbc, 0x83, 0x7e, 0x06, 0x65, 0x77, 0x7b, 0xa6, 0x8f,
    0x5a, 0xb3, 0x28, 0xe6, 0xf0, 0x54, 0xc9, 0x28, 0xa9, 0x0f, 0x84, 0xb2, 0xd2, 0x50, 0x2e, 0xbf,
    0xd3, 0xfb, 0x5a, 0x92, 0xd2, 0x06, 0x47, 0xef, 0x96, 0x8a, 0xb4, 0xc3, 0x77, 0x62, 0x3d, 0x22,
    0x3d, 0x2e, 0x21, 0x72, 0x05, 0x2e, 0x4f, 0x08, 0xc0, 0xcd, 0x9a, 0xf5, 0x67, 0xd0, 0x80, 0xa3};
static const struct msp_jws_key rfc_key = {MSP_JWS_HS256, NULL, rfc_secret, sizeof rfc_secret};
static const char rfc_hs256[] =
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
    "fQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
/* Appendix A.2, signed with RSA, and A.5, not signed. */
static const char rfc_rs256[] =
    "eyJhbGciOiJSUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
    "fQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2F"
    "p5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHl"
    "b1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QO"
    "YEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
static const char rfc_none[] =
    "eyJhbGciOiJub25lIn0."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVl"
    "fQ.";

static size_t encode(const void *bytes, size_t size, char *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *in = bytes;
    size_t length = 0;
    unsigned bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < size; i++) {
        bits = (bits << 8 | in[i]) & 0xFFFFFF;
        for (have += 8; have >= 6; have -= 6)
            out[length++] = alphabet[bits >> (have - 6) & 63];
    }
    if (have > 0)
        out[length++] = alphabet[bits << (6 - have) & 63];
    out[length] = '\0';
    return length;
}

/* A token with a right signature over whatever it holds. */
static char *sign(const char *header, const char *payload)
{
    static char token[65536];
    unsigned char signature[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    size_t length = encode(header, strlen(header), token);
    token[length++] = '.';
    length += encode(payload, strlen(payload), token + length);
    (void)HMAC(EVP_sha256(), secret, (int)(sizeof secret - 1), (const unsigned char *)token, length,
               signature, &size);
    token[length++] = '.';
    (void)encode(signature, size, token + length);
    return token;
}

static enum msp_result verify(const char *token, const struct msp_jws_key *key, char *code)
{
    struct msp_error error = {0};
    json_t *claims = NULL;
    enum msp_result result = msp_jws_verify(token, strlen(token), key, 1, &claims, &error);
    cr_assert((result == MSP_OK) == (claims != NULL));
    json_decref(claims);
    if (code != NULL)
        (void)snprintf(code, sizeof error.code, "%s", error.code);
    return result;
}

static const char good_header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";

Test(jws, takes_the_hs256_example_of_rfc_7515)
{
    cr_assert_eq(verify(rfc_hs256, &rfc_key, NULL), MSP_OK);
}

Test(jws, takes_what_our_key_signed_with_any_type_word)
{
    cr_assert_eq(verify(sign(good_header, "{}"), &our_key, NULL), MSP_OK);
    cr_assert_eq(verify(sign("{\"alg\":\"HS256\"}", "{}"), &our_key, NULL), MSP_OK);
    cr_assert_eq(verify(sign("{\"typ\":\"at+jwt\",\"alg\":\"HS256\"}", "{}"), &our_key, NULL),
                 MSP_OK);
}

Test(jws, refuses_every_other_algorithm_and_none)
{
    static const char *const headers[] = {
        "{\"alg\":\"none\"}",  "{\"alg\":\"None\"}",        "{\"alg\":\"hs256\"}",
        "{\"alg\":\"HS384\"}", "{\"alg\":\"RS256\"}",       "{\"alg\":\"\"}",
        "{\"alg\":1}",         "{\"alg\":[\"HS256\"]}",     "{}",
        "{\"alg\":null}",      "{\"alg\":\"HS256\\u0020\"}"};
    char code[48];
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        cr_assert_eq(verify(sign(headers[i], "{}"), &our_key, code), MSP_UNAUTHORISED, "%s",
                     headers[i]);
    cr_assert_eq(verify(rfc_rs256, &rfc_key, code), MSP_UNAUTHORISED);
    cr_assert_str_eq(code, "token_header_refused");
    cr_assert_eq(verify(rfc_none, &rfc_key, NULL), MSP_UNAUTHORISED);
}

Test(jws, refuses_extensions_and_keys_in_the_header)
{
    static const char *const members[] = {
        "\"crit\":[\"exp\"]", "\"b64\":false", "\"zip\":\"DEF\"", "\"jku\":\"https://x\"",
        "\"jwk\":{}",         "\"x5u\":\"x\"", "\"x5c\":[\"x\"]", "\"kid\":7"};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        char header[128];
        (void)snprintf(header, sizeof header, "{\"alg\":\"HS256\",%s}", members[i]);
        cr_assert_eq(verify(sign(header, "{}"), &our_key, NULL), MSP_UNAUTHORISED, "%s", header);
    }
}

Test(jws, refuses_doubled_members)
{
    cr_assert_eq(verify(sign("{\"alg\":\"none\",\"alg\":\"HS256\"}", "{}"), &our_key, NULL),
                 MSP_UNAUTHORISED);
    cr_assert_eq(verify(sign(good_header, "{\"sub\":\"a\",\"sub\":\"b\"}"), &our_key, NULL),
                 MSP_UNAUTHORISED);
}

Test(jws, refuses_a_wrong_signature_of_any_length)
{
    char *token = sign(good_header, "{}");
    char *last = token + strlen(token) - 2;
    *last = *last == 'A' ? 'B' : 'A';
    char code[48];
    cr_assert_eq(verify(token, &our_key, code), MSP_UNAUTHORISED);
    cr_assert_str_eq(code, "token_signature_wrong");
    token = sign(good_header, "{}");
    token[strlen(token) - 4] = '\0';
    cr_assert_eq(verify(token, &our_key, NULL), MSP_UNAUTHORISED);
    cr_assert_eq(verify(sign(good_header, "{}"), &rfc_key, NULL), MSP_UNAUTHORISED);
}

Test(jws, refuses_padding_other_alphabets_and_loose_last_bits)
{
    static const char *const tails[] = {"=", " ",        "\n", "!!",  "+",
                                        "/", "\xC3\xA9", ".",  ".AA", "A"};
    char token[512];
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        (void)snprintf(token, sizeof token, "%s%s", sign(good_header, "{}"), tails[i]);
        cr_assert_eq(verify(token, &our_key, NULL), MSP_UNAUTHORISED, "tail %zu", i);
    }
    /* 32 bytes leave two unused bits in the last of 43 characters. */
    (void)snprintf(token, sizeof token, "%s", sign(good_header, "{}"));
    char *last = token + strlen(token) - 1;
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    *last = *(strchr(alphabet, *last) + 1);
    cr_assert_eq(verify(token, &our_key, NULL), MSP_UNAUTHORISED);
}

Test(jws, refuses_what_is_not_three_parts)
{
    static const char *const tokens[] = {"", ".", "..", "a.b", "a..b", ".a.b", "a.b.", "a.b.c.d"};
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++)
        cr_assert_eq(verify(tokens[i], &our_key, NULL), MSP_UNAUTHORISED, "%s", tokens[i]);
}

Test(jws, refuses_payloads_that_are_no_object)
{
    static const char *const payloads[] = {"[1]", "1", "\"x\"", "null", "", "{} {}", "{", "\xff"};
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++)
        cr_assert_eq(verify(sign(good_header, payloads[i]), &our_key, NULL), MSP_UNAUTHORISED, "%s",
                     payloads[i]);
}

Test(jws, survives_two_thousand_levels)
{
    char deep[4200];
    memset(deep, '[', 2000);
    memset(deep + 2000, ']', 2000);
    deep[4000] = '\0';
    cr_assert_eq(verify(sign(deep, "{}"), &our_key, NULL), MSP_UNAUTHORISED);
    deep[1000] = '\0'; /* short enough for the size limit, far past the depth limit */
    cr_assert_eq(verify(sign(deep, "{}"), &our_key, NULL), MSP_UNAUTHORISED);
    cr_assert_eq(verify(sign(good_header, deep), &our_key, NULL), MSP_UNAUTHORISED);
}

Test(jws, refuses_more_than_four_kibibytes)
{
    char payload[4096];
    memset(payload, ' ', sizeof payload);
    memcpy(payload, "{}", 2);
    payload[sizeof payload - 1] = '\0';
    cr_assert_eq(verify(sign(good_header, payload), &our_key, NULL), MSP_UNAUTHORISED);
}

Test(jws, never_verifies_with_a_short_or_missing_key)
{
    const struct msp_jws_key empty = {MSP_JWS_HS256, NULL, NULL, 0};
    const struct msp_jws_key brief = {MSP_JWS_HS256, NULL, secret, 31};
    cr_assert_eq(verify(sign(good_header, "{}"), &empty, NULL), MSP_UNAUTHORISED);
    cr_assert_eq(verify(sign(good_header, "{}"), &brief, NULL), MSP_UNAUTHORISED);
}

Test(jws, compares_key_ids_where_both_sides_have_one)
{
    const struct msp_jws_key named = {MSP_JWS_HS256, "one", secret, sizeof secret - 1};
    cr_assert_eq(verify(sign("{\"alg\":\"HS256\",\"kid\":\"one\"}", "{}"), &named, NULL), MSP_OK);
    cr_assert_eq(verify(sign("{\"alg\":\"HS256\",\"kid\":\"two\"}", "{}"), &named, NULL),
                 MSP_UNAUTHORISED);
    cr_assert_eq(verify(sign(good_header, "{}"), &named, NULL), MSP_OK);
}

Test(jws, signs_what_it_takes_itself)
{
    char token[MSP_JWS_MAX_BYTES + 1];
    char longest[3100];
    struct msp_error error;
    cr_assert_eq(msp_jws_sign("{\"sub\":\"x\"}", 11, &our_key, token, &error), MSP_OK);
    cr_expect_eq(verify(token, &our_key, NULL), MSP_OK);
    cr_expect_str_eq(token, sign(good_header, "{\"sub\":\"x\"}"));
    memset(longest, ' ', sizeof longest);
    memcpy(longest, "{}", 2);
    cr_expect_eq(msp_jws_sign(longest, sizeof longest, &our_key, token, &error), MSP_UNAVAILABLE);
    cr_assert_eq(msp_jws_sign(longest, 3000, &our_key, token, &error), MSP_OK);
    cr_expect_eq(verify(token, &our_key, NULL), MSP_OK);
}

Test(jws, tries_every_key_it_is_given)
{
    static const char other[] = "another secret of more than thirty-two bytes";
    const struct msp_jws_key keys[] = {{MSP_JWS_HS256, NULL, other, sizeof other - 1}, our_key};
    char *token = sign(good_header, "{}");
    struct msp_error error;
    json_t *claims = NULL;
    cr_expect_eq(msp_jws_verify(token, strlen(token), keys, 2, &claims, &error), MSP_OK);
    json_decref(claims);
    cr_expect_eq(msp_jws_verify(token, strlen(token), keys, 1, &claims, &error), MSP_UNAUTHORISED);
    cr_expect_eq(msp_jws_verify(token, strlen(token), keys, 0, &claims, &error), MSP_UNAUTHORISED);
}

/* ---- claims ---- */

#define NOW 1700000000

static const char *issuer = "";

static enum msp_result check(const char *json, char *code)
{
    struct msp_error error = {0};
    struct msp_claims read;
    json_t *claims = json_loads(json, 0, NULL);
    cr_assert_not_null(claims, "%s", json);
    enum msp_result result = msp_claims_check(claims, issuer, NOW, &read, &error);
    json_decref(claims);
    if (code != NULL)
        (void)snprintf(code, sizeof error.code, "%s", error.code);
    return result;
}

/* A good manager's claims with one part in place of another. */
static const char *with(const char *part)
{
    static char json[512];
    static const char *const parts[] = {"\"exp\":1700000100", "\"aud\":\"msp-analytics\"",
                                        "\"sub\":\"jo\"", "\"role\":\"manager\"",
                                        "\"tenant\":\"acme\""};
    size_t name = strcspn(part, ":");
    (void)snprintf(json, sizeof json, "{");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strncmp(parts[i], part, name) != 0)
            (void)snprintf(json + strlen(json), sizeof json - strlen(json), "%s,", parts[i]);
    if (part[name] == ':')
        (void)snprintf(json + strlen(json), sizeof json - strlen(json), "%s,", part);
    json[strlen(json) - 1] = '}';
    return json;
}

Test(claims, takes_the_claims_of_the_contract)
{
    cr_assert_eq(check(with("\"iat\":1700000000"), NULL), MSP_OK);
    cr_assert_eq(check(with("\"aud\":[\"x\",\"msp-analytics\"]"), NULL), MSP_OK);
    cr_assert_eq(check("{\"exp\":1700000100,\"aud\":\"msp-analytics\",\"sub\":\"s\","
                       "\"role\":\"admin\"}",
                       NULL),
                 MSP_OK);
}

Test(claims, allows_thirty_seconds_between_clocks)
{
    char code[48];
    cr_assert_eq(check(with("\"exp\":1699999971"), NULL), MSP_OK);
    cr_assert_eq(check(with("\"exp\":1699999970"), code), MSP_UNAUTHORISED);
    cr_assert_str_eq(code, "token_expired");
    cr_assert_eq(check(with("\"nbf\":1700000030"), NULL), MSP_OK);
    cr_assert_eq(check(with("\"nbf\":1700000031"), code), MSP_UNAUTHORISED);
    cr_assert_str_eq(code, "token_not_yet_valid");
    cr_assert_eq(check(with("\"iat\":1700000031"), NULL), MSP_UNAUTHORISED);
}

Test(claims, asks_for_the_issuer_when_there_is_one)
{
    char code[48];
    issuer = "https://issuer.example";
    cr_expect_eq(check(with("\"iss\":\"https://issuer.example\""), NULL), MSP_OK);
    cr_expect_eq(check(with("\"iss\":\"https://other.example\""), code), MSP_UNAUTHORISED);
    cr_expect_str_eq(code, "token_issuer_wrong");
    cr_expect_eq(check(with("\"iss\":[\"https://issuer.example\"]"), NULL), MSP_UNAUTHORISED);
    cr_expect_eq(check(with("\"iat\":1700000000"), NULL), MSP_UNAUTHORISED);
    issuer = "";
}

Test(claims, refuses_missing_and_wrongly_typed_claims)
{
    static const char *const parts[] = {
        "\"exp\"",           "\"exp\":\"9999999999\"",
        "\"exp\":1e10",      "\"exp\":null",
        "\"nbf\":\"1\"",     "\"nbf\":1.5",
        "\"iat\":true",      "\"aud\"",
        "\"aud\":\"msp\"",   "\"aud\":[]",
        "\"aud\":[1]",       "\"sub\"",
        "\"sub\":\"\"",      "\"sub\":1",
        "\"sub\":\"a\\nb\"", "\"role\"",
        "\"role\":\"root\"", "\"role\":[\"admin\"]",
        "\"tenant\"",        "\"tenant\":1",
        "\"tenant\":\"\"",   "\"role\":\"admin\""}; /* the last: an admin with a tenant */
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        cr_assert_eq(check(with(parts[i]), NULL), MSP_UNAUTHORISED, "%s", parts[i]);
}
