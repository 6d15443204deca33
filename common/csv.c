/* Rows of CSV as they are made. Reads no CSV. */
#include "msp/csv.h"

#include "decimal.h"
#include "msp/json_writer.h"

#include <math.h>
#include <string.h>

void msp_csv_writer_init(struct msp_csv_writer *writer, struct msp_buffer *out)
{
    *writer = (struct msp_csv_writer){.out = out};
    msp_buffer_append_text(out, MSP_CSV_BOM);
}

static void begin_cell(struct msp_csv_writer *writer)
{
    if (writer->row_started)
        msp_buffer_append(writer->out, ",", 1);
    writer->row_started = true;
}

static bool needs_guard(const char *text, size_t length)
{
    return length > 0 && text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL;
}

/* Besides RFC 4180's own: spaces at an end, which many readers trim when they stand bare. */
static bool needs_quotes(const char *text, size_t length)
{
    bool found = length == 0 || text[0] == ' ' || text[length - 1] == ' ';
    for (size_t i = 0; i < length; i++)
        found |= text[i] == ',' || text[i] == '"' || text[i] == '\r' || text[i] == '\n';
    return found;
}

static void put_doubling_quotes(struct msp_buffer *out, const char *text, const char *end)
{
    const char *quote;
    while (text < end && (quote = memchr(text, '"', (size_t)(end - text))) != NULL) {
        msp_buffer_append(out, text, (size_t)(quote - text) + 1);
        msp_buffer_append(out, "\"", 1);
        text = quote + 1;
    }
    msp_buffer_append(out, text, (size_t)(end - text));
}

void msp_csv_bytes(struct msp_csv_writer *writer, const char *text, size_t length)
{
    begin_cell(writer);
    bool quoted = needs_quotes(text, length);
    if (quoted)
        msp_buffer_append(writer->out, "\"", 1);
    if (needs_guard(text, length))
        msp_buffer_append(writer->out, "'", 1);
    if (quoted) {
        put_doubling_quotes(writer->out, text, text + length);
        msp_buffer_append(writer->out, "\"", 1);
    } else {
        msp_buffer_append(writer->out, text, length);
    }
}

void msp_csv_text(struct msp_csv_writer *writer, const char *text)
{
    if (text)
        msp_csv_bytes(writer, text, strlen(text));
    else
        begin_cell(writer);
}

void msp_csv_plain(struct msp_csv_writer *writer, const char *text)
{
    begin_cell(writer);
    if (text)
        msp_buffer_append_text(writer->out, text);
}

void msp_csv_int(struct msp_csv_writer *writer, int64_t value)
{
    char text[MSP_INT64_TEXT_BYTES];
    begin_cell(writer);
    msp_buffer_append(writer->out, text, msp_int64_format(value, text));
}

void msp_csv_double(struct msp_csv_writer *writer, double value)
{
    char text[32];
    begin_cell(writer);
    if (isfinite(value))
        msp_buffer_append(writer->out, text, msp_double_format(value, text));
}

void msp_csv_empty(struct msp_csv_writer *writer)
{
    begin_cell(writer);
}

void msp_csv_end_row(struct msp_csv_writer *writer)
{
    msp_buffer_append(writer->out, "\r\n", 2);
    writer->row_started = false;
}
