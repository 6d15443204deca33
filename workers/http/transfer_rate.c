/* A window of ten seconds that moves on by whole ones. */
#include "transfer_rate.h"

#include <stddef.h>

void msp_transfer_rate_moved(struct msp_transfer_rate *rate, int64_t bytes)
{
    rate->bytes[rate->seconds % MSP_TRANSFER_SECONDS] += bytes;
}

static bool is_too_slow(const struct msp_transfer_rate *rate)
{
    if (rate->seconds < MSP_TRANSFER_SECONDS)
        return false;
    int64_t moved = 0;
    for (size_t second = 0; second < MSP_TRANSFER_SECONDS; second++)
        moved += rate->bytes[second];
    return moved < MSP_TRANSFER_MIN_BYTES;
}

/* Judges at whole seconds, before the oldest of the ten is forgotten. */
bool msp_transfer_rate_waited(struct msp_transfer_rate *rate, int64_t waited_us)
{
    bool fast_enough = true;
    rate->waited_us += waited_us;
    while (rate->waited_us >= 1000000) {
        rate->waited_us -= 1000000;
        rate->seconds++;
        fast_enough = fast_enough && !is_too_slow(rate);
        rate->bytes[rate->seconds % MSP_TRANSFER_SECONDS] = 0;
    }
    return fast_enough;
}
