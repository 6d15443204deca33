/* The text of API keys. */
#include "msp/api_key.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct msp_api_key make(void)
{
    struct msp_api_key key;
    struct msp_error error;
    cr_assert_eq(msp_api_key_make(&key, &error), MSP_OK);
    return key;
}

Test(api_key, reads_back_the_id_of_what_it_makes)
{
    for (int i = 0; i < 200; i++) {
        struct msp_api_key key = make();
        char id[MSP_API_KEY_ID_BYTES];
        cr_assert_eq(strlen(key.text), MSP_API_KEY_LENGTH);
        cr_assert(msp_api_key_parse(key.text, id), "%s", key.text);
        cr_assert_str_eq(id, key.id);
        cr_assert(msp_api_key_is_id(id));
        cr_assert_eq(strncmp(key.text, "mspk_", 5), 0);
        cr_assert_eq(
            strspn(key.text + 5, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"),
            MSP_API_KEY_LENGTH - 5);
    }
}

Test(api_key, knows_every_single_mistyped_character)
{
    struct msp_api_key key = make();
    char id[MSP_API_KEY_ID_BYTES];
    for (size_t i = 0; i < MSP_API_KEY_LENGTH; i++) {
        char before = key.text[i];
        key.text[i] = before == 'a' ? 'b' : 'a';
        cr_assert(!msp_api_key_parse(key.text, id), "at %zu", i);
        key.text[i] = before;
    }
    cr_assert(msp_api_key_parse(key.text, id));
}

Test(api_key, refuses_other_lengths_and_texts)
{
    struct msp_api_key key = make();
    char id[MSP_API_KEY_ID_BYTES];
    char longer[MSP_API_KEY_BYTES + 1];
    (void)snprintf(longer, sizeof longer, "%s0", key.text);
    cr_assert(!msp_api_key_parse(longer, id));
    for (size_t length = 0; length < MSP_API_KEY_LENGTH; length++) {
        char shorter[MSP_API_KEY_BYTES];
        (void)snprintf(shorter, sizeof shorter, "%.*s", (int)length, key.text);
        cr_assert(!msp_api_key_parse(shorter, id), "%zu", length);
    }
    cr_assert(!msp_api_key_is_id(""));
    cr_assert(!msp_api_key_is_id("ABCDEFGHIJKLMNOP"));
    cr_assert(!msp_api_key_is_id("0123456789abcde"));
    cr_assert(!msp_api_key_is_id("0123456789abcdefg"));
}

/* Made with another program: zlib's CRC-32 of the rest, in base 62. */
Test(api_key, has_the_checksum_that_scanners_compute)
{
    char id[MSP_API_KEY_ID_BYTES];
    cr_assert(msp_api_key_parse("mspk_0000000000000000_"
                                "0000000000000000000000000000000000000000000"
                                "24EKYn",
                                id));
}

Test(api_key, uses_every_character_about_equally)
{
    int counts[256] = {0};
    for (int i = 0; i < 2000; i++) {
        struct msp_api_key key = make();
        for (int at = 22; at < 65; at++)
            counts[(unsigned char)key.text[at]]++;
    }
    /* 86,000 characters, 1,387 each expected; six standard deviations are 223. */
    for (int c = 0; c < 256; c++)
        cr_assert(counts[c] == 0 || (counts[c] > 1160 && counts[c] < 1615), "%c: %d", c, counts[c]);
}
