/*
 * Builds a line on the stack and hands it over whole. Never allocates, never fails a caller: a line
 * that cannot be written is lost.
 */
#include "msp/log.h"

#include "log_line.h"

#include "msp/clock.h"
#include "msp/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* PIPE_BUF on Linux: what several processes write to one pipe stays whole up to this size. */
#define LINE_BYTES 4096
/* Kept free for what closes a line that was cut. */
#define CLOSING_BYTES 64

struct line {
    size_t length;
    bool cut; /* something did not fit; nothing more is taken */
    bool json;
    char text[LINE_BYTES];
};

static atomic_int least_level = MSP_LOG_INFO;
static atomic_int line_format = MSP_LOG_PLAIN;
static char process_name[64] = "msp-analytics";
static pid_t process_id; /* asked for once: a line a request is too many for a system call each */

static const struct {
    const char *plain;
    const char *json;
} level_names[] = {
    [MSP_LOG_DEBUG] = {"DEBUG", "debug"},
    [MSP_LOG_INFO] = {"INFO", "info"},
    [MSP_LOG_WARNING] = {"WARNING", "warning"},
    [MSP_LOG_ERROR] = {"ERROR", "error"},
};

void msp_log_configure(enum msp_log_level level, enum msp_log_format format)
{
    atomic_store(&least_level, (int)level);
    atomic_store(&line_format, (int)format);
}

void msp_log_set_process(const char *name)
{
    (void)snprintf(process_name, sizeof process_name, "%s", name);
    process_id = getpid();
}

static bool fits(const struct line *line, size_t size)
{
    return !line->cut && line->length + size <= LINE_BYTES - CLOSING_BYTES;
}

/* All of `bytes` or nothing: an escape cut in two would be a lie. */
static void put(struct line *line, const char *bytes, size_t size)
{
    if (!fits(line, size)) {
        line->cut = true;
        return;
    }
    memcpy(line->text + line->length, bytes, size);
    line->length += size;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* A number in at least `width` digits. */
static void put_number(struct line *line, int64_t number, size_t width)
{
    char text[24];
    char *at = text + sizeof text;
    char *padded = at - width;
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0 || at > padded);
    put(line, at, (size_t)(text + sizeof text - at));
}

/* Past the point where put() stops; CLOSING_BYTES has room for all that is ever closed. */
static void close_with(struct line *line, const char *text)
{
    size_t size = strlen(text);
    memcpy(line->text + line->length, text, size);
    line->length += size;
}

/* Control characters of both kinds: below U+0020, DEL, and U+0080 to U+009F, which terminals obey
 * too. */
static bool is_control(const char *text, size_t size)
{
    unsigned char first = (unsigned char)text[0];
    return (size == 1 && (first < 0x20 || first == 0x7F)) ||
           (size == 2 && first == 0xC2 && (unsigned char)text[1] < 0xA0);
}

static void put_control(struct line *line, const char *text, size_t size)
{
    unsigned char code =
        (unsigned char)text[size - 1]; /* of C2 80..9F the second byte is the code */
    char escape[8];
    if (code == '\n' || code == '\r' || code == '\t')
        (void)snprintf(escape, sizeof escape, "\\%c",
                       code == '\n'   ? 'n'
                       : code == '\r' ? 'r'
                                      : 't');
    else
        (void)snprintf(escape, sizeof escape, line->json ? "\\u%04x" : "\\x%02x", (unsigned)code);
    put_text(line, escape);
}

static void put_broken_byte(struct line *line, char byte)
{
    char escape[8];
    if (line->json) {
        put_text(line, "\xEF\xBF\xBD"); /* U+FFFD: JSON has no way to show a lone byte */
        return;
    }
    (void)snprintf(escape, sizeof escape, "\\x%02x", (unsigned)(unsigned char)byte);
    put_text(line, escape);
}

/* How many bytes from here on stand for themselves, quoted or not. */
static size_t plain_bytes(const char *text)
{
    const char *at = text;
    while (*at >= ' ' && *at < 0x7F && *at != '"' && *at != '\\')
        at++;
    return (size_t)(at - text);
}

static void put_escaped(struct line *line, const char *text, bool quoted)
{
    size_t plain = plain_bytes(text);
    if (fits(line, plain)) {
        put(line, text, plain);
        text += plain;
    }
    size_t left = strlen(text);
    while (left > 0 && !line->cut) {
        size_t size = msp_utf8_character_bytes(text, left);
        if (size == 0) {
            put_broken_byte(line, text[0]);
            size = 1;
        } else if (is_control(text, size)) {
            put_control(line, text, size);
        } else if (quoted && (text[0] == '"' || text[0] == '\\')) {
            put(line, text[0] == '"' ? "\\\"" : "\\\\", 2);
        } else {
            put(line, text, size);
        }
        text += size;
        left -= size;
    }
}

/* The rest of a quoted text whose opening quote is written: it is closed even where the line is
 * cut. */
static void finish_quoted(struct line *line, const char *text)
{
    put_escaped(line, text, true);
    close_with(line, line->cut ? "…\"" : "\"");
}

/* How many bytes from here on need no quotes around them. */
static size_t bare_bytes(const char *value)
{
    const char *at = value;
    while (*at > ' ' && *at < 0x7F && *at != '"' && *at != '\\' && *at != '=')
        at++;
    return (size_t)(at - value);
}

static void put_plain_field(struct line *line, const char *name, const char *value)
{
    size_t bare = bare_bytes(value);
    bool quoted = bare == 0 || value[bare] != '\0';
    put(line, " ", 1);
    put_text(line, name);
    put_text(line, quoted ? "=\"" : "=");
    if (line->cut)
        return;
    if (quoted)
        finish_quoted(line, value);
    else if (fits(line, bare))
        put(line, value, bare); /* nothing in it needs an escape */
    else
        put_escaped(line, value, false);
}

/* Name, colon and opening quote go in together or not at all, so that a cut object stays JSON. */
static void put_json_field(struct line *line, const char *name, const char *value)
{
    char head[80];
    int size = snprintf(head, sizeof head, ",\"%s\":\"", name);
    if (size < 0 || (size_t)size >= sizeof head) {
        line->cut = true;
        return;
    }
    put(line, head, (size_t)size);
    if (!line->cut)
        finish_quoted(line, value);
}

static void put_field(struct line *line, const char *name, const char *value)
{
    if (line->json)
        put_json_field(line, name, value);
    else
        put_plain_field(line, name, value);
}

/* The second is put into words once: a busy thread writes hundreds of lines in it. */
static void put_time(struct line *line)
{
    static _Thread_local time_t written;
    static _Thread_local char text[40];
    int64_t now_us = msp_clock_unix_us();
    time_t seconds = (time_t)(now_us / 1000000);
    if (text[0] == '\0' || seconds != written) {
        struct tm utc;
        (void)gmtime_r(&seconds, &utc);
        (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
        written = seconds;
    }
    put_text(line, text);
    put_text(line, ".");
    put_number(line, now_us / 1000 % 1000, 3);
    put_text(line, "Z");
}

static void put_head(struct line *line, enum msp_log_level level, const char *event)
{
    if (line->json) {
        put_text(line, "{\"time\":\"");
        put_time(line);
        put_text(line, "\",\"level\":\"");
        put_text(line, level_names[level].json);
        put_text(line, "\",\"pid\":");
        put_number(line, process_id > 0 ? process_id : getpid(), 1);
        put_field(line, "process", process_name);
        put_field(line, "event", event);
    } else {
        put_time(line);
        put_text(line, " ");
        put_text(line, level_names[level].plain);
        put_text(line, " ");
        put_text(line, process_name);
        put_text(line, "[");
        put_number(line, process_id > 0 ? process_id : getpid(), 1);
        put_text(line, "]: ");
        put_escaped(line, event, false);
    }
}

static void put_end(struct line *line)
{
    if (line->json)
        close_with(line, line->cut ? ",\"truncated\":true}\n" : "}\n");
    else
        close_with(line, line->cut ? " [line cut]\n" : "\n");
}

void msp_log(enum msp_log_level level, const char *event, ...)
{
    if ((int)level < atomic_load(&least_level))
        return;

    int saved_errno = errno;
    struct line
        line; /* the text is written before it is read; clearing 4 KiB a line would be waste */
    line.length = 0;
    line.cut = false;
    line.json = atomic_load(&line_format) == MSP_LOG_JSON;

    put_head(&line, level, event);
    va_list fields;
    va_start(fields, event);
    for (const char *name; (name = va_arg(fields, const char *)) != NULL;) {
        const char *value = va_arg(fields, const char *);
        if (value)
            put_field(&line, name, value);
    }
    va_end(fields);
    put_end(&line);

    msp_log_line_send(line.text, line.length, level >= MSP_LOG_WARNING);
    errno = saved_errno;
}
