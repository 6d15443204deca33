/* Memory in chunks that grow by need and go at once. Takes no lock. */
#include "msp/arena.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define CHECKED_BY_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHECKED_BY_ASAN 1
#endif
#endif
#ifdef CHECKED_BY_ASAN
#include <sanitizer/asan_interface.h>
/* Poisoned bytes between pieces, so that a step over the end of one is seen. */
#define GAP_BYTES      16
#define HIDE(at, size) ASAN_POISON_MEMORY_REGION(at, size)
#define SHOW(at, size) ASAN_UNPOISON_MEMORY_REGION(at, size)
#else
#define GAP_BYTES      0
#define HIDE(at, size) ((void)(at), (void)(size))
#define SHOW(at, size) ((void)(at), (void)(size))
#endif

#define SMALLEST_CHUNK_BYTES 256

struct chunk {
    struct chunk *older;
    size_t size; /* of data */
    size_t used;
    alignas(max_align_t) char data[];
};

struct msp_arena {
    struct chunk *first; /* kept by a reset */
    struct chunk *now;   /* pieces are taken from here; leads back to `first` */
    size_t chunk_bytes;
    size_t footprint_bytes;
};

static struct chunk *chunk_new(struct msp_arena *arena, size_t size)
{
    if (size > SIZE_MAX - sizeof(struct chunk))
        return NULL;
    struct chunk *chunk = malloc(sizeof *chunk + size);
    if (!chunk)
        return NULL;
    chunk->older = NULL;
    chunk->size = size;
    chunk->used = 0;
    HIDE(chunk->data, size);
    arena->footprint_bytes += sizeof *chunk + size;
    return chunk;
}

static void chunk_free(struct msp_arena *arena, struct chunk *chunk)
{
    arena->footprint_bytes -= sizeof *chunk + chunk->size;
    SHOW(chunk->data, chunk->size);
    free(chunk);
}

struct msp_arena *msp_arena_new(size_t chunk_bytes)
{
    struct msp_arena *arena = malloc(sizeof *arena);
    if (!arena)
        return NULL;
    arena->chunk_bytes = chunk_bytes < SMALLEST_CHUNK_BYTES ? SMALLEST_CHUNK_BYTES : chunk_bytes;
    arena->footprint_bytes = sizeof *arena;
    arena->first = chunk_new(arena, arena->chunk_bytes);
    arena->now = arena->first;
    if (!arena->first) {
        free(arena);
        return NULL;
    }
    return arena;
}

static void free_all_but_first(struct msp_arena *arena)
{
    while (arena->now != arena->first) {
        struct chunk *older = arena->now->older;
        chunk_free(arena, arena->now);
        arena->now = older;
    }
}

void msp_arena_free(struct msp_arena *arena)
{
    if (!arena)
        return;
    free_all_but_first(arena);
    chunk_free(arena, arena->first);
    free(arena);
}

void msp_arena_reset(struct msp_arena *arena)
{
    free_all_but_first(arena);
    HIDE(arena->first->data, arena->first->used);
    arena->first->used = 0;
}

/* A chunk with room for `size` becomes the one that pieces are taken from. */
static bool grow(struct msp_arena *arena, size_t size)
{
    struct chunk *chunk = chunk_new(arena, size > arena->chunk_bytes ? size : arena->chunk_bytes);
    if (!chunk)
        return false;
    chunk->older = arena->now;
    arena->now = chunk;
    return true;
}

void *msp_arena_alloc(struct msp_arena *arena, size_t size)
{
    const size_t alignment = alignof(max_align_t);
    if (size > SIZE_MAX - GAP_BYTES - alignment)
        return NULL;
    size_t taken = (size + GAP_BYTES + alignment - 1) / alignment * alignment;

    if (taken > arena->now->size - arena->now->used && !grow(arena, taken))
        return NULL;
    char *piece = arena->now->data + arena->now->used;
    arena->now->used += taken;
    SHOW(piece, size);
    return piece;
}

void *msp_arena_calloc(struct msp_arena *arena, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        return NULL;
    void *piece = msp_arena_alloc(arena, total);
    if (piece)
        memset(piece, 0, total);
    return piece;
}

char *msp_arena_copy(struct msp_arena *arena, const char *text, size_t length)
{
    if (length == SIZE_MAX)
        return NULL;
    char *copy = msp_arena_alloc(arena, length + 1);
    if (!copy)
        return NULL;
    if (length > 0)
        memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *msp_arena_printf(struct msp_arena *arena, const char *format, ...)
{
    va_list arguments;
    va_list again;
    va_start(arguments, format);
    va_copy(again, arguments);

    char *text = NULL;
    int length = vsnprintf(NULL, 0, format, arguments);
    if (length >= 0)
        text = msp_arena_alloc(arena, (size_t)length + 1);
    if (text)
        (void)vsnprintf(text, (size_t)length + 1, format, again);

    va_end(again);
    va_end(arguments);
    return text;
}

size_t msp_arena_footprint_bytes(const struct msp_arena *arena)
{
    return arena->footprint_bytes;
}
