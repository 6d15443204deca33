/* From a row of a binary COPY to a row of CSV. Knows forms of cells, and nothing of datasets. */
#ifndef MSP_DB_DATASET_ROW_H
#define MSP_DB_DATASET_ROW_H

#include "msp/csv.h"

#include <stddef.h>

/* How the bytes of a cell become text: a letter a column. */
#define MSP_CELL_DAY     'd'
#define MSP_CELL_INSTANT 't'
#define MSP_CELL_TEXT    's' /* free text: guarded and quoted as include/msp/csv.h says */
#define MSP_CELL_INT     'i'
#define MSP_CELL_BOOL    'b'

enum msp_copy_part { MSP_COPY_ROW, MSP_COPY_END, MSP_COPY_BROKEN };

/*
 * Steps over the head that the first message of a copy begins with (if `first`). MSP_COPY_ROW: *row
 * and *length are a row's; MSP_COPY_END: the copy's last message.
 */
enum msp_copy_part msp_copy_message(bool first, const char **row, size_t *length);

/* The value of the first column: a day or an instant, as days or microseconds since 1970. */
bool msp_copy_row_key(const char *cells, const char *row, size_t length,
                      int64_t *out) MSP_MUST_CHECK;

/* Writes all cells of a row; false if it is not of the form of `cells`. */
bool msp_copy_row_csv(const char *cells, const char *row, size_t length,
                      struct msp_csv_writer *writer) MSP_MUST_CHECK;

#endif
