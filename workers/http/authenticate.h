/*
 * Who asks: proofs of identity against the settings and the caches in shared memory. Asks no
 * database, keeps nothing, and never puts a credential or a part of one into an error.
 */
#ifndef MSP_HTTP_AUTHENTICATE_H
#define MSP_HTTP_AUTHENTICATE_H

#include "known_tokens.h"
#include "request.h"

#include "msp/shared_map.h"

/* What a request brought along; NULL = not sent. */
struct msp_proofs {
    const char *authorization; /* the field's value */
    const char *api_key;       /* X-API-Key */
    const char *session;       /* the value of the session cookie */
};

/*
 * A person or a tenant's program by the one proof it brought. MSP_UNAUTHORISED; MSP_INVALID for
 * more than one proof; MSP_UNAVAILABLE while no tenants or credentials were loaded yet. On success
 * the caller's tenant is its own and active, or empty for an admin. `known` may be NULL.
 */
enum msp_result msp_authenticate_caller(struct msp_known_tokens *known,
                                        const struct msp_settings *settings,
                                        const struct msp_shared_map *shared,
                                        const struct msp_proofs *proofs, int64_t now_unix_us,
                                        struct msp_caller *out,
                                        struct msp_error *error) MSP_MUST_CHECK;

/* n8n and internal tools by the service token. MSP_UNAUTHORISED; MSP_INVALID as above. */
enum msp_result msp_authenticate_service(const struct msp_settings *settings,
                                         const struct msp_proofs *proofs, struct msp_caller *out,
                                         struct msp_error *error) MSP_MUST_CHECK;

/*
 * Whether an internal route may be reached from `peer` (an IPv4 address) at all: MSP_FORBIDDEN for
 * a trusted proxy, for what a proxy passed on (`forwarded`), and outside INTERNAL_ALLOW.
 */
enum msp_result msp_authenticate_internal_peer(const struct msp_settings *settings,
                                               const char *peer, bool forwarded,
                                               struct msp_error *error) MSP_MUST_CHECK;

/* How the end of a subject's tokens is looked up: half the SHA-256 of it in lower case. */
void msp_subject_digest(const char *subject, unsigned char out[MSP_NAME_DIGEST_BYTES]);

#endif
