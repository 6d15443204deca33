/*
 * The master only watches: it opens the listeners, maps shared memory, starts children and replaces
 * them. It opens no database, starts no thread and does nothing in a signal handler; whatever may
 * block or crash is a child's.
 */
#include "master.h"

#include "msp/clock.h"
#include "process_title.h"
#include "state_lock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/* How long the others wait for the keeper's first snapshot; without PostgreSQL they start with
 * none. */
#define FIRST_WAIT_MS 10000

/* The longest sleep; nothing depends on it but a clock that jumped while the machine slept. */
#define MAX_SLEEP_MS 60000

void msp_master_tell_systemd(const struct msp_master *master)
{
    (void)sd_notifyf(0, "READY=1\nSTATUS=Serving on %s with %d HTTP workers",
                     master->listeners.http_address, master->settings.http_workers);
}

/* Blocked signals are kept for the signalfd even when our caller had them ignored. */
static bool take_signals(struct msp_master *master)
{
    struct sigaction usual = {.sa_handler = SIG_DFL};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    (void)sigaction(SIGCHLD, &usual, NULL); /* ignored, children would vanish without a word */
    (void)sigaction(SIGPIPE, &ignore, NULL);
    sigset_t watched;
    (void)sigemptyset(&watched);
    (void)sigaddset(&watched, SIGTERM);
    (void)sigaddset(&watched, SIGINT);
    (void)sigaddset(&watched, SIGHUP);
    (void)sigaddset(&watched, SIGCHLD);
    if (sigprocmask(SIG_SETMASK, &watched, NULL) != 0)
        return false;
    master->signal_fd = signalfd(-1, &watched, SFD_NONBLOCK | SFD_CLOEXEC);
    return master->signal_fd >= 0;
}

static void hear_signals(struct msp_master *master)
{
    struct signalfd_siginfo info;
    while (read(master->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        const bool stopping = master->phase == MSP_MASTER_STOPPING;
        if (info.ssi_signo == SIGINT && stopping)
            msp_master_kill_all(master);
        else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
            msp_master_begin_stop(master, MSP_EXIT_DONE,
                                  info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
        else if (info.ssi_signo == SIGHUP && !stopping)
            msp_reload_begin(master);
    }
}

static bool all_ready(const struct msp_master *master, bool first_only)
{
    for (int i = 0; i < MSP_BOARD_SLOTS; i++) {
        const struct msp_row *row = &master->children.rows[i];
        if (row->state != MSP_ROW_FREE && row->state != MSP_ROW_READY &&
            row->state != MSP_ROW_LEAVING && (row->kind->first || !first_only))
            return false;
    }
    return true;
}

static void advance_start(struct msp_master *master)
{
    const int64_t now_ms = msp_clock_monotonic_ms();
    if (master->phase == MSP_MASTER_FIRST) {
        const bool ready = all_ready(master, true);
        if (!ready && now_ms < master->phase_began_ms + FIRST_WAIT_MS)
            return;
        if (!ready)
            msp_log(MSP_LOG_WARNING,
                    "Tenants are not known yet; starting the others all the same. Look for the "
                    "snapshot's lines about PostgreSQL",
                    NULL);
        master->phase = MSP_MASTER_STARTING;
    }
    if (master->phase == MSP_MASTER_STARTING && all_ready(master, false)) {
        master->phase = MSP_MASTER_SERVING;
        msp_log(MSP_LOG_INFO, "Serving", "address", master->listeners.http_address, NULL);
        msp_master_tell_systemd(master);
    }
}

static void sooner(int64_t *deadline_ms, int64_t candidate_ms)
{
    if (candidate_ms >= 0 && candidate_ms < *deadline_ms)
        *deadline_ms = candidate_ms;
}

static int64_t next_deadline_ms(const struct msp_master *master)
{
    int64_t deadline_ms = msp_clock_monotonic_ms() + MAX_SLEEP_MS;
    if (master->phase == MSP_MASTER_FIRST)
        sooner(&deadline_ms, master->phase_began_ms + FIRST_WAIT_MS);
    if (master->phase == MSP_MASTER_STOPPING)
        sooner(&deadline_ms, msp_master_next_stop_ms(master));
    if (master->reload.waiting)
        sooner(&deadline_ms, master->reload.give_up_at_ms);
    for (int i = 0; i < MSP_BOARD_SLOTS; i++) {
        const struct msp_row *row = &master->children.rows[i];
        if (row->state == MSP_ROW_DUE && master->phase != MSP_MASTER_STOPPING &&
            (row->kind->first || master->phase != MSP_MASTER_FIRST))
            sooner(&deadline_ms, row->start_at_ms);
        if (row->state == MSP_ROW_LEAVING && !row->killed)
            sooner(&deadline_ms, row->kill_at_ms);
    }
    return deadline_ms;
}

static void sleep_until_something(const struct msp_master *master)
{
    struct pollfd waited[1 + MSP_BOARD_SLOTS] = {{.fd = master->signal_fd, .events = POLLIN}};
    nfds_t count = 1;
    for (int i = 0; i < MSP_BOARD_SLOTS; i++) {
        const struct msp_row *row = &master->children.rows[i];
        if (msp_row_has_process(row) && row->ready_fd >= 0)
            waited[count++] = (struct pollfd){.fd = row->ready_fd, .events = POLLIN};
    }
    const int64_t left_ms = next_deadline_ms(master) - msp_clock_monotonic_ms();
    (void)poll(waited, count, left_ms > 0 ? (int)left_ms : 0);
}

static void watch(struct msp_master *master)
{
    for (;;) {
        msp_master_start_due(master);
        sleep_until_something(master);
        hear_signals(master);
        msp_master_hear_children(master);
        msp_master_reap(master);
        advance_start(master);
        msp_reload_advance(master);
        msp_master_kill_overdue(master);
        if (master->phase == MSP_MASTER_STOPPING && msp_master_advance_stop(master))
            return;
    }
}

static int refuse(const struct msp_error *error)
{
    msp_log(MSP_LOG_ERROR, "Cannot start", "detail", error->detail, NULL);
    return error->result == MSP_INVALID ? MSP_EXIT_MISCONFIGURED : 1;
}

/* Cores hold secrets, and the master's limit is its children's. */
static void forbid_core_files(void)
{
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
}

static int serve(struct msp_master *master)
{
    struct msp_error error;
    enum msp_result result =
        msp_shared_map_create(master->settings.state_dir, &master->shared, &error);
    if (result == MSP_OK)
        result = msp_listeners_open(&master->settings, &master->listeners, &error);
    if (result != MSP_OK)
        return refuse(&error);
    msp_settings_cache_publish(master->shared.settings, &master->settings);
    master->shared.board->settings_generation =
        msp_settings_cache_generation(master->shared.settings);
    for (int i = 0; i < MSP_CHILD_KINDS; i++)
        msp_master_add_rows(master, &msp_child_kinds[i], &master->settings, master->generation);
    master->phase_began_ms = msp_clock_monotonic_ms();
    watch(master);
    msp_listeners_close(&master->listeners);
    msp_log(MSP_LOG_INFO, "Stopped", NULL);
    return master->exit_code;
}

int msp_master_run(const struct msp_settings_sources *sources, const struct msp_settings *settings)
{
    /* Static, since it is large and a child keeps a pointer to its settings. Runs once. */
    static struct msp_master master;
    master.sources = sources;
    master.settings = *settings;
    master.generation = 1;
    master.listeners.http = -1;
    master.listeners.jobs = -1;

    msp_process_title_set("master");
    msp_log_set_process("master");
    msp_log_configure(settings->log_level, settings->log_format);
    forbid_core_files();
    int lock_fd = -1;
    struct msp_error error;
    if (msp_state_lock_take(settings->state_dir, &lock_fd, &error) != MSP_OK)
        return refuse(&error);
    if (!take_signals(&master)) {
        msp_log(MSP_LOG_ERROR, "Cannot watch signals", "detail", strerror(errno), NULL);
        return 1;
    }
    const int code = serve(&master);
    (void)close(lock_fd);
    return code;
}
