/* Numbers to shortest text. Asks no locale: the program never leaves the C locale. */
#include "decimal.h"

#include "msp/json_writer.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 00 to 99: two digits with each division. */
static const char digit_pairs[] =
    "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
    "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
    "8081828384858687888990919293949596979899";

static size_t count_digits(uint64_t value)
{
    size_t count = 1;
    for (; value >= 10000; value /= 10000)
        count += 4;
    return count + (value >= 10) + (value >= 100) + (value >= 1000);
}

size_t msp_int64_format(int64_t value, char out[MSP_INT64_TEXT_BYTES])
{
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    size_t sign = value < 0;
    size_t length = sign + count_digits(left);
    char *at = out + length;

    out[0] = '-';
    for (; left >= 10; left /= 100) {
        at -= 2;
        memcpy(at, digit_pairs + left % 100 * 2, 2);
    }
    if (at > out + sign)
        out[sign] = (char)('0' + left);
    return length;
}

/* Below 10^15 every whole number is its own shortest run of digits. */
static bool is_short_whole(double value)
{
    return fabs(value) < 1e15 && value == (double)(int64_t)value && !(value == 0 && signbit(value));
}

/* `digits` / 10^places as text, without zeros at the end. */
static size_t put_fixed(int64_t digits, int places, char out[MSP_DOUBLE_TEXT_BYTES])
{
    while (places > 0 && digits % 10 == 0) {
        digits /= 10;
        places--;
    }
    char text[MSP_INT64_TEXT_BYTES];
    int count = (int)msp_int64_format(digits, text);
    int whole = count - places;
    size_t length = 0;

    if (whole <= 0) {
        out[length++] = '0';
        whole = 0;
    }
    memcpy(out + length, text, (size_t)whole);
    length += (size_t)whole;
    if (places > 0)
        out[length++] = '.';
    for (int zeros = places - count; zeros > 0; zeros--)
        out[length++] = '0';
    memcpy(out + length, text + whole, (size_t)(count - whole));
    length += (size_t)(count - whole);
    out[length] = '\0';
    return length;
}

static const double powers_of_ten[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

static const uint64_t whole_powers_of_ten[] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
};

__extension__ typedef unsigned __int128 wide;

/*
 * The shortest text of a number from 0.001 to 10^15, in exact integers: value = mantissa *
 * 2^-shift, so the decimal of `places` digits behind the point that is nearest to it is mantissa *
 * 10^places / 2^shift, rounded; and it reads back as the same double if it lies within half a unit
 * of the mantissa. 15 digits cover all shorter texts, whose zeros are dropped; 17 always do. 53
 * bits times 10^20 stay below 2^128.
 */
static size_t format_usual(double value, char out[MSP_DOUBLE_TEXT_BYTES])
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t mantissa = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52;
    int shift = 1075 - (int)(bits >> 52);
    int magnitude = value >= 0.1 ? 0 : value >= 0.01 ? -1 : -2;
    while (magnitude >= 0 && value >= powers_of_ten[magnitude])
        magnitude++; /* value < 10^magnitude */

    int places = 15 - magnitude;
    wide power = places <= 15 ? (wide)whole_powers_of_ten[places]
                              : (wide)whole_powers_of_ten[15] * whole_powers_of_ten[places - 15];
    for (int significant = 15;; significant++, power *= 10) {
        wide exact = mantissa * power;
        wide nearest = (exact + ((wide)1 << (shift - 1))) >> shift;
        wide back = nearest << shift;
        wide distance = back > exact ? back - exact : exact - back;
        if (significant == 17 || 2 * distance < power)
            return put_fixed((int64_t)nearest, significant - magnitude, out);
    }
}

static size_t format_whole(double value, char out[MSP_DOUBLE_TEXT_BYTES])
{
    size_t length = msp_int64_format((int64_t)value, out);
    out[length] = '\0';
    return length;
}

size_t msp_double_format(double value, char out[MSP_DOUBLE_TEXT_BYTES])
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
        int length = snprintf(out, MSP_DOUBLE_TEXT_BYTES, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            return (size_t)length;
    }
    return (size_t)snprintf(out, MSP_DOUBLE_TEXT_BYTES, "%.17g", value);
}
