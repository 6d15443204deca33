/* The bytes that digests and MACs of audit lines are made of. Reads and writes no table. */
#include "msp/audit_chain.h"

#include "msp/buffer.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

static const char form[] = "msp-audit-1";

static void add_number(struct msp_buffer *out, int64_t number)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)((uint64_t)number >> (56 - 8 * i));
    msp_buffer_append(out, bytes, sizeof bytes);
}

static void add_text(struct msp_buffer *out, const char *text)
{
    msp_buffer_append(out, text != NULL ? "\1" : "\0", 1);
    if (text == NULL)
        return;
    add_number(out, (int64_t)strlen(text));
    msp_buffer_append_text(out, text);
}

static enum msp_result no_memory(struct msp_error *error)
{
    return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a line of the audit log.");
}

enum msp_result msp_audit_digest(const struct msp_audit_payload *payload,
                                 const unsigned char salt[MSP_AUDIT_SALT_BYTES],
                                 unsigned char out[MSP_AUDIT_DIGEST_BYTES], struct msp_error *error)
{
    struct msp_buffer bytes;
    msp_buffer_init(&bytes, 0);
    msp_buffer_append(&bytes, salt, MSP_AUDIT_SALT_BYTES);
    add_text(&bytes, payload->actor);
    add_text(&bytes, payload->address);
    add_text(&bytes, payload->object);
    add_text(&bytes, payload->request_id);
    add_text(&bytes, payload->detail);
    bool whole = !bytes.failed;
    if (whole)
        (void)SHA256((const unsigned char *)bytes.data, bytes.length, out);
    msp_buffer_done(&bytes);
    return whole ? MSP_OK : no_memory(error);
}

enum msp_result msp_audit_mac(const void *key, size_t key_size, const struct msp_audit_link *link,
                              unsigned char out[MSP_AUDIT_DIGEST_BYTES], struct msp_error *error)
{
    struct msp_buffer bytes;
    msp_buffer_init(&bytes, 0);
    add_text(&bytes, form);
    add_number(&bytes, link->tenant_id);
    add_number(&bytes, link->place);
    add_number(&bytes, link->id);
    add_number(&bytes, link->at_us);
    add_text(&bytes, link->action);
    add_text(&bytes, link->key_id);
    msp_buffer_append(&bytes, link->digest, sizeof link->digest);
    msp_buffer_append(&bytes, link->previous, sizeof link->previous);
    bool whole =
        !bytes.failed && HMAC(EVP_sha256(), key, (int)key_size, (const unsigned char *)bytes.data,
                              bytes.length, out, NULL) != NULL;
    msp_buffer_done(&bytes);
    return whole ? MSP_OK : no_memory(error);
}

void msp_audit_key_id(const void *key, size_t key_size, char out[MSP_AUDIT_KEY_ID_BYTES])
{
    unsigned char mac[SHA256_DIGEST_LENGTH];
    static const unsigned char label[] = "msp-audit-key-id";
    /* Fails for want of memory alone: then the id is one that no key has, and lines are refused. */
    if (HMAC(EVP_sha256(), key, (int)key_size, label, sizeof label - 1, mac, NULL) == NULL)
        memset(mac, 0, sizeof mac);
    for (size_t i = 0; i < (MSP_AUDIT_KEY_ID_BYTES - 1) / 2; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", mac[i]);
}

static void add_key(struct msp_audit_keys *keys, const char *secret, size_t size)
{
    if (size == 0 || keys->count == MSP_AUDIT_KEYS_MOST)
        return;
    struct msp_audit_key *key = &keys->keys[keys->count++];
    key->bytes = secret;
    key->size = size;
    msp_audit_key_id(secret, size, key->id);
}

void msp_audit_keys_read(const char *present, const char *previous, struct msp_audit_keys *out)
{
    out->count = 0;
    if (present != NULL)
        add_key(out, present, strlen(present));
    while (previous != NULL && *previous != '\0') {
        previous += strspn(previous, ", ");
        size_t size = strcspn(previous, ", ");
        add_key(out, previous, size);
        previous += size;
    }
}

const struct msp_audit_key *msp_audit_keys_find(const struct msp_audit_keys *keys, const char *id)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (strcmp(keys->keys[i].id, id) == 0)
            return &keys->keys[i];
    }
    return NULL;
}
