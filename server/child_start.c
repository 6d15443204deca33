/*
 * Forks a child and brings it into order: its own signals and titles, only the descriptors of its
 * kind, no right to write what is not its own, and no life beyond its master's.
 */
#include "child_start.h"

#include "msp/clock.h"
#include "process_title.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

/* Set before the handler can run, constant afterwards. */
static volatile sig_atomic_t drain_seconds;

/*
 * The kernel tells us with SIGUSR2 that the master died. Then nobody is left to end a child that
 * does not listen, so the alarm clock is set before asking in the usual way. Both calls may be made
 * in a handler.
 */
static void leave_without_master(int signal_number)
{
    (void)signal_number;
    const int saved = errno;
    (void)alarm((unsigned)drain_seconds);
    (void)kill(getpid(), SIGTERM);
    errno = saved;
}

/* SIGTERM and SIGINT stay blocked, as they were in the master: they are read from *out_stop_fd. */
static bool take_signals(const struct msp_settings *settings, pid_t master, int *out_stop_fd)
{
    drain_seconds = settings->drain_seconds > 0 ? settings->drain_seconds : 1;
    struct sigaction handle = {.sa_handler = leave_without_master, .sa_flags = SA_RESTART};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGUSR2, &handle, NULL);
    (void)sigaction(SIGPIPE, &ignore, NULL);
    (void)sigaction(SIGHUP, &ignore, NULL); /* a reload is the master's business */

    sigset_t stop;
    (void)sigemptyset(&stop);
    (void)sigaddset(&stop, SIGTERM);
    (void)sigaddset(&stop, SIGINT);
    (void)sigprocmask(SIG_SETMASK, &stop, NULL);
    *out_stop_fd = signalfd(-1, &stop, SFD_NONBLOCK | SFD_CLOEXEC);
    if (*out_stop_fd < 0 || prctl(PR_SET_PDEATHSIG, SIGUSR2) != 0)
        return false;
    return getppid() ==
           master; /* it may have died before the kernel knew that we want to be told */
}

static int compare_descriptors(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

/* Everything of the master's but what is in `keep`: a list of what to close would be forgotten when
 * something is added. */
static void close_all_but(int *keep, size_t count)
{
    qsort(keep, count, sizeof(*keep), compare_descriptors);
    unsigned from = STDERR_FILENO + 1;
    for (size_t i = 0; i < count; i++) {
        if (keep[i] < (int)from)
            continue;
        if (keep[i] > (int)from)
            (void)close_range(from, (unsigned)keep[i] - 1, 0);
        from = (unsigned)keep[i] + 1;
    }
    (void)close_range(from, ~0u, 0);
}

static void take_name(const struct msp_child_order *order)
{
    char name[48];
    msp_child_kind_name(order->kind, order->number, name, sizeof(name));
    msp_process_title_set(name);
    msp_log_set_process(name);
}

static int live(const struct msp_child_order *order, pid_t master, int ready_fd)
{
    /* A group of its own: Ctrl-C in a terminal reaches the master alone, which asks in the right
     * order. */
    (void)setpgid(0, 0);
    take_name(order);
    struct msp_child child = {
        .shared = order->shared,
        .settings = order->settings,
        .slot = order->slot,
        .number = order->number,
        .on_trial = order->on_trial,
        .http_listener = order->kind->takes_http ? order->listeners->http : -1,
        .job_listener = order->kind->takes_jobs ? order->listeners->jobs : -1,
        .stop_fd = -1,
        .ready_fd = ready_fd,
    };
    if (!take_signals(order->settings, master, &child.stop_fd)) {
        msp_log(MSP_LOG_ERROR, "Cannot prepare a new process, or its master is gone", NULL);
        return MSP_EXIT_RESTART;
    }
    int keep[] = {child.http_listener, child.job_listener, child.stop_fd, child.ready_fd};
    close_all_but(keep, sizeof(keep) / sizeof(keep[0]));

    struct msp_error error;
    if (msp_shared_map_restrict(order->shared, order->kind->writes, &error) != MSP_OK) {
        msp_log(MSP_LOG_ERROR, "Cannot protect shared memory", "detail", error.detail, NULL);
        return MSP_EXIT_RESTART;
    }
    return order->kind->run(&child);
}

enum msp_result msp_child_start(const struct msp_child_order *order, pid_t *out_pid,
                                int *out_ready_fd, struct msp_error *error)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        return msp_fail(error, MSP_BUSY, "pipe_failed", "Cannot make a pipe for a new process: %s",
                        strerror(errno));
    struct msp_board_slot *slot = order->slot;
    memset(slot, 0, sizeof(*slot));
    slot->kind = (int32_t)order->kind->kind;
    slot->state = MSP_PROCESS_STARTING;
    slot->number = order->number;
    slot->started_us = msp_clock_unix_us();

    const pid_t master = getpid();
    const pid_t pid = fork();
    if (pid == 0) {
        slot->pid = (int32_t)getpid();
        /* exit, not _exit: the leak check of sanitizer builds runs there; the master registers
         * nothing. */
        exit(live(order, master, ends[1]));
    }
    const int why = errno;
    (void)close(ends[1]);
    if (pid < 0) {
        (void)close(ends[0]);
        memset(slot, 0, sizeof(*slot));
        return msp_fail(error, MSP_BUSY, "fork_failed", "Cannot start a new process: %s",
                        strerror(why));
    }
    *out_pid = pid;
    *out_ready_fd = ends[0];
    return MSP_OK;
}
