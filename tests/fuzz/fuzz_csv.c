/* Any texts as a row (the input split at NUL bytes): a reader of RFC 4180 gets the same cells. */
#include "msp/csv.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int condition)
{
    if (!condition)
        abort();
}

/* The character that a cell begins with may be a guard, which is then stepped over. */
static size_t guard_bytes(const char *text)
{
    return text[0] != '\0' && strchr("=+-@\t\r", text[0]) ? 1 : 0;
}

static const char *expect_quoted(const char *at, const char *text)
{
    for (; *text; text++, at++) {
        require(*at == *text);
        if (*text == '"')
            require(*++at == '"');
    }
    require(*at == '"');
    return at + 1;
}

static const char *expect_bare(const char *at, const char *text)
{
    for (; *text; text++, at++) {
        require(*at == *text);
        require(!strchr(",\"\r\n", *text));
    }
    return at;
}

static const char *expect_cell(const char *at, const char *text)
{
    int quoted = *at == '"';
    at += quoted;
    if (guard_bytes(text))
        require(*at++ == '\'');
    return quoted ? expect_quoted(at, text) : expect_bare(at, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *texts = calloc(1, size + 1); /* ends the last text */
    struct msp_buffer buffer;
    struct msp_csv_writer writer;
    if (!texts)
        return 0;
    memcpy(texts, data, size);

    msp_buffer_init(&buffer, 0);
    msp_csv_writer_init(&writer, &buffer);
    for (const char *text = texts; text <= texts + size; text += strlen(text) + 1)
        msp_csv_text(&writer, text);
    msp_csv_end_row(&writer);
    msp_buffer_append(&buffer, "", 1);
    require(!buffer.failed);

    const char *at = buffer.data + strlen(MSP_CSV_BOM);
    for (const char *text = texts; text <= texts + size; text += strlen(text) + 1) {
        if (text != texts)
            require(*at++ == ',');
        at = expect_cell(at, text);
    }
    require(strcmp(at, "\r\n") == 0);

    msp_buffer_done(&buffer);
    free(texts);
    return 0;
}
