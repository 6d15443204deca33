/* Watches the snapshot keeper's clock in shared memory. Asks nobody. */
#include "publication.h"

#include "../http_worker.h"
#include "msp/clock.h"

#include <time.h>

#define LONGEST_US INT64_C(1000000)
#define LOOK_NS    2000000

void msp_publication_wait(const struct msp_request *request)
{
    const struct msp_credential_cache *cache = request->worker->child->shared->credentials;
    const struct timespec pause = {.tv_nsec = LOOK_NS};
    int64_t committed_us = msp_clock_monotonic_us();

    while (msp_credential_cache_read_us(cache) < committed_us &&
           msp_clock_monotonic_us() < committed_us + LONGEST_US)
        (void)nanosleep(&pause, NULL);
}
