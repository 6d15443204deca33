/* PostgreSQL's binary forms: reading cells of results, and building arrays as parameters. */
#ifndef MSP_DB_WIRE_H
#define MSP_DB_WIRE_H

#include "msp/buffer.h"
#include "msp/db.h"

#define MSP_POSTGRES_EPOCH_DAY 10957 /* 2000-01-01 in days since 1970-01-01 */
#define MSP_POSTGRES_EPOCH_US  (INT64_C(86400) * MSP_POSTGRES_EPOCH_DAY * 1000000)

/* A signed integer of 2, 4 or 8 bytes; 0 for another width. */
int64_t msp_wire_int(const char *at, size_t width);

/* Days and instants of binary or text-free results; MSP_NO_DAY and MSP_NO_TIME for null. Binary
 * results only. */
int32_t msp_wire_day(const PGresult *result, int row, int column);
int64_t msp_wire_time(const PGresult *result, int row, int column);

/* Builds the binary form of a one-dimensional array in a buffer. */
enum msp_wire_oid {
    MSP_OID_BOOL = 16,
    MSP_OID_INT8 = 20,
    MSP_OID_INT2 = 21,
    MSP_OID_INT4 = 23,
    MSP_OID_TEXT = 25,
    MSP_OID_TIMESTAMPTZ = 1184,
};

/* Starts an array of exactly `count` elements; that many of the calls below must follow. */
void msp_wire_array_begin(struct msp_buffer *out, enum msp_wire_oid element, size_t count);
void msp_wire_add_null(struct msp_buffer *out);
void msp_wire_add_text(struct msp_buffer *out, const char *text); /* NULL = null */
void msp_wire_add_bool(struct msp_buffer *out, bool value);
void msp_wire_add_int(struct msp_buffer *out, int64_t value, size_t width); /* 2, 4 or 8 bytes */
void msp_wire_add_time(struct msp_buffer *out, int64_t unix_us);            /* MSP_NO_TIME = null */

#endif
