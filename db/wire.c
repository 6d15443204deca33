/* PostgreSQL's binary forms (its protocol documentation and *_send functions), as far as we use
 * them. */
#include "wire.h"

#include "msp/no_value.h"

#include <endian.h>
#include <string.h>

/* An array starts with: dimensions, has-nulls flag, element type, then size and lower bound of its
 * dimension. */
#define ARRAY_HEADER_BYTES 20

static uint32_t read_u32(const char *at)
{
    uint32_t wire;
    memcpy(&wire, at, sizeof(wire));
    return be32toh(wire);
}

int64_t msp_wire_int(const char *at, size_t width)
{
    if (width == 8) {
        uint64_t wire;
        memcpy(&wire, at, sizeof(wire));
        return (int64_t)be64toh(wire);
    }
    if (width == 4)
        return (int32_t)read_u32(at);
    if (width == 2) {
        uint16_t wire;
        memcpy(&wire, at, sizeof(wire));
        return (int16_t)be16toh(wire);
    }
    return 0;
}

bool msp_result_is_null(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column) == 1;
}

const char *msp_result_text(const PGresult *result, int row, int column)
{
    return PQgetvalue(result, row, column);
}

/* A bigint as PostgreSQL writes it: digits with at most a minus before them, and always in range.
 */
static int64_t whole_number(const char *text)
{
    bool negative = *text == '-';
    uint64_t number = 0;
    for (text += negative; *text >= '0' && *text <= '9'; text++)
        number = number * 10 + (uint64_t)(*text - '0');
    return (int64_t)(negative ? 0 - number : number);
}

int64_t msp_result_int(const PGresult *result, int row, int column)
{
    if (PQgetisnull(result, row, column))
        return 0;
    const char *value = PQgetvalue(result, row, column);
    if (PQfformat(result, column) == 1)
        return msp_wire_int(value, (size_t)PQgetlength(result, row, column));
    return whole_number(value);
}

bool msp_result_bool(const PGresult *result, int row, int column)
{
    const char *value = PQgetvalue(result, row, column);
    return PQfformat(result, column) == 1 ? value[0] == 1 : value[0] == 't';
}

int32_t msp_wire_day(const PGresult *result, int row, int column)
{
    if (PQgetisnull(result, row, column))
        return MSP_NO_DAY;
    return (int32_t)msp_result_int(result, row, column) + MSP_POSTGRES_EPOCH_DAY;
}

int64_t msp_wire_time(const PGresult *result, int row, int column)
{
    if (PQgetisnull(result, row, column))
        return MSP_NO_TIME;
    return msp_result_int(result, row, column) + MSP_POSTGRES_EPOCH_US;
}

static void add_u32(struct msp_buffer *out, uint32_t value)
{
    uint32_t wire = htobe32(value);
    msp_buffer_append(out, &wire, sizeof(wire));
}

void msp_wire_array_begin(struct msp_buffer *out, enum msp_wire_oid element, size_t count)
{
    msp_buffer_clear(out);
    add_u32(out, 1); /* dimensions */
    add_u32(out, 1); /* may hold nulls */
    add_u32(out, (uint32_t)element);
    add_u32(out, (uint32_t)count);
    add_u32(out, 1); /* lower bound */
}

void msp_wire_add_null(struct msp_buffer *out)
{
    add_u32(out, UINT32_MAX);
}

void msp_wire_add_text(struct msp_buffer *out, const char *text)
{
    if (text == NULL) {
        msp_wire_add_null(out);
        return;
    }
    size_t length = strlen(text);
    add_u32(out, (uint32_t)length);
    msp_buffer_append(out, text, length);
}

void msp_wire_add_bool(struct msp_buffer *out, bool value)
{
    add_u32(out, 1);
    msp_buffer_append(out, value ? "\1" : "\0", 1);
}

void msp_wire_add_int(struct msp_buffer *out, int64_t value, size_t width)
{
    add_u32(out, (uint32_t)width);
    uint64_t wire = htobe64((uint64_t)value);
    msp_buffer_append(out, (const char *)&wire + sizeof(wire) - width, width);
}

void msp_wire_add_time(struct msp_buffer *out, int64_t unix_us)
{
    if (unix_us == MSP_NO_TIME)
        msp_wire_add_null(out);
    else
        msp_wire_add_int(out, unix_us - MSP_POSTGRES_EPOCH_US, 8);
}
