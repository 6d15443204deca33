/*
 * Entries of three sizes; each key has four places of each size. An entry's counter is odd while it
 * is written: a writer gets there by compare-and-swap, so there is only ever one, and a reader
 * copies, looks at the counter again and throws away what changed meanwhile. Words are stored and
 * loaded as two_halves.h explains.
 */
#include "msp/answer_cache.h"

#include "two_halves.h"

#include <string.h>

#define VERSIONS 4096
#define WAYS     4

/* What an entry begins with, in words; the key's text and the body follow. */
enum head_word {
    HEAD_TENANT,
    HEAD_VERSION,
    HEAD_VIEW_AND_TEXT_SIZE, /* view << 32 | bytes of the text */
    HEAD_BODY_SIZE,
    HEAD_UNTIL,
    HEAD_TAG_HIGH,
    HEAD_TAG_LOW,
    HEAD_WORDS,
};

#define TEXT_WORDS MSP_WORDS(MSP_ANSWER_TEXT_BYTES)

struct entry_head {
    msp_shared_word changes; /* odd: being written */
    msp_shared_word hash;    /* of the key: most lookups end here */
    msp_shared_word used;    /* a moment, for choosing whom to replace */
    msp_shared_word words[HEAD_WORDS];
    msp_shared_word text[TEXT_WORDS];
};

/* A power of two of sets each, so that a hash finds its set by a mask. */
static const struct shape {
    size_t body_bytes;
    size_t sets;
} shapes[] = {
    {3584, 512},
    {32256, 256},
    {MSP_ANSWER_LARGEST_BYTES, 16},
};
#define SHAPES (sizeof shapes / sizeof shapes[0])

struct msp_answer_cache {
    _Alignas(64) msp_shared_word epoch; /* part of every version */
    msp_shared_word hits;
    msp_shared_word misses;
    msp_shared_word kept;
    _Alignas(64) msp_shared_word versions[VERSIONS];
    _Alignas(64) unsigned char entries[];
};

static size_t entry_bytes(const struct shape *shape)
{
    size_t bytes = sizeof(struct entry_head) + MSP_WORDS(shape->body_bytes) * sizeof(uint64_t);
    return (bytes + 63) / 64 * 64;
}

size_t msp_answer_cache_bytes(void)
{
    size_t bytes = sizeof(struct msp_answer_cache);
    for (size_t i = 0; i < SHAPES; i++)
        bytes += shapes[i].sets * WAYS * entry_bytes(&shapes[i]);
    return bytes;
}

struct msp_answer_cache *msp_answer_cache_init(void *memory)
{
    /* The memory is zeroes, which no key hashes to; clearing it again would touch all of it. */
    return memory;
}

static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 32) * 0x9e3779b97f4a7c15u;
    return value ^ value >> 29;
}

/* ---- versions ---- */

static size_t version_index(int64_t tenant_id)
{
    return mix((uint64_t)tenant_id) % VERSIONS;
}

uint64_t msp_answer_cache_version(const struct msp_answer_cache *cache, int64_t tenant_id)
{
    /* Both only ever grow, so no two states have the same sum. */
    return msp_word_load(&cache->epoch) + msp_word_load(&cache->versions[version_index(tenant_id)]);
}

void msp_answer_cache_raise(struct msp_answer_cache *cache, int64_t tenant_id)
{
    atomic_fetch_add_explicit(&cache->versions[version_index(tenant_id)], 1, memory_order_acq_rel);
}

void msp_answer_cache_raise_all(struct msp_answer_cache *cache)
{
    atomic_fetch_add_explicit(&cache->epoch, 1, memory_order_acq_rel);
}

/* ---- places ---- */

/* A key as words, the way it stands in an entry. */
struct packed_key {
    uint64_t hash;
    uint64_t view_and_text_size;
    size_t text_words;
    uint64_t text[TEXT_WORDS];
};

static bool pack(const struct msp_answer_key *key, struct packed_key *out)
{
    size_t route = strlen(key->route) + 1; /* the NUL keeps route and query apart */
    size_t query = strlen(key->query);
    if (route + query > MSP_ANSWER_TEXT_BYTES)
        return false;
    out->text_words = MSP_WORDS(route + query);
    out->text[out->text_words - 1] = 0;
    memcpy(out->text, key->route, route);
    memcpy((char *)out->text + route, key->query, query);
    out->view_and_text_size = (uint64_t)key->view << 32 | (uint64_t)(route + query);
    uint64_t hash = msp_words_checksum(out->text, out->text_words);
    hash = mix(hash ^ mix((uint64_t)key->tenant_id) ^ out->view_and_text_size);
    out->hash = mix(hash ^ key->version) | 1; /* never 0, which is an empty entry */
    return true;
}

static struct entry_head *entry_at(struct msp_answer_cache *cache, size_t shape, uint64_t hash,
                                   size_t way)
{
    unsigned char *at = cache->entries;
    for (size_t i = 0; i < shape; i++)
        at += shapes[i].sets * WAYS * entry_bytes(&shapes[i]);
    size_t set = (hash >> 8) & (shapes[shape].sets - 1);
    return (struct entry_head *)(void *)(at + (set * WAYS + way) * entry_bytes(&shapes[shape]));
}

static msp_shared_word *body_of(struct entry_head *entry)
{
    return (msp_shared_word *)(entry + 1);
}

static bool holds(const struct entry_head *entry, const struct msp_answer_key *key,
                  const struct packed_key *packed)
{
    if (msp_word_load(&entry->words[HEAD_TENANT]) != (uint64_t)key->tenant_id ||
        msp_word_load(&entry->words[HEAD_VERSION]) != key->version ||
        msp_word_load(&entry->words[HEAD_VIEW_AND_TEXT_SIZE]) != packed->view_and_text_size)
        return false;
    for (size_t i = 0; i < packed->text_words; i++)
        if (msp_word_load(&entry->text[i]) != packed->text[i])
            return false;
    return true;
}

/* ---- reading ---- */

static bool append_body(struct entry_head *entry, size_t size, struct msp_buffer *out)
{
    size_t words = MSP_WORDS(size);
    /* Room for whole words: what stands behind the body's end is not counted. */
    char *place = msp_buffer_reserve(out, words * sizeof(uint64_t));
    if (place == NULL)
        return false;
    msp_words_copy_out(place, body_of(entry), words);
    return true;
}

/* Reads an entry whose hash fits; whatever was read of one that changed meanwhile does not count.
 */
static enum msp_answer_found read_entry(struct entry_head *entry, size_t largest,
                                        const struct msp_answer_key *key,
                                        const struct packed_key *packed, int64_t now_unix_us,
                                        const struct msp_answer_tag *known, struct msp_buffer *out,
                                        struct msp_answer_tag *out_tag)
{
    uint64_t changes = msp_word_load(&entry->changes);
    if ((changes & 1) != 0 || !holds(entry, key, packed) ||
        (int64_t)msp_word_load(&entry->words[HEAD_UNTIL]) <= now_unix_us)
        return MSP_ANSWER_NONE;
    struct msp_answer_tag tag = {msp_word_load(&entry->words[HEAD_TAG_HIGH]),
                                 msp_word_load(&entry->words[HEAD_TAG_LOW])};
    size_t size = (size_t)msp_word_load(&entry->words[HEAD_BODY_SIZE]);
    bool same = known != NULL && known->high == tag.high && known->low == tag.low;
    if (size > largest || (!same && !append_body(entry, size, out)) ||
        msp_word_load(&entry->changes) != changes)
        return MSP_ANSWER_NONE;
    if (!same)
        out->length += size;
    *out_tag = tag;
    return same ? MSP_ANSWER_SAME : MSP_ANSWER_COPIED;
}

enum msp_answer_found msp_answer_cache_find(struct msp_answer_cache *cache,
                                            const struct msp_answer_key *key, int64_t now_unix_us,
                                            const struct msp_answer_tag *known,
                                            struct msp_buffer *out, struct msp_answer_tag *out_tag)
{
    struct packed_key packed;
    if (!pack(key, &packed))
        return MSP_ANSWER_NONE;
    for (size_t shape = 0; shape < SHAPES; shape++) {
        for (size_t way = 0; way < WAYS; way++) {
            struct entry_head *entry = entry_at(cache, shape, packed.hash, way);
            if (msp_word_load(&entry->hash) != packed.hash)
                continue;
            enum msp_answer_found found = read_entry(entry, shapes[shape].body_bytes, key, &packed,
                                                     now_unix_us, known, out, out_tag);
            if (found == MSP_ANSWER_NONE)
                continue;
            atomic_store_explicit(&entry->used, (uint64_t)now_unix_us, memory_order_relaxed);
            atomic_fetch_add_explicit(&cache->hits, 1, memory_order_relaxed);
            return found;
        }
    }
    atomic_fetch_add_explicit(&cache->misses, 1, memory_order_relaxed);
    return MSP_ANSWER_NONE;
}

/* ---- keeping ---- */

/* The place of the same key, else an empty one, else the one that was not used for longest. */
static struct entry_head *choose(struct msp_answer_cache *cache, size_t shape, uint64_t hash)
{
    struct entry_head *chosen = NULL;
    uint64_t least = UINT64_MAX;
    for (size_t way = 0; way < WAYS; way++) {
        struct entry_head *entry = entry_at(cache, shape, hash, way);
        uint64_t held = msp_word_load(&entry->hash);
        uint64_t used = held == hash ? 0 : held == 0 ? 1 : msp_word_load(&entry->used) + 2;
        if ((msp_word_load(&entry->changes) & 1) == 0 && used < least) {
            least = used;
            chosen = entry;
        }
    }
    return chosen;
}

static void store_bytes(msp_shared_word *to, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    for (size_t left = size; left > 0; to++) {
        uint64_t word = 0;
        size_t taken = left < sizeof word ? left : sizeof word;
        memcpy(&word, at, taken);
        atomic_store_explicit(to, word, memory_order_release);
        at += taken;
        left -= taken;
    }
}

static void write_entry(struct entry_head *entry, const struct msp_answer_key *key,
                        const struct packed_key *packed, struct msp_answer_tag tag,
                        const void *body, size_t size, int64_t until_unix_us)
{
    const uint64_t words[HEAD_WORDS] = {
        [HEAD_TENANT] = (uint64_t)key->tenant_id,
        [HEAD_VERSION] = key->version,
        [HEAD_VIEW_AND_TEXT_SIZE] = packed->view_and_text_size,
        [HEAD_BODY_SIZE] = size,
        [HEAD_UNTIL] = (uint64_t)until_unix_us,
        [HEAD_TAG_HIGH] = tag.high,
        [HEAD_TAG_LOW] = tag.low,
    };
    msp_words_store(entry->words, words, HEAD_WORDS);
    msp_words_store(entry->text, packed->text, packed->text_words);
    store_bytes(body_of(entry), body, size);
    atomic_store_explicit(&entry->hash, packed->hash, memory_order_release);
}

void msp_answer_cache_keep(struct msp_answer_cache *cache, const struct msp_answer_key *key,
                           struct msp_answer_tag tag, const void *body, size_t size,
                           int64_t until_unix_us)
{
    struct packed_key packed;
    size_t shape = 0;
    while (shape < SHAPES && shapes[shape].body_bytes < size)
        shape++;
    if (shape == SHAPES || !pack(key, &packed))
        return;
    struct entry_head *entry = choose(cache, shape, packed.hash);
    if (entry == NULL)
        return;
    uint64_t changes = msp_word_load(&entry->changes);
    if ((changes & 1) != 0 ||
        !atomic_compare_exchange_strong_explicit(&entry->changes, &changes, changes + 1,
                                                 memory_order_acq_rel, memory_order_relaxed))
        return; /* somebody else writes here: then he keeps his */
    write_entry(entry, key, &packed, tag, body, size, until_unix_us);
    atomic_store_explicit(&entry->changes, changes + 2, memory_order_release);
    atomic_fetch_add_explicit(&cache->kept, 1, memory_order_relaxed);
}

struct msp_answer_cache_figures msp_answer_cache_figures(const struct msp_answer_cache *cache)
{
    return (struct msp_answer_cache_figures){
        .hits = (int64_t)msp_word_load(&cache->hits),
        .misses = (int64_t)msp_word_load(&cache->misses),
        .kept = (int64_t)msp_word_load(&cache->kept),
    };
}
