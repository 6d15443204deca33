/* Bins and ranks of DDSketch. Stores nothing; knows no units. */
#include "msp/ddsketch.h"

#include <pthread.h>

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

bool msp_ddsketch_is_sound(const struct msp_ddsketch *sketch)
{
    int64_t total = 0;
    int previous = -1;
    for (size_t i = 0; i < sketch->size; i++) {
        if (sketch->bins[i] <= previous || sketch->bins[i] >= MSP_DDSKETCH_BINS ||
            sketch->counts[i] <= 0)
            return false;
        previous = sketch->bins[i];
        total += sketch->counts[i]; /* at most 1,200 times 2^31 */
    }
    return total == sketch->count;
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
    int64_t rank = (sketch->count * percent + 99) / 100;
    int64_t seen = 0;
    size_t at = 0;

    while (at + 1 < sketch->size && (seen += sketch->counts[at]) < rank)
        at++;
    double value = estimate((unsigned)sketch->bins[at]);
    if (value < (double)sketch->min)
        return (double)sketch->min;
    if (value > (double)sketch->max)
        return (double)sketch->max;
    return value;
}
