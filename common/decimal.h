/* Whole numbers as decimal text, many times faster than printf: answers hold thousands. */
#ifndef MSP_DECIMAL_H
#define MSP_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

#define MSP_INT64_TEXT_BYTES 25 /* "-9223372036854775808", and what is written past it */

/* Writes the text without a NUL and returns its length; bytes behind it may change. */
size_t msp_int64_format(int64_t value, char out[MSP_INT64_TEXT_BYTES]);

#endif
