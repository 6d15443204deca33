/*
 * Tenants in shared memory, sorted by slug, for readers that never wait. One
 * writer, the snapshot keeper. Readers believe nothing they find: counts are clamped, texts closed,
 * and a record whose checksum does not fit is no record, so that damaged memory shows
 * as "no such tenant" and never as another tenant's key.
 */
#include "msp/tenant_cache.h"

#include "two_halves.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define TENANT_WORDS MSP_WORDS(sizeof(struct msp_tenant))
#define SLUG_WORDS   (MSP_TENANT_SLUG_BYTES / sizeof(uint64_t))
#define SLUG_AT      (offsetof(struct msp_tenant, slug) / sizeof(uint64_t))

static_assert(sizeof(struct msp_tenant) % sizeof(uint64_t) == 0, "a tenant is whole words");
static_assert(offsetof(struct msp_tenant, slug) % sizeof(uint64_t) == 0, "the slug starts a word");
static_assert(MSP_TENANT_SLUG_BYTES % sizeof(uint64_t) == 0, "the slug is whole words");

struct record {
    msp_shared_word checksum;
    msp_shared_word words[TENANT_WORDS];
};

struct half {
    _Alignas(64) msp_shared_word writes;
    msp_shared_word count;
    struct record records[MSP_TENANT_CACHE_TENANTS];
};

struct msp_tenant_cache {
    msp_shared_word generation; /* 0 = nothing published yet */
    struct half halves[2];
};

enum look { LOOK_FOUND, LOOK_NONE, LOOK_AGAIN };

size_t msp_tenant_cache_bytes(void)
{
    return sizeof(struct msp_tenant_cache);
}

struct msp_tenant_cache *msp_tenant_cache_init(void *memory)
{
    /* The memory is zeroes; clearing it again would touch all of it. */
    return memory;
}

uint64_t msp_tenant_cache_generation(const struct msp_tenant_cache *cache)
{
    return msp_generation_read(&cache->generation);
}

static int compare_slugs(const void *left, const void *right)
{
    const struct msp_tenant *const *a = left;
    const struct msp_tenant *const *b = right;
    return strcmp((*a)->slug, (*b)->slug);
}

static bool is_closed(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static bool texts_are_closed(const struct msp_tenant *tenant)
{
    return is_closed(tenant->slug, sizeof tenant->slug) &&
           is_closed(tenant->name, sizeof tenant->name) &&
           is_closed(tenant->timezone, sizeof tenant->timezone) &&
           is_closed(tenant->source, sizeof tenant->source) &&
           is_closed(tenant->limits, sizeof tenant->limits);
}

static enum msp_result check_sorted(const struct msp_tenant *const *sorted, size_t count,
                                    struct msp_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (sorted[i]->slug[0] == '\0') {
            return msp_fail(error, MSP_INVALID, "tenant_slug_empty",
                            "A tenant without a slug cannot be cached; give it one.");
        }
        if (i > 0 && strcmp(sorted[i - 1]->slug, sorted[i]->slug) == 0) {
            return msp_fail(error, MSP_INVALID, "tenant_slug_twice",
                            "Two tenants have the slug \"%s\"; rename one of them.",
                            sorted[i]->slug);
        }
    }
    return MSP_OK;
}

/* Copies member by member into zeroes, so that padding and what lies behind a NUL are the same each
 * time. */
static void store_record(struct record *record, const struct msp_tenant *tenant)
{
    struct msp_tenant clean;
    memset(&clean, 0, sizeof clean);
    clean.id = tenant->id;
    memcpy(clean.slug, tenant->slug, strlen(tenant->slug));
    memcpy(clean.name, tenant->name, strlen(tenant->name));
    memcpy(clean.timezone, tenant->timezone, strlen(tenant->timezone));
    memcpy(clean.source, tenant->source, strlen(tenant->source));
    memcpy(clean.limits, tenant->limits, strlen(tenant->limits));
    clean.active = tenant->active;

    uint64_t words[TENANT_WORDS];
    memcpy(words, &clean, sizeof clean);
    msp_words_store(record->words, words, TENANT_WORDS);
    atomic_store_explicit(&record->checksum, msp_words_checksum(words, TENANT_WORDS),
                          memory_order_release);
}

static void fill_and_flip(struct msp_tenant_cache *cache, const struct msp_tenant *const *sorted,
                          size_t count)
{
    uint32_t next = msp_generation_next(&cache->generation);
    struct half *half = &cache->halves[next & 1];
    msp_half_begin_write(&half->writes);
    for (size_t i = 0; i < count; i++) {
        store_record(&half->records[i], sorted[i]);
    }
    atomic_store_explicit(&half->count, count, memory_order_release);
    msp_half_end_write(&half->writes);
    msp_generation_publish(&cache->generation, next);
}

enum msp_result msp_tenant_cache_publish(struct msp_tenant_cache *cache,
                                         const struct msp_tenant *tenants, size_t count,
                                         struct msp_error *error)
{
    if (count > MSP_TENANT_CACHE_TENANTS) {
        return msp_fail(error, MSP_TOO_LARGE, "tenants_too_many",
                        "There are %zu tenants but one node serves at most %d; disable or move "
                        "some of them.",
                        count, MSP_TENANT_CACHE_TENANTS);
    }
    const struct msp_tenant **sorted = calloc(count + 1, sizeof(const struct msp_tenant *));
    if (sorted == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory",
                        "No memory to sort %zu tenants; the old list stays in force.", count);
    }
    enum msp_result result = MSP_OK;
    for (size_t i = 0; i < count && result == MSP_OK; i++) {
        sorted[i] = &tenants[i];
        if (!texts_are_closed(&tenants[i])) {
            result = msp_fail(error, MSP_INVALID, "tenant_text_too_long",
                              "A text of the tenant with key %lld is too long; shorten it.",
                              (long long)tenants[i].id);
        }
    }
    if (result == MSP_OK) {
        if (count > 1) {
            qsort(sorted, count, sizeof(const struct msp_tenant *), compare_slugs);
        }
        result = check_sorted(sorted, count, error);
    }
    if (result == MSP_OK) {
        fill_and_flip(cache, sorted, count);
    }
    free(sorted);
    return result;
}

static bool load_record(const struct record *record, struct msp_tenant *out)
{
    uint64_t words[TENANT_WORDS];
    uint64_t checksum = msp_word_load(&record->checksum);
    msp_words_load(words, record->words, TENANT_WORDS);
    if (checksum != msp_words_checksum(words, TENANT_WORDS)) {
        return false;
    }
    /* A bool may hold nothing but 0 and 1, whatever the memory says. */
    unsigned char *bytes = (unsigned char *)words;
    bytes[offsetof(struct msp_tenant, active)] = bytes[offsetof(struct msp_tenant, active)] != 0;
    memcpy(out, words, sizeof *out);
    out->slug[sizeof out->slug - 1] = '\0';
    out->name[sizeof out->name - 1] = '\0';
    out->timezone[sizeof out->timezone - 1] = '\0';
    out->source[sizeof out->source - 1] = '\0';
    out->limits[sizeof out->limits - 1] = '\0';
    return true;
}

static int compare_with_record(const char *slug, const struct record *record)
{
    uint64_t words[SLUG_WORDS];
    char text[MSP_TENANT_SLUG_BYTES];
    msp_words_load(words, &record->words[SLUG_AT], SLUG_WORDS);
    memcpy(text, words, sizeof text);
    text[sizeof text - 1] = '\0';
    return strcmp(slug, text);
}

/* The position of the slug, or `count` if it is not there. */
static size_t search(const struct half *half, size_t count, const char *slug)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_with_record(slug, &half->records[middle]);
        if (order == 0) {
            return middle;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return count;
}

/* By slug, or by position when `slug` is NULL. */
static enum look look_in_half(const struct half *half, const char *slug, size_t position,
                              struct msp_tenant *out)
{
    uint64_t writes = msp_half_begin_read(&half->writes);
    if (writes == 0 || (writes & 1) != 0) {
        return LOOK_AGAIN;
    }
    uint64_t count = msp_word_load(&half->count);
    if (count > MSP_TENANT_CACHE_TENANTS) {
        count = MSP_TENANT_CACHE_TENANTS;
    }
    size_t at = slug == NULL ? position : search(half, count, slug);
    struct msp_tenant tenant;
    bool whole = true;
    if (at < count) {
        whole = load_record(&half->records[at], &tenant);
    }
    if (msp_word_load(&half->writes) != writes || !whole) {
        return LOOK_AGAIN;
    }
    if (at >= count || (slug != NULL && strcmp(tenant.slug, slug) != 0)) {
        return LOOK_NONE;
    }
    *out = tenant;
    return LOOK_FOUND;
}

static bool look(const struct msp_tenant_cache *cache, const char *slug, size_t position,
                 struct msp_tenant *out)
{
    for (int i = 0; i < MSP_HALF_TRIES; i++) {
        uint64_t generation = msp_tenant_cache_generation(cache);
        if (generation == 0) {
            return false;
        }
        /* Never the other half, where a tenant may still be active that no longer is. */
        enum look found = look_in_half(&cache->halves[generation & 1], slug, position, out);
        if (found != LOOK_AGAIN) {
            return found == LOOK_FOUND;
        }
    }
    return false;
}

bool msp_tenant_cache_find(const struct msp_tenant_cache *cache, const char *slug,
                           struct msp_tenant *out)
{
    if (strnlen(slug, MSP_TENANT_SLUG_BYTES) >= MSP_TENANT_SLUG_BYTES) {
        return false;
    }
    return look(cache, slug, 0, out);
}

bool msp_tenant_cache_at(const struct msp_tenant_cache *cache, size_t position,
                         struct msp_tenant *out)
{
    return look(cache, NULL, position, out);
}

bool msp_tenant_cache_is_whole(const struct msp_tenant_cache *cache, size_t count)
{
    const struct half *half = &cache->halves[msp_tenant_cache_generation(cache) & 1];
    struct msp_tenant tenant;
    bool whole = msp_tenant_cache_generation(cache) != 0 &&
                 (msp_half_begin_read(&half->writes) & 1) == 0 &&
                 msp_word_load(&half->count) == count;
    for (size_t i = 0; i < count && whole; i++)
        whole = load_record(&half->records[i], &tenant);
    return whole;
}
