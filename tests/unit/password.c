/* Passwords and their hashes. */
#include "msp/password.h"

#include <criterion/criterion.h>
#include <string.h>

Test(password, matches_its_own_hash_and_no_other)
{
    char hash[MSP_PASSWORD_HASH_BYTES];
    char other[MSP_PASSWORD_HASH_BYTES];
    struct msp_error error;
    cr_assert_eq(msp_password_hash("correct horse battery", hash, &error), MSP_OK);
    cr_assert_eq(msp_password_hash("correct horse battery", other, &error), MSP_OK);
    cr_expect_str_neq(hash, other);
    cr_expect_eq(strncmp(hash, "$y$j9T$", 7), 0);
    cr_expect(msp_password_matches("correct horse battery", hash));
    cr_expect(!msp_password_matches("correct horse batterY", hash));
    cr_expect(!msp_password_matches("", hash));
}

Test(password, matches_nobodys_hash)
{
    cr_expect(!msp_password_matches("correct horse battery", NULL));
    cr_expect(!msp_password_matches("correct horse battery", ""));
    cr_expect(!msp_password_matches("correct horse battery", "*0"));
    cr_expect(!msp_password_matches("correct horse battery", "$y$"));
    cr_expect(!msp_password_matches("*0", "*0"));
}

Test(password, refuses_short_long_and_odd_ones)
{
    struct msp_error error;
    char longest[MSP_PASSWORD_MOST_BYTES + 2];
    memset(longest, 'x', sizeof longest);
    longest[MSP_PASSWORD_MOST_BYTES + 1] = '\0';
    cr_expect_eq(msp_password_check("eleven char", &error), MSP_INVALID);
    cr_expect_eq(msp_password_check("twelve chars", &error), MSP_OK);
    cr_expect_eq(msp_password_check("gr\xC3\xBC\xC3\x9F Gott!!", &error), MSP_OK);
    cr_expect_eq(msp_password_check("tab\tin the middle", &error), MSP_INVALID);
    cr_expect_eq(msp_password_check("bad \xff in the middle", &error), MSP_INVALID);
    cr_expect_eq(msp_password_check(longest, &error), MSP_INVALID);
    longest[MSP_PASSWORD_MOST_BYTES] = '\0';
    cr_expect_eq(msp_password_check(longest, &error), MSP_OK);
}

Test(password, generates_ones_that_pass_its_own_check)
{
    char first[MSP_PASSWORD_GENERATED_BYTES];
    char second[MSP_PASSWORD_GENERATED_BYTES];
    struct msp_error error;
    cr_assert_eq(msp_password_generate(first, &error), MSP_OK);
    cr_assert_eq(msp_password_generate(second, &error), MSP_OK);
    cr_expect_eq(strlen(first), 29);
    cr_expect_str_neq(first, second);
    cr_expect_eq(msp_password_check(first, &error), MSP_OK);
}
