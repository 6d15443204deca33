/*
 * Percentiles of durations from counted bins: DDSketch (Masson, Rim, Lee,
 * "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
 * guarantees", VLDB 2019) with relative error 1 %, gamma = 101/99.
 *
 * Bin 0 counts the value 0; bin k >= 1 counts values v with
 * floor(gamma^(k-2)) < v <= floor(gamma^(k-1)). The boundaries are integers from repeated IEEE
 * multiplication, so every host gets the same ones without asking libm. PostgreSQL, which is given
 * them, fills and merges sketches and finds the bin at a rank (db/queries/kpi_*.sql): merging is
 * adding the counts of equal bins. Here is what a bin stands for.
 */
#ifndef MSP_DDSKETCH_H
#define MSP_DDSKETCH_H

#include <stdint.h>

#define MSP_DDSKETCH_BINS           1200 /* the last bin reaches past 800 years of seconds */
#define MSP_DDSKETCH_RELATIVE_ERROR 0.01

/*
 * The table for PostgreSQL: width_bucket(value, thresholds) is the value's bin.
 * MSP_DDSKETCH_BINS - 1 ascending numbers in static storage, filled on first use; thread-safe.
 */
const int64_t *msp_ddsketch_thresholds(void);

/*
 * A value that lies within 1 % of all values of the bin, clamped to the least and greatest value
 * that were counted. `bin` is 0 to MSP_DDSKETCH_BINS - 1.
 */
double msp_ddsketch_value(unsigned bin, int64_t least_counted, int64_t greatest_counted);

#endif
