/* Credentials in shared memory: whole or not at all, whatever the writer or the memory do. */
#include "msp/credential_cache.h"
#include "msp/key_uses.h"
#include "msp/no_value.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static struct msp_credential_cache *make_cache(void)
{
    void *memory = mmap(NULL, msp_credential_cache_bytes(), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(memory != MAP_FAILED);
    return msp_credential_cache_init(memory);
}

static void drop_cache(struct msp_credential_cache *cache)
{
    (void)munmap(cache, msp_credential_cache_bytes());
}

/* Everything of a key follows from its number and its round. */
static struct msp_cached_key key_of(unsigned number, unsigned round)
{
    struct msp_cached_key key = {.tenant_id = (int64_t)round * 1000000 + number,
                                 .role = MSP_ROLE_TECH,
                                 .expires_us = (int64_t)round};
    (void)snprintf(key.id, sizeof key.id, "%016u", number * 2654435761U);
    (void)snprintf(key.tenant, sizeof key.tenant, "tenant-%u-%u", number, round);
    memset(key.digest, (int)(number * 7 + round), sizeof key.digest);
    return key;
}

static bool is_key(const struct msp_cached_key *key, unsigned number, unsigned round)
{
    struct msp_cached_key right = key_of(number, round);
    return strcmp(key->id, right.id) == 0 && strcmp(key->tenant, right.tenant) == 0 &&
           key->tenant_id == right.tenant_id && key->role == right.role &&
           key->expires_us == right.expires_us &&
           memcmp(key->digest, right.digest, sizeof right.digest) == 0;
}

static void name(unsigned number, unsigned char out[MSP_NAME_DIGEST_BYTES])
{
    memset(out, 0, MSP_NAME_DIGEST_BYTES);
    memcpy(out + 3, &number, sizeof number);
}

static enum msp_result publish(struct msp_credential_cache *cache, unsigned count, unsigned round)
{
    struct msp_cached_key *keys = calloc(count + 1, sizeof *keys);
    struct msp_cut_off *cut_offs = calloc(count + 1, sizeof *cut_offs);
    struct msp_revocation *revocations = calloc(count + 1, sizeof *revocations);
    struct msp_error error;
    for (unsigned i = 0; i < count; i++) {
        keys[i] = key_of(i, round);
        name(i, cut_offs[i].subject);
        cut_offs[i].not_before_seconds = (int64_t)round * 100 + i;
        name(i, revocations[i].token);
    }
    struct msp_credentials all = {keys, count, cut_offs, count, revocations, count};
    enum msp_result result = msp_credential_cache_publish(cache, &all, &error);
    free(keys);
    free(cut_offs);
    free(revocations);
    return result;
}

Test(credential_cache, knows_nothing_before_the_first_publish_and_lets_nobody_in)
{
    struct msp_credential_cache *cache = make_cache();
    struct msp_cached_key key;
    unsigned char who[MSP_NAME_DIGEST_BYTES] = {1};
    cr_expect_eq(msp_credential_cache_generation(cache), 0);
    cr_expect(!msp_credential_cache_key(cache, "0000000000000000", &key));
    cr_expect(msp_credential_cache_is_revoked(cache, who));
    cr_expect_eq(msp_credential_cache_not_before(cache, who), INT64_MAX);
    drop_cache(cache);
}

Test(credential_cache, finds_what_was_published_and_nothing_else)
{
    struct msp_credential_cache *cache = make_cache();
    cr_assert_eq(publish(cache, 5000, 1), MSP_OK);
    for (unsigned i = 0; i < 6000; i++) {
        struct msp_cached_key key;
        struct msp_cached_key wanted = key_of(i, 1);
        unsigned char who[MSP_NAME_DIGEST_BYTES];
        bool there = i < 5000;
        name(i, who);
        cr_assert_eq(msp_credential_cache_key(cache, wanted.id, &key), there, "%u", i);
        cr_assert(!there || is_key(&key, i, 1));
        cr_assert_eq(msp_credential_cache_is_revoked(cache, who), there);
        cr_assert_eq(msp_credential_cache_not_before(cache, who), there ? 100 + i : INT64_MIN);
    }
    cr_expect(msp_credential_cache_is_whole(cache));
    drop_cache(cache);
}

Test(credential_cache, forgets_what_the_next_list_leaves_out)
{
    struct msp_credential_cache *cache = make_cache();
    struct msp_cached_key key;
    struct msp_cached_key gone = key_of(90, 1);
    unsigned char who[MSP_NAME_DIGEST_BYTES];
    name(90, who);
    for (unsigned round = 1; round <= 4; round++) {
        cr_assert_eq(publish(cache, 100, round), MSP_OK);
        cr_assert(msp_credential_cache_key(cache, gone.id, &key));
        cr_assert_eq(publish(cache, 50, round), MSP_OK);
        cr_assert(!msp_credential_cache_key(cache, gone.id, &key));
        cr_assert(!msp_credential_cache_is_revoked(cache, who));
    }
    cr_assert_eq(publish(cache, 0, 5), MSP_OK);
    cr_assert(!msp_credential_cache_key(cache, key_of(1, 5).id, &key));
    drop_cache(cache);
}

Test(credential_cache, keeps_the_old_list_when_the_new_one_does_not_fit)
{
    struct msp_credential_cache *cache = make_cache();
    struct msp_cached_key key;
    struct msp_cached_key twice[2] = {key_of(7, 1), key_of(7, 1)};
    struct msp_credentials doubled = {twice, 2, NULL, 0, NULL, 0};
    struct msp_error error;
    cr_assert_eq(publish(cache, 10, 1), MSP_OK);
    cr_expect_eq(publish(cache, MSP_CREDENTIAL_CACHE_KEYS + 1, 2), MSP_TOO_LARGE);
    cr_expect_eq(msp_credential_cache_publish(cache, &doubled, &error), MSP_INVALID);
    cr_expect_str_eq(error.code, "credential_twice");
    cr_expect_eq(msp_credential_cache_generation(cache), 1);
    cr_expect(msp_credential_cache_key(cache, key_of(3, 1).id, &key) && is_key(&key, 3, 1));
    drop_cache(cache);
}

Test(credential_cache, holds_as_many_as_it_says)
{
    struct msp_credential_cache *cache = make_cache();
    struct msp_cached_key key;
    cr_assert_eq(publish(cache, MSP_CREDENTIAL_CACHE_KEYS, 1), MSP_OK);
    for (unsigned i = 0; i < MSP_CREDENTIAL_CACHE_KEYS; i += 97)
        cr_assert(msp_credential_cache_key(cache, key_of(i, 1).id, &key) && is_key(&key, i, 1));
    drop_cache(cache);
}

struct race {
    struct msp_credential_cache *cache;
    atomic_bool stop;
    atomic_long torn, missed;
};

static void *read_until_stopped(void *context)
{
    struct race *race = context;
    struct msp_cached_key wanted = key_of(3, 0);
    while (!atomic_load(&race->stop)) {
        struct msp_cached_key key;
        if (!msp_credential_cache_key(race->cache, wanted.id, &key))
            atomic_fetch_add(&race->missed, 1);
        else if (!is_key(&key, 3, (unsigned)key.expires_us))
            atomic_fetch_add(&race->torn, 1);
    }
    return NULL;
}

Test(credential_cache, shows_readers_whole_keys_while_the_writer_runs)
{
    struct race race = {.cache = make_cache()};
    pthread_t readers[2];
    cr_assert_eq(publish(race.cache, 8, 1), MSP_OK);
    for (size_t i = 0; i < 2; i++)
        cr_assert(pthread_create(&readers[i], NULL, read_until_stopped, &race) == 0);
    for (unsigned round = 2; round < 10000; round++)
        cr_assert_eq(publish(race.cache, 8, round), MSP_OK);
    atomic_store(&race.stop, true);
    for (size_t i = 0; i < 2; i++)
        cr_assert(pthread_join(readers[i], NULL) == 0);
    cr_expect_eq(atomic_load(&race.torn), 0);
    cr_expect_eq(atomic_load(&race.missed), 0);
    drop_cache(race.cache);
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* The bytes of all words that hold something, as offsets. */
static size_t list_live_bytes(const struct msp_credential_cache *cache, size_t *out, size_t most)
{
    const uint64_t *words = (const uint64_t *)(const void *)cache;
    size_t count = 0;
    for (size_t i = 0; i < msp_credential_cache_bytes() / sizeof *words; i++)
        for (size_t byte = 0; words[i] != 0 && byte < sizeof *words && count < most; byte++)
            out[count++] = i * sizeof *words + byte;
    return count;
}

Test(credential_cache, damage_opens_nothing_and_brings_nothing_back)
{
    enum { KEYS = 60, FLIPS = 10000, LIVE = 1 << 20 };
    struct msp_credential_cache *cache = make_cache();
    unsigned char *bytes = (unsigned char *)cache;
    size_t *live = malloc(LIVE * sizeof *live);
    size_t count = 0;
    uint64_t random = 88172645463325252u;
    unsigned round = 2;
    /* What lies behind the list in force are revoked keys of longer lists before. */
    for (unsigned i = 1; i <= round; i++)
        cr_assert_eq(publish(cache, KEYS * 2, i), MSP_OK);
    for (int i = 0; i < FLIPS; i++) {
        if (i % 200 == 0) {
            cr_assert_eq(publish(cache, KEYS, ++round), MSP_OK);
            cr_expect(msp_credential_cache_is_whole(cache));
            count = list_live_bytes(cache, live, LIVE);
        }
        /* Part of the flips goes to the counts in front. */
        size_t at = next_random(&random) % 20 == 0 ? next_random(&random) % 128
                                                   : live[next_random(&random) % count];
        bytes[at] ^= (unsigned char)(1u << next_random(&random) % 8);
        unsigned number = (unsigned)(next_random(&random) % (KEYS * 2));
        unsigned char who[MSP_NAME_DIGEST_BYTES];
        struct msp_cached_key key;
        name(number, who);
        if (msp_credential_cache_key(cache, key_of(number, 0).id, &key))
            cr_assert(number < KEYS && is_key(&key, number, round), "%u", number);
        cr_assert(number >= KEYS || msp_credential_cache_is_revoked(cache, who), "%u", number);
        int64_t not_before = msp_credential_cache_not_before(cache, who);
        cr_assert(not_before == INT64_MAX ||
                      not_before == (number < KEYS ? (int64_t)round * 100 + number : INT64_MIN),
                  "%u", number);
    }
    cr_expect(!msp_credential_cache_is_whole(cache));
    free(live);
    drop_cache(cache);
}

Test(key_uses, remember_the_minute_of_each_key)
{
    struct msp_key_uses *uses = msp_key_uses_init(calloc(1, msp_key_uses_bytes()));
    cr_expect_eq(msp_key_uses_last(uses, "0000000000000001"), 0);
    msp_key_uses_note(uses, "0000000000000001", 1700000059);
    msp_key_uses_note(uses, "0000000000000002", 1700000125);
    cr_expect_eq(msp_key_uses_last(uses, "0000000000000001"), 1700000059 / 60 * 60);
    cr_expect_eq(msp_key_uses_last(uses, "0000000000000002"), 1700000125 / 60 * 60);
    cr_expect_eq(msp_key_uses_last(uses, "0000000000000003"), 0);
    free(uses);
}
