/* Windows: exact under any number of hands, and never past what was granted. */
#include "msp/rate_windows.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>

static const struct msp_rate_policy ten_a_minute = {10, 60};

static struct msp_rate_windows *new_windows(void)
{
    void *memory = calloc(1, msp_rate_windows_bytes());
    cr_assert_not_null(memory);
    return msp_rate_windows_init(memory);
}

static int taken_of(struct msp_rate_windows *windows, uint64_t key, int tries, bool shared,
                    int64_t now)
{
    int taken = 0;
    struct msp_rate_state state;
    for (int i = 0; i < tries; i++)
        taken += msp_rate_take(windows, key, &ten_a_minute, shared, now, &state) == MSP_RATE_TAKEN;
    return taken;
}

Test(rate_windows, a_window_gives_its_limit_and_not_one_more)
{
    struct msp_rate_windows *windows = new_windows();
    cr_assert_eq(taken_of(windows, 5, 50, false, 600), 10);
    cr_assert_eq(taken_of(windows, 5, 50, false, 659), 0);
    cr_assert_eq(taken_of(windows, 5, 50, false, 660), 10);
    free(windows);
}

Test(rate_windows, keys_count_apart)
{
    struct msp_rate_windows *windows = new_windows();
    for (uint64_t key = 0; key < 5000; key++)
        cr_assert_eq(taken_of(windows, key * 0x9e3779b97f4a7c15u + 7, 11, false, 600), 10);
    free(windows);
}

Test(rate_windows, the_state_says_what_is_left_and_for_how_long)
{
    struct msp_rate_windows *windows = new_windows();
    struct msp_rate_state state;
    cr_assert_eq(msp_rate_take(windows, 5, &ten_a_minute, false, 605, &state), MSP_RATE_TAKEN);
    cr_assert_eq(state.remaining, 9);
    cr_assert_eq(state.reset_seconds, 55);
    (void)taken_of(windows, 5, 9, false, 600);
    cr_assert_eq(msp_rate_take(windows, 5, &ten_a_minute, false, 659, &state), MSP_RATE_REFUSED);
    cr_assert_eq(state.remaining, 0);
    cr_assert_eq(state.reset_seconds, 1);
    free(windows);
}

Test(rate_windows, what_another_policy_refused_is_given_back)
{
    struct msp_rate_windows *windows = new_windows();
    cr_assert_eq(taken_of(windows, 5, 10, false, 600), 10);
    msp_rate_give_back(windows, 5, &ten_a_minute, 600);
    cr_assert_eq(taken_of(windows, 5, 10, false, 600), 1);
    msp_rate_give_back(windows, 5, &ten_a_minute, 660); /* of another window: nothing to give */
    cr_assert_eq(taken_of(windows, 5, 20, false, 660), 10);
    free(windows);
}

Test(rate_windows, nodes_that_share_spend_only_what_they_leased)
{
    struct msp_rate_windows *windows = new_windows();
    struct msp_rate_state state;
    cr_assert_eq(msp_rate_take(windows, 5, &ten_a_minute, true, 600, &state),
                 MSP_RATE_LEASE_WANTED);
    cr_assert(msp_rate_lease_begin(windows, 5, 1000, 100));
    msp_rate_lease_end(windows, 5, &ten_a_minute, 600, 3, false);
    cr_assert_eq(taken_of(windows, 5, 9, true, 600), 3);
    cr_assert_eq(msp_rate_take(windows, 5, &ten_a_minute, true, 600, &state),
                 MSP_RATE_LEASE_WANTED);
    cr_assert(msp_rate_lease_begin(windows, 5, 1001, 100));
    msp_rate_lease_end(windows, 5, &ten_a_minute, 600, 2, true);
    cr_assert_eq(taken_of(windows, 5, 9, true, 600), 2);
    cr_assert_eq(msp_rate_take(windows, 5, &ten_a_minute, true, 600, &state), MSP_RATE_REFUSED);
    /* The next window begins with nothing granted and nothing exhausted. */
    cr_assert_eq(msp_rate_take(windows, 5, &ten_a_minute, true, 660, &state),
                 MSP_RATE_LEASE_WANTED);
    free(windows);
}

Test(rate_windows, the_state_says_when_the_next_lease_will_be_wanted)
{
    struct msp_rate_windows *windows = new_windows();
    struct msp_rate_state state;
    msp_rate_lease_end(windows, 5, &ten_a_minute, 600, 3, false);
    cr_assert_eq(msp_rate_take(windows, 5, &ten_a_minute, true, 600, &state), MSP_RATE_TAKEN);
    cr_assert_eq(state.granted_left, 2);
    cr_assert_eq(msp_rate_take(windows, 5, &ten_a_minute, false, 600, &state), MSP_RATE_TAKEN);
    cr_assert_eq(state.granted_left, 0, "who counts alone needs no lease");
    msp_rate_lease_end(windows, 5, &ten_a_minute, 600, 3, true);
    cr_assert_eq(msp_rate_take(windows, 5, &ten_a_minute, true, 600, &state), MSP_RATE_TAKEN);
    cr_assert_eq(state.granted_left, 0, "there is none to be had");
    free(windows);
}

Test(rate_windows, a_raised_limit_is_worth_asking_again)
{
    static const struct msp_rate_policy twelve_a_minute = {12, 60};
    struct msp_rate_windows *windows = new_windows();
    struct msp_rate_state state;
    cr_assert(msp_rate_lease_begin(windows, 5, 1000, 100));
    msp_rate_lease_end(windows, 5, &ten_a_minute, 600, 2, true);
    cr_assert_eq(taken_of(windows, 5, 9, true, 600), 2);
    cr_assert_eq(msp_rate_take(windows, 5, &ten_a_minute, true, 600, &state), MSP_RATE_REFUSED);
    cr_assert_eq(msp_rate_take(windows, 5, &twelve_a_minute, true, 600, &state),
                 MSP_RATE_LEASE_WANTED);
    free(windows);
}

Test(rate_windows, without_redis_a_node_counts_alone_and_goes_on_from_there)
{
    struct msp_rate_windows *windows = new_windows();
    cr_assert_eq(taken_of(windows, 5, 4, false, 600), 4);
    cr_assert(msp_rate_lease_begin(windows, 5, 1000, 100));
    msp_rate_lease_end(windows, 5, &ten_a_minute, 600, 6, false);
    cr_assert_eq(taken_of(windows, 5, 9, true, 600), 2);
    cr_assert_eq(taken_of(windows, 5, 9, false, 600), 4);
    free(windows);
}

Test(rate_windows, one_asks_for_a_lease_and_a_dead_one_hinders_nobody)
{
    struct msp_rate_windows *windows = new_windows();
    cr_assert(msp_rate_lease_begin(windows, 5, 1000, 100));
    cr_assert_not(msp_rate_lease_begin(windows, 5, 1001, 100));
    cr_assert_not(msp_rate_lease_begin(windows, 5, 1099, 100));
    cr_assert(msp_rate_lease_begin(windows, 5, 1100, 100));
    cr_assert_not(msp_rate_lease_begin(windows, 5, 1101, 100));
    msp_rate_lease_end(windows, 5, &ten_a_minute, 600, 0, false);
    cr_assert(msp_rate_lease_begin(windows, 5, 1102, 100));
    free(windows);
}

struct crowd {
    struct msp_rate_windows *windows;
    int taken;
};

static void *take_many(void *context)
{
    struct crowd *crowd = context;
    static const struct msp_rate_policy policy = {1000, 60};
    struct msp_rate_state state;
    for (int i = 0; i < 2000; i++)
        crowd->taken +=
            msp_rate_take(crowd->windows, 9, &policy, false, 600, &state) == MSP_RATE_TAKEN;
    return NULL;
}

Test(rate_windows, many_hands_take_the_limit_exactly)
{
    struct crowd crowds[8];
    pthread_t threads[8];
    struct msp_rate_windows *windows = new_windows();
    int sum = 0;
    for (int i = 0; i < 8; i++) {
        crowds[i] = (struct crowd){windows, 0};
        cr_assert_eq(pthread_create(&threads[i], NULL, take_many, &crowds[i]), 0);
    }
    for (int i = 0; i < 8; i++) {
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
        sum += crowds[i].taken;
    }
    cr_assert_eq(sum, 1000);
    free(windows);
}
