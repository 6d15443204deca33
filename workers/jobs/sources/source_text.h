/* Texts that come from ticket systems and texts that go to them. */
#ifndef MSP_SOURCE_TEXT_H
#define MSP_SOURCE_TEXT_H

#include <stddef.h>

#define MSP_SOURCE_WORDS_BYTES 201

/*
 * Mends, in place, what a strict reader of JSON would refuse a whole page for: a NUL or half a
 * character of UTF-16 written by escape, and bytes that are no UTF-8. Each becomes a replacement
 * character or question marks. Judges no grammar.
 */
void msp_source_mend(char *text, size_t length);

/* The beginning of what a source said, for a sentence: one line, printable, ASCII but for whole
 * characters. */
void msp_source_words(const char *text, size_t length, char out[MSP_SOURCE_WORDS_BYTES]);

#endif
