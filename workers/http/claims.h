/* What a verified token says, in types and meaning. No clock, no settings, no cache. */
#ifndef MSP_HTTP_CLAIMS_H
#define MSP_HTTP_CLAIMS_H

#include "request.h"

#include <jansson.h>

#define MSP_TOKEN_AUDIENCE "msp-analytics"
/* How far the clock of who issued a token may be off. */
#define MSP_TOKEN_LEEWAY_SECONDS 30

struct msp_claims {
    enum msp_role role;
    char subject[sizeof(((struct msp_caller *)0)->subject)];
    char tenant[MSP_TENANT_SLUG_BYTES]; /* "" for an admin */
    char name[MSP_CALLER_NAME_BYTES];   /* "" = unsaid, or not to be shown */
    int64_t expires_seconds;
    int64_t issued_seconds; /* INT64_MIN = unsaid */
    bool has_id;            /* the token has a "jti" */
    unsigned char id_digest[MSP_TOKEN_DIGEST_BYTES];
};

/*
 * exp (required), nbf and iat with 30 s for clocks that differ, aud, iss if `issuer` is not empty,
 * sub, role, tenant, name and jti. MSP_UNAUTHORISED.
 */
enum msp_result msp_claims_check(const json_t *claims, const char *issuer, int64_t now_unix_seconds,
                                 struct msp_claims *out, struct msp_error *error) MSP_MUST_CHECK;

/* MSP_UNAUTHORISED once the token is past its end. */
enum msp_result msp_claims_check_end(int64_t expires_seconds, int64_t now_unix_seconds,
                                     struct msp_error *error) MSP_MUST_CHECK;

#endif
