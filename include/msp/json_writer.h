/*
 * Writes JSON straight into a buffer: no tree, no recursion, commas placed by
 * itself. Misuse (a value where a key is due) is a programming fault and aborts.
 */
#ifndef MSP_JSON_WRITER_H
#define MSP_JSON_WRITER_H

#include "msp/buffer.h"

#include <stdbool.h>
#include <stdint.h>

#define MSP_JSON_WRITER_MAX_DEPTH 32

struct msp_json_writer {
    struct msp_buffer *out; /* borrowed */
    unsigned depth;
    bool needs_comma;
    bool after_key;
    char nesting[MSP_JSON_WRITER_MAX_DEPTH]; /* '{' or '[' a level */
};

void msp_json_writer_init(struct msp_json_writer *writer, struct msp_buffer *out);

void msp_json_begin_object(struct msp_json_writer *writer);
void msp_json_end_object(struct msp_json_writer *writer);
void msp_json_begin_array(struct msp_json_writer *writer);
void msp_json_end_array(struct msp_json_writer *writer);

/* A member's name; its value must follow. */
void msp_json_key(struct msp_json_writer *writer, const char *name);

void msp_json_null(struct msp_json_writer *writer);
void msp_json_bool(struct msp_json_writer *writer, bool value);
void msp_json_int(struct msp_json_writer *writer, int64_t value);

/* The shortest text that reads back as the same double; null if not finite. */
void msp_json_double(struct msp_json_writer *writer, double value);

/* NULL writes null. Invalid UTF-8 is replaced by U+FFFD. */
void msp_json_string(struct msp_json_writer *writer, const char *text);
void msp_json_string_n(struct msp_json_writer *writer, const char *text, size_t length);

/* Text that is JSON already (a stored result), written as it is. NULL writes null. */
void msp_json_raw(struct msp_json_writer *writer, const char *json);

/* Shorthands for key and value. */
void msp_json_key_string(struct msp_json_writer *writer, const char *name, const char *text);
void msp_json_key_int(struct msp_json_writer *writer, const char *name, int64_t value);
void msp_json_key_bool(struct msp_json_writer *writer, const char *name, bool value);

/*
 * A literal key as it stands in an object, with the comma before it; nothing in it may need an
 * escape. All are of one size, so that copying one takes a few instructions and no call: an answer
 * has a thousand.
 */
#define MSP_JSON_KEY_BYTES 40
struct msp_json_key {
    char text[MSP_JSON_KEY_BYTES];
    size_t length;
};
#define MSP_JSON_KEY(name)                                                                         \
    {                                                                                              \
        .text = ",\"" name "\":", .length = sizeof(name) + 3                                       \
    }
void msp_json_keyed_null(struct msp_json_writer *writer, const struct msp_json_key *key);
void msp_json_keyed_int(struct msp_json_writer *writer, const struct msp_json_key *key,
                        int64_t value);
void msp_json_keyed_double(struct msp_json_writer *writer, const struct msp_json_key *key,
                           double value);

/* RFC 3339 text of an instant; INT64_MIN (MSP_NO_TIME) writes null. */
void msp_json_key_time(struct msp_json_writer *writer, const char *name, int64_t unix_us);

/* YYYY-MM-DD; INT32_MIN (MSP_NO_DAY) writes null. */
void msp_json_key_day(struct msp_json_writer *writer, const char *name, int32_t unix_day);

#define MSP_DOUBLE_TEXT_BYTES 40

/* The same number text as msp_json_double without the writer, for CSV; returns its length. Bytes
 * behind its NUL may change. */
size_t msp_double_format(double value, char out[MSP_DOUBLE_TEXT_BYTES]);

#endif
