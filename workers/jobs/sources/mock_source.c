/*
 * Tickets out of MOCK_DATA_PATH/tickets/<tenant>.ndjson or .ndjson.gz, one JSON object a line, for
 * trying the product without anybody's ticket system. Reads only; never waits for a file to grow.
 *
 * Cursor: "m1:<bytes>:<lines>", both counted in the uncompressed text read so far.
 */
#include "msp/clock.h"
#include "sources/source.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define CHUNK_BYTES    (256U << 10)
#define LINE_MAX_BYTES (256U << 10) /* what one ticket may be; as a request body's */
#define BUFFER_BYTES   (LINE_MAX_BYTES + CHUNK_BYTES)

struct mock_reader {
    struct msp_source_reader base; /* must be first */
    gzFile file;
    char path[MSP_SETTINGS_TEXT_BYTES + 128];
    int64_t offset; /* uncompressed bytes consumed: where buffer + start lies */
    int64_t lines;
    bool at_end;       /* the file gave its last byte to the buffer */
    size_t start, end; /* unconsumed bytes of the buffer */
    char buffer[BUFFER_BYTES];
};

static enum msp_result damaged(const struct mock_reader *reader, struct msp_error *error)
{
    int number = Z_OK;
    const char *reason = gzerror(reader->file, &number);
    return msp_fail(error, MSP_BROKEN, "source_file_damaged", "Cannot read %s: %s.", reader->path,
                    number == Z_ERRNO ? strerror(errno) : reason);
}

/* Opens the plain file or the compressed one, whichever is there. */
static int open_either(const char *folder, const char *tenant, char *path, size_t size)
{
    static const char *const endings[] = {"ndjson", "ndjson.gz"};
    int fd = -1;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0] && fd < 0; i++) {
        (void)snprintf(path, size, "%s/tickets/%s.%s", folder, tenant, endings[i]);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 && errno != ENOENT) {
            return -1;
        }
    }
    return fd;
}

static void close_reader(struct msp_source_reader *base)
{
    struct mock_reader *reader = (struct mock_reader *)base;
    if (reader == NULL) {
        return;
    }
    if (reader->file != NULL) {
        (void)gzclose(reader->file);
    }
    free(reader);
}

static enum msp_result open_reader(const struct msp_source_order *order,
                                   struct msp_source_reader **out, struct msp_error *error)
{
    const char *tenant = order->tenant;
    const struct msp_settings *settings = order->settings;
    struct mock_reader *reader = calloc(1, sizeof *reader);
    if (reader == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to open the mock source.");
    }
    reader->base.source = &msp_mock_source;
    int fd = open_either(settings->mock_data_path, tenant, reader->path, sizeof reader->path);
    if (fd < 0) {
        enum msp_result result =
            errno == ENOENT ? msp_fail(error, MSP_NOT_FOUND, "source_file_missing",
                                       "There are no mock tickets for tenant \"%s\": put them at "
                                       "%s/tickets/%s.ndjson or .ndjson.gz (MOCK_DATA_PATH).",
                                       tenant, settings->mock_data_path, tenant)
                            : msp_fail(error, MSP_BROKEN, "source_file_unreadable",
                                       "Cannot open %s: %s.", reader->path, strerror(errno));
        close_reader(&reader->base);
        return result;
    }
    reader->file = gzdopen(fd, "rb");
    if (reader->file == NULL) {
        (void)close(fd);
        close_reader(&reader->base);
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to read the mock source.");
    }
    (void)gzbuffer(reader->file, CHUNK_BYTES);
    *out = &reader->base;
    return MSP_OK;
}

/* Takes more of the file into the buffer behind what is unconsumed. */
static enum msp_result fill(struct mock_reader *reader, struct msp_error *error)
{
    if (reader->start > 0) {
        memmove(reader->buffer, reader->buffer + reader->start, reader->end - reader->start);
        reader->end -= reader->start;
        reader->start = 0;
    }
    int taken =
        gzread(reader->file, reader->buffer + reader->end, (unsigned)(BUFFER_BYTES - reader->end));
    if (taken < 0) {
        return damaged(reader, error);
    }
    if (taken == 0) {
        /* A file cut short ends quietly for gzread and is told of only here. */
        int number = Z_OK;
        (void)gzerror(reader->file, &number);
        if (number != Z_OK && number != Z_STREAM_END) {
            return damaged(reader, error);
        }
        reader->at_end = true;
    }
    reader->end += (size_t)taken;
    return MSP_OK;
}

static enum msp_result rewind_file(struct mock_reader *reader, struct msp_error *error)
{
    if (gzrewind(reader->file) != 0) {
        return damaged(reader, error);
    }
    reader->offset = 0;
    reader->lines = 0;
    reader->start = 0;
    reader->end = 0;
    reader->at_end = false;
    return MSP_OK;
}

/*
 * Goes to a cursor's place. A file shorter than that is another file than the cursor was made
 * for: it is read from its start, since taking a ticket twice changes nothing.
 */
static enum msp_result go_to(struct mock_reader *reader, int64_t offset, int64_t lines,
                             struct msp_error *error)
{
    if (offset == reader->offset) {
        return MSP_OK;
    }
    enum msp_result result = MSP_OK;
    if (offset < reader->offset) {
        result = rewind_file(reader, error);
    }
    while (result == MSP_OK && reader->offset < offset && !reader->at_end) {
        size_t held = reader->end - reader->start;
        int64_t wanted = offset - reader->offset;
        size_t skipped = wanted < (int64_t)held ? (size_t)wanted : held;
        reader->start += skipped;
        reader->offset += (int64_t)skipped;
        if (reader->offset < offset) {
            result = fill(reader, error);
        }
    }
    if (result == MSP_OK && reader->offset < offset) {
        return rewind_file(reader, error);
    }
    reader->lines = lines;
    return result;
}

static bool read_number(const char **text, char behind, int64_t *out)
{
    char *end = NULL;
    errno = 0;
    if (**text < '0' || **text > '9') {
        return false;
    }
    *out = strtoll(*text, &end, 10);
    if (errno != 0 || *end != behind) {
        return false;
    }
    *text = end + (behind == '\0' ? 0 : 1);
    return true;
}

static enum msp_result read_cursor(const char *cursor, int64_t *out_offset, int64_t *out_lines,
                                   struct msp_error *error)
{
    if (cursor[0] == '\0') {
        *out_offset = 0;
        *out_lines = 0;
        return MSP_OK;
    }
    const char *rest = cursor + 3;
    if (strncmp(cursor, "m1:", 3) == 0 && read_number(&rest, ':', out_offset) &&
        read_number(&rest, '\0', out_lines)) {
        return MSP_OK;
    }
    return msp_fail(error, MSP_INVALID, "cursor_malformed",
                    "The cursor is none of the mock source's; send \"\" to pull from the start.");
}

/* Finds the next line, filling as needed; *out_whole is false for an unended last line or one that
 * is too long. */
static enum msp_result find_line(struct mock_reader *reader, size_t *out_length, bool *out_whole,
                                 struct msp_error *error)
{
    size_t looked_at = 0;
    for (;;) {
        const char *from = reader->buffer + reader->start;
        size_t held = reader->end - reader->start;
        const char *newline = memchr(from + looked_at, '\n', held - looked_at);
        if (newline != NULL || reader->at_end || held > LINE_MAX_BYTES) {
            *out_whole = newline != NULL;
            *out_length = newline != NULL ? (size_t)(newline - from) : held;
            return MSP_OK;
        }
        looked_at = held;
        enum msp_result result = fill(reader, error);
        if (result != MSP_OK) {
            return result;
        }
    }
}

static void consume(struct mock_reader *reader, size_t bytes)
{
    reader->start += bytes;
    reader->offset += (int64_t)bytes;
}

/* Drops the rest of a line that does not fit the buffer. */
static enum msp_result skip_line(struct mock_reader *reader, struct msp_error *error)
{
    for (;;) {
        const char *from = reader->buffer + reader->start;
        size_t held = reader->end - reader->start;
        const char *newline = memchr(from, '\n', held);
        if (newline != NULL) {
            consume(reader, (size_t)(newline - from) + 1);
            return MSP_OK;
        }
        consume(reader, held);
        if (reader->at_end) {
            return MSP_OK;
        }
        enum msp_result result = fill(reader, error);
        if (result != MSP_OK) {
            return result;
        }
    }
}

/* Adds the ticket of a line to the batch; MSP_INVALID or MSP_TOO_LARGE in *out_fault if it is a bad
 * one. */
static enum msp_result take_line(const char *line, size_t length, struct msp_ticket_batch *batch,
                                 struct msp_error *out_fault, struct msp_error *error)
{
    struct msp_ticket ticket;
    out_fault->result =
        msp_ticket_from_line(line, length, msp_ticket_batch_arena(batch), &ticket, out_fault);
    if (out_fault->result != MSP_OK) {
        return MSP_OK;
    }
    return msp_ticket_batch_add(batch, &ticket, error);
}

static bool is_blank(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r') {
            return false;
        }
    }
    return true;
}

/*
 * Takes one line into the batch and behind the reader. *out_more is false when nothing is left that
 * could be taken: a last line without its newline that is no whole ticket yet is somebody's
 * half-written line, and stays for the next pull.
 */
static enum msp_result take_next(struct mock_reader *reader, struct msp_ticket_batch *batch,
                                 bool *out_more, struct msp_error *error)
{
    size_t length;
    bool whole;
    enum msp_result result = find_line(reader, &length, &whole, error);
    if (result != MSP_OK) {
        return result;
    }
    const char *line = reader->buffer + reader->start;
    *out_more = whole || length > 0;
    if (!*out_more) {
        return MSP_OK;
    }
    struct msp_error fault = {.result = MSP_OK};
    if (length > LINE_MAX_BYTES) {
        (void)msp_fail(&fault, MSP_TOO_LARGE, "ticket_too_large",
                       "Line %" PRId64 " is longer than %u bytes.", reader->lines + 1,
                       LINE_MAX_BYTES);
        result = msp_ticket_batch_reject(batch, &fault, line, length, error);
        reader->lines++;
        return result == MSP_OK ? skip_line(reader, error) : result;
    }
    if (!is_blank(line, length)) {
        result = take_line(line, length, batch, &fault, error);
    }
    if (result == MSP_OK && fault.result != MSP_OK) {
        if (!whole) {
            *out_more = false;
            return MSP_OK;
        }
        result = msp_ticket_batch_reject(batch, &fault, line, length, error);
    }
    if (result == MSP_OK) {
        consume(reader, length + (whole ? 1 : 0));
        reader->lines++;
    }
    return result;
}

static enum msp_result read_page(struct msp_source_reader *base, const char *cursor,
                                 int max_tickets, struct msp_ticket_batch *batch,
                                 int64_t deadline_ms, struct msp_source_page *out,
                                 struct msp_error *error)
{
    struct mock_reader *reader = (struct mock_reader *)base;
    int64_t offset = 0;
    int64_t lines = 0;
    enum msp_result result = read_cursor(cursor, &offset, &lines, error);
    if (result == MSP_OK) {
        result = go_to(reader, offset, lines, error);
    }
    bool more = true;
    for (int taken = 0; result == MSP_OK && more && taken < max_tickets; taken++) {
        result = take_next(reader, batch, &more, error);
        if (result == MSP_OK && (taken & 127) == 0 && msp_clock_monotonic_ms() >= deadline_ms) {
            result = msp_fail(error, MSP_TIMED_OUT, "source_slow", "Reading %s took too long.",
                              reader->path);
        }
    }
    if (result == MSP_OK) {
        (void)snprintf(out->next_cursor, sizeof out->next_cursor, "m1:%" PRId64 ":%" PRId64,
                       reader->offset, reader->lines);
        out->drained = !more;
        out->complete_until_us = MSP_NO_TIME;
    }
    return result;
}

const struct msp_source msp_mock_source = {
    .name = "mock",
    .open = open_reader,
    .page = read_page,
    .close = close_reader,
};
