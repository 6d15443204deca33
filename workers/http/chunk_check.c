/* Sizes in hex, CR LF, bytes, CR LF, and at last a size of 0 (RFC 9112 section 7.1). Decodes
 * nothing. */
#include "chunk_check.h"

#define MOST_SIZE_DIGITS 15 /* cannot overflow 64 bits */

enum state {
    AT_SIZE,
    AT_SIZE_LF,
    IN_BYTES,
    AT_BYTES_CR,
    AT_BYTES_LF,
    AT_END_CR,
    AT_END_LF,
    WHOLE,
    BAD,
};

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static enum state take_size(struct msp_chunk_check *check, char c)
{
    int digit = hex_digit(c);
    if (digit < 0)
        return c == '\r' && check->digits > 0 ? AT_SIZE_LF : BAD;
    if (++check->digits > MOST_SIZE_DIGITS)
        return BAD;
    check->left = check->left * 16 + (unsigned)digit;
    return AT_SIZE;
}

static enum state take(struct msp_chunk_check *check, char c)
{
    switch ((enum state)check->state) {
    case AT_SIZE:
        return take_size(check, c);
    case AT_SIZE_LF:
        check->digits = 0;
        return c != '\n' ? BAD : check->left > 0 ? IN_BYTES : AT_END_CR;
    case AT_BYTES_CR:
        return c == '\r' ? AT_BYTES_LF : BAD;
    case AT_BYTES_LF:
        return c == '\n' ? AT_SIZE : BAD;
    case AT_END_CR:
        return c == '\r' ? AT_END_LF : BAD;
    case AT_END_LF:
        return c == '\n' ? WHOLE : BAD;
    case IN_BYTES:
    case WHOLE:
    case BAD:
        break;
    }
    return BAD;
}

static size_t skip_bytes(struct msp_chunk_check *check, size_t size)
{
    size_t some = check->left < size ? (size_t)check->left : size;
    check->left -= some;
    if (check->left == 0)
        check->state = AT_BYTES_CR;
    return some;
}

size_t msp_chunk_check_feed(struct msp_chunk_check *check, const char *bytes, size_t size)
{
    size_t at = 0;
    while (at < size && check->state != WHOLE && check->state != BAD) {
        if (check->state == IN_BYTES)
            at += skip_bytes(check, size - at);
        else
            check->state = (int)take(check, bytes[at++]);
    }
    return check->state == BAD ? size : at;
}

bool msp_chunk_check_is_whole(const struct msp_chunk_check *check)
{
    return check->state == WHOLE;
}
