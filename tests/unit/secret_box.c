/* What is sealed opens under its keys, in its place, and nowhere else. */
#include "msp/secret_box.h"

#include <criterion/criterion.h>
#include <string.h>

static const struct msp_secret_keys ours = {"a key of the tests, 32 bytes or more 1", NULL};
static const struct msp_secret_keys others = {"a key of the tests, 32 bytes or more 2", ""};
static const struct msp_secret_keys changed = {"a key of the tests, 32 bytes or more 2",
                                               "a key of the tests, 32 bytes or more 1"};
static const struct msp_secret_keys none = {"", NULL};

static const char secret[] = "{\"token\":\"hush\"}";

static struct msp_buffer sealed_for(const char *place)
{
    struct msp_buffer sealed;
    struct msp_error error;
    msp_buffer_init(&sealed, 0);
    cr_assert_eq(msp_secret_seal(&ours, place, secret, strlen(secret), &sealed, &error), MSP_OK);
    return sealed;
}

static enum msp_result open_it(const struct msp_secret_keys *keys, const char *place,
                               const struct msp_buffer *sealed, struct msp_buffer *plain,
                               struct msp_error *error)
{
    msp_buffer_init(plain, 0);
    return msp_secret_open(keys, place, sealed->data, sealed->length, plain, error);
}

Test(secret_box, what_is_sealed_opens_under_its_key_and_under_one_that_replaced_it)
{
    const struct msp_secret_keys *const keys[] = {&ours, &changed};
    struct msp_buffer sealed = sealed_for("here");
    cr_assert_null(memmem(sealed.data, sealed.length, "hush", 4));
    for (size_t i = 0; i < 2; i++) {
        struct msp_buffer plain;
        struct msp_error error;
        cr_assert_eq(open_it(keys[i], "here", &sealed, &plain, &error), MSP_OK);
        cr_assert_eq(plain.length, strlen(secret));
        cr_assert_arr_eq(plain.data, secret, strlen(secret));
        msp_secret_wipe(&plain);
        cr_assert_null(plain.data);
    }
    msp_buffer_done(&sealed);
}

Test(secret_box, it_opens_neither_in_another_place_nor_under_another_key)
{
    struct msp_buffer sealed = sealed_for("here");
    struct msp_buffer plain;
    struct msp_error error;
    cr_assert_eq(open_it(&ours, "there", &sealed, &plain, &error), MSP_CONFLICT);
    cr_assert_str_eq(error.code, "secret_key_wrong");
    msp_secret_wipe(&plain);
    cr_assert_eq(open_it(&others, "here", &sealed, &plain, &error), MSP_CONFLICT);
    cr_assert_str_eq(error.code, "secret_key_wrong");
    cr_assert_eq(plain.length, 0);
    msp_secret_wipe(&plain);
    msp_buffer_done(&sealed);
}

Test(secret_box, without_a_key_nothing_is_sealed_or_opened)
{
    struct msp_buffer sealed = sealed_for("here");
    struct msp_buffer other;
    struct msp_error error;
    cr_assert_eq(open_it(&none, "here", &sealed, &other, &error), MSP_CONFLICT);
    cr_assert_str_eq(error.code, "secret_key_missing");
    cr_assert_eq(msp_secret_seal(&none, "here", "x", 1, &other, &error), MSP_CONFLICT);
    cr_assert_str_eq(error.code, "secret_key_missing");
    cr_assert_eq(other.length, 0);
    msp_secret_wipe(&other);
    msp_buffer_done(&sealed);
}

Test(secret_box, a_byte_changed_or_missing_is_noticed)
{
    struct msp_buffer sealed = sealed_for("here");
    struct msp_buffer plain;
    struct msp_error error;
    for (size_t at = 0; at < sealed.length; at++) {
        sealed.data[at] ^= 1;
        cr_assert_neq(open_it(&ours, "here", &sealed, &plain, &error), MSP_OK, "byte %zu", at);
        msp_secret_wipe(&plain);
        sealed.data[at] ^= 1;
    }
    for (size_t length = 0; length < sealed.length; length++) {
        msp_buffer_init(&plain, 0);
        cr_assert_neq(msp_secret_open(&ours, "here", sealed.data, length, &plain, &error), MSP_OK);
        msp_secret_wipe(&plain);
    }
    msp_buffer_done(&sealed);
}
