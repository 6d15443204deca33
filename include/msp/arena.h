/*
 * Memory that lives as long as one purpose: a request, a job, a reload.
 * Nobody frees a single piece; the whole goes at once. One thread at a time.
 */
#ifndef MSP_ARENA_H
#define MSP_ARENA_H

#include "msp/result.h"

#include <stdarg.h>
#include <stddef.h>

struct msp_arena;

/* A new arena whose chunks have at least `chunk_bytes`, or NULL when memory is short. */
struct msp_arena *msp_arena_new(size_t chunk_bytes) MSP_MUST_CHECK;

/* Gives everything back. NULL is fine. */
void msp_arena_free(struct msp_arena *arena);

/* Forgets everything but keeps the first chunk for the next purpose. */
void msp_arena_reset(struct msp_arena *arena);

/* `size` bytes aligned for any type, not cleared; NULL when memory is short. Size 0 gives a valid
 * pointer. */
void *msp_arena_alloc(struct msp_arena *arena, size_t size) MSP_MUST_CHECK;

/* An array of `count` cleared elements; NULL when memory is short or the product overflows. */
void *msp_arena_calloc(struct msp_arena *arena, size_t count, size_t size) MSP_MUST_CHECK;

/* A NUL-terminated copy of `length` bytes; NULL when memory is short. */
char *msp_arena_copy(struct msp_arena *arena, const char *text, size_t length) MSP_MUST_CHECK;

/* A formatted NUL-terminated text; NULL when memory is short. */
char *msp_arena_printf(struct msp_arena *arena, const char *format, ...)
    MSP_PRINTF(2, 3) MSP_MUST_CHECK;

/* Bytes taken from the system for this arena now. */
size_t msp_arena_footprint_bytes(const struct msp_arena *arena);

#endif
