/* Judges the claims of a token whose signature was found right. Every claim is of one type or the
 * token is refused: a text is no number and a number no text. */
#include "claims.h"

#include <openssl/sha.h>
#include <string.h>

/* In the year 2255: what lasts longer is shown and remembered until then. */
#define LATEST_SECONDS INT64_C(9000000000)

static enum msp_result refuse(struct msp_error *error, const char *code, const char *detail)
{
    return msp_fail(error, MSP_UNAUTHORISED, code, "%s", detail);
}

/* An integer claim; absent leaves *out. False if it is of another type. */
static bool take_time(const json_t *claims, const char *name, json_int_t *out)
{
    const json_t *claim = json_object_get(claims, name);
    if (claim == NULL)
        return true;
    if (!json_is_integer(claim))
        return false;
    *out = json_integer_value(claim);
    return true;
}

enum msp_result msp_claims_check_end(int64_t expires_seconds, int64_t now_unix_seconds,
                                     struct msp_error *error)
{
    if (expires_seconds <= now_unix_seconds - MSP_TOKEN_LEEWAY_SECONDS)
        return refuse(error, "token_expired", "The token has expired; ask for a new one.");
    return MSP_OK;
}

static enum msp_result check_times(const json_t *claims, int64_t now, struct msp_claims *out,
                                   struct msp_error *error)
{
    if (!json_is_integer(json_object_get(claims, "exp")))
        return refuse(error, "token_claim_wrong",
                      "The token needs \"exp\", a whole number of seconds since 1970.");
    json_int_t expires = 0;
    json_int_t not_before = now;
    json_int_t issued = INT64_MIN;
    if (!take_time(claims, "exp", &expires) || !take_time(claims, "nbf", &not_before) ||
        !take_time(claims, "iat", &issued))
        return refuse(error, "token_claim_wrong",
                      "\"nbf\" and \"iat\" must be whole numbers of seconds since 1970.");
    enum msp_result result = msp_claims_check_end(expires, now, error);
    if (result != MSP_OK)
        return result;
    if (not_before > now + MSP_TOKEN_LEEWAY_SECONDS || issued > now + MSP_TOKEN_LEEWAY_SECONDS)
        return refuse(error, "token_not_yet_valid",
                      "The token is not valid yet; check the clock of who issued it.");
    out->expires_seconds = expires < LATEST_SECONDS ? expires : LATEST_SECONDS;
    out->issued_seconds = issued;
    return MSP_OK;
}

static bool is_for_us(const json_t *audience)
{
    if (json_is_string(audience))
        return strcmp(json_string_value(audience), MSP_TOKEN_AUDIENCE) == 0;
    size_t index;
    json_t *entry;
    bool found = false;
    json_array_foreach(audience, index, entry)
    {
        if (!json_is_string(entry))
            return false;
        found = found || strcmp(json_string_value(entry), MSP_TOKEN_AUDIENCE) == 0;
    }
    return found;
}

/* A text claim into `out`; false if absent, empty, of another type, too long or with control
 * characters. */
static bool take_text(const json_t *claims, const char *name, char *out, size_t size)
{
    const json_t *claim = json_object_get(claims, name);
    size_t length = json_is_string(claim) ? json_string_length(claim) : 0;
    if (length == 0 || length >= size)
        return false;
    const char *text = json_string_value(claim);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 127)
            return false;
    memcpy(out, text, length + 1);
    return true;
}

static enum msp_result check_issuer(const json_t *claims, const char *issuer,
                                    struct msp_error *error)
{
    const char *said = json_string_value(json_object_get(claims, "iss"));
    if (issuer[0] == '\0' || (said != NULL && strcmp(said, issuer) == 0))
        return MSP_OK;
    return refuse(error, "token_issuer_wrong",
                  "The token was not issued by the issuer that this server trusts.");
}

/* An admin belongs to no tenant, everybody else to one. */
static enum msp_result take_place(const json_t *claims, struct msp_claims *out,
                                  struct msp_error *error)
{
    char role[16];
    bool has_tenant = json_object_get(claims, "tenant") != NULL;
    if (take_text(claims, "role", role, sizeof role))
        out->role = msp_role_parse(role);
    if (out->role == MSP_ROLE_NONE)
        return refuse(error, "token_role_unknown",
                      "The token's \"role\" must be admin, manager, tech or client.");
    if (out->role == MSP_ROLE_ADMIN && has_tenant)
        return refuse(error, "token_claim_wrong",
                      "An admin's token must not carry a \"tenant\"; name one with ?tenant=.");
    if (out->role != MSP_ROLE_ADMIN &&
        !take_text(claims, "tenant", out->tenant, sizeof out->tenant))
        return refuse(error, "token_claim_wrong", "The token needs \"tenant\", a tenant's id.");
    return MSP_OK;
}

static enum msp_result take_id(const json_t *claims, struct msp_claims *out,
                               struct msp_error *error)
{
    char id[256];
    unsigned char digest[SHA256_DIGEST_LENGTH];
    out->has_id = json_object_get(claims, "jti") != NULL;
    if (!out->has_id)
        return MSP_OK;
    if (!take_text(claims, "jti", id, sizeof id))
        return refuse(error, "token_claim_wrong",
                      "\"jti\" must be a text of 1 to 255 bytes without control characters.");
    (void)SHA256((const unsigned char *)id, strlen(id), digest);
    memcpy(out->id_digest, digest, sizeof out->id_digest);
    return MSP_OK;
}

enum msp_result msp_claims_check(const json_t *claims, const char *issuer, int64_t now_unix_seconds,
                                 struct msp_claims *out, struct msp_error *error)
{
    struct msp_claims read = {.role = MSP_ROLE_NONE};
    enum msp_result result = check_times(claims, now_unix_seconds, &read, error);
    if (result != MSP_OK)
        return result;
    if (!is_for_us(json_object_get(claims, "aud")))
        return refuse(error, "token_audience_wrong",
                      "The token's \"aud\" must be \"" MSP_TOKEN_AUDIENCE
                      "\"; ask for one for this server.");
    result = check_issuer(claims, issuer, error);
    if (result != MSP_OK)
        return result;
    if (!take_text(claims, "sub", read.subject, sizeof read.subject))
        return refuse(error, "token_claim_wrong",
                      "The token needs \"sub\", a text of 1 to 127 bytes.");
    if (!take_text(claims, "name", read.name, sizeof read.name))
        read.name[0] = '\0'; /* it opens nothing, so it refuses nothing */
    result = take_place(claims, &read, error);
    if (result == MSP_OK)
        result = take_id(claims, &read, error);
    if (result == MSP_OK)
        *out = read;
    return result;
}
