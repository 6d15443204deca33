/*
 * Requests counted in fixed windows of time, in shared memory, for all HTTP workers of a node. A
 * count is one word moved by compare-and-swap, so a limit is exact and nobody waits.
 *
 * Where several nodes share a limit, a node may only spend what it was granted: it asks Redis for a
 * lease (so many requests at once), notes the grant, and spends it. Who gets MSP_RATE_LEASE_WANTED
 * begins a lease, asks, and notes what came of it. While Redis is away `shared` is false and the
 * node counts alone.
 */
#ifndef MSP_RATE_WINDOWS_H
#define MSP_RATE_WINDOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct msp_rate_windows; /* lives in the shared map */

size_t msp_rate_windows_bytes(void);
struct msp_rate_windows *msp_rate_windows_init(void *memory);

/* At most `limit` in each window of `window_seconds`; windows begin at whole multiples of it. */
struct msp_rate_policy {
    int32_t limit; /* 1 to MSP_RATE_LIMIT_MOST */
    int32_t window_seconds;
};
#define MSP_RATE_LIMIT_MOST 100000000

enum msp_rate_outcome {
    MSP_RATE_TAKEN,
    MSP_RATE_REFUSED,      /* the window is spent, here or on all nodes together */
    MSP_RATE_LEASE_WANTED, /* what was granted is spent; nothing was counted */
};

/* How the window stands after the call. */
struct msp_rate_state {
    int32_t remaining;     /* of the limit, as far as this node knows */
    int32_t reset_seconds; /* until the window ends: 1 to window_seconds */
    int32_t granted_left;  /* while shared: what may be taken until a lease is wanted; 0 if the
                              next is wanted now, or there is none to be had */
};

/* Takes one. `key` names who is counted and by which policy: a hash of 64 bits. */
enum msp_rate_outcome msp_rate_take(struct msp_rate_windows *windows, uint64_t key,
                                    const struct msp_rate_policy *policy, bool shared,
                                    int64_t now_unix_seconds, struct msp_rate_state *out_state);

/* Takes it back, if the window is still the same: another policy refused the request. */
void msp_rate_give_back(struct msp_rate_windows *windows, uint64_t key,
                        const struct msp_rate_policy *policy, int64_t now_unix_seconds);

/* Whether the caller is the one to ask for the lease. One that was begun `patience_ms` ago and
 * never ended (its process died) is no hindrance. */
bool msp_rate_lease_begin(struct msp_rate_windows *windows, uint64_t key, int64_t now_monotonic_ms,
                          int patience_ms);

/* Ends it: the node may spend `granted` more in the window that `now_unix_seconds` lies in;
 * `exhausted` says that there is no more to be had. */
void msp_rate_lease_end(struct msp_rate_windows *windows, uint64_t key,
                        const struct msp_rate_policy *policy, int64_t now_unix_seconds,
                        int32_t granted, bool exhausted);

#endif
