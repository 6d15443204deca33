/*
 * Cells of the CSV that Power BI and Excel read: UTF-8 with BOM, RFC 4180,
 * CRLF, text guarded against formula injection (OWASP CSV Injection: a leading
 * = + - @ TAB or CR gets an apostrophe in front).
 */
#ifndef MSP_CSV_H
#define MSP_CSV_H

#include "msp/buffer.h"

#include <stdbool.h>
#include <stdint.h>

#define MSP_CSV_BOM "\xEF\xBB\xBF"

struct msp_csv_writer {
    struct msp_buffer *out; /* borrowed */
    bool row_started;
};

/* Writes the byte order mark. */
void msp_csv_writer_init(struct msp_csv_writer *writer, struct msp_buffer *out);

/* Free text, guarded and quoted when needed; NULL is an empty cell. An empty text is "". */
void msp_csv_text(struct msp_csv_writer *writer, const char *text);
/* The same of a text that no NUL ends. */
void msp_csv_bytes(struct msp_csv_writer *writer, const char *text, size_t length);

/* Text of our own making (a name, a day, a time) that needs neither guard nor quotes. */
void msp_csv_plain(struct msp_csv_writer *writer, const char *text);
void msp_csv_int(struct msp_csv_writer *writer, int64_t value);
void msp_csv_double(struct msp_csv_writer *writer, double value);
void msp_csv_empty(struct msp_csv_writer *writer);
void msp_csv_end_row(struct msp_csv_writer *writer);

#endif
