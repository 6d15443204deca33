/* Making a child: the fork, and its first steps before its main function. */
#ifndef MSP_CHILD_START_H
#define MSP_CHILD_START_H

#include "child_kinds.h"
#include "listeners.h"

#include <sys/types.h>

struct msp_child_order {
    const struct msp_child_kind *kind;
    int number;
    struct msp_shared_map *shared;
    const struct msp_settings *settings; /* must stay where they are: the child keeps the pointer */
    const struct msp_listeners *listeners;
    struct msp_board_slot *slot;
    bool on_trial; /* see struct msp_child */
};

/* *out_ready_fd is the non-blocking end to read from; see msp_child_ready. In the child this does
 * not return. */
enum msp_result msp_child_start(const struct msp_child_order *order, pid_t *out_pid,
                                int *out_ready_fd, struct msp_error *error) MSP_MUST_CHECK;

#endif
