/* Finds a running server by STATE_DIR; the lock says whether it lives, the board says which process
 * it is. */
#include "running_server.h"

#include "state_lock.h"

int msp_running_server_find(const struct msp_invocation *invocation,
                            const struct msp_status_board **out)
{
    static const char *const nothing[] = {NULL};
    struct msp_settings settings;
    if (msp_invocation_settings(invocation, nothing, &settings) != MSP_OK)
        return MSP_COMMAND_WRONG;
    /* A pid on a board that was left behind may be anybody's by now; the lock cannot be left
     * behind. */
    if (!msp_state_lock_is_held(settings.state_dir)) {
        msp_invocation_complain(
            invocation,
            "no server runs with STATE_DIR %s. Start one, or name its STATE_DIR "
            "or --env-file",
            settings.state_dir);
        return MSP_COMMAND_FAILED;
    }
    struct msp_error error;
    if (msp_status_board_open(settings.state_dir, out, &error) != MSP_OK) {
        msp_invocation_complain(invocation, "%s", error.detail);
        return MSP_COMMAND_FAILED;
    }
    return MSP_COMMAND_DONE;
}
