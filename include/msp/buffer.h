/*
 * A byte string that grows at its end. A failed append sets `failed` and later
 * appends do nothing, so that a writer checks once, when it is done.
 */
#ifndef MSP_BUFFER_H
#define MSP_BUFFER_H

#include "msp/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct msp_buffer {
    char *data; /* owned; not NUL-terminated; NULL while empty */
    size_t length;
    size_t capacity;
    size_t limit_bytes; /* growing past it fails */
    bool failed;
};

/* Owns no memory yet. `limit_bytes` 0 means no limit of its own. */
void msp_buffer_init(struct msp_buffer *buffer, size_t limit_bytes);

/* Gives the memory back; the buffer may be used again as if just initialised. */
void msp_buffer_done(struct msp_buffer *buffer);

/* Empties it and clears `failed`; keeps the memory. */
void msp_buffer_clear(struct msp_buffer *buffer);

/*
 * Room for `size` more bytes, returned as a place to write them; NULL (and `failed`) if there is
 * none. The writer adds what it wrote to `length` itself.
 */
static inline char *msp_buffer_reserve(struct msp_buffer *buffer, size_t size) MSP_MUST_CHECK;

static inline void msp_buffer_append(struct msp_buffer *buffer, const void *bytes, size_t size);
static inline void msp_buffer_append_text(struct msp_buffer *buffer, const char *text);
void msp_buffer_append_int(struct msp_buffer *buffer, int64_t number);
void msp_buffer_printf(struct msp_buffer *buffer, const char *format, ...) MSP_PRINTF(2, 3);

/* For msp_buffer_reserve alone: where there is no room yet. */
char *msp_buffer_reserve_slowly(struct msp_buffer *buffer, size_t size) MSP_MUST_CHECK;

/* Here, since an answer is made of hundreds of pieces, most of a length that the compiler knows. */
static inline char *msp_buffer_reserve(struct msp_buffer *buffer, size_t size)
{
    if (!buffer->failed && buffer->data != NULL && size <= buffer->capacity - buffer->length)
        return buffer->data + buffer->length;
    return msp_buffer_reserve_slowly(buffer, size);
}

static inline void msp_buffer_append(struct msp_buffer *buffer, const void *bytes, size_t size)
{
    if (size == 0)
        return;
    char *place = msp_buffer_reserve(buffer, size);
    if (place == NULL)
        return;
    memcpy(place, bytes, size);
    buffer->length += size;
}

static inline void msp_buffer_append_text(struct msp_buffer *buffer, const char *text)
{
    msp_buffer_append(buffer, text, strlen(text));
}

#endif
