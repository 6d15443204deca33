/* msp-analytics token: signs a token for the HTTP API with JWT_SECRET. Asks no database: a tenant
 * that is not there is refused when the token is used. */
#include "command.h"

#include "msp/clock.h"
#include "msp/role.h"
#include "msp/tenant_cache.h"

#include <ctype.h>
#include <jwt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* 30 days: longer is what API keys are for. */
#define MAX_TTL_SECONDS (30L * 24 * 3600)

static bool is_slug(const char *text)
{
    const size_t length = strlen(text);
    return length > 0 && length < MSP_TENANT_SLUG_BYTES &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

static bool is_subject(const char *text)
{
    const size_t length = strlen(text);
    if (length == 0 || length > 127)
        return false;
    for (; *text != '\0'; text++) {
        if (!isprint((unsigned char)*text))
            return false;
    }
    return true;
}

struct claims {
    const char *subject;
    const char *role;
    const char *tenant; /* NULL for an admin */
    long ttl_seconds;
};

/* 128 random bits as hex: by its id a token can be signed out. False without random bytes. */
static bool make_id(char out[33])
{
    unsigned char random[16];
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return false;
    for (size_t i = 0; i < sizeof(random); i++)
        (void)snprintf(out + 2 * i, 3, "%02x", random[i]);
    return true;
}

/* Malloc'ed by libjwt; NULL when memory or random bytes are short. */
static char *sign(const struct claims *claims, const struct msp_settings *settings)
{
    jwt_t *token = NULL;
    char id[33];
    const char *secret = settings->jwt_secret;
    if (!make_id(id) || jwt_new(&token) != 0)
        return NULL;
    const long now = (long)(msp_clock_unix_us() / 1000000);
    int failed =
        jwt_set_alg(token, JWT_ALG_HS256, (const unsigned char *)secret, (int)strlen(secret));
    failed |= jwt_add_grant(token, "aud", "msp-analytics");
    failed |= jwt_add_grant(token, "sub", claims->subject);
    failed |= jwt_add_grant(token, "jti", id);
    if (settings->jwt_issuer[0] != '\0')
        failed |= jwt_add_grant(token, "iss", settings->jwt_issuer);
    failed |= jwt_add_grant(token, "role", claims->role);
    if (claims->tenant != NULL)
        failed |= jwt_add_grant(token, "tenant", claims->tenant);
    failed |= jwt_add_grant_int(token, "iat", now);
    failed |= jwt_add_grant_int(token, "exp", now + claims->ttl_seconds);
    char *text = failed == 0 ? jwt_encode_str(token) : NULL;
    jwt_free(token);
    return text;
}

static int print_token(const struct msp_invocation *invocation, const struct claims *claims)
{
    static const char *const needs[] = {"JWT_SECRET", NULL};
    struct msp_settings settings;
    if (msp_invocation_settings(invocation, needs, &settings) != MSP_OK)
        return MSP_COMMAND_WRONG;
    char *text = sign(claims, &settings);
    if (text == NULL) {
        msp_invocation_complain(invocation, "cannot sign the token: out of memory or random bytes");
        return MSP_COMMAND_FAILED;
    }
    (void)printf(invocation->json ? "{\"token\":\"%s\"}\n" : "%s\n", text);
    free(text);
    return MSP_COMMAND_DONE;
}

int msp_command_token(const struct msp_invocation *invocation)
{
    struct claims claims = {
        .role = msp_invocation_option(invocation, "role"),
        .tenant = msp_invocation_option(invocation, "tenant"),
        .subject = msp_invocation_option(invocation, "subject"),
    };
    const enum msp_role role = msp_role_parse(claims.role);
    if (role == MSP_ROLE_NONE)
        return msp_invocation_misused(invocation, "there is no role \"%s\"", claims.role);
    if (role == MSP_ROLE_ADMIN && claims.tenant != NULL)
        return msp_invocation_misused(
            invocation, "an admin sees all tenants; leave --tenant out or choose another role");
    if (role != MSP_ROLE_ADMIN && claims.tenant == NULL)
        return msp_invocation_misused(invocation, "the role %s needs --tenant", claims.role);
    if (claims.tenant != NULL && !is_slug(claims.tenant))
        return msp_invocation_misused(
            invocation, "--tenant is 1 to 63 of a-z, 0-9 and -, not \"%s\"", claims.tenant);
    if (claims.subject == NULL)
        claims.subject = "command-line";
    if (!is_subject(claims.subject))
        return msp_invocation_misused(invocation,
                                      "--subject is 1 to 127 printable ASCII characters");
    if (!msp_invocation_number(invocation, "ttl", 1, MAX_TTL_SECONDS, 3600, &claims.ttl_seconds))
        return MSP_COMMAND_WRONG;
    return print_token(invocation, &claims);
}
