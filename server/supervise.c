/* Starts, hears and replaces children. Why a child ends is read from its exit code, a word of
 * msp/child.h. */
#include "master.h"

#include "child_start.h"
#include "msp/clock.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACK_OFF_MAX_SECONDS 30

static struct msp_board_slot *slot_of(struct msp_master *master, const struct msp_row *row)
{
    return &master->shared.board->slots[row - master->children.rows];
}

static struct msp_log_page *log_page_of(struct msp_master *master, const struct msp_row *row)
{
    return msp_log_page_at(master->shared.log_pages, (size_t)(row - master->children.rows));
}

static void name_of(const struct msp_row *row, char out[48])
{
    msp_child_kind_name(row->kind, row->number, out, 48);
}

/* Whether the row stands by for a reload that is not decided yet. */
static bool is_of_reload(const struct msp_master *master, const struct msp_row *row)
{
    return master->reload.waiting && row->kind->reload_renews &&
           row->generation == master->reload.generation;
}

void msp_master_add_row(struct msp_master *master, const struct msp_child_kind *kind, int number,
                        unsigned generation)
{
    if (msp_child_table_add(&master->children, kind, number, generation,
                            msp_clock_monotonic_ms()) == NULL)
        msp_log(MSP_LOG_ERROR, "The child table is full; lower HTTP_WORKERS", NULL);
}

void msp_master_add_rows(struct msp_master *master, const struct msp_child_kind *kind,
                         const struct msp_settings *settings, unsigned generation)
{
    const int count = kind->count(settings);
    for (int number = 1; number <= count; number++)
        msp_master_add_row(master, kind, number, generation);
}

static int back_off_seconds(int failures)
{
    if (failures > 5)
        return BACK_OFF_MAX_SECONDS;
    return 1 << (failures - 1);
}

static void start_later(struct msp_row *row)
{
    row->failures++;
    row->start_at_ms = msp_clock_monotonic_ms() + 1000LL * back_off_seconds(row->failures);
}

/*
 * With the old database, one that is away is waited for; with a new one, nobody knows whether it
 * was ever there.
 */
static bool names_another_database(const struct msp_master *master)
{
    const struct msp_settings *next = &master->reload.next;
    return strcmp(next->database_url, master->settings.database_url) != 0 ||
           strcmp(next->jobs_database_url, master->settings.jobs_database_url) != 0;
}

static void start(struct msp_master *master, struct msp_row *row)
{
    const bool of_reload = is_of_reload(master, row);
    const struct msp_child_order order = {
        .kind = row->kind,
        .number = row->number,
        .shared = &master->shared,
        .settings = of_reload ? &master->reload.next : &master->settings,
        .listeners = &master->listeners,
        .slot = slot_of(master, row),
        .on_trial = of_reload && names_another_database(master),
    };
    struct msp_error error;
    if (msp_child_start(&order, &row->pid, &row->ready_fd, &error) != MSP_OK) {
        start_later(row);
        msp_log(MSP_LOG_ERROR, "Cannot start a process; will try again", "detail", error.detail,
                NULL);
        return;
    }
    msp_row_change(row, MSP_ROW_STARTING);
    char name[48];
    char pid[16];
    name_of(row, name);
    (void)snprintf(pid, sizeof(pid), "%d", (int)row->pid);
    msp_log(MSP_LOG_DEBUG, "Process started", "name", name, "child_pid", pid, NULL);
}

void msp_master_start_due(struct msp_master *master)
{
    if (master->phase == MSP_MASTER_STOPPING)
        return;
    const int64_t now_ms = msp_clock_monotonic_ms();
    for (int i = 0; i < MSP_BOARD_SLOTS; i++) {
        struct msp_row *row = &master->children.rows[i];
        if (row->state == MSP_ROW_DUE && row->start_at_ms <= now_ms &&
            (row->kind->first || master->phase != MSP_MASTER_FIRST))
            start(master, row);
    }
}

static void now_ready(struct msp_row *row)
{
    char name[48];
    char pid[16];
    char took[32];
    name_of(row, name);
    (void)snprintf(pid, sizeof(pid), "%d", (int)row->pid);
    (void)snprintf(took, sizeof(took), "%.1f",
                   (double)(msp_clock_monotonic_us() - row->died_at_us) / 1000.0);
    msp_log(MSP_LOG_INFO, "Process ready", "name", name, "child_pid", pid, "ms_since_death",
            row->died_at_us != 0 ? took : NULL, NULL);
    msp_row_change(row, MSP_ROW_READY);
    row->failures = 0;
    row->died_at_us = 0;
}

/* Somebody asked a child to leave without us: another takes its place while it still finishes its
 * work. */
static void leaves_by_itself(struct msp_master *master, struct msp_row *row)
{
    const int64_t now_ms = msp_clock_monotonic_ms();
    char name[48];
    char pid[16];
    name_of(row, name);
    (void)snprintf(pid, sizeof(pid), "%d", (int)row->pid);
    struct msp_row *next =
        msp_child_table_add(&master->children, row->kind, row->number, row->generation, now_ms);
    if (next == NULL)
        return; /* its end will do as a reason */
    msp_log(MSP_LOG_INFO, "Process was asked to leave; another takes its place", "name", name,
            "child_pid", pid, NULL);
    (void)__atomic_fetch_add(&master->shared.board->restarts, 1, __ATOMIC_RELAXED);
    msp_row_change(row, MSP_ROW_LEAVING);
    row->kill_at_ms = now_ms + 1000LL * master->settings.drain_seconds;
}

static void hear(struct msp_master *master, struct msp_row *row)
{
    char words[8];
    const ssize_t length = read(row->ready_fd, words, sizeof(words));
    if (length <= 0 && (length == 0 || (errno != EAGAIN && errno != EINTR))) {
        (void)close(row->ready_fd); /* its end follows */
        row->ready_fd = -1;
        return;
    }
    for (ssize_t i = 0; i < length; i++) {
        if (words[i] == 'r' && row->state == MSP_ROW_STARTING)
            now_ready(row);
        else if (words[i] == 'l' && row->state == MSP_ROW_READY &&
                 master->phase != MSP_MASTER_STOPPING && !is_of_reload(master, row))
            leaves_by_itself(master, row);
    }
}

void msp_master_hear_children(struct msp_master *master)
{
    for (int i = 0; i < MSP_BOARD_SLOTS; i++) {
        struct msp_row *row = &master->children.rows[i];
        if (msp_row_has_process(row) && row->ready_fd >= 0)
            hear(master, row);
    }
}

static void describe_end(int status, char *out, size_t size)
{
    if (WIFSIGNALED(status))
        (void)snprintf(out, size, "killed by signal %d (%s)", WTERMSIG(status),
                       strsignal(WTERMSIG(status)));
    else
        (void)snprintf(out, size, "exit code %d", WEXITSTATUS(status));
}

/* What became of a child, and so what becomes of its row. */
static void bury(struct msp_master *master, struct msp_row *row, int status)
{
    char name[48];
    char pid[16];
    char how[64];
    name_of(row, name);
    (void)snprintf(pid, sizeof(pid), "%d", (int)row->pid);
    describe_end(status, how, sizeof(how));

    const bool was_ready = row->state == MSP_ROW_READY;
    const bool misconfigured = WIFEXITED(status) && WEXITSTATUS(status) == MSP_EXIT_MISCONFIGURED;
    const bool is_next = is_of_reload(master, row);
    msp_log_page_inherit(log_page_of(master, row));
    msp_board_bury(master->shared.board, slot_of(master, row));
    if (row->ready_fd >= 0)
        (void)close(row->ready_fd);
    row->ready_fd = -1;

    if (row->state == MSP_ROW_LEAVING) {
        const bool clean = WIFEXITED(status) && WEXITSTATUS(status) == MSP_EXIT_DONE;
        msp_log(clean || row->killed ? MSP_LOG_INFO : MSP_LOG_WARNING, "Process has left", "name",
                name, "child_pid", pid, "how", how, NULL);
        msp_row_change(row, MSP_ROW_FREE);
        return;
    }
    msp_log(WIFSIGNALED(status) || misconfigured ? MSP_LOG_ERROR : MSP_LOG_WARNING,
            "Process ended unasked", "name", name, "child_pid", pid, "how", how, NULL);
    row->pid = 0;
    row->died_at_us = msp_clock_monotonic_us();
    if (is_next) {
        msp_row_change(row, MSP_ROW_FREE);
        char sentence[160];
        (void)snprintf(sentence, sizeof(sentence), "The new %s did not get ready: %s", name, how);
        msp_reload_worker_failed(master, sentence);
        return;
    }
    (void)__atomic_fetch_add(&master->shared.board->restarts, 1, __ATOMIC_RELAXED);
    if (misconfigured) {
        msp_row_change(row, MSP_ROW_PARKED);
        return;
    }
    msp_row_change(row, MSP_ROW_DUE);
    if (was_ready)
        row->start_at_ms = msp_clock_monotonic_ms();
    else
        start_later(row);
}

static void explain_parked(struct msp_master *master)
{
    if (msp_child_table_count(&master->children, MSP_ROW_PARKED, 0) == 0 ||
        master->phase == MSP_MASTER_STOPPING)
        return;
    if (master->phase == MSP_MASTER_SERVING)
        msp_log(MSP_LOG_ERROR,
                "A process refuses its configuration (its reason is above). It is started again "
                "after the next SIGHUP: mend the settings and run msp-analytics reload",
                NULL);
    else
        msp_master_begin_stop(master, MSP_EXIT_MISCONFIGURED,
                              "the configuration is wrong; its fault is in the line above");
}

void msp_master_reap(struct msp_master *master)
{
    const int parked_before = msp_child_table_count(&master->children, MSP_ROW_PARKED, 0);
    for (;;) {
        int status = 0;
        const pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid <= 0)
            break;
        struct msp_row *row = msp_child_table_find(&master->children, pid);
        if (row == NULL)
            continue; /* a process that our caller left us with an exec */
        if (row->ready_fd >= 0)
            hear(master, row); /* its last word may be unread: whether it had been ready matters */
        bury(master, row, status);
    }
    if (msp_child_table_count(&master->children, MSP_ROW_PARKED, 0) > parked_before)
        explain_parked(master);
}

void msp_row_ask_to_leave(struct msp_row *row, int64_t kill_at_ms)
{
    if (row->state == MSP_ROW_DUE || row->state == MSP_ROW_PARKED) {
        msp_row_change(row, MSP_ROW_FREE);
        return;
    }
    if (row->state == MSP_ROW_STARTING || row->state == MSP_ROW_READY) {
        (void)kill(row->pid, SIGTERM);
        msp_row_change(row, MSP_ROW_LEAVING);
        row->kill_at_ms = kill_at_ms;
    }
}

void msp_master_kill_overdue(struct msp_master *master)
{
    const int64_t now_ms = msp_clock_monotonic_ms();
    for (int i = 0; i < MSP_BOARD_SLOTS; i++) {
        struct msp_row *row = &master->children.rows[i];
        if (row->state != MSP_ROW_LEAVING || row->killed || row->kill_at_ms > now_ms)
            continue;
        char name[48];
        char pid[16];
        name_of(row, name);
        (void)snprintf(pid, sizeof(pid), "%d", (int)row->pid);
        msp_log(MSP_LOG_WARNING, "Process did not leave within DRAIN_SECONDS and is killed", "name",
                name, "child_pid", pid, NULL);
        (void)kill(row->pid, SIGKILL);
        row->killed = true;
    }
}
