/* Checks credentials and where a request came from. What a caller may do is the router's question.
 */
#include "authenticate.h"

#include "api_key_check.h"
#include "claims.h"
#include "jws.h"

#include "msp/address_list.h"

#include <arpa/inet.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static enum msp_result refuse(struct msp_error *error, const char *code, const char *detail)
{
    return msp_fail(error, MSP_UNAUTHORISED, code, "%s", detail);
}

/* What follows a scheme such as "bearer " (any case, RFC 9110 section 11.1); NULL if it is not
 * that. */
static const char *after_scheme(const char *authorization, const char *scheme)
{
    size_t length = strlen(scheme);
    if (authorization == NULL || strncasecmp(authorization, scheme, length) != 0)
        return NULL;
    const char *rest = authorization + length;
    rest += strspn(rest, " ");
    return *rest != '\0' ? rest : NULL;
}

static enum msp_result refuse_missing(struct msp_error *error)
{
    return refuse(error, "credential_missing",
                  "Sign in, or send Authorization: Bearer with a token or X-API-Key with a key.");
}

static int count_proofs(const struct msp_proofs *proofs)
{
    return (proofs->authorization != NULL) + (proofs->api_key != NULL) + (proofs->session != NULL);
}

/* Which of two would hold is nobody's to guess. */
static enum msp_result refuse_several(struct msp_error *error)
{
    return msp_fail(error, MSP_INVALID, "credentials_several",
                    "The request carries more than one credential; send only one.");
}

static enum msp_result find_tenant(const struct msp_tenant_cache *tenants, const char *slug,
                                   struct msp_tenant *out, struct msp_error *error)
{
    struct msp_tenant tenant;
    if (msp_tenant_cache_generation(tenants) == 0)
        return msp_fail(error, MSP_UNAVAILABLE, "tenants_not_loaded",
                        "The tenants are not loaded yet; try again in a moment.");
    if (!msp_tenant_cache_find(tenants, slug, &tenant))
        return refuse(error, "token_tenant_unknown", "The token's tenant is not known here.");
    if (!tenant.active)
        return refuse(error, "tenant_disabled",
                      "The token's tenant is disabled; ask your provider to enable it.");
    *out = tenant;
    return MSP_OK;
}

void msp_subject_digest(const char *subject, unsigned char out[MSP_NAME_DIGEST_BYTES])
{
    unsigned char lower[sizeof(((struct msp_caller *)0)->subject)];
    unsigned char digest[SHA256_DIGEST_LENGTH];
    size_t length = strnlen(subject, sizeof lower);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)subject[i];
        lower[i] = c >= 'A' && c <= 'Z' ? (unsigned char)(c - 'A' + 'a') : c;
    }
    (void)SHA256(lower, length, digest);
    memcpy(out, digest, MSP_NAME_DIGEST_BYTES);
}

/* Whether the token was signed out, or all of its subject's were. */
static enum msp_result check_end(const struct msp_credential_cache *cache,
                                 const struct msp_known_token *token, struct msp_error *error)
{
    const struct msp_claims *claims = &token->claims;
    if (msp_credential_cache_generation(cache) == 0)
        return msp_fail(error, MSP_UNAVAILABLE, "credentials_not_loaded",
                        "What was signed out is not loaded yet; try again in a moment.");
    int64_t not_before = msp_credential_cache_not_before(cache, token->subject_digest);
    if (claims->issued_seconds < not_before ||
        msp_credential_cache_is_revoked(cache, claims->id_digest))
        return refuse(error, "token_ended",
                      "The token was ended by a sign-out, a new password or a change of the "
                      "account; sign in again.");
    return MSP_OK;
}

/* A token without an id of its own is known by what it says: there is one way to write that. */
static void identify_by_payload(const char *token, struct msp_claims *claims)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    const char *payload = token + strcspn(token, ".") + 1;
    (void)SHA256((const unsigned char *)payload, strcspn(payload, "."), digest);
    memcpy(claims->id_digest, digest, sizeof claims->id_digest);
}

static enum msp_result read_token(const struct msp_settings *settings, const char *token,
                                  int64_t now_unix_seconds, struct msp_claims *out,
                                  struct msp_error *error)
{
    const struct msp_jws_key keys[] = {
        {MSP_JWS_HS256, NULL, settings->jwt_secret, strlen(settings->jwt_secret)},
        {MSP_JWS_HS256, NULL, settings->jwt_secret_previous, strlen(settings->jwt_secret_previous)},
    };
    json_t *json = NULL;
    size_t key_count = settings->jwt_secret_previous[0] != '\0' ? 2 : 1;
    enum msp_result result = msp_jws_verify(token, strlen(token), keys, key_count, &json, error);
    if (result != MSP_OK)
        return result;
    result = msp_claims_check(json, settings->jwt_issuer, now_unix_seconds, out, error);
    json_decref(json);
    if (result == MSP_OK && !out->has_id)
        identify_by_payload(token, out);
    return result;
}

static enum msp_result recognise_token(struct msp_known_tokens *known,
                                       const struct msp_settings *settings, const char *token,
                                       int64_t now_unix_seconds, struct msp_known_token *out,
                                       struct msp_error *error)
{
    if (msp_known_tokens_find(known, settings, token, out))
        return msp_claims_check_end(out->claims.expires_seconds, now_unix_seconds, error);
    enum msp_result result = read_token(settings, token, now_unix_seconds, &out->claims, error);
    if (result != MSP_OK)
        return result;
    msp_subject_digest(out->claims.subject, out->subject_digest);
    out->tenants_generation = 0;
    out->credentials_generation = 0;
    out->tenant = (struct msp_tenant){0};
    return MSP_OK;
}

/* The numbers are taken before what they stand for: at worst that is newer, and asked for again. */
static enum msp_result look_up(const struct msp_shared_map *shared, struct msp_known_token *token,
                               bool *out_changed, struct msp_error *error)
{
    uint64_t tenants = msp_tenant_cache_generation(shared->tenants);
    uint64_t credentials = msp_credential_cache_generation(shared->credentials);
    *out_changed = tenants == 0 || tenants != token->tenants_generation || credentials == 0 ||
                   credentials != token->credentials_generation;
    if (!*out_changed)
        return MSP_OK;
    token->tenants_generation = tenants;
    token->credentials_generation = credentials;
    enum msp_result result = check_end(shared->credentials, token, error);
    if (result != MSP_OK || token->claims.role == MSP_ROLE_ADMIN)
        return result;
    return find_tenant(shared->tenants, token->claims.tenant, &token->tenant, error);
}

static enum msp_result authenticate_token(struct msp_known_tokens *known,
                                          const struct msp_settings *settings,
                                          const struct msp_shared_map *shared, const char *token,
                                          int64_t now_unix_us, struct msp_caller *out,
                                          struct msp_error *error)
{
    struct msp_known_token read;
    const struct msp_claims *claims = &read.claims;
    bool changed = false;
    enum msp_result result =
        recognise_token(known, settings, token, now_unix_us / 1000000, &read, error);
    if (result == MSP_OK)
        result = look_up(shared, &read, &changed, error);
    if (result != MSP_OK)
        return result;
    if (changed)
        msp_known_tokens_keep(known, settings, token, &read);
    *out = (struct msp_caller){.credential = MSP_CREDENTIAL_PERSON,
                               .role = claims->role,
                               .token_expires_seconds = claims->expires_seconds};
    if (claims->role != MSP_ROLE_ADMIN)
        out->tenant = read.tenant;
    memcpy(out->subject, claims->subject, sizeof out->subject);
    memcpy(out->name, claims->name, sizeof out->name);
    memcpy(out->token_digest, claims->id_digest, sizeof out->token_digest);
    return MSP_OK;
}

static enum msp_result authenticate_basic(const struct msp_shared_map *shared, const char *text,
                                          int64_t now_unix_us, struct msp_caller *out,
                                          struct msp_error *error)
{
    struct msp_basic basic;
    if (!msp_basic_parse(text, &basic))
        return refuse(error, "credential_malformed",
                      "Send the key's id as user and the whole key as password.");
    return msp_api_key_check(shared, basic.password, basic.user, now_unix_us, out, error);
}

enum msp_result msp_authenticate_caller(struct msp_known_tokens *known,
                                        const struct msp_settings *settings,
                                        const struct msp_shared_map *shared,
                                        const struct msp_proofs *proofs, int64_t now_unix_us,
                                        struct msp_caller *out, struct msp_error *error)
{
    if (count_proofs(proofs) > 1)
        return refuse_several(error);
    if (proofs->api_key != NULL)
        return msp_api_key_check(shared, proofs->api_key, NULL, now_unix_us, out, error);
    const char *basic = after_scheme(proofs->authorization, "basic ");
    if (basic != NULL)
        return authenticate_basic(shared, basic, now_unix_us, out, error);
    const char *token = after_scheme(proofs->authorization, "bearer ");
    if (proofs->session != NULL)
        token = proofs->session;
    if (token == NULL)
        return refuse_missing(error);
    enum msp_result result =
        authenticate_token(known, settings, shared, token, now_unix_us, out, error);
    if (result == MSP_OK && proofs->session != NULL)
        out->credential = MSP_CREDENTIAL_SESSION;
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
                                         const struct msp_proofs *proofs, struct msp_caller *out,
                                         struct msp_error *error)
{
    const char *token = after_scheme(proofs->authorization, "bearer ");
    if (count_proofs(proofs) > 1)
        return refuse_several(error);
    if (token == NULL)
        return refuse_missing(error);
    bool present = same_secret(token, settings->service_token);
    bool previous = same_secret(token, settings->service_token_previous);
    if (!present && !previous)
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
