/*
 * Entries of three sizes; each key has four places of each size. An entry's counter is odd while it
 * is written: a writer gets there by compare-and-swap, so there is only ever one, and a reader
 * copies, looks at the counter again and throws away what changed meanwhile. Words are stored and
 * loaded as two_halves.h explains. Nothing read is believed before its checksum was looked at: the
 * one of the head, which holds the one of the body.
 */
#include "msp/answer_cache.h"

#include "msp/clock.h"
#include "two_halves.h"

#include <string.h>
#include <sys/random.h>

/* Chooses by the processor: twice as quick where it has AVX2. */
#if defined(__x86_64__)
#include <xxh_x86dispatch.h>
#else
#include <xxhash.h>
#endif

#define VERSIONS 4096
#define WAYS     4

/* A writer takes microseconds: one that is not done after this is dead, and its place free. */
#define WRITER_US INT64_C(10000000)

/* What an entry begins with, in words; the key's text and the body follow. */
enum head_word {
    HEAD_TENANT,
    HEAD_VERSION,
    HEAD_VIEW_AND_TEXT_SIZE, /* view << 32 | bytes of the text */
    HEAD_BODY_SIZE,
    HEAD_UNTIL,
    HEAD_TAG_HIGH,
    HEAD_TAG_LOW,
    HEAD_BODY_SUM,
    HEAD_SUM, /* of all words before it */
    HEAD_WORDS,
};

#define TEXT_WORDS MSP_WORDS(MSP_ANSWER_TEXT_BYTES)

struct entry_head {
    msp_shared_word changes; /* odd: being written */
    msp_shared_word hash;    /* of the key: most lookups end here */
    msp_shared_word used;    /* when it was last found or begun to be written */
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
    _Alignas(64) msp_shared_word epoch; /* a count, part of every version */
    msp_shared_word hits;
    msp_shared_word misses;
    msp_shared_word kept;
    msp_shared_word resets;
    _Alignas(64) msp_shared_word versions[VERSIONS]; /* counts */
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

/* A place that nothing kept until now was counted from, as good as certainly. */
static uint32_t draw_place(void)
{
    uint32_t place = 0;
    if (getrandom(&place, sizeof place, GRND_NONBLOCK) != (ssize_t)sizeof place)
        place = (uint32_t)mix((uint64_t)msp_clock_monotonic_us());
    return place;
}

/* Damage was found. Where one byte is wrong others may be: no answer made until now is found again.
 */
static void reset(struct msp_answer_cache *cache)
{
    atomic_store_explicit(&cache->epoch, msp_count_word(draw_place()), memory_order_release);
    atomic_fetch_add_explicit(&cache->resets, 1, memory_order_relaxed);
}

static uint32_t read_count(struct msp_answer_cache *cache, msp_shared_word *word)
{
    uint32_t value = 0;
    while (!msp_count_read(word, &value)) {
        /* Gone on from elsewhere, since it may not come back to where it was. */
        atomic_store_explicit(word, msp_count_word(draw_place()), memory_order_release);
        reset(cache);
    }
    return value;
}

uint64_t msp_answer_cache_version(struct msp_answer_cache *cache, int64_t tenant_id)
{
    uint64_t epoch = read_count(cache, &cache->epoch);
    return epoch << 32 | read_count(cache, &cache->versions[version_index(tenant_id)]);
}

static void raise_count(struct msp_answer_cache *cache, msp_shared_word *word)
{
    uint64_t now = 0;
    uint64_t next = 0;
    do {
        uint32_t value = read_count(cache, word);
        now = msp_count_word(value);
        next = msp_count_word(value + 1);
    } while (!atomic_compare_exchange_weak_explicit(word, &now, next, memory_order_acq_rel,
                                                    memory_order_relaxed));
}

void msp_answer_cache_raise(struct msp_answer_cache *cache, int64_t tenant_id)
{
    raise_count(cache, &cache->versions[version_index(tenant_id)]);
}

void msp_answer_cache_raise_all(struct msp_answer_cache *cache)
{
    raise_count(cache, &cache->epoch);
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

static bool holds(const struct entry_head *entry, const uint64_t head[HEAD_WORDS],
                  const struct msp_answer_key *key, const struct packed_key *packed)
{
    if (head[HEAD_TENANT] != (uint64_t)key->tenant_id || head[HEAD_VERSION] != key->version ||
        head[HEAD_VIEW_AND_TEXT_SIZE] != packed->view_and_text_size)
        return false;
    for (size_t i = 0; i < packed->text_words; i++)
        if (msp_word_load(&entry->text[i]) != packed->text[i])
            return false;
    return true;
}

/* ---- reading ---- */

/* What reading an entry may come to; only the last may be an answer. */
enum reading { READ_OTHER, READ_DAMAGED, READ_WHOLE };

/* Puts the body behind the end of `out`, without counting it. */
static enum reading copy_body(struct entry_head *entry, const uint64_t head[HEAD_WORDS],
                              struct msp_buffer *out)
{
    size_t size = (size_t)head[HEAD_BODY_SIZE];
    size_t words = MSP_WORDS(size);
    /* Room for whole words: what stands behind the body's end is not counted. */
    char *place = msp_buffer_reserve(out, words * sizeof(uint64_t));
    if (place == NULL)
        return READ_OTHER;
    msp_words_copy_out(place, body_of(entry), words);
    return XXH3_64bits(place, size) == head[HEAD_BODY_SUM] ? READ_WHOLE : READ_DAMAGED;
}

static bool is_known(const struct msp_answer_tag *known, const uint64_t head[HEAD_WORDS])
{
    return known != NULL && known->high == head[HEAD_TAG_HIGH] && known->low == head[HEAD_TAG_LOW];
}

static enum reading read_words(struct entry_head *entry, uint64_t head[HEAD_WORDS], size_t largest,
                               const struct msp_answer_key *key, const struct packed_key *packed,
                               int64_t now_unix_us, const struct msp_answer_tag *known,
                               struct msp_buffer *out)
{
    msp_words_load(head, entry->words, HEAD_WORDS);
    if (head[HEAD_SUM] != msp_words_checksum(head, HEAD_SUM) || head[HEAD_BODY_SIZE] > largest)
        return READ_DAMAGED;
    if (!holds(entry, head, key, packed) || (int64_t)head[HEAD_UNTIL] <= now_unix_us)
        return READ_OTHER;
    return is_known(known, head) ? READ_WHOLE : copy_body(entry, head, out);
}

/* Reads an entry whose hash fits; whatever was read of one that changed meanwhile does not count.
 */
static enum msp_answer_found read_entry(struct msp_answer_cache *cache, struct entry_head *entry,
                                        size_t largest, const struct msp_answer_key *key,
                                        const struct packed_key *packed, int64_t now_unix_us,
                                        const struct msp_answer_tag *known, struct msp_buffer *out,
                                        struct msp_answer_tag *out_tag)
{
    uint64_t head[HEAD_WORDS];
    uint64_t changes = msp_word_load(&entry->changes);
    if ((changes & 1) != 0)
        return MSP_ANSWER_NONE;
    enum reading reading = read_words(entry, head, largest, key, packed, now_unix_us, known, out);
    if (msp_word_load(&entry->changes) != changes)
        return MSP_ANSWER_NONE;
    if (reading == READ_DAMAGED)
        reset(cache);
    if (reading != READ_WHOLE)
        return MSP_ANSWER_NONE;
    *out_tag = (struct msp_answer_tag){head[HEAD_TAG_HIGH], head[HEAD_TAG_LOW]};
    if (is_known(known, head))
        return MSP_ANSWER_SAME;
    out->length += (size_t)head[HEAD_BODY_SIZE];
    return MSP_ANSWER_COPIED;
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
            enum msp_answer_found found = read_entry(cache, entry, shapes[shape].body_bytes, key,
                                                     &packed, now_unix_us, known, out, out_tag);
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
static struct entry_head *choose(struct msp_answer_cache *cache, size_t shape, uint64_t hash,
                                 int64_t now_unix_us)
{
    struct entry_head *chosen = NULL;
    uint64_t least = UINT64_MAX;
    for (size_t way = 0; way < WAYS; way++) {
        struct entry_head *entry = entry_at(cache, shape, hash, way);
        int64_t used = (int64_t)msp_word_load(&entry->used);
        if (used < 0 || used > now_unix_us)
            used = 0; /* no moment that anybody wrote */
        if ((msp_word_load(&entry->changes) & 1) != 0 && now_unix_us - used < WRITER_US)
            continue;
        uint64_t held = msp_word_load(&entry->hash);
        uint64_t rank = held == hash ? 0 : held == 0 ? 1 : (uint64_t)used + 2;
        if (rank < least) {
            least = rank;
            chosen = entry;
        }
    }
    return chosen;
}

/* What the counter stands at while we write, 0 if somebody else writes here: then he keeps his. A
 * dead writer's is odd already. */
static uint64_t begin_write(struct entry_head *entry, int64_t now_unix_us)
{
    uint64_t changes = msp_word_load(&entry->changes);
    uint64_t ours = (changes | 1) + (changes & 1) * 2;
    /* First, so that nobody takes us for dead. */
    atomic_store_explicit(&entry->used, (uint64_t)now_unix_us, memory_order_release);
    bool won = atomic_compare_exchange_strong_explicit(&entry->changes, &changes, ours,
                                                       memory_order_acq_rel, memory_order_relaxed);
    return won ? ours : 0;
}

/* Unless somebody took us for dead. What both have written fits no checksum. */
static void end_write(struct entry_head *entry, uint64_t ours)
{
    (void)atomic_compare_exchange_strong_explicit(&entry->changes, &ours, ours + 1,
                                                  memory_order_acq_rel, memory_order_relaxed);
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
    uint64_t words[HEAD_WORDS] = {
        [HEAD_TENANT] = (uint64_t)key->tenant_id,
        [HEAD_VERSION] = key->version,
        [HEAD_VIEW_AND_TEXT_SIZE] = packed->view_and_text_size,
        [HEAD_BODY_SIZE] = size,
        [HEAD_UNTIL] = (uint64_t)until_unix_us,
        [HEAD_TAG_HIGH] = tag.high,
        [HEAD_TAG_LOW] = tag.low,
        [HEAD_BODY_SUM] = XXH3_64bits(body, size),
    };
    words[HEAD_SUM] = msp_words_checksum(words, HEAD_SUM);
    msp_words_store(entry->words, words, HEAD_WORDS);
    msp_words_store(entry->text, packed->text, packed->text_words);
    store_bytes(body_of(entry), body, size);
    atomic_store_explicit(&entry->hash, packed->hash, memory_order_release);
}

void msp_answer_cache_keep(struct msp_answer_cache *cache, const struct msp_answer_key *key,
                           struct msp_answer_tag tag, const void *body, size_t size,
                           int64_t now_unix_us, int64_t until_unix_us)
{
    struct packed_key packed;
    size_t shape = 0;
    while (shape < SHAPES && shapes[shape].body_bytes < size)
        shape++;
    if (shape == SHAPES || !pack(key, &packed))
        return;
    struct entry_head *entry = choose(cache, shape, packed.hash, now_unix_us);
    uint64_t ours = entry == NULL ? 0 : begin_write(entry, now_unix_us);
    if (ours == 0)
        return;
    write_entry(entry, key, &packed, tag, body, size, until_unix_us);
    end_write(entry, ours);
    atomic_fetch_add_explicit(&cache->kept, 1, memory_order_relaxed);
}

struct msp_answer_cache_figures msp_answer_cache_figures(const struct msp_answer_cache *cache)
{
    return (struct msp_answer_cache_figures){
        .hits = (int64_t)msp_word_load(&cache->hits),
        .misses = (int64_t)msp_word_load(&cache->misses),
        .kept = (int64_t)msp_word_load(&cache->kept),
        .resets = (int64_t)msp_word_load(&cache->resets),
    };
}
