/* Numbers to shortest text. Asks no locale: the program never leaves the C locale. */
#include "decimal.h"

#include "msp/json_writer.h"

#include <endian.h>
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EIGHT_DIGITS UINT64_C(100000000)

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
    UINT64_C(10000000000000000),
    UINT64_C(100000000000000000),
    UINT64_C(1000000000000000000),
    UINT64_C(10000000000000000000),
};

/* 1233 / 2^12 is a little less than log10(2): of a number's bits it makes its digits, or one fewer.
 */
static size_t count_digits(uint64_t value)
{
    size_t bits = 64 - (size_t)__builtin_clzll(value | 1);
    size_t count = bits * 1233 >> 12;
    return count + (value >= whole_powers_of_ten[count] || value == 0);
}

/*
 * The eight digits of a value below 10^8 as one word, the first in its lowest byte: parted into
 * fours, twos and ones, all parts at once. 10486 / 2^20 and 103 / 2^10 are 1/100 and 1/10 for what
 * they are used on (Paul Khuong, "How to print integers really fast", 2017).
 */
static uint64_t eight_digits(uint64_t value)
{
    uint64_t fours = value / 10000 | value % 10000 << 32;
    uint64_t hundreds = fours * 10486 >> 20 & UINT64_C(0x0000007F0000007F);
    uint64_t twos = hundreds | (fours - hundreds * 100) << 16;
    uint64_t tens = twos * 103 >> 10 & UINT64_C(0x000F000F000F000F);
    return (tens | (twos - tens * 10) << 8) + UINT64_C(0x3030303030303030);
}

static void put_word(uint64_t word, char *out)
{
    word = htole64(word);
    memcpy(out, &word, sizeof word);
}

/* The last `count` of the value's eight digits, and bytes that mean nothing behind them. */
static char *put_last(uint64_t value, size_t count, char *out)
{
    put_word(eight_digits(value) >> (8 - count) * 8, out);
    return out + count;
}

/* Three words are written at most. */
#define DIGITS_BYTES 24

static size_t put_digits(uint64_t value, char out[DIGITS_BYTES])
{
    size_t count = count_digits(value);
    char *at = out;
    if (count > 16)
        at = put_last(value / EIGHT_DIGITS / EIGHT_DIGITS, count - 16, at);
    if (count > 8)
        at = put_last(value / EIGHT_DIGITS % EIGHT_DIGITS, count > 16 ? 8 : count - 8, at);
    (void)put_last(value % EIGHT_DIGITS, count > 8 ? 8 : count, at);
    return count;
}

size_t msp_int64_format(int64_t value, char out[MSP_INT64_TEXT_BYTES])
{
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    size_t sign = value < 0;
    out[0] = '-';
    return sign + put_digits(left, out + sign);
}

/* Below 10^15 every whole number is its own shortest run of digits. */
static bool is_short_whole(double value)
{
    return fabs(value) < 1e15 && value == (double)(int64_t)value && !(value == 0 && signbit(value));
}

/* Of a double no text needs more. */
#define SHORTEST_DIGITS 17

/* `digits` / 10^places as text, without zeros at the end. */
static size_t put_fixed(int64_t digits, int places, char out[MSP_DOUBLE_TEXT_BYTES])
{
    for (; places > 4 && digits % 10000 == 0; places -= 4)
        digits /= 10000;
    while (places > 0 && digits % 10 == 0) {
        digits /= 10;
        places--;
    }
    char text[2 * DIGITS_BYTES];
    int count = (int)put_digits((uint64_t)digits, text);
    int whole = count - places;
    size_t length = 0;

    if (whole <= 0) {
        memcpy(out, "0.000", 5); /* of 0.001 and above no more than two stand before the digits */
        length = 2 + (size_t)(places - count);
        whole = 0;
    } else {
        memcpy(out, text, SHORTEST_DIGITS);
        length = (size_t)whole;
        if (places > 0)
            out[length++] = '.';
    }
    memcpy(out + length, text + whole, SHORTEST_DIGITS);
    length += (size_t)(count - whole);
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
