/* A growing byte string. Never grows past its limit and never shrinks by itself. */
#include "msp/buffer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY_BYTES 256

void msp_buffer_init(struct msp_buffer *buffer, size_t limit_bytes)
{
    *buffer = (struct msp_buffer){.limit_bytes = limit_bytes};
}

void msp_buffer_done(struct msp_buffer *buffer)
{
    free(buffer->data);
    msp_buffer_init(buffer, buffer->limit_bytes);
}

void msp_buffer_clear(struct msp_buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = false;
}

static bool grow(struct msp_buffer *buffer, size_t needed)
{
    size_t limit = buffer->limit_bytes ? buffer->limit_bytes : SIZE_MAX / 2;
    if (needed > limit)
        return false;

    size_t capacity = buffer->capacity ? buffer->capacity : FIRST_CAPACITY_BYTES;
    while (capacity < needed)
        capacity *= 2; /* stays below SIZE_MAX, as needed is at most half of it */
    if (capacity > limit)
        capacity = limit;

    char *data = realloc(buffer->data, capacity);
    if (!data)
        return false;
    buffer->data = data;
    buffer->capacity = capacity;
    return true;
}

char *msp_buffer_reserve_slowly(struct msp_buffer *buffer, size_t size)
{
    if (buffer->failed)
        return NULL;
    if (size > SIZE_MAX - buffer->length || !grow(buffer, buffer->length + size)) {
        buffer->failed = true;
        return NULL;
    }
    return buffer->data + buffer->length;
}

void msp_buffer_append_int(struct msp_buffer *buffer, int64_t number)
{
    char text[24];
    char *at = text + sizeof text;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (number < 0)
        *--at = '-';
    msp_buffer_append(buffer, at, (size_t)(text + sizeof text - at));
}

/* vsnprintf wants a place for its NUL, which the limit need not have: long texts go by the heap. */
MSP_PRINTF(3, 0)
static void append_long(struct msp_buffer *buffer, size_t length, const char *format,
                        va_list arguments)
{
    char *text = malloc(length + 1);
    if (!text) {
        buffer->failed = true;
        return;
    }
    (void)vsnprintf(text, length + 1, format, arguments);
    msp_buffer_append(buffer, text, length);
    free(text);
}

void msp_buffer_printf(struct msp_buffer *buffer, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_list again;
    va_start(arguments, format);
    va_copy(again, arguments);

    int length = vsnprintf(text, sizeof text, format, arguments);
    if (length < 0)
        buffer->failed = true;
    else if ((size_t)length < sizeof text)
        msp_buffer_append(buffer, text, (size_t)length);
    else
        append_long(buffer, (size_t)length, format, again);

    va_end(again);
    va_end(arguments);
}
