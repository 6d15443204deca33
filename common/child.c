/*
 * What every kind of child needs to get on with its master: saying that it
 * serves, hearing that it shall leave, and where the job socket is.
 */
#include "msp/child.h"

#include "msp/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/un.h>
#include <unistd.h>

/* If the master is gone there is nobody left to tell. */
static void tell_master(const struct msp_child *child, char word)
{
    ssize_t written;
    do {
        written = write(child->ready_fd, &word, 1);
    } while (written < 0 && errno == EINTR);
}

void msp_child_ready(const struct msp_child *child)
{
    __atomic_store_n(&child->slot->state, MSP_PROCESS_READY, __ATOMIC_RELAXED);
    tell_master(child, 'r');
}

void msp_child_leaving(const struct msp_child *child)
{
    const int32_t before =
        __atomic_exchange_n(&child->slot->state, MSP_PROCESS_LEAVING, __ATOMIC_RELAXED);
    if (before == MSP_PROCESS_READY) {
        tell_master(child, 'l');
    }
}

bool msp_child_should_stop(const struct msp_child *child, int wait_ms)
{
    int64_t deadline_ms = msp_clock_monotonic_ms() + wait_ms;
    int left_ms = wait_ms > 0 ? wait_ms : 0;
    for (;;) {
        struct pollfd waited = {.fd = child->stop_fd, .events = POLLIN};
        int ready = poll(&waited, 1, left_ms);
        if (ready >= 0 || errno != EINTR) {
            /* A descriptor that broke counts as asked: staying deaf would be worse. */
            if (ready != 0) {
                msp_child_leaving(child);
            }
            return ready != 0;
        }
        int64_t left = deadline_ms - msp_clock_monotonic_ms();
        left_ms = left > 0 ? (int)left : 0;
    }
}

enum msp_result msp_job_socket_path(const struct msp_settings *settings, char *out, size_t size,
                                    struct msp_error *error)
{
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
    int length = snprintf(path, sizeof path, "%s/jobs.sock", settings->state_dir);
    if (length < 0 || (size_t)length >= sizeof path || (size_t)length >= size) {
        return msp_fail(error, MSP_INVALID, "state_dir_too_long",
                        "STATE_DIR is too long: %s/jobs.sock has %d bytes and a socket path ends "
                        "at %zu. Choose a shorter folder.",
                        settings->state_dir, length, sizeof path - 1);
    }
    (void)snprintf(out, size, "%s", path);
    return MSP_OK;
}
