/* Signing as Standard Webhooks 1.0.0 says (standardwebhooks.com): HMAC-SHA256 over
 * "<id>.<timestamp>.<body>". */
#ifndef MSP_WEBHOOK_SIGNATURE_H
#define MSP_WEBHOOK_SIGNATURE_H

#include "msp/result.h"

#include <stddef.h>
#include <stdint.h>

/* Two of "v1," and 44 bytes, a blank between, and a NUL. */
#define MSP_WEBHOOK_SIGNATURES_BYTES 96

/*
 * The value of the field webhook-signature: one signature a secret, `secret` first. A secret is
 * "whsec_" and base64 of the key, or, without that prefix, the key itself; `previous` may be "".
 * MSP_INVALID "callback_secret_missing" when `secret` is "".
 */
enum msp_result msp_webhook_sign(const char *secret, const char *previous, const char *id,
                                 int64_t timestamp_seconds, const char *body, size_t body_bytes,
                                 char out[MSP_WEBHOOK_SIGNATURES_BYTES],
                                 struct msp_error *error) MSP_MUST_CHECK;

#endif
