/* HMAC with SHA-256 (RFC 2104). OpenSSL 3.0's own looks its algorithm up at each call, which costs
 * several times the hashing of a token and takes a lock that all threads share. */
#ifndef MSP_HTTP_HMAC_SHA256_H
#define MSP_HTTP_HMAC_SHA256_H

#include <stdbool.h>
#include <stddef.h>

#define MSP_HMAC_SHA256_BYTES 32
#define MSP_HMAC_MAX_MESSAGE  4096

/* False for a message that is longer than MSP_HMAC_MAX_MESSAGE. */
bool msp_hmac_sha256(const void *key, size_t key_size, const void *message, size_t message_size,
                     unsigned char out[MSP_HMAC_SHA256_BYTES]);

#endif
