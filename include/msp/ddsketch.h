/*
 * Percentiles of durations from counted bins: DDSketch (Masson, Rim, Lee,
 * "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
 * guarantees", VLDB 2019) with relative error 1 %, gamma = 101/99.
 *
 * Bin 0 counts the value 0; bin k >= 1 counts values v with
 * floor(gamma^(k-2)) < v <= floor(gamma^(k-1)). The boundaries are integers from
 * repeated IEEE multiplication, so every host and PostgreSQL (which gets the same table
 * for width_bucket) agree on the bin of a value without asking libm.
 */
#ifndef MSP_DDSKETCH_H
#define MSP_DDSKETCH_H

#include "msp/result.h"

#include <stddef.h>
#include <stdint.h>

#define MSP_DDSKETCH_BINS           1200 /* the last bin reaches past 800 years of seconds */
#define MSP_DDSKETCH_RELATIVE_ERROR 0.01

/* A counted set of values >= 0. Plain data; a zeroed one is empty. */
struct msp_ddsketch {
    int64_t count;
    int64_t sum;
    int64_t min; /* valid while count > 0 */
    int64_t max;
    int64_t counts[MSP_DDSKETCH_BINS];
};

/* The bin of `value` (negative counts as 0), by binary search of the boundary table. */
unsigned msp_ddsketch_bin(int64_t value);

/*
 * The table for PostgreSQL: width_bucket(value, thresholds) = msp_ddsketch_bin(value).
 * MSP_DDSKETCH_BINS - 1 ascending numbers in static storage, filled on first use; thread-safe.
 */
const int64_t *msp_ddsketch_thresholds(void);

void msp_ddsketch_add(struct msp_ddsketch *sketch, int64_t value);

/*
 * Adds a stored sketch: `bins` and `counts` of `size` pairs, with its exact count,
 * sum, min and max. MSP_BROKEN if a bin is out of range, a count is not positive or
 * the counts do not add up to `count`; the sketch is then untouched.
 */
enum msp_result msp_ddsketch_merge(struct msp_ddsketch *sketch, const int16_t *bins,
                                   const int32_t *counts, size_t size, int64_t count, int64_t sum,
                                   int64_t min, int64_t max) MSP_MUST_CHECK;

/*
 * The value at rank ceil(percent * count / 100), within 1 % of the exact one and
 * clamped to [min, max]. percent is 1 to 100; count must be > 0.
 */
double msp_ddsketch_percentile(const struct msp_ddsketch *sketch, unsigned percent);

#endif
