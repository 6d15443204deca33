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

static const double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,
                                       1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19};

/* `digits` / 10^places as text, without zeros at the end. */
static size_t put_fixed(int64_t digits, int places, char out[32])
{
    while (places > 0 && digits % 10 == 0) {
        digits /= 10;
        places--;
    }
    int64_t unit = (int64_t)powers_of_ten[places];
    size_t length = msp_int64_format(digits / unit, out);
    if (places > 0)
        out[length++] = '.';
    int64_t fraction = digits % unit;
    for (int i = places - 1; i >= 0; i--) {
        out[length + (size_t)i] = (char)('0' + fraction % 10);
        fraction /= 10;
    }
    length += (size_t)places;
    out[length] = '\0';
    return length;
}

/*
 * The text of a number from 0.001 to 10^15 if 15 digits tell it, or 16 that are below 2^53; else 0.
 * Such digits and 10^places are doubles without rounding, so IEEE division of the two gives what
 * strtod would make of the text (Clinger, "How to read floating point numbers accurately", 1990).
 */
static size_t format_short(double value, char out[32])
{
    if (value < 1e-3 || value >= 1e15)
        return 0;
    int whole_digits = 0;
    while (value >= powers_of_ten[whole_digits])
        whole_digits++;
    int leading_zeros = value >= 0.1 || whole_digits > 0 ? 0 : value >= 0.01 ? 1 : 2;

    for (int significant = 15; significant <= 16; significant++) {
        int places = significant - whole_digits + leading_zeros;
        double digits = rint(value * powers_of_ten[places]);
        if (digits <= 0x1p53 && digits / powers_of_ten[places] == value)
            return put_fixed((int64_t)digits, places, out);
    }
    return 0;
}

static size_t format_whole(double value, char out[32])
{
    size_t length = msp_int64_format((int64_t)value, out);
    out[length] = '\0';
    return length;
}

size_t msp_double_format(double value, char out[32])
{
    if (is_short_whole(value))
        return format_whole(value, out);
    size_t short_length = format_short(value, out);
    if (short_length > 0)
        return short_length;
    /*
     * A text of 15 digits or fewer survives the way to a normal double and back, so %.15g finds it
     * if there is one; 17 digits always do. Subnormals have fewer digits than that to begin with.
     */
    for (int digits = fabs(value) < DBL_MIN ? 1 : 15; digits < 17; digits++) {
        int length = snprintf(out, 32, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            return (size_t)length;
    }
    return (size_t)snprintf(out, 32, "%.17g", value);
}
