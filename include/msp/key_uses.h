/*
 * When API keys were last used, in shared memory that every HTTP worker may write: a request
 * leaves a mark, the snapshot keeper carries marks to PostgreSQL once in a while. Two keys that
 * share a place push each other's mark out, so a use may go unrecorded; nothing else depends on it.
 */
#ifndef MSP_KEY_USES_H
#define MSP_KEY_USES_H

#include "msp/api_key.h"

#include <stddef.h>
#include <stdint.h>

struct msp_key_uses; /* lives in the shared map */

size_t msp_key_uses_bytes(void);
struct msp_key_uses *msp_key_uses_init(void *memory);

/* Marks the key as used; writes at most once a minute a key. Any thread, any process. */
void msp_key_uses_note(struct msp_key_uses *uses, const char id[MSP_API_KEY_ID_BYTES],
                       int64_t unix_seconds);

/* The last mark of that key, 0 if there is none. */
int64_t msp_key_uses_last(const struct msp_key_uses *uses, const char id[MSP_API_KEY_ID_BYTES]);

#endif
