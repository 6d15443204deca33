/* The two clocks we use, as integers with their unit in the name. */
#ifndef MSP_CLOCK_H
#define MSP_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC: for deadlines and durations. A deadline is a value of this clock. */
int64_t msp_clock_monotonic_ms(void);
int64_t msp_clock_monotonic_us(void);

/* CLOCK_REALTIME, microseconds since 1970-01-01T00:00:00Z: for what is stored or shown. */
int64_t msp_clock_unix_us(void);

#endif
