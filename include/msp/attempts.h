/*
 * Counts of failures in shared memory that every HTTP worker writes, so that they outlive a worker
 * and hold for all of a node's: so many in a window of time, or ever longer waits between tries.
 * No locks: one word an entry. Where memory is short of places the oldest entry goes.
 */
#ifndef MSP_ATTEMPTS_H
#define MSP_ATTEMPTS_H

#include <stddef.h>
#include <stdint.h>

#define MSP_ATTEMPTS_SEED_BYTES 16
#define MSP_ATTEMPTS_MOST       4095 /* counts stop here */

struct msp_attempts; /* lives in the shared map */

size_t msp_attempts_bytes(void);
struct msp_attempts *msp_attempts_init(void *memory);

/* Random bytes of this start: keys are hashes made with them, so that nobody can aim at another's
 * place. */
const unsigned char *msp_attempts_seed(const struct msp_attempts *attempts);

/* Adds one to the key's count in the window that `now` lies in and returns it. Windows start at
 * multiples of their length. */
int msp_attempts_add(struct msp_attempts *attempts, uint64_t key, int64_t now_unix_seconds,
                     int window_seconds);

/* How failures in a row are slowed down. */
struct msp_backoff {
    int free;           /* failures before the first wait */
    int most_seconds;   /* waits double from one second up to this */
    int forget_seconds; /* after so long without a failure all is forgotten */
};

/* How many seconds the key must still wait; 0 = it may try. */
int msp_attempts_wait(const struct msp_attempts *attempts, uint64_t key, int64_t now_unix_seconds,
                      const struct msp_backoff *backoff);
void msp_attempts_fail(struct msp_attempts *attempts, uint64_t key, int64_t now_unix_seconds,
                       const struct msp_backoff *backoff);
void msp_attempts_forget(struct msp_attempts *attempts, uint64_t key);

#endif
