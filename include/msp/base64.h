/* Base64 with padding (RFC 4648 section 4). For secrets too: takes no time to forget, keeps
 * nothing. */
#ifndef MSP_BASE64_H
#define MSP_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the text of `size` bytes, without a NUL. */
#define MSP_BASE64_TEXT_BYTES(size) (((size) + 2) / 3 * 4)

/* Writes MSP_BASE64_TEXT_BYTES(size) bytes, no NUL; returns how many. */
size_t msp_base64_encode(const void *bytes, size_t size, char *out);

/* False for what is not base64 in its one canonical form, or longer than `size` once read; *out is
 * then undefined. */
bool msp_base64_decode(const char *text, size_t length, void *out, size_t size, size_t *out_size);

#endif
