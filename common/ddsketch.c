/* The bins of DDSketch. Counts nothing; knows no units. */
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

double msp_ddsketch_value(unsigned bin, int64_t least_counted, int64_t greatest_counted)
{
    double value = estimate(bin);
    if (value < (double)least_counted)
        return (double)least_counted;
    if (value > (double)greatest_counted)
        return (double)greatest_counted;
    return value;
}
