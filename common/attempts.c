/*
 * Entries of one word in sets of eight, which share a cache line: 20 bits that tell keys of a set
 * apart, 12 of count, 32 of unix seconds (the window's start, or the last failure). Says nothing
 * about what is counted.
 */
#include "msp/attempts.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/random.h>

#define SETS  4096
#define WAYS  8
#define TRIES 16 /* against others who change the same word; then one count is lost */

struct msp_attempts {
    unsigned char seed[MSP_ATTEMPTS_SEED_BYTES];
    _Alignas(64) _Atomic uint64_t sets[SETS][WAYS];
};

size_t msp_attempts_bytes(void)
{
    return sizeof(struct msp_attempts);
}

struct msp_attempts *msp_attempts_init(void *memory)
{
    struct msp_attempts *attempts = memory;
    /* Without random bytes the counts still hold; only their places can be guessed. */
    (void)!getrandom(attempts->seed, sizeof attempts->seed, 0);
    return attempts;
}

const unsigned char *msp_attempts_seed(const struct msp_attempts *attempts)
{
    return attempts->seed;
}

static uint64_t tag_of(uint64_t key)
{
    return key >> 44;
}

static uint64_t pack(uint64_t key, int count, int64_t seconds)
{
    int held = count > MSP_ATTEMPTS_MOST ? MSP_ATTEMPTS_MOST : count;
    return tag_of(key) << 44 | (uint64_t)held << 32 | (uint32_t)seconds;
}

static int count_of(uint64_t entry)
{
    return (int)(entry >> 32 & MSP_ATTEMPTS_MOST);
}

static int64_t seconds_of(uint64_t entry)
{
    return (int64_t)(uint32_t)entry;
}

/* The key's place, or the one it may take: the oldest. */
static size_t place_of(const _Atomic uint64_t *set, uint64_t key)
{
    size_t oldest = 0;
    for (size_t way = 0; way < WAYS; way++) {
        uint64_t entry = atomic_load_explicit(&set[way], memory_order_relaxed);
        if (entry != 0 && entry >> 44 == tag_of(key))
            return way;
        if (seconds_of(entry) <
            seconds_of(atomic_load_explicit(&set[oldest], memory_order_relaxed)))
            oldest = way;
    }
    return oldest;
}

/* Adds one to what the key has, if that is not older than `since`; else starts at one. */
static int add(struct msp_attempts *attempts, uint64_t key, int64_t since, int64_t seconds)
{
    _Atomic uint64_t *set = attempts->sets[key % SETS];
    for (int i = 0; i < TRIES; i++) {
        _Atomic uint64_t *place = &set[place_of(set, key)];
        uint64_t before = atomic_load_explicit(place, memory_order_relaxed);
        bool goes_on = before != 0 && before >> 44 == tag_of(key) && seconds_of(before) >= since;
        int count = goes_on ? count_of(before) + 1 : 1;
        if (atomic_compare_exchange_weak(place, &before, pack(key, count, seconds)))
            return count;
    }
    return 1;
}

int msp_attempts_add(struct msp_attempts *attempts, uint64_t key, int64_t now_unix_seconds,
                     int window_seconds)
{
    int64_t start = now_unix_seconds - now_unix_seconds % window_seconds;
    return add(attempts, key, start, start);
}

int msp_attempts_wait(const struct msp_attempts *attempts, uint64_t key, int64_t now_unix_seconds,
                      const struct msp_backoff *backoff)
{
    const _Atomic uint64_t *set = attempts->sets[key % SETS];
    uint64_t entry = atomic_load_explicit(&set[place_of(set, key)], memory_order_relaxed);
    int over = count_of(entry) - backoff->free;
    if (entry == 0 || entry >> 44 != tag_of(key) || over < 0 ||
        seconds_of(entry) + backoff->forget_seconds <= now_unix_seconds)
        return 0;
    int64_t wait = over < 30 ? INT64_C(1) << over : backoff->most_seconds;
    if (wait > backoff->most_seconds)
        wait = backoff->most_seconds;
    int64_t left = seconds_of(entry) + wait - now_unix_seconds;
    return left <= 0 ? 0 : left > wait ? (int)wait : (int)left;
}

void msp_attempts_fail(struct msp_attempts *attempts, uint64_t key, int64_t now_unix_seconds,
                       const struct msp_backoff *backoff)
{
    (void)add(attempts, key, now_unix_seconds - backoff->forget_seconds, now_unix_seconds);
}

void msp_attempts_forget(struct msp_attempts *attempts, uint64_t key)
{
    _Atomic uint64_t *set = attempts->sets[key % SETS];
    _Atomic uint64_t *place = &set[place_of(set, key)];
    uint64_t entry = atomic_load_explicit(place, memory_order_relaxed);
    if (entry != 0 && entry >> 44 == tag_of(key))
        (void)atomic_compare_exchange_strong(place, &entry, 0);
}
