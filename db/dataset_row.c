/* Reads the binary form of COPY as PostgreSQL documents it ("Binary Format", sql-copy), row by row.
 */
#include "dataset_row.h"

#include <string.h>

#include "msp/timestamp.h"
#include "wire.h"

#define SIGNATURE       "PGCOPY\n\377\r\n" /* and its NUL */
#define SIGNATURE_BYTES 11
#define HEAD_BYTES      19 /* signature, flags, length of an extension */

enum msp_copy_part msp_copy_message(bool first, const char **row, size_t *length)
{
    if (first) {
        if (*length < HEAD_BYTES || memcmp(*row, SIGNATURE, SIGNATURE_BYTES) != 0)
            return MSP_COPY_BROKEN;
        int64_t extension = msp_wire_int(*row + HEAD_BYTES - 4, 4);
        if (extension < 0 || (size_t)extension > *length - HEAD_BYTES)
            return MSP_COPY_BROKEN;
        *row += HEAD_BYTES + extension;
        *length -= HEAD_BYTES + (size_t)extension;
    }
    if (*length < 2)
        return MSP_COPY_BROKEN;
    return msp_wire_int(*row, 2) == -1 ? MSP_COPY_END : MSP_COPY_ROW;
}

struct cursor {
    const char *at;
    const char *end;
};

/* The next cell; a null has no bytes and *size -1. */
static bool next_cell(struct cursor *cursor, const char **bytes, int64_t *size)
{
    if (cursor->end - cursor->at < 4)
        return false;
    *size = msp_wire_int(cursor->at, 4);
    cursor->at += 4;
    *bytes = cursor->at;
    if (*size < -1 || *size > cursor->end - cursor->at)
        return false;
    cursor->at += *size > 0 ? *size : 0;
    return true;
}

static bool is_width(char cell, int64_t size)
{
    switch (cell) {
    case MSP_CELL_TEXT:
        return true;
    case MSP_CELL_DAY:
        return size == 4;
    case MSP_CELL_INSTANT:
        return size == 8;
    case MSP_CELL_BOOL:
        return size == 1;
    default:
        return size == 2 || size == 4 || size == 8;
    }
}

bool msp_copy_row_key(const char *cells, const char *row, size_t length, int64_t *out)
{
    struct cursor cursor = {row + 2, row + length};
    const char *bytes;
    int64_t size;
    if (length < 2 || !next_cell(&cursor, &bytes, &size) || !is_width(cells[0], size))
        return false;
    *out = msp_wire_int(bytes, (size_t)size) +
           (cells[0] == MSP_CELL_DAY ? MSP_POSTGRES_EPOCH_DAY : MSP_POSTGRES_EPOCH_US);
    return true;
}

static void write_cell(char cell, const char *bytes, size_t size, struct msp_csv_writer *writer)
{
    char text[MSP_TIMESTAMP_TEXT_BYTES];
    switch (cell) {
    case MSP_CELL_TEXT:
        msp_csv_bytes(writer, bytes, size);
        break;
    case MSP_CELL_DAY:
        msp_day_format((int32_t)msp_wire_int(bytes, size) + MSP_POSTGRES_EPOCH_DAY, text);
        msp_csv_plain(writer, text);
        break;
    case MSP_CELL_INSTANT:
        msp_timestamp_format(msp_wire_int(bytes, size) + MSP_POSTGRES_EPOCH_US, text);
        msp_csv_plain(writer, text);
        break;
    case MSP_CELL_BOOL:
        msp_csv_plain(writer, bytes[0] != 0 ? "true" : "false");
        break;
    default:
        msp_csv_int(writer, msp_wire_int(bytes, size));
        break;
    }
}

bool msp_copy_row_csv(const char *cells, const char *row, size_t length,
                      struct msp_csv_writer *writer)
{
    size_t columns = strlen(cells);
    if (length < 2 || msp_wire_int(row, 2) != (int64_t)columns)
        return false;
    struct cursor cursor = {row + 2, row + length};
    for (size_t i = 0; i < columns; i++) {
        const char *bytes;
        int64_t size;
        if (!next_cell(&cursor, &bytes, &size) || (size >= 0 && !is_width(cells[i], size)))
            return false;
        if (size < 0)
            msp_csv_empty(writer);
        else
            write_cell(cells[i], bytes, (size_t)size, writer);
    }
    return cursor.at == cursor.end;
}
