/* Sealing and opening. Form: a byte that says which form it is, the nonce, what is sealed and its
 * tag. Keeps no key longer than a call. */
#include "msp/secret_box.h"

#include <sodium.h>
#include <string.h>

#define FORM        1
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES   crypto_aead_xchacha20poly1305_ietf_ABYTES
#define KEY_BYTES   crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define HEAD_BYTES  (1 + NONCE_BYTES)

/* Another use of SECRET_KEY would take another label, and so another key. */
static const unsigned char label[] = "msp-analytics secrets of ticket sources 1";

static bool is_set(const char *key)
{
    return key != NULL && key[0] != '\0';
}

static enum msp_result begin(struct msp_error *error)
{
    if (sodium_init() >= 0)
        return MSP_OK;
    return msp_fail(error, MSP_UNAVAILABLE, "random_unavailable",
                    "The system has no random bytes to seal a secret with.");
}

static enum msp_result key_missing(struct msp_error *error)
{
    return msp_fail(error, MSP_CONFLICT, "secret_key_missing",
                    "Secrets of ticket sources are kept encrypted under SECRET_KEY, which is not "
                    "set on this server: set it to 32 random bytes or more (openssl rand -hex 32), "
                    "the same on every node, and reload.");
}

static void derive(const char *secret, unsigned char out[KEY_BYTES])
{
    (void)crypto_generichash(out, KEY_BYTES, (const unsigned char *)secret, strlen(secret), label,
                             sizeof label - 1);
}

enum msp_result msp_secret_seal(const struct msp_secret_keys *keys, const char *place,
                                const void *plain, size_t size, struct msp_buffer *out,
                                struct msp_error *error)
{
    unsigned char key[KEY_BYTES];
    enum msp_result result = begin(error);
    if (result != MSP_OK)
        return result;
    if (!is_set(keys->present))
        return key_missing(error);
    unsigned char *sealed = (unsigned char *)msp_buffer_reserve(out, HEAD_BYTES + size + TAG_BYTES);
    if (sealed == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to seal a secret.");
    sealed[0] = FORM;
    randombytes_buf(sealed + 1, NONCE_BYTES);
    derive(keys->present, key);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + HEAD_BYTES, NULL, plain, size,
                                                     (const unsigned char *)place, strlen(place),
                                                     NULL, sealed + 1, key);
    sodium_memzero(key, sizeof key);
    out->length += HEAD_BYTES + size + TAG_BYTES;
    return MSP_OK;
}

static bool open_with(const char *secret, const char *place, const unsigned char *sealed,
                      size_t size, unsigned char *plain)
{
    unsigned char key[KEY_BYTES];
    if (!is_set(secret))
        return false;
    derive(secret, key);
    int opened = crypto_aead_xchacha20poly1305_ietf_decrypt(
        plain, NULL, NULL, sealed + HEAD_BYTES, size - HEAD_BYTES, (const unsigned char *)place,
        strlen(place), sealed + 1, key);
    sodium_memzero(key, sizeof key);
    return opened == 0;
}

enum msp_result msp_secret_open(const struct msp_secret_keys *keys, const char *place,
                                const void *sealed, size_t size, struct msp_buffer *out,
                                struct msp_error *error)
{
    const unsigned char *bytes = sealed;
    enum msp_result result = begin(error);
    if (result != MSP_OK)
        return result;
    if (!is_set(keys->present) && !is_set(keys->previous))
        return key_missing(error);
    if (size < HEAD_BYTES + TAG_BYTES || bytes[0] != FORM)
        return msp_fail(error, MSP_BROKEN, "secret_damaged",
                        "The stored secrets of the ticket source are damaged; set them anew with "
                        "msp-analytics source set.");
    size_t plain_size = size - HEAD_BYTES - TAG_BYTES;
    unsigned char *plain = (unsigned char *)msp_buffer_reserve(out, plain_size + 1);
    if (plain == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to open a secret.");
    if (!open_with(keys->present, place, bytes, size, plain) &&
        !open_with(keys->previous, place, bytes, size, plain))
        return msp_fail(error, MSP_CONFLICT, "secret_key_wrong",
                        "The stored secrets of the ticket source were sealed under another "
                        "SECRET_KEY: set the one they were sealed under as SECRET_KEY_PREVIOUS, or "
                        "set them anew with msp-analytics source set.");
    out->length += plain_size;
    return MSP_OK;
}

void msp_secret_wipe(struct msp_buffer *buffer)
{
    if (buffer->data != NULL)
        sodium_memzero(buffer->data, buffer->capacity);
    msp_buffer_done(buffer);
}
