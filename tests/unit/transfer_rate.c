/* The least rate: 8 KiB a second over any ten seconds of waiting. */
#include "workers/http/transfer_rate.h"

#include <criterion/criterion.h>

#define SECOND_US INT64_C(1000000)

/* Seconds of waiting, each bringing `bytes`, until it is too slow; at most `most`. */
static int seconds_borne(struct msp_transfer_rate *rate, int64_t bytes, int most)
{
    for (int second = 1; second <= most; second++) {
        msp_transfer_rate_moved(rate, bytes);
        if (!msp_transfer_rate_waited(rate, SECOND_US))
            return second;
    }
    return most + 1;
}

Test(transfer_rate, who_sends_nothing_is_borne_for_ten_seconds)
{
    struct msp_transfer_rate rate = {.seconds = 0};
    cr_assert_eq(seconds_borne(&rate, 0, 100), 10);
}

Test(transfer_rate, the_least_rate_is_enough_and_a_byte_less_is_not)
{
    struct msp_transfer_rate enough = {.seconds = 0};
    struct msp_transfer_rate less = {.seconds = 0};
    cr_assert_eq(seconds_borne(&enough, 8192, 1000), 1001);
    cr_assert_eq(seconds_borne(&less, 8191, 1000), 10);
}

Test(transfer_rate, a_burst_counts_for_ten_seconds_and_no_longer)
{
    struct msp_transfer_rate rate = {.seconds = 0};
    cr_assert_eq(seconds_borne(&rate, 8192, 30), 31);
    msp_transfer_rate_moved(&rate, MSP_TRANSFER_MIN_BYTES);
    int borne = seconds_borne(&rate, 0, 100);
    cr_assert(borne >= 10 && borne <= 11, "borne %d s", borne);
}

Test(transfer_rate, short_waits_add_up_and_a_long_one_is_judged_by_each_second)
{
    struct msp_transfer_rate small = {.seconds = 0};
    struct msp_transfer_rate large = {.seconds = 0};
    int waits = 0;
    while (msp_transfer_rate_waited(&small, SECOND_US / 4))
        waits++;
    cr_assert_eq(waits, 39);
    cr_assert_not(msp_transfer_rate_waited(&large, 11 * SECOND_US));
}
