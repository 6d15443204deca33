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

/* Room for a cell of at most `size` bytes, behind the comma that parts it from the one before. */
static char *begin_cell(struct msp_csv_writer *writer, size_t size)
{
    char *at = msp_buffer_reserve(writer->out, size + 1);
    if (at != NULL && writer->row_started)
        *at++ = ',';
    writer->row_started = true;
    return at;
}

static void end_cell(struct msp_csv_writer *writer, const char *end)
{
    writer->out->length = (size_t)(end - writer->out->data);
}

static bool needs_guard(const char *text, size_t length)
{
    if (length == 0)
        return false;
    char first = text[0];
    return first == '=' || first == '+' || first == '-' || first == '@' || first == '\t' ||
           first == '\r';
}

/* Besides RFC 4180's own: spaces at an end, which many readers trim when they stand bare. */
static bool needs_quotes(const char *text, size_t length)
{
    bool found = length == 0 || text[0] == ' ' || text[length - 1] == ' ';
    for (size_t i = 0; i < length; i++)
        found |= text[i] == ',' || text[i] == '"' || text[i] == '\r' || text[i] == '\n';
    return found;
}

static char *put_doubling_quotes(char *at, const char *text, const char *end)
{
    const char *quote;
    while (text < end && (quote = memchr(text, '"', (size_t)(end - text))) != NULL) {
        size_t size = (size_t)(quote - text) + 1;
        memcpy(at, text, size);
        at += size;
        *at++ = '"';
        text = quote + 1;
    }
    memcpy(at, text, (size_t)(end - text));
    return at + (end - text);
}

void msp_csv_bytes(struct msp_csv_writer *writer, const char *text, size_t length)
{
    bool quoted = needs_quotes(text, length);
    if (length > SIZE_MAX / 4) {
        writer->out->failed = true;
        return;
    }
    /* Quotes around it, the guard, and every byte a quote that is doubled. */
    char *at = begin_cell(writer, quoted ? 2 * length + 3 : length + 1);
    if (at == NULL)
        return;
    if (quoted)
        *at++ = '"';
    if (needs_guard(text, length))
        *at++ = '\'';
    if (quoted) {
        at = put_doubling_quotes(at, text, text + length);
        *at++ = '"';
    } else {
        memcpy(at, text, length);
        at += length;
    }
    end_cell(writer, at);
}

void msp_csv_text(struct msp_csv_writer *writer, const char *text)
{
    if (text)
        msp_csv_bytes(writer, text, strlen(text));
    else
        msp_csv_empty(writer);
}

void msp_csv_plain(struct msp_csv_writer *writer, const char *text)
{
    size_t length = text ? strlen(text) : 0;
    char *at = begin_cell(writer, length);
    if (at == NULL)
        return;
    memcpy(at, text ? text : "", length);
    end_cell(writer, at + length);
}

void msp_csv_int(struct msp_csv_writer *writer, int64_t value)
{
    char *at = begin_cell(writer, MSP_INT64_TEXT_BYTES);
    if (at != NULL)
        end_cell(writer, at + msp_int64_format(value, at));
}

void msp_csv_double(struct msp_csv_writer *writer, double value)
{
    char *at = begin_cell(writer, MSP_DOUBLE_TEXT_BYTES);
    if (at != NULL)
        end_cell(writer, at + (isfinite(value) ? msp_double_format(value, at) : 0));
}

void msp_csv_empty(struct msp_csv_writer *writer)
{
    const char *at = begin_cell(writer, 0);
    if (at != NULL)
        end_cell(writer, at);
}

void msp_csv_end_row(struct msp_csv_writer *writer)
{
    msp_buffer_append(writer->out, "\r\n", 2);
    writer->row_started = false;
}
