/* HMAC out of two plain hashes over whole buffers. */
#include "hmac_sha256.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>

#define BLOCK_BYTES 64

_Static_assert(MSP_HMAC_SHA256_BYTES == SHA256_DIGEST_LENGTH, "a MAC is as long as the hash");

static void fill_pad(const unsigned char *key, unsigned char with, unsigned char *out)
{
    for (size_t i = 0; i < BLOCK_BYTES; i++)
        out[i] = key[i] ^ with;
}

bool msp_hmac_sha256(const void *key, size_t key_size, const void *message, size_t message_size,
                     unsigned char out[MSP_HMAC_SHA256_BYTES])
{
    unsigned char block[BLOCK_BYTES] = {0};
    unsigned char inner[BLOCK_BYTES + MSP_HMAC_MAX_MESSAGE];
    unsigned char outer[BLOCK_BYTES + SHA256_DIGEST_LENGTH];
    if (message_size > MSP_HMAC_MAX_MESSAGE)
        return false;
    if (key_size > BLOCK_BYTES)
        (void)SHA256(key, key_size, block);
    else
        memcpy(block, key, key_size);
    fill_pad(block, 0x36, inner);
    fill_pad(block, 0x5c, outer);
    memcpy(inner + BLOCK_BYTES, message, message_size);
    (void)SHA256(inner, BLOCK_BYTES + message_size, outer + BLOCK_BYTES);
    (void)SHA256(outer, sizeof outer, out);
    OPENSSL_cleanse(block, sizeof block);
    OPENSSL_cleanse(inner, BLOCK_BYTES);
    OPENSSL_cleanse(outer, BLOCK_BYTES);
    return true;
}
