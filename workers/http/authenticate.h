/*
 * Who asks: proofs of identity against the settings and the tenant cache. Asks no
 * database, keeps nothing, and never puts a token or a part of one into an error.
 */
#ifndef MSP_HTTP_AUTHENTICATE_H
#define MSP_HTTP_AUTHENTICATE_H

#include "request.h"

#include <jansson.h>

/*
 * A person by the token in `authorization` (the field's value, or NULL). MSP_UNAUTHORISED, or
 * MSP_UNAVAILABLE while no tenants were loaded yet. On success the caller's tenant is its own
 * and active, or empty for an admin.
 */
enum msp_result msp_authenticate_person(const struct msp_settings *settings,
                                        const struct msp_tenant_cache *tenants,
                                        const char *authorization, int64_t now_unix_seconds,
                                        struct msp_caller *out,
                                        struct msp_error *error) MSP_MUST_CHECK;

/* n8n and internal tools by the service token. MSP_UNAUTHORISED. */
enum msp_result msp_authenticate_service(const struct msp_settings *settings,
                                         const char *authorization, struct msp_caller *out,
                                         struct msp_error *error) MSP_MUST_CHECK;

/*
 * Whether an internal route may be reached from `peer` (an IPv4 address) at all: MSP_FORBIDDEN for
 * a trusted proxy, for what a proxy passed on (`forwarded`), and outside INTERNAL_ALLOW.
 */
enum msp_result msp_authenticate_internal_peer(const struct msp_settings *settings,
                                               const char *peer, bool forwarded,
                                               struct msp_error *error) MSP_MUST_CHECK;

/*
 * The claims of a verified token: exp, aud, sub, role and tenant in types and meaning, with 30 s
 * for clocks that differ. Fills role, subject and the tenant's slug. MSP_UNAUTHORISED.
 */
enum msp_result msp_claims_check(const json_t *claims, int64_t now_unix_seconds,
                                 struct msp_caller *out, struct msp_error *error) MSP_MUST_CHECK;

#endif
