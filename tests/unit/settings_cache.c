/* The settings in shared memory: whole copies, and closed doors when there is nothing whole. */
#include "msp/settings_cache.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct msp_settings_cache *make_cache(void)
{
    void *memory = aligned_alloc(4096, (msp_settings_cache_bytes() + 4095) / 4096 * 4096);
    cr_assert(memory != NULL);
    return msp_settings_cache_init(memory);
}

static void make_settings(struct msp_settings *settings, int round)
{
    memset(settings, 0, sizeof *settings);
    settings->http_threads = round;
    settings->log_format = round % 2 == 0 ? MSP_LOG_PLAIN : MSP_LOG_JSON;
    (void)snprintf(settings->database_url, sizeof settings->database_url, "%d", round);
    (void)snprintf(settings->internal_allow, sizeof settings->internal_allow, "%d", round);
}

Test(settings_cache, lets_nobody_in_before_the_first_publish)
{
    struct msp_settings_cache *cache = make_cache();
    struct msp_settings copy;
    memset(&copy, 0xff, sizeof copy);
    cr_expect(msp_settings_cache_generation(cache) == 0);
    msp_settings_cache_read(cache, &copy);
    cr_expect_str_empty(copy.service_token);
    cr_expect_str_empty(copy.internal_allow);
    cr_expect(copy.max_body_bytes == 0);
    free(cache);
}

Test(settings_cache, hands_out_the_latest_copy_and_raises_the_generation)
{
    struct msp_settings_cache *cache = make_cache();
    struct msp_settings settings;
    struct msp_settings copy;
    for (int round = 1; round <= 5; round++) {
        make_settings(&settings, round);
        msp_settings_cache_publish(cache, &settings);
        msp_settings_cache_read(cache, &copy);
        cr_expect(msp_settings_compare(&settings, &copy, NULL, NULL) == 0);
        cr_expect(msp_settings_cache_generation(cache) == (uint64_t)round);
    }
    free(cache);
}

Test(settings_cache, takes_the_other_half_when_the_one_in_force_is_damaged)
{
    struct msp_settings_cache *cache = make_cache();
    struct msp_settings settings;
    struct msp_settings copy;
    make_settings(&settings, 1);
    msp_settings_cache_publish(cache, &settings);
    make_settings(&settings, 2);
    msp_settings_cache_publish(cache, &settings);
    /* The second publish lies in the first half of the memory. */
    unsigned char *bytes = (unsigned char *)cache;
    bytes[msp_settings_cache_bytes() / 4] ^= 1;
    msp_settings_cache_read(cache, &copy);
    cr_expect(copy.http_threads == 1);
    bytes[msp_settings_cache_bytes() / 4 * 3] ^= 1;
    msp_settings_cache_read(cache, &copy);
    cr_expect(copy.http_threads == 0);
    free(cache);
}

struct race {
    struct msp_settings_cache *cache;
    atomic_bool stop;
    atomic_long torn;
};

static void *read_until_stopped(void *context)
{
    struct race *race = context;
    while (!atomic_load(&race->stop)) {
        struct msp_settings copy;
        struct msp_settings expected;
        msp_settings_cache_read(race->cache, &copy);
        make_settings(&expected, copy.http_threads);
        if (copy.http_threads == 0 || msp_settings_compare(&copy, &expected, NULL, NULL) != 0) {
            atomic_fetch_add(&race->torn, 1);
        }
    }
    return NULL;
}

Test(settings_cache, shows_readers_whole_settings_while_the_writer_runs)
{
    struct race race = {.cache = make_cache()};
    struct msp_settings settings;
    pthread_t readers[2];
    make_settings(&settings, 1);
    msp_settings_cache_publish(race.cache, &settings);
    for (size_t i = 0; i < 2; i++) {
        cr_assert(pthread_create(&readers[i], NULL, read_until_stopped, &race) == 0);
    }
    for (int round = 2; round < 10000; round++) {
        make_settings(&settings, round);
        msp_settings_cache_publish(race.cache, &settings);
    }
    atomic_store(&race.stop, true);
    for (size_t i = 0; i < 2; i++) {
        cr_assert(pthread_join(readers[i], NULL) == 0);
    }
    cr_expect(atomic_load(&race.torn) == 0, "%ld torn", atomic_load(&race.torn));
    free(race.cache);
}
