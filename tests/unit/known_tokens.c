/* Tokens seen before: known by every byte and by the keys of then. */
#include "workers/http/known_tokens.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct msp_settings *settings;
static struct msp_known_tokens *tokens;

static void begin(void)
{
    settings = calloc(1, sizeof *settings);
    tokens = msp_known_tokens_new();
    cr_assert_not_null(settings);
    cr_assert_not_null(tokens);
    strcpy(settings->jwt_secret, "a secret of at least thirty-two bytes");
}

static void end(void)
{
    msp_known_tokens_free(tokens);
    free(settings);
}

TestSuite(known_tokens, .init = begin, .fini = end);

static void keep(const char *token, const char *subject)
{
    struct msp_known_token known = {.claims = {.role = MSP_ROLE_MANAGER, .expires_seconds = 7}};
    snprintf(known.claims.subject, sizeof known.claims.subject, "%s", subject);
    msp_known_tokens_keep(tokens, settings, token, &known);
}

Test(known_tokens, a_kept_token_is_found_with_what_it_says)
{
    struct msp_known_token known;

    cr_assert_not(msp_known_tokens_find(tokens, settings, "a.b.c", &known));
    keep("a.b.c", "ann");
    cr_assert(msp_known_tokens_find(tokens, settings, "a.b.c", &known));
    cr_assert_str_eq(known.claims.subject, "ann");
    cr_assert_eq(known.claims.expires_seconds, 7);
}

Test(known_tokens, no_other_token_is_taken_for_it)
{
    struct msp_known_token known;
    char token[] = "aaaa.bbbb.cccc";

    keep(token, "ann");
    for (size_t i = 0; i < sizeof token - 1; i++) {
        char kept = token[i];
        token[i] = 'x';
        cr_assert_not(msp_known_tokens_find(tokens, settings, token, &known));
        token[i] = kept;
    }
    cr_assert_not(msp_known_tokens_find(tokens, settings, "aaaa.bbbb.ccc", &known));
    cr_assert_not(msp_known_tokens_find(tokens, settings, "aaaa.bbbb.ccccc", &known));
    cr_assert_not(msp_known_tokens_find(tokens, settings, "", &known));
    cr_assert(msp_known_tokens_find(tokens, settings, token, &known));
}

Test(known_tokens, other_keys_or_another_issuer_know_nothing)
{
    struct msp_known_token known;

    keep("a.b.c", "ann");
    strcpy(settings->jwt_issuer, "https://elsewhere.example");
    cr_assert_not(msp_known_tokens_find(tokens, settings, "a.b.c", &known));
    settings->jwt_issuer[0] = '\0';
    strcpy(settings->jwt_secret_previous, settings->jwt_secret);
    cr_assert_not(msp_known_tokens_find(tokens, settings, "a.b.c", &known));
    settings->jwt_secret_previous[0] = '\0';
    settings->jwt_secret[0] = 'A';
    cr_assert_not(msp_known_tokens_find(tokens, settings, "a.b.c", &known));
}

Test(known_tokens, many_tokens_take_turns_and_too_long_ones_none)
{
    struct msp_known_token known;
    char token[1100];

    for (int i = 0; i < 5000; i++) {
        char subject[16];
        snprintf(token, sizeof token, "token.%d.signature", i);
        snprintf(subject, sizeof subject, "s%d", i);
        keep(token, subject);
        cr_assert(msp_known_tokens_find(tokens, settings, token, &known));
        cr_assert_str_eq(known.claims.subject, subject);
    }
    memset(token, 'a', sizeof token);
    token[1024] = '\0';
    keep(token, "long");
    cr_assert_not(msp_known_tokens_find(tokens, settings, token, &known));
    token[1023] = '\0';
    keep(token, "fits");
    cr_assert(msp_known_tokens_find(tokens, settings, token, &known));
    cr_assert_not(msp_known_tokens_find(NULL, settings, token, &known));
}
