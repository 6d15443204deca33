/* A token that is known already still learns at once what was published about its tenant or itself.
 */
#include "workers/http/authenticate.h"

#include "workers/http/jws.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define NOW_US INT64_C(1767225600000000)
#define CLAIMS                                                                                     \
    "{\"sub\":\"ann@acme.example\",\"role\":\"manager\",\"tenant\":\"acme\",\"jti\":\"7\","        \
    "\"aud\":\"msp-analytics\",\"iat\":1767225600,\"exp\":1767229200}"

static struct msp_settings *settings;
static struct msp_known_tokens *known;
static struct msp_shared_map shared;
static char field[MSP_JWS_MAX_BYTES + sizeof "Bearer "];

static void *zeroes(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(memory != MAP_FAILED);
    return memory;
}

static void begin(void)
{
    struct msp_error error;
    settings = calloc(1, sizeof *settings);
    known = msp_known_tokens_new();
    shared.tenants = msp_tenant_cache_init(zeroes(msp_tenant_cache_bytes()));
    shared.credentials = msp_credential_cache_init(zeroes(msp_credential_cache_bytes()));
    strcpy(settings->jwt_secret, "a secret of at least thirty-two bytes");
    struct msp_jws_key key = {MSP_JWS_HS256, NULL, settings->jwt_secret,
                              strlen(settings->jwt_secret)};
    strcpy(field, "Bearer ");
    cr_assert(msp_jws_sign(CLAIMS, strlen(CLAIMS), &key, field + strlen(field), &error) == MSP_OK);
}

static void end(void)
{
    (void)munmap(shared.tenants, msp_tenant_cache_bytes());
    (void)munmap(shared.credentials, msp_credential_cache_bytes());
    msp_known_tokens_free(known);
    free(settings);
}

TestSuite(authenticate, .init = begin, .fini = end);

static void publish_tenant(const char *name, bool active)
{
    struct msp_tenant tenant = {.id = 3, .slug = "acme", .timezone = "UTC", .active = active};
    struct msp_error error;
    strcpy(tenant.name, name);
    cr_assert(msp_tenant_cache_publish(shared.tenants, &tenant, 1, &error) == MSP_OK);
}

static void publish_credentials(const struct msp_credentials *credentials)
{
    struct msp_error error;
    cr_assert(msp_credential_cache_publish(shared.credentials, credentials, &error) == MSP_OK);
}

/* The code of the refusal, or the name of the tenant that was let in; asked twice, so that the
 * second is of a token that is known. */
static const char *asked(void)
{
    static struct msp_caller caller;
    static struct msp_error error;
    const struct msp_proofs proofs = {.authorization = field};
    const char *said[2];
    for (int i = 0; i < 2; i++)
        said[i] = msp_authenticate_caller(known, settings, &shared, &proofs, NOW_US, &caller,
                                          &error) == MSP_OK
                      ? caller.tenant.name
                      : error.code;
    cr_assert_str_eq(said[0], said[1]);
    return said[1];
}

Test(authenticate, nothing_is_let_in_before_the_caches_are_filled)
{
    const struct msp_credentials none = {0};
    cr_assert_str_eq(asked(), "credentials_not_loaded");
    publish_credentials(&none);
    cr_assert_str_eq(asked(), "tenants_not_loaded");
    publish_tenant("Acme", true);
    cr_assert_str_eq(asked(), "Acme");
}

Test(authenticate, a_known_token_follows_its_tenant)
{
    const struct msp_credentials none = {0};
    publish_credentials(&none);
    publish_tenant("Acme", true);
    cr_assert_str_eq(asked(), "Acme");
    publish_tenant("Acme & Sons", true);
    cr_assert_str_eq(asked(), "Acme & Sons");
    publish_tenant("Acme & Sons", false);
    cr_assert_str_eq(asked(), "tenant_disabled");
    publish_tenant("Acme again", true);
    cr_assert_str_eq(asked(), "Acme again");
    struct msp_error error;
    cr_assert(msp_tenant_cache_publish(shared.tenants, NULL, 0, &error) == MSP_OK);
    cr_assert_str_eq(asked(), "token_tenant_unknown");
}

Test(authenticate, a_known_token_ends_when_it_is_signed_out_or_its_subject_is)
{
    const struct msp_credentials none = {0};
    struct msp_cut_off cut_off = {.not_before_seconds = NOW_US / 1000000 + 1};
    struct msp_revocation revoked;
    struct msp_error error;
    struct msp_caller caller;
    const struct msp_proofs proofs = {.authorization = field};
    publish_credentials(&none);
    publish_tenant("Acme", true);
    cr_assert(msp_authenticate_caller(known, settings, &shared, &proofs, NOW_US, &caller, &error) ==
              MSP_OK);

    memcpy(revoked.token, caller.token_digest, sizeof revoked.token);
    publish_credentials(&(struct msp_credentials){.revocations = &revoked, .revocation_count = 1});
    cr_assert_str_eq(asked(), "token_ended");
    publish_credentials(&none);
    cr_assert_str_eq(asked(), "Acme");

    msp_subject_digest(caller.subject, cut_off.subject);
    publish_credentials(&(struct msp_credentials){.cut_offs = &cut_off, .cut_off_count = 1});
    cr_assert_str_eq(asked(), "token_ended");
}
