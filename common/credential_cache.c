/*
 * Keys, cut-offs and revocations in shared memory: three tables of fixed records, each sorted by a
 * name of 128 bits. One writer, the snapshot keeper. A record counts only in the write it was made
 * in, so that neither damage nor a left-over of an earlier list shows as a credential.
 */
#include "msp/credential_cache.h"

#include "two_halves.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define NAME_WORDS 2 /* 128 bits */

/* What follows the name in a record. */
struct key_content {
    unsigned char digest[MSP_CREDENTIAL_DIGEST_BYTES];
    char tenant[MSP_TENANT_SLUG_BYTES];
    int64_t tenant_id;
    int64_t expires_us;
    int64_t role;
};

#define KEY_WORDS        (NAME_WORDS + MSP_WORDS(sizeof(struct key_content)))
#define CUT_OFF_WORDS    (NAME_WORDS + 1)
#define REVOCATION_WORDS NAME_WORDS

static_assert(sizeof(struct key_content) % sizeof(uint64_t) == 0, "a key is whole words");
static_assert(MSP_API_KEY_ID_LENGTH == NAME_WORDS * sizeof(uint64_t), "an id is a name");
static_assert(MSP_NAME_DIGEST_BYTES == NAME_WORDS * sizeof(uint64_t), "a digest is a name");

enum kind { KEYS, CUT_OFFS, REVOCATIONS, KINDS };

/* A record is its words and then their checksum. */
static const struct shape {
    size_t capacity;
    size_t words;
    size_t at; /* of the first record, in words from the beginning of all records */
    const char *what;
} shapes[KINDS] = {
    [KEYS] = {MSP_CREDENTIAL_CACHE_KEYS, KEY_WORDS, 0, "API keys"},
    [CUT_OFFS] = {MSP_CREDENTIAL_CACHE_CUT_OFFS, CUT_OFF_WORDS,
                  MSP_CREDENTIAL_CACHE_KEYS *(KEY_WORDS + 1), "people who were signed out"},
    [REVOCATIONS] = {MSP_CREDENTIAL_CACHE_REVOCATIONS, REVOCATION_WORDS,
                     MSP_CREDENTIAL_CACHE_KEYS *(KEY_WORDS + 1) +
                         MSP_CREDENTIAL_CACHE_CUT_OFFS *(CUT_OFF_WORDS + 1),
                     "sessions that were signed out"},
};

#define ALL_WORDS                                                                                  \
    (MSP_CREDENTIAL_CACHE_KEYS * (KEY_WORDS + 1) +                                                 \
     MSP_CREDENTIAL_CACHE_CUT_OFFS * (CUT_OFF_WORDS + 1) +                                         \
     MSP_CREDENTIAL_CACHE_REVOCATIONS * (REVOCATION_WORDS + 1))

struct half {
    _Alignas(64) msp_shared_word writes;
    msp_shared_word counts[KINDS];
    msp_shared_word checksum; /* of the counts */
    msp_shared_word records[ALL_WORDS];
};

struct msp_credential_cache {
    msp_shared_word generation; /* 0 = nothing published yet */
    msp_shared_word read_us;
    struct half halves[2];
};

enum look { LOOK_FOUND, LOOK_NONE, LOOK_AGAIN };

size_t msp_credential_cache_bytes(void)
{
    return sizeof(struct msp_credential_cache);
}

struct msp_credential_cache *msp_credential_cache_init(void *memory)
{
    /* The memory is zeroes; clearing it again would touch all of it. */
    return memory;
}

uint64_t msp_credential_cache_generation(const struct msp_credential_cache *cache)
{
    return msp_generation_read(&cache->generation);
}

void msp_credential_cache_note_read(struct msp_credential_cache *cache, int64_t began_us)
{
    atomic_store_explicit(&cache->read_us, (uint64_t)began_us, memory_order_release);
}

int64_t msp_credential_cache_read_us(const struct msp_credential_cache *cache)
{
    return (int64_t)msp_word_load(&cache->read_us);
}

/* `writes` is the half's counter as it stands when the write has ended. */
static uint64_t seal(const uint64_t *words, size_t count, uint64_t writes)
{
    return msp_words_checksum(words, count) ^ (writes * 0x9e3779b97f4a7c15u);
}

/* ---- writing ---- */

/* One table on its way: `words` a record, without checksums. */
struct list {
    uint64_t *words;
    size_t count;
};

static int compare_names(const void *left, const void *right)
{
    const uint64_t *a = left;
    const uint64_t *b = right;
    if (a[0] != b[0])
        return a[0] < b[0] ? -1 : 1;
    return a[1] == b[1] ? 0 : a[1] < b[1] ? -1 : 1;
}

static void encode_key(uint64_t *words, const struct msp_cached_key *key)
{
    struct key_content content = {
        .tenant_id = key->tenant_id, .expires_us = key->expires_us, .role = (int64_t)key->role};
    memcpy(content.digest, key->digest, sizeof content.digest);
    memcpy(content.tenant, key->tenant, strnlen(key->tenant, sizeof content.tenant - 1));
    memcpy(words, key->id, MSP_API_KEY_ID_LENGTH);
    memcpy(words + NAME_WORDS, &content, sizeof content);
}

static void encode(enum kind kind, const struct msp_credentials *credentials, struct list *list)
{
    uint64_t *words = list->words;
    for (size_t i = 0; i < list->count; i++, words += shapes[kind].words) {
        if (kind == KEYS) {
            encode_key(words, &credentials->keys[i]);
        } else if (kind == CUT_OFFS) {
            const struct msp_cut_off *cut_off = &credentials->cut_offs[i];
            memcpy(words, cut_off->subject, sizeof cut_off->subject);
            words[NAME_WORDS] = (uint64_t)cut_off->not_before_seconds;
        } else {
            memcpy(words, credentials->revocations[i].token, MSP_NAME_DIGEST_BYTES);
        }
    }
}

static enum msp_result check_unique(enum kind kind, const struct list *list,
                                    struct msp_error *error)
{
    size_t words = shapes[kind].words;
    for (size_t i = 1; i < list->count; i++)
        if (compare_names(&list->words[(i - 1) * words], &list->words[i * words]) == 0)
            return msp_fail(error, MSP_INVALID, "credential_twice",
                            "The list of %s names one of them twice; the old list stays.",
                            shapes[kind].what);
    return MSP_OK;
}

/* Encodes and sorts. *list owns its words afterwards, also on failure. */
static enum msp_result prepare(enum kind kind, const struct msp_credentials *credentials,
                               size_t count, struct list *list, struct msp_error *error)
{
    const struct shape *shape = &shapes[kind];
    if (count > shape->capacity)
        return msp_fail(error, MSP_TOO_LARGE, "credentials_too_many",
                        "There are %zu %s but one node keeps at most %zu; the old list stays. "
                        "Remove some of them.",
                        count, shape->what, shape->capacity);
    list->words = calloc(count + 1, shape->words * sizeof(uint64_t));
    if (list->words == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory",
                        "No memory to sort %zu %s; the old list stays.", count, shape->what);
    list->count = count;
    encode(kind, credentials, list);
    if (count > 1)
        qsort(list->words, count, shape->words * sizeof(uint64_t), compare_names);
    return check_unique(kind, list, error);
}

static void store(struct half *half, enum kind kind, const struct list *list, uint64_t writes)
{
    const struct shape *shape = &shapes[kind];
    msp_shared_word *to = &half->records[shape->at];
    const uint64_t *from = list->words;
    for (size_t i = 0; i < list->count; i++, to += shape->words + 1, from += shape->words) {
        msp_words_store(to, from, shape->words);
        atomic_store_explicit(&to[shape->words], seal(from, shape->words, writes),
                              memory_order_release);
    }
}

static void fill_and_flip(struct msp_credential_cache *cache, const struct list lists[KINDS])
{
    uint32_t next = msp_generation_next(&cache->generation);
    struct half *half = &cache->halves[next & 1];
    uint64_t counts[KINDS];
    msp_half_begin_write(&half->writes);
    uint64_t writes = atomic_load_explicit(&half->writes, memory_order_relaxed) + 1;
    for (int kind = 0; kind < KINDS; kind++) {
        counts[kind] = lists[kind].count;
        store(half, (enum kind)kind, &lists[kind], writes);
    }
    msp_words_store(half->counts, counts, KINDS);
    atomic_store_explicit(&half->checksum, seal(counts, KINDS, writes), memory_order_release);
    msp_half_end_write(&half->writes);
    msp_generation_publish(&cache->generation, next);
}

enum msp_result msp_credential_cache_publish(struct msp_credential_cache *cache,
                                             const struct msp_credentials *credentials,
                                             struct msp_error *error)
{
    const size_t counts[KINDS] = {credentials->key_count, credentials->cut_off_count,
                                  credentials->revocation_count};
    struct list lists[KINDS] = {0};
    enum msp_result result = MSP_OK;
    for (int kind = 0; kind < KINDS && result == MSP_OK; kind++)
        result = prepare((enum kind)kind, credentials, counts[kind], &lists[kind], error);
    if (result == MSP_OK)
        fill_and_flip(cache, lists);
    for (int kind = 0; kind < KINDS; kind++)
        free(lists[kind].words);
    return result;
}

/* ---- reading ---- */

/* The counts of a half that is whole; false if they are damaged. */
static bool load_counts(const struct half *half, uint64_t writes, uint64_t counts[KINDS])
{
    msp_words_load(counts, half->counts, KINDS);
    if (msp_word_load(&half->checksum) != seal(counts, KINDS, writes))
        return false;
    for (int kind = 0; kind < KINDS; kind++)
        if (counts[kind] > shapes[kind].capacity)
            return false;
    return true;
}

static const msp_shared_word *record_at(const struct half *half, enum kind kind, size_t position)
{
    return &half->records[shapes[kind].at + position * (shapes[kind].words + 1)];
}

static bool load_record(const struct half *half, enum kind kind, size_t position, uint64_t writes,
                        uint64_t *words)
{
    const msp_shared_word *record = record_at(half, kind, position);
    msp_words_load(words, record, shapes[kind].words);
    return msp_word_load(&record[shapes[kind].words]) == seal(words, shapes[kind].words, writes);
}

/* Every record on the way is looked at as a whole: a damaged name would lead past the one that is
 * sought, and what was signed out would count again. */
static enum look search(const struct half *half, enum kind kind, size_t count, const uint64_t *name,
                        uint64_t writes, uint64_t *words)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (!load_record(half, kind, middle, writes, words))
            return LOOK_AGAIN;
        int order = compare_names(name, words);
        if (order == 0)
            return LOOK_FOUND;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return LOOK_NONE;
}

static enum look look_in_half(const struct half *half, enum kind kind, const uint64_t *name,
                              uint64_t *words)
{
    uint64_t writes = msp_half_begin_read(&half->writes);
    uint64_t counts[KINDS];
    if (writes == 0 || (writes & 1) != 0 || !load_counts(half, writes, counts))
        return LOOK_AGAIN;
    enum look found = search(half, kind, counts[kind], name, writes, words);
    return msp_word_load(&half->writes) == writes ? found : LOOK_AGAIN;
}

static enum look look(const struct msp_credential_cache *cache, enum kind kind, const void *name,
                      uint64_t *words)
{
    uint64_t wanted[NAME_WORDS];
    memcpy(wanted, name, sizeof wanted);
    for (int i = 0; i < MSP_HALF_TRIES; i++) {
        uint64_t generation = msp_credential_cache_generation(cache);
        if (generation == 0)
            return LOOK_AGAIN;
        enum look found = look_in_half(&cache->halves[generation & 1], kind, wanted, words);
        if (found != LOOK_AGAIN)
            return found;
    }
    return LOOK_AGAIN;
}

bool msp_credential_cache_key(const struct msp_credential_cache *cache,
                              const char id[MSP_API_KEY_ID_BYTES], struct msp_cached_key *out)
{
    uint64_t words[KEY_WORDS];
    struct key_content content;
    if (look(cache, KEYS, id, words) != LOOK_FOUND)
        return false;
    memcpy(&content, words + NAME_WORDS, sizeof content);
    *out = (struct msp_cached_key){.tenant_id = content.tenant_id,
                                   .role = (enum msp_role)content.role,
                                   .expires_us = content.expires_us};
    memcpy(out->id, words, MSP_API_KEY_ID_LENGTH);
    memcpy(out->digest, content.digest, sizeof out->digest);
    memcpy(out->tenant, content.tenant, sizeof out->tenant - 1);
    return true;
}

int64_t msp_credential_cache_not_before(const struct msp_credential_cache *cache,
                                        const unsigned char subject[MSP_NAME_DIGEST_BYTES])
{
    uint64_t words[CUT_OFF_WORDS];
    switch (look(cache, CUT_OFFS, subject, words)) {
    case LOOK_FOUND:
        return (int64_t)words[NAME_WORDS];
    case LOOK_NONE:
        return INT64_MIN;
    case LOOK_AGAIN:
        break;
    }
    return INT64_MAX;
}

bool msp_credential_cache_is_revoked(const struct msp_credential_cache *cache,
                                     const unsigned char token[MSP_NAME_DIGEST_BYTES])
{
    uint64_t words[REVOCATION_WORDS];
    return look(cache, REVOCATIONS, token, words) != LOOK_NONE;
}

bool msp_credential_cache_is_whole(const struct msp_credential_cache *cache)
{
    const struct half *half = &cache->halves[msp_credential_cache_generation(cache) & 1];
    uint64_t writes = msp_half_begin_read(&half->writes);
    uint64_t counts[KINDS];
    uint64_t words[KEY_WORDS];
    if (msp_credential_cache_generation(cache) == 0 || (writes & 1) != 0 ||
        !load_counts(half, writes, counts))
        return false;
    for (int kind = 0; kind < KINDS; kind++)
        for (size_t i = 0; i < counts[kind]; i++)
            if (!load_record(half, (enum kind)kind, i, writes, words))
                return false;
    return true;
}
