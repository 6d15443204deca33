/* What cursors are written in: base64url without padding (RFC 4648 section 5), one text for each
 * content. It hides nothing; it only says that nobody is to look inside. */
#ifndef MSP_HTTP_OPAQUE_TEXT_H
#define MSP_HTTP_OPAQUE_TEXT_H

#include "msp/base64.h"

#include <stdbool.h>
#include <stddef.h>

/* Room for the text of `size` bytes with its NUL. */
#define MSP_OPAQUE_TEXT_BYTES(size) (MSP_BASE64_TEXT_BYTES(size) + 1)

/* Writes the text of `size` bytes into `out`, which has MSP_OPAQUE_TEXT_BYTES(size). */
void msp_opaque_text_format(const void *bytes, size_t size, char *out);

/* Reads it back as a string of less than `size` bytes; false for what the other does not write. */
bool msp_opaque_text_parse(const char *text, char *out, size_t size);

#endif
