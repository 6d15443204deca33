/* The server that runs with a STATE_DIR, as other commands see it: its status board. */
#ifndef MSP_RUNNING_SERVER_H
#define MSP_RUNNING_SERVER_H

#include "command.h"

#include "msp/status_board.h"

/*
 * Finds the board of the running master and maps it read-only.
 * MSP_COMMAND_DONE, or the exit code of the command after a complaint.
 */
int msp_running_server_find(const struct msp_invocation *invocation,
                            const struct msp_status_board **out);

#endif
