/* JSON text as it is made. Keeps only where it stands; a fault in its use ends the process. */
#include "msp/json_writer.h"

#include "decimal.h"
#include "msp/no_value.h"
#include "msp/timestamp.h"
#include "msp/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void require(bool condition, const char *promise)
{
    if (condition)
        return;
    (void)fprintf(stderr, "json_writer misused: %s\n", promise);
    abort();
}

void msp_json_writer_init(struct msp_json_writer *writer, struct msp_buffer *out)
{
    *writer = (struct msp_json_writer){.out = out};
}

static bool in_object(const struct msp_json_writer *writer)
{
    return writer->depth > 0 && writer->nesting[writer->depth - 1] == '{';
}

static void separate(struct msp_json_writer *writer)
{
    if (writer->needs_comma)
        msp_buffer_append(writer->out, ",", 1);
    writer->needs_comma = false;
}

static void before_value(struct msp_json_writer *writer)
{
    if (writer->after_key) {
        writer->after_key = false;
        return;
    }
    require(!in_object(writer), "a key is due before a value in an object");
    require(writer->depth > 0 || !writer->needs_comma, "one value at the top is all there is");
    separate(writer);
}

static void put_value(struct msp_json_writer *writer, const char *text, size_t length)
{
    before_value(writer);
    msp_buffer_append(writer->out, text, length);
    writer->needs_comma = true;
}

static void begin(struct msp_json_writer *writer, char opening)
{
    require(writer->depth < MSP_JSON_WRITER_MAX_DEPTH, "nested too deep");
    before_value(writer);
    writer->nesting[writer->depth++] = opening;
    msp_buffer_append(writer->out, &opening, 1);
}

static void end(struct msp_json_writer *writer, char opening, char closing)
{
    require(writer->depth > 0 && writer->nesting[writer->depth - 1] == opening,
            "what is closed must be what was opened last");
    require(!writer->after_key, "a value is due after a key");
    writer->depth--;
    writer->needs_comma = true;
    msp_buffer_append(writer->out, &closing, 1);
}

void msp_json_begin_object(struct msp_json_writer *writer)
{
    begin(writer, '{');
}

void msp_json_end_object(struct msp_json_writer *writer)
{
    end(writer, '{', '}');
}

void msp_json_begin_array(struct msp_json_writer *writer)
{
    begin(writer, '[');
}

void msp_json_end_array(struct msp_json_writer *writer)
{
    end(writer, '[', ']');
}

static void put_ascii_escape(struct msp_buffer *out, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    static const char *const words[0x20] = {
        ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r",
    };

    if (byte >= 0x20) {
        const char escape[] = {'\\', (char)byte};
        msp_buffer_append(out, escape, sizeof escape);
    } else if (words[byte]) {
        msp_buffer_append(out, words[byte], 2);
    } else {
        const char escape[] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
        msp_buffer_append(out, escape, sizeof escape);
    }
}

/* Plain: stands in a JSON string as it is, one byte a character. */
static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
}

/*
 * Whether all eight bytes are plain, told at once: `x - 0x01…` borrows into the high bit of a byte
 * that is below what was taken off, and a byte that equals another is zero after XOR.
 */
static bool are_eight_plain(const char *text)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t bytes;
    memcpy(&bytes, text, sizeof bytes);
    uint64_t quotes = bytes ^ ones * '"';
    uint64_t backslashes = bytes ^ ones * '\\';
    uint64_t suspects = bytes | (bytes - ones * 0x20) | (quotes - ones) | (backslashes - ones);
    return (suspects & ones * 0x80) == 0;
}

/* Bytes of `text` that can be copied as they stand: plain ones and whole characters. */
static size_t run_length(const char *text, size_t length)
{
    size_t at = 0;
    while (at < length) {
        if (length - at >= 8 && are_eight_plain(text + at)) {
            at += 8;
            continue;
        }
        unsigned char byte = (unsigned char)text[at];
        size_t size = is_plain(byte) ? 1
                      : byte < 0x80  ? 0
                                     : msp_utf8_character_bytes(text + at, length - at);
        if (size == 0)
            break;
        at += size;
    }
    return at;
}

static void put_piecewise(struct msp_buffer *out, const char *text, size_t length)
{
    msp_buffer_append(out, "\"", 1);
    for (;;) {
        size_t run = run_length(text, length);
        msp_buffer_append(out, text, run);
        if (run == length)
            break;
        unsigned char byte = (unsigned char)text[run];
        if (byte < 0x80)
            put_ascii_escape(out, byte);
        else
            msp_buffer_append(out, "\xEF\xBF\xBD", 3);
        text += run + 1;
        length -= run + 1;
    }
    msp_buffer_append(out, "\"", 1);
}

/* Nearly every text goes in as it is: then one look at the buffer and one copy are enough. */
static void put_string(struct msp_buffer *out, const char *text, size_t length)
{
    if (run_length(text, length) < length) {
        put_piecewise(out, text, length);
        return;
    }
    if (length > SIZE_MAX - 2) {
        out->failed = true;
        return;
    }
    char *place = msp_buffer_reserve(out, length + 2);
    if (!place)
        return;
    place[0] = '"';
    memcpy(place + 1, text, length);
    place[length + 1] = '"';
    out->length += length + 2;
}

static void put_plain_key(struct msp_json_writer *writer, const char *name, size_t length)
{
    char *place = msp_buffer_reserve(writer->out, length + 4);
    if (!place)
        return;
    char *at = place;
    if (writer->needs_comma)
        *at++ = ',';
    *at++ = '"';
    memcpy(at, name, length);
    at += length;
    *at++ = '"';
    *at++ = ':';
    writer->out->length += (size_t)(at - place);
    writer->needs_comma = false;
}

static void require_key(const struct msp_json_writer *writer)
{
    require(in_object(writer), "a key belongs in an object");
    require(!writer->after_key, "a value is due after a key");
}

void msp_json_key(struct msp_json_writer *writer, const char *name)
{
    require_key(writer);
    size_t length = strlen(name);
    if (run_length(name, length) < length) {
        separate(writer);
        put_piecewise(writer->out, name, length);
        msp_buffer_append(writer->out, ":", 1);
    } else {
        put_plain_key(writer, name, length);
    }
    writer->after_key = true;
}

/* Writes the key where it belongs and returns the place behind it, with room for `value_bytes`;
 * NULL if there is none. */
static char *begin_keyed(struct msp_json_writer *writer, const struct msp_json_key *key,
                         size_t value_bytes)
{
    require_key(writer);
    char *place = msp_buffer_reserve(writer->out, MSP_JSON_KEY_BYTES + value_bytes);
    if (!place)
        return NULL;
    if (writer->needs_comma) {
        memcpy(place, key->text, MSP_JSON_KEY_BYTES);
        return place + key->length;
    }
    memcpy(place, key->text + 1, MSP_JSON_KEY_BYTES - 1);
    return place + key->length - 1;
}

static void end_keyed(struct msp_json_writer *writer, const char *end)
{
    writer->out->length = (size_t)(end - writer->out->data);
    writer->needs_comma = true;
}

static char *write_null(char *place)
{
    static const char none[] = {'n', 'u', 'l', 'l'};
    memcpy(place, none, sizeof none);
    return place + sizeof none;
}

void msp_json_keyed_null(struct msp_json_writer *writer, const struct msp_json_key *key)
{
    char *place = begin_keyed(writer, key, MSP_INT64_TEXT_BYTES);
    if (place)
        end_keyed(writer, write_null(place));
}

void msp_json_keyed_int(struct msp_json_writer *writer, const struct msp_json_key *key,
                        int64_t value)
{
    char *place = begin_keyed(writer, key, MSP_INT64_TEXT_BYTES);
    if (place)
        end_keyed(writer, place + msp_int64_format(value, place));
}

void msp_json_keyed_double(struct msp_json_writer *writer, const struct msp_json_key *key,
                           double value)
{
    char *place = begin_keyed(writer, key, MSP_DOUBLE_TEXT_BYTES);
    if (place)
        end_keyed(writer,
                  isfinite(value) ? place + msp_double_format(value, place) : write_null(place));
}

void msp_json_null(struct msp_json_writer *writer)
{
    put_value(writer, "null", 4);
}

void msp_json_bool(struct msp_json_writer *writer, bool value)
{
    if (value)
        put_value(writer, "true", 4);
    else
        put_value(writer, "false", 5);
}

void msp_json_int(struct msp_json_writer *writer, int64_t value)
{
    char text[MSP_INT64_TEXT_BYTES];
    put_value(writer, text, msp_int64_format(value, text));
}

void msp_json_double(struct msp_json_writer *writer, double value)
{
    char text[MSP_DOUBLE_TEXT_BYTES];
    if (isfinite(value))
        put_value(writer, text, msp_double_format(value, text));
    else
        msp_json_null(writer);
}

void msp_json_string(struct msp_json_writer *writer, const char *text)
{
    if (text)
        msp_json_string_n(writer, text, strlen(text));
    else
        msp_json_null(writer);
}

void msp_json_string_n(struct msp_json_writer *writer, const char *text, size_t length)
{
    if (!text) {
        msp_json_null(writer);
        return;
    }
    before_value(writer);
    put_string(writer->out, text, length);
    writer->needs_comma = true;
}

void msp_json_raw(struct msp_json_writer *writer, const char *json)
{
    if (json)
        put_value(writer, json, strlen(json));
    else
        msp_json_null(writer);
}

void msp_json_key_string(struct msp_json_writer *writer, const char *name, const char *text)
{
    msp_json_key(writer, name);
    msp_json_string(writer, text);
}

void msp_json_key_int(struct msp_json_writer *writer, const char *name, int64_t value)
{
    msp_json_key(writer, name);
    msp_json_int(writer, value);
}

void msp_json_key_bool(struct msp_json_writer *writer, const char *name, bool value)
{
    msp_json_key(writer, name);
    msp_json_bool(writer, value);
}

void msp_json_key_time(struct msp_json_writer *writer, const char *name, int64_t unix_us)
{
    char text[MSP_TIMESTAMP_TEXT_BYTES];
    if (unix_us != MSP_NO_TIME)
        msp_timestamp_format(unix_us, text);
    msp_json_key_string(writer, name, unix_us == MSP_NO_TIME ? NULL : text);
}

void msp_json_key_day(struct msp_json_writer *writer, const char *name, int32_t unix_day)
{
    char text[MSP_DAY_TEXT_BYTES];
    if (unix_day != MSP_NO_DAY)
        msp_day_format(unix_day, text);
    msp_json_key_string(writer, name, unix_day == MSP_NO_DAY ? NULL : text);
}
