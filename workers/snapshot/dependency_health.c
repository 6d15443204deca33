/* Turns looks into states: fine since, not reachable since. */
#include "dependency_health.h"

#include "msp/clock.h"

#include <stddef.h>

static void store(int64_t *member, int64_t value)
{
    __atomic_store_n(member, value, __ATOMIC_RELAXED);
}

bool dependency_note(const struct dependency *dependency, enum msp_result result,
                     const struct msp_error *error)
{
    const bool fine = result == MSP_OK;
    const bool was_fine = *dependency->ok_since_us != 0;
    const bool had_failed = *dependency->failed_since_us != 0;
    if (fine ? was_fine : had_failed)
        return fine;
    const int64_t now_us = msp_clock_unix_us();
    store(dependency->ok_since_us, fine ? now_us : 0);
    store(dependency->failed_since_us, fine ? 0 : now_us);
    if (!fine)
        msp_log(dependency->loss, "Not reachable", "what", dependency->name, "detail",
                error->detail, NULL);
    else if (had_failed)
        msp_log(MSP_LOG_INFO, "Reachable again", "what", dependency->name, NULL);
    return fine;
}
