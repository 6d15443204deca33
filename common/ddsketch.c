/* Bins, ranks and merging of DDSketch. Stores nothing; knows no units. */
#include "msp/ddsketch.h"

#include <pthread.h>
#include <stdbool.h>

#define THRESHOLDS (MSP_DDSKETCH_BINS - 1)

static pthread_once_t table_once = PTHREAD_ONCE_INIT;
/* thresholds[0] = 1 and thresholds[k] = floor(gamma^(k-1)) + 1: the least value of bin k + 1. */
static int64_t thresholds[THRESHOLDS];
/* The greatest value that the last bin is meant for. */
static int64_t last_value;

static void fill_table(void)
{
    const double gamma = 101.0 / 99.0; /* (1 + error) / (1 - error) */
    double power = 1.0;

    thresholds[0] = 1;
    for (unsigned k = 1; k < THRESHOLDS; k++) {
        thresholds[k] = (int64_t)power + 1;
        power *= gamma;
    }
    last_value = (int64_t)power;
}

const int64_t *msp_ddsketch_thresholds(void)
{
    (void)pthread_once(&table_once, fill_table);
    return thresholds;
}

unsigned msp_ddsketch_bin(int64_t value)
{
    const int64_t *table = msp_ddsketch_thresholds();
    unsigned low = 0;
    unsigned high = THRESHOLDS;

    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (value < table[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static int64_t add_capped(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static void widen(struct msp_ddsketch *sketch, int64_t min, int64_t max)
{
    bool was_empty = sketch->count == 0;
    if (was_empty || min < sketch->min)
        sketch->min = min;
    if (was_empty || max > sketch->max)
        sketch->max = max;
}

void msp_ddsketch_add(struct msp_ddsketch *sketch, int64_t value)
{
    if (value < 0)
        value = 0;
    widen(sketch, value, value);
    sketch->count++;
    sketch->sum = add_capped(sketch->sum, value);
    sketch->counts[msp_ddsketch_bin(value)]++;
}

static bool adds_up(const int16_t *bins, const int32_t *counts, size_t size, int64_t count)
{
    int64_t total = 0;
    for (size_t i = 0; i < size; i++) {
        if (bins[i] < 0 || bins[i] >= MSP_DDSKETCH_BINS || counts[i] <= 0)
            return false;
        total = add_capped(total, counts[i]);
    }
    return total == count;
}

enum msp_result msp_ddsketch_merge(struct msp_ddsketch *sketch, const int16_t *bins,
                                   const int32_t *counts, size_t size, int64_t count, int64_t sum,
                                   int64_t min, int64_t max)
{
    if (!adds_up(bins, counts, size, count))
        return MSP_BROKEN;
    if (count == 0)
        return MSP_OK;

    widen(sketch, min, max);
    sketch->count = add_capped(sketch->count, count);
    sketch->sum = add_capped(sketch->sum, sum);
    for (size_t i = 0; i < size; i++)
        sketch->counts[bins[i]] += counts[i];
    return MSP_OK;
}

/*
 * The harmonic mean of a bin's least and greatest value is equally far from both in relative
 * terms: (greatest - least) / (greatest + least), which is at most 1 % as greatest / least is at
 * most gamma.
 */
static double estimate(unsigned bin)
{
    const int64_t *table = msp_ddsketch_thresholds();
    if (bin == 0)
        return 0.0;
    double least = (double)table[bin - 1];
    double greatest = (double)(bin < THRESHOLDS ? table[bin] - 1 : last_value);
    return greatest > least ? 2.0 * least * greatest / (least + greatest) : least;
}

double msp_ddsketch_percentile(const struct msp_ddsketch *sketch, unsigned percent)
{
    /* ceil(percent * count / 100) in parts, so that no count overflows. */
    int64_t rank = sketch->count / 100 * percent + (sketch->count % 100 * percent + 99) / 100;
    int64_t seen = 0;
    unsigned bin = 0;

    while (bin < MSP_DDSKETCH_BINS - 1) {
        seen += sketch->counts[bin];
        if (seen >= rank)
            break;
        bin++;
    }
    double value = estimate(bin);
    if (value < (double)sketch->min)
        return (double)sketch->min;
    if (value > (double)sketch->max)
        return (double)sketch->max;
    return value;
}
