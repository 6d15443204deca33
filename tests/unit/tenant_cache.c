/* The tenant cache: found or not, whole or not at all, whatever the writer or the memory does. */
#include "msp/tenant_cache.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static struct msp_tenant_cache *make_cache(void)
{
    void *memory = mmap(NULL, msp_tenant_cache_bytes(), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert(memory != MAP_FAILED);
    return msp_tenant_cache_init(memory);
}

static void drop_cache(struct msp_tenant_cache *cache)
{
    (void)munmap(cache, msp_tenant_cache_bytes());
}

static void name_tenant(struct msp_tenant *tenant, int64_t id, const char *slug)
{
    memset(tenant, 0, sizeof *tenant);
    tenant->id = id;
    tenant->active = id % 2 == 0;
    (void)snprintf(tenant->slug, sizeof tenant->slug, "%s", slug);
    (void)snprintf(tenant->name, sizeof tenant->name, "Name of %lld", (long long)id);
    (void)snprintf(tenant->timezone, sizeof tenant->timezone, "Europe/Paris");
    (void)snprintf(tenant->source, sizeof tenant->source, "mock");
    (void)snprintf(tenant->limits, sizeof tenant->limits, "read=%lld/60", (long long)id);
}

static void publish(struct msp_tenant_cache *cache, const struct msp_tenant *tenants, size_t count)
{
    struct msp_error error;
    cr_assert(msp_tenant_cache_publish(cache, tenants, count, &error) == MSP_OK);
}

Test(tenant_cache, holds_nothing_before_the_first_publish)
{
    struct msp_tenant_cache *cache = make_cache();
    struct msp_tenant found;
    cr_expect(msp_tenant_cache_generation(cache) == 0);
    cr_expect(!msp_tenant_cache_find(cache, "acme", &found));
    cr_expect(!msp_tenant_cache_at(cache, 0, &found));
    drop_cache(cache);
}

Test(tenant_cache, finds_by_slug_and_pages_in_slug_order)
{
    struct msp_tenant_cache *cache = make_cache();
    struct msp_tenant tenants[3];
    struct msp_tenant found;
    name_tenant(&tenants[0], 7, "zeta");
    name_tenant(&tenants[1], 8, "acme");
    name_tenant(&tenants[2], 9, "acme-2");
    publish(cache, tenants, 3);
    cr_expect(msp_tenant_cache_generation(cache) == 1);

    cr_assert(msp_tenant_cache_find(cache, "acme", &found));
    cr_expect(found.id == 8 && found.active);
    cr_expect_str_eq(found.name, "Name of 8");
    cr_expect_str_eq(found.timezone, "Europe/Paris");
    cr_expect_str_eq(found.source, "mock");
    cr_expect_str_eq(found.limits, "read=8/60");
    cr_assert(msp_tenant_cache_find(cache, "zeta", &found));
    cr_expect(found.id == 7 && !found.active);

    static const char *const order[] = {"acme", "acme-2", "zeta"};
    for (size_t i = 0; i < 3; i++) {
        cr_assert(msp_tenant_cache_at(cache, i, &found));
        cr_expect_str_eq(found.slug, order[i]);
    }
    cr_expect(!msp_tenant_cache_at(cache, 3, &found));
    cr_expect(!msp_tenant_cache_at(cache, SIZE_MAX, &found));
    drop_cache(cache);
}

Test(tenant_cache, leaves_the_result_alone_when_there_is_none)
{
    struct msp_tenant_cache *cache = make_cache();
    struct msp_tenant tenant;
    struct msp_tenant found;
    char too_long[MSP_TENANT_SLUG_BYTES + 20];
    name_tenant(&tenant, 1, "acme");
    publish(cache, &tenant, 1);
    name_tenant(&found, 42, "before");
    memset(too_long, 'a', sizeof too_long);
    too_long[sizeof too_long - 1] = '\0';
    static const char *const unknown[] = {"", "a", "acm", "acmf", "acme2", "ACME", "zzz"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        cr_expect(!msp_tenant_cache_find(cache, unknown[i], &found));
    }
    cr_expect(!msp_tenant_cache_find(cache, too_long, &found));
    cr_expect(found.id == 42);
    drop_cache(cache);
}

Test(tenant_cache, replaces_everything_at_each_publish)
{
    struct msp_tenant_cache *cache = make_cache();
    struct msp_tenant tenants[2];
    struct msp_tenant found;
    name_tenant(&tenants[0], 1, "old");
    name_tenant(&tenants[1], 2, "stays");
    publish(cache, tenants, 2);
    name_tenant(&tenants[0], 3, "new");
    publish(cache, tenants, 2);
    cr_expect(msp_tenant_cache_generation(cache) == 2);
    cr_expect(!msp_tenant_cache_find(cache, "old", &found));
    cr_expect(msp_tenant_cache_find(cache, "new", &found) && found.id == 3);
    cr_expect(msp_tenant_cache_find(cache, "stays", &found));
    publish(cache, NULL, 0);
    cr_expect(!msp_tenant_cache_find(cache, "stays", &found));
    drop_cache(cache);
}

Test(tenant_cache, keeps_the_old_content_when_it_refuses_the_new)
{
    struct msp_tenant_cache *cache = make_cache();
    struct msp_tenant tenants[2];
    struct msp_tenant found;
    struct msp_error error;
    name_tenant(&tenants[0], 1, "acme");
    publish(cache, tenants, 1);

    name_tenant(&tenants[1], 2, "acme");
    cr_expect(msp_tenant_cache_publish(cache, tenants, 2, &error) == MSP_INVALID);
    cr_expect_str_eq(error.code, "tenant_slug_twice");
    tenants[1].slug[0] = '\0';
    cr_expect(msp_tenant_cache_publish(cache, tenants, 2, &error) == MSP_INVALID);
    memset(tenants[1].slug, 'a', sizeof tenants[1].slug);
    cr_expect(msp_tenant_cache_publish(cache, tenants, 2, &error) == MSP_INVALID);
    cr_expect(msp_tenant_cache_publish(cache, tenants, MSP_TENANT_CACHE_TENANTS + 1, &error) ==
              MSP_TOO_LARGE);

    cr_expect(msp_tenant_cache_generation(cache) == 1);
    cr_expect(msp_tenant_cache_find(cache, "acme", &found) && found.id == 1);
    drop_cache(cache);
}

Test(tenant_cache, finds_each_of_as_many_as_fit)
{
    struct msp_tenant_cache *cache = make_cache();
    struct msp_tenant *tenants = calloc(MSP_TENANT_CACHE_TENANTS, sizeof *tenants);
    cr_assert(tenants != NULL);
    for (int i = 0; i < MSP_TENANT_CACHE_TENANTS; i++) {
        char slug[32];
        /* 7919 is prime: every number once, in no order. */
        int number = (int)((i * 7919LL) % MSP_TENANT_CACHE_TENANTS);
        (void)snprintf(slug, sizeof slug, "tenant-%d", number);
        name_tenant(&tenants[i], number, slug);
    }
    publish(cache, tenants, MSP_TENANT_CACHE_TENANTS);
    for (int i = 0; i < MSP_TENANT_CACHE_TENANTS; i++) {
        char slug[32];
        struct msp_tenant found;
        (void)snprintf(slug, sizeof slug, "tenant-%d", i);
        cr_assert(msp_tenant_cache_find(cache, slug, &found));
        cr_assert(found.id == i);
    }
    free(tenants);
    drop_cache(cache);
}

struct race {
    struct msp_tenant_cache *cache;
    atomic_bool stop;
    atomic_long torn, missed, looks;
};

/* Every text of a tenant carries its round, so that a mixture of two rounds shows. */
static void make_round(struct msp_tenant *tenants, size_t count, long round)
{
    for (size_t i = 0; i < count; i++) {
        char slug[32];
        (void)snprintf(slug, sizeof slug, "tenant-%zu", i);
        name_tenant(&tenants[i], round, slug);
        (void)snprintf(tenants[i].timezone, sizeof tenants[i].timezone, "%ld", round);
        (void)snprintf(tenants[i].source, sizeof tenants[i].source, "%ld", round);
    }
}

static void *read_until_stopped(void *context)
{
    struct race *race = context;
    while (!atomic_load(&race->stop)) {
        struct msp_tenant found;
        char expected[64];
        atomic_fetch_add(&race->looks, 1);
        if (!msp_tenant_cache_find(race->cache, "tenant-2", &found)) {
            atomic_fetch_add(&race->missed, 1);
            continue;
        }
        (void)snprintf(expected, sizeof expected, "Name of %lld", (long long)found.id);
        bool whole = strcmp(found.slug, "tenant-2") == 0 && strcmp(found.name, expected) == 0 &&
                     strcmp(found.timezone, expected + strlen("Name of ")) == 0 &&
                     strcmp(found.source, found.timezone) == 0 &&
                     found.active == (found.id % 2 == 0);
        if (!whole) {
            atomic_fetch_add(&race->torn, 1);
        }
    }
    return NULL;
}

Test(tenant_cache, shows_readers_whole_tenants_while_the_writer_runs)
{
    struct race race = {.cache = make_cache()};
    struct msp_tenant tenants[5];
    pthread_t readers[3];
    make_round(tenants, 5, 1);
    publish(race.cache, tenants, 5);
    for (size_t i = 0; i < 3; i++) {
        cr_assert(pthread_create(&readers[i], NULL, read_until_stopped, &race) == 0);
    }
    for (long round = 2; round < 30000; round++) {
        make_round(tenants, 5, round);
        publish(race.cache, tenants, 5);
    }
    atomic_store(&race.stop, true);
    for (size_t i = 0; i < 3; i++) {
        cr_assert(pthread_join(readers[i], NULL) == 0);
    }
    cr_expect(atomic_load(&race.torn) == 0, "%ld torn", atomic_load(&race.torn));
    cr_expect(atomic_load(&race.missed) == 0, "%ld of %ld missed", atomic_load(&race.missed),
              atomic_load(&race.looks));
    drop_cache(race.cache);
}

/* xorshift64: the same flips each time. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

Test(tenant_cache, shows_only_what_was_published_whatever_bytes_flip)
{
    enum { TENANTS = 50, FLIPS = 10000 };
    struct msp_tenant_cache *cache = make_cache();
    struct msp_tenant tenants[TENANTS];
    make_round(tenants, TENANTS, 1);
    publish(cache, tenants, TENANTS);
    publish(cache, tenants, TENANTS);

    /* Where the content lies: the head, and both halves as far as they are used. */
    unsigned char *bytes = (unsigned char *)cache;
    size_t half = msp_tenant_cache_bytes() / 2;
    size_t used = TENANTS * (sizeof(struct msp_tenant) + sizeof(uint64_t)) + 256;
    uint64_t random = 88172645463325252u;
    for (int i = 0; i < FLIPS; i++) {
        size_t at = next_random(&random) % used;
        /* A tenth of the flips goes to the counters and counts at the front. */
        at = next_random(&random) % 10 == 0 ? at % 256 : at;
        at += next_random(&random) % 2 == 0 ? 0 : half;
        bytes[at] ^= (unsigned char)(1u << (next_random(&random) % 8));

        struct msp_tenant found;
        size_t chosen = next_random(&random) % TENANTS;
        if (msp_tenant_cache_find(cache, tenants[chosen].slug, &found)) {
            cr_assert_str_eq(found.slug, tenants[chosen].slug);
            cr_assert(found.id == tenants[chosen].id);
            cr_assert_str_eq(found.name, tenants[chosen].name);
        }
        if (msp_tenant_cache_at(cache, next_random(&random) % (TENANTS * 2), &found)) {
            cr_assert(found.id == 1 && strncmp(found.name, "Name of 1", 10) == 0);
        }
        cr_assert(!msp_tenant_cache_at(cache, next_random(&random) | 1u << 20, &found));
    }
    cr_expect(!msp_tenant_cache_is_whole(cache, TENANTS));
    publish(cache, tenants, TENANTS);
    cr_expect(msp_tenant_cache_is_whole(cache, TENANTS));
    cr_expect(!msp_tenant_cache_is_whole(cache, TENANTS - 1));
    struct msp_tenant found;
    cr_expect(msp_tenant_cache_find(cache, "tenant-7", &found));
    drop_cache(cache);
}

Test(tenant_cache, a_damaged_generation_brings_no_older_list_back)
{
    struct msp_tenant_cache *cache = make_cache();
    struct msp_tenant tenants[2];
    struct msp_tenant found;
    make_round(tenants, 2, 1);
    publish(cache, tenants, 2);
    tenants[1].active = false;
    publish(cache, tenants, 2);

    unsigned char *generation = (unsigned char *)cache;
    for (int bit = 0; bit < 64; bit++) {
        generation[bit / 8] ^= (unsigned char)(1u << bit % 8);
        cr_expect_eq(msp_tenant_cache_generation(cache), 0);
        cr_expect(!msp_tenant_cache_find(cache, tenants[1].slug, &found), "bit %d", bit);
        generation[bit / 8] ^= (unsigned char)(1u << bit % 8);
        cr_expect(msp_tenant_cache_find(cache, tenants[1].slug, &found) && !found.active);
    }
    generation[0] ^= 1;
    publish(cache, tenants, 2);
    cr_expect(msp_tenant_cache_find(cache, tenants[1].slug, &found) && !found.active);
    drop_cache(cache);
}
