/* Numbers to shortest text. Asks no locale: the program never leaves the C locale. */
#include "decimal.h"

#include "msp/json_writer.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

size_t msp_int64_format(int64_t value, char out[MSP_INT64_TEXT_BYTES])
{
    char reversed[MSP_INT64_TEXT_BYTES];
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    size_t digits = 0;
    size_t length = 0;

    do {
        reversed[digits++] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0)
        out[length++] = '-';
    while (digits > 0)
        out[length++] = reversed[--digits];
    return length;
}

/* Below 10^15 every whole number is its own shortest run of digits. */
static bool is_short_whole(double value)
{
    return fabs(value) < 1e15 && value == (double)(int64_t)value && !(value == 0 && signbit(value));
}

size_t msp_double_format(double value, char out[32])
{
    if (is_short_whole(value)) {
        size_t length = msp_int64_format((int64_t)value, out);
        out[length] = '\0';
        return length;
    }
    /*
     * A text of 15 digits or fewer survives the way to a normal double and back, so %.15g finds it
     * if there is one; 17 digits always do. Subnormals have fewer digits than that to begin with.
     */
    int length = 0;
    for (int digits = fabs(value) < DBL_MIN ? 1 : 15; digits <= 17; digits++) {
        length = snprintf(out, 32, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    return (size_t)length;
}
