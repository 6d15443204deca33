/*
 * What the caches in shared memory have in common. One writer fills the half
 * nobody is pointed at, then raises the generation; the low bit of the generation
 * says which half is in force. A half counts the writes begun and ended in it (odd:
 * being written), so that a reader whom the writer has lapped notices. Content is copied word by
 * word: release stores and acquire loads order it against the counter without a fence
 * (a reader that saw one new word also sees the odd counter), cost nothing on x86, and are plain to
 * ThreadSanitizer. This file decides nothing about what the words mean.
 */
#ifndef MSP_TWO_HALVES_H
#define MSP_TWO_HALVES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Readers give up after so many laps. */
#define MSP_HALF_TRIES 64

#define MSP_WORDS(bytes) (((bytes) + sizeof(uint64_t) - 1) / sizeof(uint64_t))

typedef _Atomic uint64_t msp_shared_word;

static inline void msp_half_begin_write(msp_shared_word *writes)
{
    /* A writer that died half-way left the counter odd: it stays odd, and moves. */
    uint64_t now = atomic_load_explicit(writes, memory_order_relaxed);
    atomic_store_explicit(writes, (now | 1) + (now & 1) * 2, memory_order_release);
}

static inline void msp_half_end_write(msp_shared_word *writes)
{
    uint64_t now = atomic_load_explicit(writes, memory_order_relaxed);
    atomic_store_explicit(writes, now + 1, memory_order_release);
}

/* The counter to compare with afterwards; odd means that the half is being written. */
static inline uint64_t msp_half_begin_read(const msp_shared_word *writes)
{
    return atomic_load_explicit(writes, memory_order_acquire);
}

static inline uint64_t msp_word_load(const msp_shared_word *word)
{
    return atomic_load_explicit(word, memory_order_acquire);
}

static inline void msp_words_store(msp_shared_word *to, const uint64_t *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        atomic_store_explicit(&to[i], from[i], memory_order_release);
    }
}

static inline void msp_words_load(uint64_t *to, const msp_shared_word *from, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = atomic_load_explicit(&from[i], memory_order_acquire);
    }
}

/*
 * A count that shows when it was damaged: its value in the low half of a word, a mix of it in the
 * high half. A word of zeroes counts 0.
 */
static inline uint64_t msp_count_word(uint32_t value)
{
    /* The middle of the product by 2^64 / golden ratio: each bit of the value moves some of it. */
    uint64_t mixed = value * 0x9e3779b97f4a7c15u >> 32;
    return mixed << 32 | value;
}

/* False, and nothing in *out, for a word that msp_count_word never made. */
static inline bool msp_count_read(const msp_shared_word *word, uint32_t *out)
{
    uint64_t found = msp_word_load(word);
    if (found != msp_count_word((uint32_t)found))
        return false;
    *out = (uint32_t)found;
    return true;
}

/* The generation in force, 0 where nothing was published or the word was damaged: then nothing
 * counts until the next publish. */
static inline uint64_t msp_generation_read(const msp_shared_word *generation)
{
    uint32_t value = 0;
    return msp_count_read(generation, &value) ? value : 0;
}

/* The one to publish next; after damage it begins anew, and what is published holds. */
static inline uint32_t msp_generation_next(const msp_shared_word *generation)
{
    uint32_t next = (uint32_t)msp_generation_read(generation) + 1;
    return next != 0 ? next : 2; /* 0 would say that nothing was published */
}

static inline void msp_generation_publish(msp_shared_word *generation, uint32_t next)
{
    atomic_store_explicit(generation, msp_count_word(next), memory_order_release);
}

/*
 * Copies words out to anywhere; the change counter is looked at again afterwards. On x86-64 the
 * processor's own string move does it at several times the speed of a loop over words, and its
 * loads keep the order that the loop's have (Linux copies under its sequence counters so too).
 * ThreadSanitizer cannot see into it and gets the loop.
 */
static inline void msp_words_copy_out(void *to, const msp_shared_word *from, size_t count)
{
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
    __asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
#else
    unsigned char *at = to;
    for (size_t i = 0; i < count; i++) {
        uint64_t word = msp_word_load(&from[i]);
        memcpy(at + i * sizeof word, &word, sizeof word);
    }
#endif
}

/*
 * Tells damaged or mixed content from whole content; no defence against an enemy. Each step is a
 * bijection of the running value (xor, rotate, odd factor), so that one changed word always shows.
 */
static inline uint64_t msp_words_checksum(const uint64_t *words, size_t count)
{
    uint64_t sum =
        0x9e3779b97f4a7c15u ^ count; /* 2^64 / golden ratio: any odd constant with mixed bits */
    for (size_t i = 0; i < count; i++) {
        sum = (sum ^ words[i]) * 0x9e3779b97f4a7c15u;
        sum = (sum << 29) | (sum >> 35);
    }
    return sum;
}

#endif
