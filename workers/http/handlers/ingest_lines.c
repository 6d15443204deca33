/* Cuts a body into lines in one buffer of fixed size and hands each on as a ticket or a reject. */
#include "ingest_lines.h"

#include "../body.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define READ_BYTES         (64U * 1024)
#define BUFFER_BYTES       (MSP_INGEST_LINE_BYTES + READ_BYTES)
#define KEPT_PAYLOAD_BYTES (8U * 1024) /* as much of a refused line as raw_rejects keeps */

struct cutter {
    struct msp_ingest_sink *sink;
    struct msp_ingest_reading *reading;
    char *buffer;
    size_t length; /* bytes in the buffer: the beginning of a line whose end has not come */
    bool skipping; /* inside a line that was too long; it has been noted already */
};

/* A reject's reason says which line it was: whoever looks at it later has only the file. */
static enum msp_result reject_line(struct cutter *cutter, struct msp_error *reason,
                                   const char *line, size_t length, struct msp_error *error)
{
    char detail[sizeof reason->detail];

    snprintf(detail, sizeof detail, "Line %" PRId64 ": %.*s", cutter->reading->lines,
             (int)sizeof detail - 32, reason->detail);
    memcpy(reason->detail, detail, sizeof detail);
    return msp_ingest_sink_reject(cutter->sink, reason, line, length, error);
}

static bool is_blank(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (strchr(" \t\r", line[i]) == NULL || line[i] == '\0')
            return false;
    }
    return true;
}

static enum msp_result take_line(struct cutter *cutter, const char *line, size_t length,
                                 struct msp_error *error)
{
    struct msp_error reason;
    enum msp_result result;
    bool refused;

    cutter->reading->lines++;
    if (is_blank(line, length))
        return MSP_OK;
    result = msp_ingest_sink_take_line(cutter->sink, line, length, &refused, &reason, error);
    return refused ? reject_line(cutter, &reason, line, length, error) : result;
}

static enum msp_result refuse_long_line(struct cutter *cutter, const char *line,
                                        struct msp_error *error)
{
    struct msp_error reason;

    cutter->reading->lines++;
    (void)!msp_fail(&reason, MSP_TOO_LARGE, "line_too_long",
                    "The line is longer than %u KiB; send one ticket a line.",
                    MSP_INGEST_LINE_BYTES / 1024);
    return reject_line(cutter, &reason, line, KEPT_PAYLOAD_BYTES, error);
}

/* Takes the whole lines out of the buffer and moves the rest to its front. */
static enum msp_result take_lines(struct cutter *cutter, size_t searched, struct msp_error *error)
{
    const char *end = cutter->buffer + cutter->length;
    const char *line = cutter->buffer;
    const char *from = cutter->buffer + searched;
    const char *newline;
    enum msp_result result = MSP_OK;

    while (result == MSP_OK && (newline = memchr(from, '\n', (size_t)(end - from))) != NULL) {
        size_t length = (size_t)(newline - line);

        if (cutter->skipping)
            cutter->skipping = false;
        else if (length <= MSP_INGEST_LINE_BYTES)
            result = take_line(cutter, line, length, error);
        else
            result = refuse_long_line(cutter, line, error);
        line = newline + 1;
        from = line;
    }
    cutter->length = (size_t)(end - line);
    memmove(cutter->buffer, line, cutter->length);
    if (result == MSP_OK && cutter->length > MSP_INGEST_LINE_BYTES && !cutter->skipping) {
        cutter->skipping = true;
        result = refuse_long_line(cutter, cutter->buffer, error);
    }
    if (cutter->skipping)
        cutter->length = 0;
    return result;
}

enum msp_result msp_ingest_lines_read(const struct msp_request *request,
                                      struct msp_ingest_sink *sink,
                                      struct msp_ingest_reading *reading, struct msp_error *error)
{
    struct cutter cutter = {.sink = sink, .reading = reading};
    enum msp_result result = MSP_OK;

    *reading = (struct msp_ingest_reading){.lines = 0};
    cutter.buffer = msp_arena_alloc(request->arena, BUFFER_BYTES);
    if (cutter.buffer == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "Memory is short; try again soon.");
    while (result == MSP_OK) {
        size_t searched = cutter.length;
        size_t size;

        result = msp_body_read(request, cutter.buffer + cutter.length, READ_BYTES, &size, error);
        reading->body_failed = result != MSP_OK;
        if (result != MSP_OK || size == 0)
            break;
        cutter.length += size;
        result = take_lines(&cutter, searched, error);
    }
    if (result == MSP_OK && cutter.length > 0)
        result = take_line(&cutter, cutter.buffer, cutter.length, error);
    return result;
}
