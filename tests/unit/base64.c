/* Base64: the vectors of RFC 4648, and refusing what nobody would write. */
#include "msp/base64.h"

#include <criterion/criterion.h>
#include <string.h>

Test(base64, writes_and_reads_the_vectors_of_rfc_4648)
{
    static const char *const pairs[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        char text[16];
        char bytes[16];
        size_t size = 99;
        size_t length = msp_base64_encode(pairs[i][0], strlen(pairs[i][0]), text);
        cr_assert_eq(length, MSP_BASE64_TEXT_BYTES(strlen(pairs[i][0])));
        cr_assert(length == strlen(pairs[i][1]) && memcmp(text, pairs[i][1], length) == 0);
        cr_assert(msp_base64_decode(text, length, bytes, sizeof bytes, &size));
        cr_assert(size == strlen(pairs[i][0]) && memcmp(bytes, pairs[i][0], size) == 0);
    }
}

Test(base64, carries_every_byte_there_and_back)
{
    unsigned char bytes[256];
    unsigned char back[256];
    char text[MSP_BASE64_TEXT_BYTES(256)];
    size_t size;
    for (int i = 0; i < 256; i++)
        bytes[i] = (unsigned char)(i * 7);
    for (size_t length = 0; length <= 256; length++) {
        size_t written = msp_base64_encode(bytes, length, text);
        cr_assert(msp_base64_decode(text, written, back, sizeof back, &size));
        cr_assert(size == length && memcmp(back, bytes, length) == 0);
    }
}

Test(base64, refuses_what_it_would_not_write_and_what_is_too_long)
{
    static const char *const wrong[] = {"Z",        "Zg",   "Zg=",   "Zh==", "Zm9=", "====",
                                        "Zg==Zg==", "Zm 9", "Zm9\n", "Zm9_", "=Zg=", "Zg=v"};
    char bytes[16];
    size_t size;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_assert_not(msp_base64_decode(wrong[i], strlen(wrong[i]), bytes, sizeof bytes, &size),
                      "%s", wrong[i]);
    cr_assert_not(msp_base64_decode("Zm9vYmFy", 8, bytes, 5, &size));
    cr_assert(msp_base64_decode("Zm9vYmFy", 8, bytes, 6, &size));
}
