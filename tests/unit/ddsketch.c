/* Promises of include/msp/ddsketch.h. */
#include "msp/ddsketch.h"

#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#define LAST (MSP_DDSKETCH_BINS - 1)

/* What PostgreSQL's width_bucket(value, thresholds) gives. */
static unsigned bin_of(int64_t value)
{
    const int64_t *table = msp_ddsketch_thresholds();
    unsigned low = 0;
    unsigned high = LAST;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (value < table[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* What the bin of `value` stands for, without the help of least and greatest. */
static double estimate_of(int64_t value)
{
    return msp_ddsketch_value(bin_of(value), 0, INT64_MAX);
}

static bool is_within_one_percent(double estimate, int64_t value)
{
    /* The last factor is for the rounding of doubles. */
    return fabs(estimate - (double)value) <= 0.01 * (double)value * (1 + 1e-12);
}

Test(ddsketch, boundaries_ascend_from_one_past_800_years)
{
    const int64_t *table = msp_ddsketch_thresholds();
    cr_assert_eq(table[0], 1);
    cr_assert_eq(table[1], 2);
    for (unsigned i = 1; i < LAST; i++)
        cr_assert_geq(table[i], table[i - 1]);
    /* The last bin begins past 780 years of seconds and is two percent wide. */
    cr_assert_gt(table[LAST - 1], INT64_C(780) * 31556952);
    cr_assert_gt((double)table[LAST - 1] * 101 / 99, 800.0 * 31556952);
}

Test(ddsketch, no_bin_is_wider_than_the_error_allows)
{
    /* In whole numbers: (greatest - least) / (greatest + least) <= 1/100. */
    const int64_t *table = msp_ddsketch_thresholds();
    for (unsigned i = 0; i + 1 < LAST; i++) {
        int64_t least = table[i];
        int64_t greatest = table[i + 1] - 1;
        if (greatest >= least)
            cr_assert_leq((greatest - least) * 100, greatest + least, "bin %u", i + 1);
    }
}

Test(ddsketch, every_value_up_to_a_million_is_told_within_one_percent)
{
    for (int64_t value = 0; value <= 1000000; value++) {
        double estimate = estimate_of(value);
        if (!is_within_one_percent(estimate, value))
            cr_assert(false, "%lld is told as %f", (long long)value, estimate);
        if (value <= 49)
            cr_assert_eq(estimate, (double)value, "small numbers have bins of their own");
    }
}

Test(ddsketch, the_ends_of_every_bin_are_told_within_one_percent)
{
    const int64_t *table = msp_ddsketch_thresholds();
    for (unsigned i = 0; i + 1 < LAST; i++) {
        if (table[i + 1] == table[i])
            continue;
        cr_assert(is_within_one_percent(estimate_of(table[i]), table[i]));
        cr_assert(is_within_one_percent(estimate_of(table[i + 1] - 1), table[i + 1] - 1));
    }
    cr_assert(is_within_one_percent(estimate_of(INT64_C(800) * 31556952), INT64_C(800) * 31556952));
}

Test(ddsketch, what_was_never_counted_is_never_told)
{
    cr_assert_eq(msp_ddsketch_value(bin_of(100000), 100000, 100000), 100000.0);
    cr_assert_eq(msp_ddsketch_value(bin_of(100000), 150000, 200000), 150000.0);
    cr_assert_eq(msp_ddsketch_value(bin_of(100000), 5, 50000), 50000.0);
    cr_assert_eq(msp_ddsketch_value(0, 0, 7), 0.0);
}

static void *a_boundary(void *unused)
{
    (void)unused;
    return (void *)(uintptr_t)msp_ddsketch_thresholds()[500];
}

Test(ddsketch, the_table_is_filled_once_whoever_comes_first)
{
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, a_boundary, NULL), 0);
    for (int i = 0; i < 8; i++) {
        void *boundary;
        cr_assert_eq(pthread_join(threads[i], &boundary), 0);
        cr_assert_eq((uintptr_t)boundary, (uintptr_t)msp_ddsketch_thresholds()[500]);
    }
}
