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

/* `digits` / 10^places as text, without zeros at the end. */
static size_t put_fixed(int64_t digits, int places, char out[32])
{
    while (places > 0 && digits % 10 == 0) {
        digits /= 10;
        places--;
    }
    char text[MSP_INT64_TEXT_BYTES];
    int count = (int)msp_int64_format(digits, text);
    int whole = count - places;
    size_t length = 0;

    if (whole <= 0)
        out[length++] = '0';
    for (int i = 0; i < whole; i++)
        out[length++] = text[i];
    if (places > 0)
        out[length++] = '.';
    for (int i = whole; i < 0; i++)
        out[length++] = '0';
    for (int i = whole > 0 ? whole : 0; i < count; i++)
        out[length++] = text[i];
    out[length] = '\0';
    return length;
}

static const double powers_of_ten[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

__extension__ typedef unsigned __int128 wide;

/*
 * The shortest text of a number from 0.001 to 10^15, in exact integers: value = mantissa *
 * 2^-shift, so the decimal of `places` digits behind the point that is nearest to it is mantissa *
 * 10^places / 2^shift, rounded; and it reads back as the same double if it lies within half a unit
 * of the mantissa. 15 digits cover all shorter texts, whose zeros are dropped; 17 always do. 53
 * bits times 10^20 stay below 2^128.
 */
static size_t format_usual(double value, char out[32])
{
    int exponent;
    uint64_t mantissa = (uint64_t)(frexp(value, &exponent) * 0x1p53);
    int shift = 53 - exponent;
    int magnitude = value >= 0.1 ? 0 : value >= 0.01 ? -1 : -2;
    while (magnitude >= 0 && value >= powers_of_ten[magnitude])
        magnitude++; /* value < 10^magnitude */

    wide power = 1;
    for (int i = 0; i < 15 - magnitude; i++)
        power *= 10;
    for (int significant = 15;; significant++, power *= 10) {
        wide exact = mantissa * power;
        wide nearest = (exact + ((wide)1 << (shift - 1))) >> shift;
        wide back = nearest << shift;
        wide distance = back > exact ? back - exact : exact - back;
        if (significant == 17 || 2 * distance < power)
            return put_fixed((int64_t)nearest, significant - magnitude, out);
    }
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
    if (value >= 1e-3 && value < 1e15)
        return format_usual(value, out);
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
