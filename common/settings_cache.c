/*
 * The settings in force, in shared memory, for readers that never wait. One
 * writer, the master. It parses and checks nothing.
 */
#include "msp/settings_cache.h"

#include "two_halves.h"

#include <string.h>

#define SETTINGS_WORDS MSP_WORDS(sizeof(struct msp_settings))

/* Settings are long, and a writer that publishes without a pause laps a reader again and again:
 * what it would get in the end is settings that let nobody in. */
#define ROUNDS 16

struct half {
    _Alignas(64) msp_shared_word writes;
    msp_shared_word checksum;
    msp_shared_word words[SETTINGS_WORDS];
};

struct msp_settings_cache {
    msp_shared_word generation; /* 0 = nothing published yet */
    struct half halves[2];
};

size_t msp_settings_cache_bytes(void)
{
    return sizeof(struct msp_settings_cache);
}

struct msp_settings_cache *msp_settings_cache_init(void *memory)
{
    memset(memory, 0, sizeof(struct msp_settings_cache));
    return memory;
}

void msp_settings_cache_publish(struct msp_settings_cache *cache,
                                const struct msp_settings *settings)
{
    uint64_t words[SETTINGS_WORDS] = {0};
    memcpy(words, settings, sizeof *settings);

    uint64_t next = atomic_load_explicit(&cache->generation, memory_order_relaxed) + 1;
    struct half *half = &cache->halves[next & 1];
    msp_half_begin_write(&half->writes);
    msp_words_store(half->words, words, SETTINGS_WORDS);
    atomic_store_explicit(&half->checksum, msp_words_checksum(words, SETTINGS_WORDS),
                          memory_order_release);
    msp_half_end_write(&half->writes);
    atomic_store_explicit(&cache->generation, next, memory_order_release);
}

static bool copy_half(const struct half *half, struct msp_settings *out)
{
    uint64_t writes = msp_half_begin_read(&half->writes);
    if (writes == 0 || (writes & 1) != 0) {
        return false;
    }
    uint64_t words[SETTINGS_WORDS];
    msp_words_load(words, half->words, SETTINGS_WORDS);
    uint64_t checksum = msp_word_load(&half->checksum);
    if (msp_word_load(&half->writes) != writes ||
        checksum != msp_words_checksum(words, SETTINGS_WORDS)) {
        return false;
    }
    memcpy(out, words, sizeof *out);
    return true;
}

void msp_settings_cache_read(const struct msp_settings_cache *cache, struct msp_settings *out)
{
    for (int i = 0; i < ROUNDS * MSP_HALF_TRIES; i++) {
        uint64_t generation = msp_settings_cache_generation(cache);
        if (generation == 0) {
            break;
        }
        /* The last try of a round takes the other half. */
        uint64_t side = i % MSP_HALF_TRIES < MSP_HALF_TRIES - 1 ? generation : generation + 1;
        if (copy_half(&cache->halves[side & 1], out)) {
            return;
        }
    }
    /* Nothing published, or both halves damaged: no token, no address and no body is let in. */
    memset(out, 0, sizeof *out);
}

uint64_t msp_settings_cache_generation(const struct msp_settings_cache *cache)
{
    return atomic_load_explicit(&cache->generation, memory_order_acquire);
}
