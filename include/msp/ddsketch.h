/*
 * Percentiles of durations from counted bins: DDSketch (Masson, Rim, Lee,
 * "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
 * guarantees", VLDB 2019) with relative error 1 %, gamma = 101/99.
 *
 * Bin 0 counts the value 0; bin k >= 1 counts values v with
 * floor(gamma^(k-2)) < v <= floor(gamma^(k-1)). The boundaries are integers from
 * repeated IEEE multiplication, so every host and PostgreSQL, which gets the same table
 * for width_bucket, agree on the bin of a value without asking libm. PostgreSQL fills and merges
 * sketches (db/queries/kpi_*.sql): merging is adding the counts of equal bins.
 */
#ifndef MSP_DDSKETCH_H
#define MSP_DDSKETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MSP_DDSKETCH_BINS           1200 /* the last bin reaches past 800 years of seconds */
#define MSP_DDSKETCH_RELATIVE_ERROR 0.01

/* A counted set of values >= 0. The arrays are borrowed; a zeroed sketch is empty. */
struct msp_ddsketch {
    int64_t count;
    int64_t sum;
    int64_t min; /* valid while count > 0 */
    int64_t max;
    size_t size;           /* bins that hold anything */
    const int16_t *bins;   /* ascending */
    const int32_t *counts; /* of each of them, > 0 */
};

/* The bin of `value` (negative counts as 0), by binary search of the boundary table. */
unsigned msp_ddsketch_bin(int64_t value);

/*
 * The table for PostgreSQL: width_bucket(value, thresholds) = msp_ddsketch_bin(value).
 * MSP_DDSKETCH_BINS - 1 ascending numbers in static storage, filled on first use; thread-safe.
 */
const int64_t *msp_ddsketch_thresholds(void);

/* Whether bins ascend within range, counts are positive and add up to `count`: what a stored sketch
 * must be. */
bool msp_ddsketch_is_sound(const struct msp_ddsketch *sketch);

/*
 * The value at rank ceil(percent * count / 100), within 1 % of the exact one and
 * clamped to [min, max]. percent is 1 to 100; the sketch is sound and not empty.
 */
double msp_ddsketch_percentile(const struct msp_ddsketch *sketch, unsigned percent);

#endif
