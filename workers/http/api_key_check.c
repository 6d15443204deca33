/* Checks API keys. What a key may do is the router's question. */
#include "api_key_check.h"

#include "msp/base64.h"
#include "msp/no_value.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

bool msp_basic_parse(const char *text, struct msp_basic *out)
{
    char pair[2 * MSP_BASIC_BYTES];
    size_t size = 0;
    if (!msp_base64_decode(text, strlen(text), pair, sizeof pair, &size) ||
        memchr(pair, '\0', size) != NULL)
        return false;
    const char *colon = memchr(pair, ':', size);
    if (colon == NULL)
        return false;
    size_t user = (size_t)(colon - pair);
    size_t password = size - user - 1;
    if (user >= sizeof out->user || password >= sizeof out->password)
        return false;
    memcpy(out->user, pair, user);
    out->user[user] = '\0';
    memcpy(out->password, colon + 1, password);
    out->password[password] = '\0';
    return true;
}

static enum msp_result refuse(struct msp_error *error)
{
    return msp_fail(error, MSP_UNAUTHORISED, "key_wrong",
                    "This API key is not known here, was revoked, or has expired; ask for a new "
                    "one.");
}

/* All conditions are looked at whatever the others say, so that the time tells them apart no more
 * than the answer does. */
static bool key_is_right(const struct msp_credential_cache *cache, const char *text,
                         const char *named, int64_t now_unix_us, struct msp_cached_key *out)
{
    char id[MSP_API_KEY_ID_BYTES] = "################"; /* no key's */
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct msp_cached_key key = {.expires_us = MSP_NO_TIME};
    bool formed = msp_api_key_parse(text, id);
    bool found = msp_credential_cache_key(cache, id, &key);
    (void)SHA256((const unsigned char *)text, strnlen(text, MSP_API_KEY_LENGTH), digest);
    bool same = CRYPTO_memcmp(digest, key.digest, sizeof digest) == 0;
    bool fits = named == NULL || strcmp(named, id) == 0;
    bool lasts = key.expires_us == MSP_NO_TIME || key.expires_us > now_unix_us;
    *out = key;
    return (formed & found & same & fits & lasts) != 0;
}

enum msp_result msp_api_key_check(const struct msp_shared_map *shared, const char *text,
                                  const char *named, int64_t now_unix_us, struct msp_caller *out,
                                  struct msp_error *error)
{
    struct msp_cached_key key;
    struct msp_caller caller = {.credential = MSP_CREDENTIAL_KEY};
    if (msp_credential_cache_generation(shared->credentials) == 0)
        return msp_fail(error, MSP_UNAVAILABLE, "credentials_not_loaded",
                        "The API keys are not loaded yet; try again in a moment.");
    if (!key_is_right(shared->credentials, text, named, now_unix_us, &key) ||
        !msp_tenant_cache_find(shared->tenants, key.tenant, &caller.tenant) ||
        caller.tenant.id != key.tenant_id)
        return refuse(error);
    if (!caller.tenant.active)
        return msp_fail(error, MSP_UNAUTHORISED, "tenant_disabled",
                        "The key's tenant is disabled; ask your provider to enable it.");
    caller.role = key.role;
    (void)snprintf(caller.subject, sizeof caller.subject, "key:%s", key.id);
    msp_key_uses_note(shared->key_uses, key.id, now_unix_us / 1000000);
    *out = caller;
    return MSP_OK;
}
