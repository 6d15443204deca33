/* base64url over the plain base64 of common/. */
#include "opaque_text.h"

#include <string.h>

/* The longest text that is looked at: more than any cursor takes. */
#define LONGEST_TEXT 1024

static void swap_letters(char *text, const char *from, const char *to)
{
    for (; *text != '\0'; text++) {
        const char *at = strchr(from, *text);

        if (at != NULL)
            *text = to[at - from];
    }
}

void msp_opaque_text_format(const void *bytes, size_t size, char *out)
{
    size_t length = msp_base64_encode(bytes, size, out);

    out[length] = '\0';
    out[strcspn(out, "=")] = '\0';
    swap_letters(out, "+/", "-_");
}

bool msp_opaque_text_parse(const char *text, char *out, size_t size)
{
    char padded[LONGEST_TEXT + 4];
    size_t length = strlen(text);
    size_t decoded;

    if (length == 0 || length > LONGEST_TEXT || strpbrk(text, "+/=") != NULL)
        return false;
    memcpy(padded, text, length + 1);
    swap_letters(padded, "-_", "+/");
    while (length % 4 != 0)
        padded[length++] = '=';
    if (!msp_base64_decode(padded, length, out, size - 1, &decoded))
        return false;
    out[decoded] = '\0';
    return strlen(out) == decoded;
}
