/* How PostgreSQL and Redis do, kept on the status board; a change of state is logged, a try is not.
 */
#ifndef MSP_DEPENDENCY_HEALTH_H
#define MSP_DEPENDENCY_HEALTH_H

#include "msp/log.h"
#include "msp/result.h"
#include "msp/status_board.h"

/* Where one dependency's state stands on the board. */
struct dependency {
    const char *name;
    enum msp_log_level loss; /* how bad it is to lose it */
    int64_t *ok_since_us;
    int64_t *failed_since_us;
};

/* Notes the outcome of a look; `error` is read only if it failed. Returns whether it is well. */
bool dependency_note(const struct dependency *dependency, enum msp_result result,
                     const struct msp_error *error);

#endif
