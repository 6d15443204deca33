/* The languages a summary is written in. */
#ifndef MSP_JOBS_SUMMARIES_LANGUAGE_H
#define MSP_JOBS_SUMMARIES_LANGUAGE_H

#include <stdbool.h>

enum msp_language { MSP_ENGLISH, MSP_FRENCH, MSP_LANGUAGES };

/* "en" and "fr"; false for any other text or NULL, *out untouched. */
bool msp_language_parse(const char *code, enum msp_language *out);
const char *msp_language_code(enum msp_language language);

#endif
