/*
 * Tokens that this process has verified a moment ago, with what they say, so that a page that asks
 * ten times is looked at once. Found by all of its bytes and the keys it was verified with. What
 * the shared caches said of a token stands here with their generations, and holds as long as they
 * have those: whoever signs out or is disabled makes the keeper publish, and all is looked up
 * again. Whether a token has expired is asked each time.
 */
#ifndef MSP_HTTP_KNOWN_TOKENS_H
#define MSP_HTTP_KNOWN_TOKENS_H

#include "claims.h"

#include "msp/credential_cache.h"
#include "msp/tenant_cache.h"

struct msp_known_tokens;

/* NULL when memory is short. Any thread may use it. */
struct msp_known_tokens *msp_known_tokens_new(void) MSP_MUST_CHECK;
void msp_known_tokens_free(struct msp_known_tokens *tokens);

/* What a token is worth under these settings. */
struct msp_known_token {
    struct msp_claims claims;
    unsigned char subject_digest[MSP_NAME_DIGEST_BYTES];
    /* Of the caches when they were asked; 0 = not yet. */
    uint64_t tenants_generation;
    uint64_t credentials_generation;
    struct msp_tenant tenant; /* an admin has none */
};

/* `tokens` may be NULL: nothing is known then. */
bool msp_known_tokens_find(struct msp_known_tokens *tokens, const struct msp_settings *settings,
                           const char *token, struct msp_known_token *out);
void msp_known_tokens_keep(struct msp_known_tokens *tokens, const struct msp_settings *settings,
                           const char *token, const struct msp_known_token *known);

#endif
