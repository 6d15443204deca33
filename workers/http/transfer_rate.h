/*
 * How fast bytes move while somebody waits for them, over the last ten seconds of waiting: less
 * than 8 KiB a second is too slow. Time in which nobody waits does not count. Pure.
 */
#ifndef MSP_HTTP_TRANSFER_RATE_H
#define MSP_HTTP_TRANSFER_RATE_H

#include <stdbool.h>
#include <stdint.h>

#define MSP_TRANSFER_SECONDS   10
#define MSP_TRANSFER_MIN_BYTES ((int64_t)MSP_TRANSFER_SECONDS * 8192)

/* Bytes that moved, by second of waiting. Zeroed = nothing moved and nobody waited yet. */
struct msp_transfer_rate {
    int64_t bytes[MSP_TRANSFER_SECONDS];
    int64_t waited_us; /* in the second at hand */
    unsigned seconds;  /* whole ones behind us */
};

void msp_transfer_rate_moved(struct msp_transfer_rate *rate, int64_t bytes);

/* Notes a wait; false once ten seconds of waiting brought too little. */
bool msp_transfer_rate_waited(struct msp_transfer_rate *rate, int64_t waited_us);

#endif
