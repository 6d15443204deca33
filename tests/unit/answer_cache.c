/* Kept answers: found again only under all they depend on, whole or not at all. */
#include "msp/answer_cache.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define NEVER INT64_MAX

static struct msp_answer_cache *new_cache(void)
{
    void *memory = mmap(NULL, msp_answer_cache_bytes(), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(memory, MAP_FAILED);
    return msp_answer_cache_init(memory);
}

static struct msp_answer_key key_of(struct msp_answer_cache *cache, int64_t tenant_id)
{
    return (struct msp_answer_key){.tenant_id = tenant_id,
                                   .version = msp_answer_cache_version(cache, tenant_id),
                                   .view = 1,
                                   .route = "/v1/kpis/daily",
                                   .query = "from=2026-01-01&to=2026-01-31"};
}

static void keep(struct msp_answer_cache *cache, const struct msp_answer_key *key, const char *body)
{
    msp_answer_cache_keep(cache, key, (struct msp_answer_tag){1, 2}, body, strlen(body), 1000,
                          NEVER);
}

/* The body under the key, or NULL. */
static const char *found(struct msp_answer_cache *cache, const struct msp_answer_key *key)
{
    static char text[64];
    struct msp_answer_tag tag;
    struct msp_buffer out;
    msp_buffer_init(&out, 0);
    enum msp_answer_found result = msp_answer_cache_find(cache, key, 1000, NULL, &out, &tag);
    if (result == MSP_ANSWER_COPIED)
        snprintf(text, sizeof text, "%.*s", (int)out.length, out.data);
    msp_buffer_done(&out);
    return result == MSP_ANSWER_COPIED ? text : NULL;
}

Test(answer_cache, what_was_kept_is_found_again)
{
    struct msp_answer_cache *cache = new_cache();
    struct msp_answer_key key = key_of(cache, 7);

    cr_assert_null(found(cache, &key));
    keep(cache, &key, "{\"rows\":[]}");
    cr_assert_str_eq(found(cache, &key), "{\"rows\":[]}");
    keep(cache, &key, "{}");
    cr_assert_str_eq(found(cache, &key), "{}");
}

Test(answer_cache, it_is_found_under_nothing_else)
{
    struct msp_answer_cache *cache = new_cache();
    struct msp_answer_key key = key_of(cache, 7);
    struct msp_answer_key others[6];

    keep(cache, &key, "mine");
    for (size_t i = 0; i < 6; i++)
        others[i] = key;
    others[0].tenant_id = 8;
    others[1].version++;
    others[2].view = 0;
    others[3].route = "/v1/kpis/summary";
    others[4].query = "from=2026-01-01&to=2026-01-30";
    others[5].route = "/v1/kpis/dailyf"; /* no letter wanders from the query to the route */
    others[5].query = "rom=2026-01-01&to=2026-01-31";
    for (size_t i = 0; i < 6; i++)
        cr_assert_null(found(cache, &others[i]), "key %zu", i);
    cr_assert_str_eq(found(cache, &key), "mine");
}

Test(answer_cache, a_change_of_the_tenants_data_ends_its_answers)
{
    struct msp_answer_cache *cache = new_cache();
    struct msp_answer_key before = key_of(cache, 7);
    struct msp_answer_key other = key_of(cache, 12345);

    keep(cache, &before, "old");
    keep(cache, &other, "other");
    msp_answer_cache_raise(cache, 7);
    struct msp_answer_key after = key_of(cache, 7);
    cr_assert_null(found(cache, &after));
    cr_assert_str_eq(found(cache, &other), "other");
    /* An answer made of what was read before the change is kept under the version of then. */
    keep(cache, &before, "late");
    cr_assert_null(found(cache, &after));
}

Test(answer_cache, raising_all_ends_every_answer)
{
    struct msp_answer_cache *cache = new_cache();

    for (int64_t tenant = 1; tenant < 50; tenant++) {
        struct msp_answer_key key = key_of(cache, tenant);
        keep(cache, &key, "old");
    }
    msp_answer_cache_raise_all(cache);
    for (int64_t tenant = 1; tenant < 50; tenant++) {
        struct msp_answer_key key = key_of(cache, tenant);
        cr_assert_null(found(cache, &key));
    }
}

Test(answer_cache, an_answer_ends_at_its_time)
{
    struct msp_answer_cache *cache = new_cache();
    struct msp_answer_key key = key_of(cache, 7);

    msp_answer_cache_keep(cache, &key, (struct msp_answer_tag){1, 2}, "x", 1, 1000, 1001);
    cr_assert_not_null(found(cache, &key));
    msp_answer_cache_keep(cache, &key, (struct msp_answer_tag){1, 2}, "x", 1, 999, 1000);
    cr_assert_null(found(cache, &key));
}

Test(answer_cache, a_caller_who_has_it_is_told_so_without_a_copy)
{
    struct msp_answer_cache *cache = new_cache();
    struct msp_answer_key key = key_of(cache, 7);
    struct msp_answer_tag known = {1, 2};
    struct msp_answer_tag other = {1, 3};
    struct msp_answer_tag tag;
    struct msp_buffer out;

    msp_buffer_init(&out, 0);
    keep(cache, &key, "body");
    cr_assert_eq(msp_answer_cache_find(cache, &key, 0, &known, &out, &tag), MSP_ANSWER_SAME);
    cr_assert_eq(out.length, 0);
    cr_assert(tag.high == 1 && tag.low == 2);
    cr_assert_eq(msp_answer_cache_find(cache, &key, 0, &other, &out, &tag), MSP_ANSWER_COPIED);
    cr_assert_eq(out.length, 4);
    msp_buffer_done(&out);
}

Test(answer_cache, bodies_of_every_size_come_back_whole_and_too_large_ones_not_at_all)
{
    static const size_t sizes[] = {0,
                                   1,
                                   7,
                                   8,
                                   9,
                                   3584,
                                   3585,
                                   20000,
                                   32256,
                                   32257,
                                   100000,
                                   MSP_ANSWER_LARGEST_BYTES,
                                   MSP_ANSWER_LARGEST_BYTES + 1};
    struct msp_answer_cache *cache = new_cache();
    char *body = malloc(MSP_ANSWER_LARGEST_BYTES + 1);

    for (size_t i = 0; i <= MSP_ANSWER_LARGEST_BYTES; i++)
        body[i] = (char)('a' + i % 23);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct msp_answer_key key = key_of(cache, (int64_t)i + 1);
        struct msp_answer_tag tag;
        struct msp_buffer out;
        msp_buffer_init(&out, 0);
        msp_buffer_append(&out, "head", 4);
        msp_answer_cache_keep(cache, &key, (struct msp_answer_tag){1, 2}, body, sizes[i], 0, NEVER);
        enum msp_answer_found result = msp_answer_cache_find(cache, &key, 0, NULL, &out, &tag);
        if (sizes[i] > MSP_ANSWER_LARGEST_BYTES) {
            cr_assert_eq(result, MSP_ANSWER_NONE);
        } else {
            cr_assert_eq(result, MSP_ANSWER_COPIED);
            cr_assert_eq(out.length, 4 + sizes[i]);
            cr_assert_arr_eq(out.data + 4, body, sizes[i]);
        }
        msp_buffer_done(&out);
    }
    free(body);
}

Test(answer_cache, a_query_that_is_too_long_is_not_kept)
{
    struct msp_answer_cache *cache = new_cache();
    struct msp_answer_key key = key_of(cache, 7);
    char query[MSP_ANSWER_TEXT_BYTES + 1];

    memset(query, 'q', sizeof query - 1);
    query[sizeof query - 1] = '\0';
    key.query = query;
    keep(cache, &key, "x");
    cr_assert_null(found(cache, &key));
    query[MSP_ANSWER_TEXT_BYTES - strlen(key.route) - 1] = '\0';
    keep(cache, &key, "x");
    cr_assert_not_null(found(cache, &key));
}

Test(answer_cache, a_full_cache_takes_new_answers)
{
    struct msp_answer_cache *cache = new_cache();

    for (int64_t tenant = 1; tenant < 20000; tenant++) {
        struct msp_answer_key key = key_of(cache, tenant);
        keep(cache, &key, "x");
        cr_assert_not_null(found(cache, &key), "tenant %lld", (long long)tenant);
    }
    cr_assert_eq(msp_answer_cache_figures(cache).kept, 19999);
}

/* xorshift64: the same flips each time. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* The bytes that hold something, up to `most`, and those right behind them. */
static size_t list_live_bytes(const struct msp_answer_cache *cache, size_t *out, size_t most)
{
    const uint64_t *words = (const uint64_t *)(const void *)cache;
    size_t count = 0;
    for (size_t i = 0; i < msp_answer_cache_bytes() / sizeof *words && count + 16 <= most; i++)
        if (words[i] != 0)
            for (size_t byte = 0; byte < 16; byte++)
                out[count++] = i * sizeof *words + byte;
    return count;
}

#define DAMAGED_TENANTS 4

/* What a tenant's answer is while its data stand at a version. */
static void write_body(int64_t tenant, int version, char *out, size_t size)
{
    int length = snprintf(out, size, "tenant %d at %d: ", (int)tenant, version);
    memset(out + length, 'a' + version % 26, size - (size_t)length);
}

/* One look at each tenant's answer: what is found is what was kept last, or it is kept anew. */
static int look_at_all(struct msp_answer_cache *cache, const int versions[DAMAGED_TENANTS],
                       int64_t now_us)
{
    char body[900];
    int hits = 0;
    for (int64_t tenant = 0; tenant < DAMAGED_TENANTS; tenant++) {
        struct msp_answer_key key = key_of(cache, tenant + 1);
        struct msp_answer_tag right = {(uint64_t)tenant, (uint64_t)versions[tenant]};
        struct msp_answer_tag tag;
        struct msp_buffer out;
        msp_buffer_init(&out, 0);
        write_body(tenant, versions[tenant], body, sizeof body);
        bool known = now_us % 2 == 0;
        enum msp_answer_found found =
            msp_answer_cache_find(cache, &key, now_us, known ? &right : NULL, &out, &tag);
        if (found == MSP_ANSWER_NONE) {
            msp_answer_cache_keep(cache, &key, right, body, sizeof body, now_us, NEVER);
        } else {
            cr_assert(tag.high == right.high && tag.low == right.low);
            cr_assert_eq(found, known ? MSP_ANSWER_SAME : MSP_ANSWER_COPIED);
            cr_assert_eq(out.length, known ? 0 : sizeof body);
            cr_assert(known || memcmp(out.data, body, sizeof body) == 0);
            hits++;
        }
        msp_buffer_done(&out);
    }
    return hits;
}

Test(answer_cache, whatever_bits_flip_an_answer_is_right_or_not_found)
{
    enum { FLIPS = 10000, LIVE = 1 << 20 };
    struct msp_answer_cache *cache = new_cache();
    unsigned char *bytes = (unsigned char *)cache;
    size_t *live = malloc(LIVE * sizeof *live);
    size_t count = 0;
    uint64_t random = 88172645463325252u;
    int versions[DAMAGED_TENANTS] = {0};
    int64_t now_us = 1000;
    int hits = 0;
    for (int i = 0; i < FLIPS; i++) {
        hits += look_at_all(cache, versions, now_us++);
        if (i % 64 == 0)
            count = list_live_bytes(cache, live, LIVE);
        /* A tenth of the flips goes to the counts at the front. */
        size_t at = next_random(&random) % 10 == 0 ? next_random(&random) % 4096
                                                   : live[next_random(&random) % count];
        bytes[at] ^= (unsigned char)(1u << next_random(&random) % 8);
        if (i % 5 == 0) {
            size_t changed = next_random(&random) % DAMAGED_TENANTS;
            versions[changed]++;
            msp_answer_cache_raise(cache, (int64_t)changed + 1);
        }
    }
    cr_expect_gt(hits, FLIPS / 2, "%d", hits);
    cr_expect_gt(msp_answer_cache_figures(cache).resets, 100);
    /* Once nothing flips any more, it is a cache like any other. */
    for (int i = 0; i < 4; i++)
        hits = look_at_all(cache, versions, now_us++);
    cr_expect_eq(hits, DAMAGED_TENANTS);
    free(live);
}

Test(answer_cache, a_place_whose_writer_died_is_used_again)
{
    struct msp_answer_cache *cache = new_cache();
    struct msp_answer_key key = key_of(cache, 7);
    size_t *live = malloc(sizeof *live << 16);

    /* The first word of an entry is its counter: odd, and all four places are taken by the dead. */
    for (int64_t way = 0; way < 4; way++) {
        keep(cache, &key, "x");
        size_t count = list_live_bytes(cache, live, 1 << 16);
        for (size_t i = 0; i < count; i += 16) {
            uint64_t *word = (uint64_t *)(void *)((unsigned char *)cache + live[i]);
            *word += live[i] > 32768 + 128 && *word == 2 ? 1 : 0;
        }
        cr_assert_null(found(cache, &key));
    }
    keep(cache, &key, "y");
    cr_assert_null(found(cache, &key), "a writer may still be at it");
    msp_answer_cache_keep(cache, &key, (struct msp_answer_tag){1, 2}, "z", 1, 60000000, NEVER);
    cr_assert_str_eq(found(cache, &key), "z");
    free(live);
}

/* Bodies of one letter repeated: a torn one would show two. */
struct race {
    struct msp_answer_cache *cache;
    atomic_bool over;
    atomic_int read;
};

static void *write_for_a_while(void *context)
{
    struct race *race = context;
    char body[5000];
    for (int round = 0; !atomic_load(&race->over); round++) {
        struct msp_answer_key key = key_of(race->cache, 1 + round % 3);
        memset(body, 'a' + round % 26, sizeof body);
        msp_answer_cache_keep(race->cache, &key, (struct msp_answer_tag){(uint64_t)(round % 26), 0},
                              body, 3600 + (size_t)(round % 1400), 1000, NEVER);
    }
    return NULL;
}

static void *read_for_a_while(void *context)
{
    struct race *race = context;
    struct msp_buffer out;
    msp_buffer_init(&out, 0);
    for (int round = 0; round < 30000; round++) {
        struct msp_answer_key key = key_of(race->cache, 1 + round % 3);
        struct msp_answer_tag tag;
        msp_buffer_clear(&out);
        if (msp_answer_cache_find(race->cache, &key, 0, NULL, &out, &tag) != MSP_ANSWER_COPIED)
            continue;
        atomic_fetch_add(&race->read, 1);
        for (size_t i = 0; i < out.length; i++)
            if (out.data[i] != (char)('a' + tag.high))
                return race; /* torn */
    }
    msp_buffer_done(&out);
    return NULL;
}

Test(answer_cache, a_reader_never_sees_half_an_answer)
{
    struct race race = {.cache = new_cache()};
    pthread_t writers[2];
    pthread_t readers[2];

    for (int i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&writers[i], NULL, write_for_a_while, &race), 0);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&readers[i], NULL, read_for_a_while, &race), 0);
    for (int i = 0; i < 2; i++) {
        void *outcome;
        cr_assert_eq(pthread_join(readers[i], &outcome), 0);
        cr_assert_null(outcome, "an answer of two writers");
    }
    atomic_store(&race.over, true);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(pthread_join(writers[i], NULL), 0);
    cr_assert_gt(atomic_load(&race.read), 100);
}
