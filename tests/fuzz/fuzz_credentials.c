/* Keys, Basic credentials, cookies and origins as strangers send them. What is taken must be what
 * it claims to be, and nothing may be read past its end. */
#include "api_key_check.h"
#include "session_cookie.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at_cookie(const char *text, bool secure)
{
    struct msp_arena *arena = msp_arena_new(256);
    const char *value = NULL;
    struct msp_error error;
    if (arena == NULL)
        abort();
    if (msp_session_find(text, secure, arena, &value, &error) == MSP_OK && value != NULL &&
        (strstr(text, value) == NULL || strchr(value, ';') != NULL))
        abort();
    msp_arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char id[MSP_API_KEY_ID_BYTES];
    struct msp_basic basic;
    char *text = malloc(size + 1);
    if (text == NULL || size > 16384) {
        free(text);
        return 0;
    }
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    if (msp_api_key_parse(text, id) && (!msp_api_key_is_id(id) || strncmp(text + 5, id, 16) != 0))
        abort();
    if (msp_basic_parse(text, &basic) &&
        (strchr(basic.user, ':') != NULL || memchr(basic.password, '\0', MSP_BASIC_BYTES) == NULL))
        abort();
    look_at_cookie(text, false);
    look_at_cookie(text, true);
    if (msp_origin_is_ours(text, "a.example", true) && strncmp(text, "https://", 8) != 0)
        abort();
    free(text);
    return 0;
}
