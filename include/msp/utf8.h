/* The well-formed byte sequences of UTF-8 (Unicode 15, table 3-7). */
#ifndef MSP_UTF8_H
#define MSP_UTF8_H

#include <stddef.h>

/* Bytes of the whole character that `text` starts with: 1 to 4, or 0 if it starts with none. */
size_t msp_utf8_character_bytes(const char *text, size_t length);

/* The longest prefix of at most `limit` bytes that does not cut a character in two. */
size_t msp_utf8_prefix_bytes(const char *text, size_t length, size_t limit);

#endif
