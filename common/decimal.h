/* Whole numbers as decimal text, many times faster than printf: answers hold thousands. */
#ifndef MSP_DECIMAL_H
#define MSP_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

#define MSP_INT64_TEXT_BYTES 20 /* "-9223372036854775808" */

/* Writes the text without a NUL and returns its length. */
size_t msp_int64_format(int64_t value, char out[MSP_INT64_TEXT_BYTES]);

#endif
