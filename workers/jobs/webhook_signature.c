/* Signs webhooks. Checks none and keeps no key. */
#include "webhook_signature.h"

#include "msp/base64.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define SHA256_BYTES 32
#define KEY_BYTES    256
#define ID_BYTES     128 /* of "<id>.<timestamp>." */

struct key {
    unsigned char bytes[KEY_BYTES];
    size_t size;
};

static bool read_key(const char *secret, struct key *key)
{
    static const char prefix[] = "whsec_";
    size_t length = strlen(secret);
    if (strncmp(secret, prefix, sizeof prefix - 1) == 0) {
        return msp_base64_decode(secret + sizeof prefix - 1, length - (sizeof prefix - 1),
                                 key->bytes, sizeof key->bytes, &key->size);
    }
    if (length > sizeof key->bytes) {
        return false;
    }
    memcpy(key->bytes, secret, length);
    key->size = length;
    return true;
}

static bool digest(const struct key *key, const char *head, const char *body, size_t body_bytes,
                   unsigned char out[SHA256_BYTES])
{
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = algorithm == NULL ? NULL : EVP_MAC_CTX_new(algorithm);
    char hash[] = "SHA256";
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", hash, 0),
                               OSSL_PARAM_construct_end()};
    size_t size = 0;
    bool made = mac != NULL && EVP_MAC_init(mac, key->bytes, key->size, parameters) == 1 &&
                EVP_MAC_update(mac, (const unsigned char *)head, strlen(head)) == 1 &&
                EVP_MAC_update(mac, (const unsigned char *)body, body_bytes) == 1 &&
                EVP_MAC_final(mac, out, &size, SHA256_BYTES) == 1 && size == SHA256_BYTES;
    EVP_MAC_CTX_free(mac);
    EVP_MAC_free(algorithm);
    return made;
}

/* Appends "v1,<base64>" to the text in `out`. */
static bool append_signature(const char *secret, const char *head, const char *body,
                             size_t body_bytes, char out[MSP_WEBHOOK_SIGNATURES_BYTES])
{
    struct key key;
    unsigned char bytes[SHA256_BYTES];
    char text[MSP_BASE64_TEXT_BYTES(SHA256_BYTES)];
    bool made = read_key(secret, &key) && digest(&key, head, body, body_bytes, bytes);
    explicit_bzero(&key, sizeof key);
    if (!made) {
        return false;
    }
    size_t length = msp_base64_encode(bytes, sizeof bytes, text);
    size_t used = strlen(out);
    (void)snprintf(out + used, MSP_WEBHOOK_SIGNATURES_BYTES - used, "%sv1,%.*s",
                   used == 0 ? "" : " ", (int)length, text);
    return true;
}

enum msp_result msp_webhook_sign(const char *secret, const char *previous, const char *id,
                                 int64_t timestamp_seconds, const char *body, size_t body_bytes,
                                 char out[MSP_WEBHOOK_SIGNATURES_BYTES], struct msp_error *error)
{
    if (secret[0] == '\0') {
        return msp_fail(error, MSP_INVALID, "callback_secret_missing",
                        "CALLBACK_SECRET is empty, so that the callback cannot be signed; set it.");
    }
    char head[ID_BYTES];
    char signatures[MSP_WEBHOOK_SIGNATURES_BYTES] = "";
    (void)snprintf(head, sizeof head, "%s.%lld.", id, (long long)timestamp_seconds);
    if (!append_signature(secret, head, body, body_bytes, signatures) ||
        (previous[0] != '\0' && !append_signature(previous, head, body, body_bytes, signatures))) {
        return msp_fail(error, MSP_BROKEN, "signing_failed", "The callback could not be signed.");
    }
    memcpy(out, signatures, sizeof signatures);
    return MSP_OK;
}
