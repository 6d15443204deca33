/* Promises of include/msp/ddsketch.h. */
#include "msp/ddsketch.h"

#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define LAST (MSP_DDSKETCH_BINS - 1)

/* The percentile of a sketch that holds nothing but `value`, without the help of min and max. */
static double estimate_of(int64_t value)
{
    int16_t bin = (int16_t)msp_ddsketch_bin(value);
    int32_t count = 1;
    struct msp_ddsketch sketch = {
        .count = 1, .max = INT64_MAX, .size = 1, .bins = &bin, .counts = &count};
    return msp_ddsketch_percentile(&sketch, 50);
}

/* A sketch of sorted values, its bins in static arrays. */
static struct msp_ddsketch sketch_of(const int64_t *values, int size)
{
    static int16_t bins[MSP_DDSKETCH_BINS];
    static int32_t counts[MSP_DDSKETCH_BINS];
    struct msp_ddsketch sketch = {
        .count = size, .min = values[0], .max = values[size - 1], .bins = bins, .counts = counts};
    for (int i = 0; i < size; i++) {
        int16_t bin = (int16_t)msp_ddsketch_bin(values[i]);
        sketch.sum += values[i];
        if (sketch.size == 0 || bins[sketch.size - 1] != bin) {
            bins[sketch.size] = bin;
            counts[sketch.size++] = 0;
        }
        counts[sketch.size - 1]++;
    }
    return sketch;
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

Test(ddsketch, a_bin_is_the_count_of_boundaries_at_or_below)
{
    const int64_t *table = msp_ddsketch_thresholds();
    cr_assert_eq(msp_ddsketch_bin(0), 0);
    cr_assert_eq(msp_ddsketch_bin(-5), 0);
    cr_assert_eq(msp_ddsketch_bin(INT64_MIN), 0);
    cr_assert_eq(msp_ddsketch_bin(1), 1);
    cr_assert_eq(msp_ddsketch_bin(INT64_MAX), LAST);
    for (unsigned i = 0; i < LAST; i++)
        for (int64_t value = table[i] - 1; value <= table[i] + 1; value++) {
            unsigned expected = 0;
            while (expected < LAST && table[expected] <= value)
                expected++;
            cr_assert_eq(msp_ddsketch_bin(value), expected);
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

static int by_size(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

Test(ddsketch, percentiles_are_nearest_rank_within_one_percent)
{
    static const int sizes[] = {1, 2, 3, 7, 99, 100, 101, 1000, 9999};
    static int64_t values[10000];
    unsigned state = 42;

    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        int size = sizes[s];
        for (int i = 0; i < size; i++) {
            state = state * 1664525U + 1013904223U;
            values[i] = (int64_t)exp((double)(state >> 8) / (1 << 24) * 18) - 1;
        }
        qsort(values, (size_t)size, sizeof values[0], by_size);
        struct msp_ddsketch sketch = sketch_of(values, size);
        cr_assert(msp_ddsketch_is_sound(&sketch));
        for (unsigned percent = 1; percent <= 100; percent++) {
            int64_t exact = values[((int)percent * size + 99) / 100 - 1];
            double told = msp_ddsketch_percentile(&sketch, percent);
            cr_assert(is_within_one_percent(told, exact), "p%u of %d: %f, not %lld", percent, size,
                      told, (long long)exact);
            cr_assert_geq(told, (double)values[0]);
            cr_assert_leq(told, (double)values[size - 1]);
        }
    }
}

Test(ddsketch, an_answer_is_clamped_to_least_and_greatest)
{
    int64_t value = 100000;
    struct msp_ddsketch sketch = sketch_of(&value, 1);
    for (unsigned percent = 1; percent <= 100; percent++)
        cr_assert_eq(msp_ddsketch_percentile(&sketch, percent), 100000.0);
}

Test(ddsketch, a_stored_sketch_that_is_damaged_is_found_out)
{
    static const struct {
        int16_t bins[2];
        int32_t counts[2];
        int64_t count;
        bool sound;
    } table[] = {
        {{5, 9}, {1, 2}, 3, true},
        {{-1, 9}, {1, 2}, 3, false},
        {{5, MSP_DDSKETCH_BINS}, {1, 2}, 3, false},
        {{9, 5}, {1, 2}, 3, false},
        {{5, 5}, {1, 2}, 3, false},
        {{5, 9}, {0, 3}, 3, false},
        {{5, 9}, {-1, 4}, 3, false},
        {{5, 9}, {1, 2}, 4, false},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct msp_ddsketch sketch = {
            .count = table[i].count, .size = 2, .bins = table[i].bins, .counts = table[i].counts};
        cr_assert_eq(msp_ddsketch_is_sound(&sketch), table[i].sound, "row %zu", i);
    }
}
static void *bin_of_a_day(void *unused)
{
    (void)unused;
    return (void *)(uintptr_t)msp_ddsketch_bin(86400);
}

Test(ddsketch, the_table_is_filled_once_whoever_comes_first)
{
    pthread_t threads[8];
    for (int i = 0; i < 8; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, bin_of_a_day, NULL), 0);
    for (int i = 0; i < 8; i++) {
        void *bin;
        cr_assert_eq(pthread_join(threads[i], &bin), 0);
        cr_assert_eq((uintptr_t)bin, msp_ddsketch_bin(86400));
    }
}
