/* Checks tokens and where a request came from. What a caller may do is the router's question. */
#include "authenticate.h"

#include "jws.h"

#include "msp/address_list.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define AUDIENCE "msp-analytics"
/* How far the clock of who issued the token may be off. */
#define LEEWAY_SECONDS 30

static enum msp_result refuse(struct msp_error *error, const char *code, const char *detail)
{
    return msp_fail(error, MSP_UNAUTHORISED, code, "%s", detail);
}

/* What follows "Bearer " (any case, RFC 9110 section 11.1); NULL if it is not that. */
static const char *bearer_token(const char *authorization)
{
    static const char scheme[] = "bearer ";
    if (authorization == NULL || strncasecmp(authorization, scheme, sizeof scheme - 1) != 0)
        return NULL;
    const char *token = authorization + sizeof scheme - 1;
    token += strspn(token, " ");
    return *token != '\0' ? token : NULL;
}

static enum msp_result refuse_missing(struct msp_error *error)
{
    return refuse(error, "credential_missing", "Send Authorization: Bearer with your token.");
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

static enum msp_result check_times(const json_t *claims, int64_t now, struct msp_error *error)
{
    if (!json_is_integer(json_object_get(claims, "exp")))
        return refuse(error, "token_claim_wrong",
                      "The token needs \"exp\", a whole number of seconds since 1970.");
    json_int_t expires = 0;
    json_int_t not_before = now;
    json_int_t issued = now;
    if (!take_time(claims, "exp", &expires) || !take_time(claims, "nbf", &not_before) ||
        !take_time(claims, "iat", &issued))
        return refuse(error, "token_claim_wrong",
                      "\"nbf\" and \"iat\" must be whole numbers of seconds since 1970.");
    if (expires <= now - LEEWAY_SECONDS)
        return refuse(error, "token_expired", "The token has expired; ask for a new one.");
    if (not_before > now + LEEWAY_SECONDS || issued > now + LEEWAY_SECONDS)
        return refuse(error, "token_not_yet_valid",
                      "The token is not valid yet; check the clock of who issued it.");
    return MSP_OK;
}

static bool is_for_us(const json_t *audience)
{
    if (json_is_string(audience))
        return strcmp(json_string_value(audience), AUDIENCE) == 0;
    size_t index;
    json_t *entry;
    bool found = false;
    json_array_foreach(audience, index, entry)
    {
        if (!json_is_string(entry))
            return false;
        found = found || strcmp(json_string_value(entry), AUDIENCE) == 0;
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

enum msp_result msp_claims_check(const json_t *claims, int64_t now_unix_seconds,
                                 struct msp_caller *out, struct msp_error *error)
{
    struct msp_caller caller = {.credential = MSP_CREDENTIAL_PERSON};
    char role[16];
    enum msp_result result = check_times(claims, now_unix_seconds, error);
    if (result != MSP_OK)
        return result;
    if (!is_for_us(json_object_get(claims, "aud")))
        return refuse(error, "token_audience_wrong",
                      "The token's \"aud\" must be \"" AUDIENCE "\"; ask for one for this server.");
    if (!take_text(claims, "sub", caller.subject, sizeof caller.subject))
        return refuse(error, "token_claim_wrong",
                      "The token needs \"sub\", a text of 1 to 127 bytes.");
    if (take_text(claims, "role", role, sizeof role))
        caller.role = msp_role_parse(role);
    if (caller.role == MSP_ROLE_NONE)
        return refuse(error, "token_role_unknown",
                      "The token's \"role\" must be admin, manager, tech or client.");
    bool has_tenant = json_object_get(claims, "tenant") != NULL;
    if (caller.role == MSP_ROLE_ADMIN && has_tenant)
        return refuse(error, "token_claim_wrong",
                      "An admin's token must not carry a \"tenant\"; name one with ?tenant=.");
    if (caller.role != MSP_ROLE_ADMIN &&
        !take_text(claims, "tenant", caller.tenant.slug, sizeof caller.tenant.slug))
        return refuse(error, "token_claim_wrong", "The token needs \"tenant\", a tenant's id.");
    *out = caller;
    return MSP_OK;
}

static enum msp_result find_tenant(const struct msp_tenant_cache *tenants,
                                   struct msp_caller *caller, struct msp_error *error)
{
    struct msp_tenant tenant;
    if (msp_tenant_cache_generation(tenants) == 0)
        return msp_fail(error, MSP_UNAVAILABLE, "tenants_not_loaded",
                        "The tenants are not loaded yet; try again in a moment.");
    if (!msp_tenant_cache_find(tenants, caller->tenant.slug, &tenant))
        return refuse(error, "token_tenant_unknown", "The token's tenant is not known here.");
    if (!tenant.active)
        return refuse(error, "tenant_disabled",
                      "The token's tenant is disabled; ask your provider to enable it.");
    caller->tenant = tenant;
    return MSP_OK;
}

enum msp_result msp_authenticate_person(const struct msp_settings *settings,
                                        const struct msp_tenant_cache *tenants,
                                        const char *authorization, int64_t now_unix_seconds,
                                        struct msp_caller *out, struct msp_error *error)
{
    const char *token = bearer_token(authorization);
    if (token == NULL)
        return refuse_missing(error);
    const struct msp_jws_key key = {.algorithm = MSP_JWS_HS256,
                                    .secret = settings->jwt_secret,
                                    .secret_bytes = strlen(settings->jwt_secret)};
    json_t *claims = NULL;
    enum msp_result result = msp_jws_verify(token, strlen(token), &key, 1, &claims, error);
    if (result != MSP_OK)
        return result;
    struct msp_caller caller;
    result = msp_claims_check(claims, now_unix_seconds, &caller, error);
    json_decref(claims);
    if (result == MSP_OK && caller.role != MSP_ROLE_ADMIN)
        result = find_tenant(tenants, &caller, error);
    if (result == MSP_OK)
        *out = caller;
    return result;
}

/* Digests have one length, so that the time a comparison takes tells nothing of the token. */
static bool same_secret(const char *given, const char *right)
{
    unsigned char given_digest[SHA256_DIGEST_LENGTH];
    unsigned char right_digest[SHA256_DIGEST_LENGTH];
    if (right[0] == '\0')
        return false;
    (void)SHA256((const unsigned char *)given, strlen(given), given_digest);
    (void)SHA256((const unsigned char *)right, strlen(right), right_digest);
    return CRYPTO_memcmp(given_digest, right_digest, sizeof given_digest) == 0;
}

enum msp_result msp_authenticate_service(const struct msp_settings *settings,
                                         const char *authorization, struct msp_caller *out,
                                         struct msp_error *error)
{
    const char *token = bearer_token(authorization);
    if (token == NULL)
        return refuse_missing(error);
    if (!same_secret(token, settings->service_token))
        return refuse(error, "token_wrong",
                      "This is not the service token of this server; check SERVICE_TOKEN.");
    *out = (struct msp_caller){.credential = MSP_CREDENTIAL_SERVICE};
    (void)snprintf(out->subject, sizeof out->subject, "service");
    return MSP_OK;
}

enum msp_result msp_authenticate_internal_peer(const struct msp_settings *settings,
                                               const char *peer, bool forwarded,
                                               struct msp_error *error)
{
    struct in_addr address;
    bool inside = inet_pton(AF_INET, peer, &address) == 1;
    uint32_t host_order = inside ? ntohl(address.s_addr) : 0;
    if (inside && !forwarded && !msp_address_list_contains(settings->trusted_proxies, host_order) &&
        msp_address_list_contains(settings->internal_allow, host_order))
        return MSP_OK;
    return msp_fail(error, MSP_FORBIDDEN, "internal_only",
                    "This address answers only the internal network, directly and not through a "
                    "proxy; see INTERNAL_ALLOW.");
}
