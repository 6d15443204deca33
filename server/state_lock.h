/* One STATE_DIR has one master. */
#ifndef MSP_STATE_LOCK_H
#define MSP_STATE_LOCK_H

#include "msp/result.h"

#include <stdbool.h>

/*
 * Makes STATE_DIR (mode 0700) if it is missing and locks it for this process. *out_fd holds the
 * lock while it is open; children close it, so that a new master need not wait for the children of
 * a dead one. MSP_CONFLICT if another master has it, MSP_INVALID if the folder cannot be used.
 */
enum msp_result msp_state_lock_take(const char *state_dir, int *out_fd,
                                    struct msp_error *error) MSP_MUST_CHECK;

/* Whether a master holds STATE_DIR now; looks without taking. */
bool msp_state_lock_is_held(const char *state_dir);

#endif
