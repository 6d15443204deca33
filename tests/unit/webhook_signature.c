/* Signing webhooks, against the example of the Standard Webhooks libraries. */
#include "webhook_signature.h"

#include <criterion/criterion.h>
#include <string.h>

/* libraries/go/webhook_test.go of standard-webhooks, revision b2fa7b8. */
static const char secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
static const char id[] = "msg_p5jXN8AQM9LWM0D4loKWxJek";
static const char body[] = "{\"test\": 2432232314}";
static const char expected[] = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
#define WHEN 1614265330

static const char *sign(const char *first, const char *previous)
{
    static char out[MSP_WEBHOOK_SIGNATURES_BYTES];
    struct msp_error error;
    cr_assert(msp_webhook_sign(first, previous, id, WHEN, body, strlen(body), out, &error) ==
              MSP_OK);
    return out;
}

Test(webhook_signature, signs_the_example_as_its_authors_do)
{
    cr_assert_str_eq(sign(secret, ""), expected);
}

Test(webhook_signature, signs_with_both_secrets_while_they_change_the_new_one_first)
{
    char both[MSP_WEBHOOK_SIGNATURES_BYTES];
    char other[64];
    strcpy(other, sign("another-secret-of-30-bytes-abc", ""));
    strcpy(both, sign("another-secret-of-30-bytes-abc", secret));
    cr_assert_eq(strlen(both), 2 * strlen(expected) + 1);
    cr_assert(strncmp(both, other, strlen(other)) == 0 && both[strlen(other)] == ' ');
    cr_assert_str_eq(both + strlen(other) + 1, expected);
}

Test(webhook_signature, takes_a_secret_without_the_prefix_as_the_key_itself)
{
    /* base64 of "0123456789abcdef01234567" */
    cr_assert_str_eq(sign("0123456789abcdef01234567", ""),
                     sign("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", ""));
}

Test(webhook_signature, says_when_there_is_no_secret_or_none_that_can_be_read)
{
    char out[MSP_WEBHOOK_SIGNATURES_BYTES] = "untouched";
    struct msp_error error;
    cr_assert(msp_webhook_sign("", "", id, WHEN, body, strlen(body), out, &error) == MSP_INVALID);
    cr_assert_str_eq(error.code, "callback_secret_missing");
    cr_assert(msp_webhook_sign("whsec_!", "", id, WHEN, body, strlen(body), out, &error) ==
              MSP_BROKEN);
    cr_assert_str_eq(out, "untouched");
}
