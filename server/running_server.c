/* Finds a running server by STATE_DIR; the lock says whether it lives, the board says which process
 * it is. */
#include "running_server.h"

#include "state_lock.h"

int msp_running_server_find(const struct msp_invocation *invocation,
                            const struct msp_status_board **out)
{
    struct msp_settings_sources sources;
    char state_dir[MSP_SETTINGS_TEXT_BYTES];
    msp_invocation_sources(invocation, &sources);
    if (msp_settings_find_state_dir(&sources, state_dir, sizeof(state_dir)) != MSP_OK) {
        msp_invocation_complain(invocation,
                                "STATE_DIR is wrong; msp-analytics check-config says more");
        return MSP_COMMAND_WRONG;
    }
    /* A pid on a board that was left behind may be anybody's by now; the lock cannot be left
     * behind. */
    if (!msp_state_lock_is_held(state_dir)) {
        msp_invocation_complain(
            invocation,
            "no server runs with STATE_DIR %s. Start one, or name its STATE_DIR "
            "or --env-file",
            state_dir);
        return MSP_COMMAND_FAILED;
    }
    struct msp_error error;
    if (msp_status_board_open(state_dir, out, &error) != MSP_OK) {
        msp_invocation_complain(invocation, "%s", error.detail);
        return MSP_COMMAND_FAILED;
    }
    return MSP_COMMAND_DONE;
}
