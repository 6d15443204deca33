/* Names that came with tickets. What is left of one is short, whole UTF-8 and cleans to itself. */
#include "msp/utf8.h"
#include "summaries/member_name.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char clean[MSP_MEMBER_NAME_BYTES];
    char again[MSP_MEMBER_NAME_BYTES];
    char *name = malloc(size + 1);
    if (name == NULL) {
        abort();
    }
    memcpy(name, data, size);
    name[size] = '\0';
    msp_member_name_clean(name, clean);
    for (size_t at = 0; clean[at] != '\0';) {
        size_t bytes = msp_utf8_character_bytes(clean + at, strlen(clean + at));
        if (bytes == 0) {
            abort();
        }
        at += bytes;
    }
    if (strlen(clean) >= sizeof clean || strpbrk(clean, "<>[]{}`|\\\"@\n\r\t") != NULL) {
        abort();
    }
    msp_member_name_clean(clean, again);
    if (strcmp(clean, again) != 0) {
        abort();
    }
    free(name);
    return 0;
}
