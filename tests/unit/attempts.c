/* Counts of failures: windows, waits, and many threads at once. */
#include "msp/attempts.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>

#define NOW 1700000040 /* a multiple of 60 */

static const struct msp_backoff backoff = {3, 64, 600};

/* Keys that share no set. */
static uint64_t key_of(unsigned number)
{
    return (uint64_t)number * 0x9e3779b97f4a7c15u;
}

static struct msp_attempts *make(void)
{
    void *memory = NULL;
    cr_assert(posix_memalign(&memory, 64, msp_attempts_bytes()) == 0);
    for (size_t i = 0; i < msp_attempts_bytes(); i++)
        ((char *)memory)[i] = 0;
    return msp_attempts_init(memory);
}

Test(attempts, count_within_a_window_and_start_again_in_the_next)
{
    struct msp_attempts *attempts = make();
    for (int i = 1; i <= 500; i++)
        cr_assert_eq(msp_attempts_add(attempts, key_of(1), NOW + i % 60, 60), i);
    cr_expect_eq(msp_attempts_add(attempts, key_of(2), NOW, 60), 1);
    cr_expect_eq(msp_attempts_add(attempts, key_of(1), NOW + 60, 60), 1);
    free(attempts);
}

Test(attempts, stop_counting_at_the_most_they_hold)
{
    struct msp_attempts *attempts = make();
    for (int i = 0; i < MSP_ATTEMPTS_MOST + 10; i++)
        (void)msp_attempts_add(attempts, key_of(1), NOW, 60);
    cr_expect(msp_attempts_add(attempts, key_of(1), NOW, 60) >= MSP_ATTEMPTS_MOST);
    free(attempts);
}

Test(attempts, wait_ever_longer_after_the_free_ones_and_never_past_the_most)
{
    struct msp_attempts *attempts = make();
    static const int waits[] = {0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 64, 64};
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        cr_expect_eq(msp_attempts_wait(attempts, key_of(1), NOW, &backoff), waits[i], "%zu", i);
        msp_attempts_fail(attempts, key_of(1), NOW, &backoff);
    }
    cr_expect_eq(msp_attempts_wait(attempts, key_of(1), NOW + 60, &backoff), 4);
    cr_expect_eq(msp_attempts_wait(attempts, key_of(1), NOW + 64, &backoff), 0);
    cr_expect_eq(msp_attempts_wait(attempts, key_of(2), NOW, &backoff), 0);
    free(attempts);
}

Test(attempts, forget_by_time_and_on_demand)
{
    struct msp_attempts *attempts = make();
    for (int i = 0; i < 8; i++)
        msp_attempts_fail(attempts, key_of(1), NOW, &backoff);
    cr_expect(msp_attempts_wait(attempts, key_of(1), NOW, &backoff) > 0);
    msp_attempts_forget(attempts, key_of(1));
    cr_expect_eq(msp_attempts_wait(attempts, key_of(1), NOW, &backoff), 0);
    for (int i = 0; i < 8; i++)
        msp_attempts_fail(attempts, key_of(1), NOW, &backoff);
    msp_attempts_fail(attempts, key_of(1), NOW + 601, &backoff);
    cr_expect_eq(msp_attempts_wait(attempts, key_of(1), NOW + 601, &backoff), 0);
    free(attempts);
}

Test(attempts, bear_a_clock_that_steps_back)
{
    struct msp_attempts *attempts = make();
    for (int i = 0; i < 20; i++)
        msp_attempts_fail(attempts, key_of(1), NOW, &backoff);
    cr_expect_eq(msp_attempts_wait(attempts, key_of(1), NOW - 100000, &backoff), 64);
    free(attempts);
}

Test(attempts, let_the_oldest_go_when_a_set_is_full)
{
    struct msp_attempts *attempts = make();
    /* One set of eight: the low bits are the same, the tags differ. */
    for (uint64_t i = 1; i <= 9; i++)
        (void)msp_attempts_add(attempts, i << 44, NOW + (int64_t)i * 60, 60);
    cr_expect_eq(msp_attempts_add(attempts, UINT64_C(9) << 44, NOW + 9 * 60, 60), 2);
    cr_expect_eq(msp_attempts_add(attempts, UINT64_C(2) << 44, NOW + 2 * 60, 60), 2);
    cr_expect_eq(msp_attempts_add(attempts, UINT64_C(1) << 44, NOW + 60, 60), 1);
    free(attempts);
}

static void *add_a_thousand(void *context)
{
    for (int i = 0; i < 1000; i++)
        (void)msp_attempts_add(context, key_of(5), NOW, 60);
    return NULL;
}

Test(attempts, count_what_threads_add_at_once)
{
    struct msp_attempts *attempts = make();
    pthread_t threads[3];
    for (size_t i = 0; i < 3; i++)
        cr_assert(pthread_create(&threads[i], NULL, add_a_thousand, attempts) == 0);
    for (size_t i = 0; i < 3; i++)
        cr_assert(pthread_join(threads[i], NULL) == 0);
    int count = msp_attempts_add(attempts, key_of(5), NOW, 60);
    cr_expect(count > 2900 && count <= 3001, "%d", count);
    free(attempts);
}
