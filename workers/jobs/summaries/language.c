/* Codes of the languages of a summary. It translates nothing. */
#include "language.h"

#include <stddef.h>
#include <string.h>

static const char *const codes[MSP_LANGUAGES] = {[MSP_ENGLISH] = "en", [MSP_FRENCH] = "fr"};

bool msp_language_parse(const char *code, enum msp_language *out)
{
    for (int i = 0; code != NULL && i < MSP_LANGUAGES; i++) {
        if (strcmp(code, codes[i]) == 0) {
            *out = (enum msp_language)i;
            return true;
        }
    }
    return false;
}

const char *msp_language_code(enum msp_language language)
{
    return codes[language];
}
