/*
 * SIGHUP: build a whole new set of settings beside the old, check it, and only then let it in. What
 * new workers must prove by getting ready is let in when they are; until then, and after any fault,
 * the old settings and workers stay.
 */
#include "command.h"
#include "master.h"

#include "msp/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

/* New workers connect to PostgreSQL before they are ready; a dead one shows well within this. */
#define NEW_WORKERS_MS 20000

static MSP_PRINTF(2, 3) void note(struct msp_reload *reload, const char *format, ...)
{
    const size_t room = sizeof(reload->report) - reload->report_length;
    va_list values;
    va_start(values, format);
    const int length = vsnprintf(reload->report + reload->report_length, room, format, values);
    va_end(values);
    if (length < 0 || (size_t)length + 1 >= room) { /* a sentence that does not fit is left out */
        reload->report[reload->report_length] = '\0';
        return;
    }
    reload->report_length += (size_t)length;
    reload->report[reload->report_length++] = '\n';
    reload->report[reload->report_length] = '\0';
}

/* Readers wait for the sequence to move: it moves last. */
static void finish(struct msp_master *master, bool failed)
{
    struct msp_reload *reload = &master->reload;
    struct msp_board_reload *board = &master->shared.board->reload;
    (void)snprintf(board->report, sizeof(board->report), "%s", reload->report);
    board->failed = failed;
    board->finished_us = msp_clock_unix_us();
    (void)__atomic_fetch_add(&board->sequence, 1, __ATOMIC_RELEASE);
    reload->waiting = false;
    msp_log(failed ? MSP_LOG_ERROR : MSP_LOG_INFO,
            failed ? "Reload failed; the old settings stay in force" : "Reload done", "report",
            reload->report, NULL);
    if (master->phase == MSP_MASTER_SERVING)
        msp_master_tell_systemd(master);
}

static void hear_fault(void *context, bool is_error, const char *sentence)
{
    struct msp_reload *reload = context;
    note(reload, "%s%s", is_error ? "" : "warning: ", sentence);
}

struct changes {
    struct msp_reload *reload;
    bool renews_workers;
};

static void hear_change(void *context, const char *name, enum msp_setting_reload when,
                        const char *before, const char *after)
{
    static const char *const how[] = {
        [MSP_RELOAD_AT_ONCE] = "in force",
        [MSP_RELOAD_WORKERS] = "in force with new workers",
        [MSP_RELOAD_RESTART] = "not in force: it needs a restart of the server",
    };
    struct changes *changes = context;
    if (when == MSP_RELOAD_WORKERS)
        changes->renews_workers = true;
    /* Masked secrets look alike: the name is all that may be said. */
    if (strcmp(before, after) == 0)
        note(changes->reload, "%s changed, %s", name, how[when]);
    else
        note(changes->reload, "%s changed from \"%s\" to \"%s\", %s", name, before, after,
             how[when]);
}

/* Children that gave up, or wait for their turn, may find the new settings to their liking. */
static void wake_rows(struct msp_master *master)
{
    for (int i = 0; i < MSP_BOARD_SLOTS; i++) {
        struct msp_row *row = &master->children.rows[i];
        if (row->state != MSP_ROW_PARKED && row->state != MSP_ROW_DUE)
            continue;
        msp_row_change(row, MSP_ROW_DUE);
        row->start_at_ms = msp_clock_monotonic_ms();
        row->failures = 0;
    }
}

static void let_in(struct msp_master *master)
{
    master->settings = master->reload.next;
    msp_log_configure(master->settings.log_level, master->settings.log_format);
    msp_settings_cache_publish(master->shared.settings, &master->settings);
    __atomic_store_n(&master->shared.board->settings_generation,
                     msp_settings_cache_generation(master->shared.settings), __ATOMIC_RELAXED);
    wake_rows(master);
}

/* Asks all workers of the generation to leave. */
static void dismiss(struct msp_master *master, unsigned generation)
{
    const int64_t kill_at_ms = msp_clock_monotonic_ms() + 1000LL * master->settings.drain_seconds;
    for (int i = 0; i < MSP_BOARD_SLOTS; i++) {
        struct msp_row *row = &master->children.rows[i];
        if (row->state != MSP_ROW_FREE && row->kind->reload_renews && row->generation == generation)
            msp_row_ask_to_leave(row, kill_at_ms);
    }
}

static void start_new_workers(struct msp_master *master)
{
    struct msp_reload *reload = &master->reload;
    reload->generation++;
    if (reload->generation <= master->generation)
        reload->generation = master->generation + 1;
    reload->waiting = true;
    reload->give_up_at_ms = msp_clock_monotonic_ms() + NEW_WORKERS_MS;
    for (int i = 0; i < MSP_CHILD_KINDS; i++) {
        if (msp_child_kinds[i].reload_renews)
            msp_master_add_rows(master, &msp_child_kinds[i], &reload->next, reload->generation);
    }
}

void msp_reload_begin(struct msp_master *master)
{
    struct msp_reload *reload = &master->reload;
    if (reload->waiting || master->phase == MSP_MASTER_FIRST) {
        reload->asked_again = true; /* as soon as this one is decided, or the start is over */
        return;
    }
    reload->asked_again = false;
    reload->report_length = 0;
    reload->report[0] = '\0';
    if (master->phase == MSP_MASTER_SERVING)
        (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=Reading the settings again",
                         (long long)msp_clock_monotonic_us());
    if (msp_settings_load(master->sources, msp_command_serve_needs, hear_fault, reload,
                          &reload->next) != MSP_OK) {
        finish(master, true);
        return;
    }
    struct changes changes = {.reload = reload};
    if (msp_settings_compare(&master->settings, &reload->next, hear_change, &changes) == 0)
        note(reload, "No setting has changed");
    msp_settings_keep_restart(&master->settings, &reload->next);
    if (changes.renews_workers) {
        start_new_workers(master);
        return;
    }
    let_in(master);
    finish(master, false);
}

static void give_up(struct msp_master *master, const char *why)
{
    struct msp_reload *reload = &master->reload;
    note(reload, "%s. The old workers and settings stay", why);
    dismiss(master, reload->generation);
    finish(master, true);
}

void msp_reload_worker_failed(struct msp_master *master, const char *how)
{
    if (master->reload.waiting)
        give_up(master, how);
}

static bool new_workers_are_ready(const struct msp_master *master)
{
    for (int i = 0; i < MSP_BOARD_SLOTS; i++) {
        const struct msp_row *row = &master->children.rows[i];
        if (row->state != MSP_ROW_FREE && row->kind->reload_renews &&
            row->generation == master->reload.generation && row->state != MSP_ROW_READY)
            return false;
    }
    return true;
}

void msp_reload_advance(struct msp_master *master)
{
    struct msp_reload *reload = &master->reload;
    if (reload->waiting && new_workers_are_ready(master)) {
        const unsigned old = master->generation;
        master->generation = reload->generation;
        let_in(master);
        dismiss(master, old);
        finish(master, false);
    } else if (reload->waiting && msp_clock_monotonic_ms() >= reload->give_up_at_ms) {
        give_up(master, "The new workers were not ready within 20 seconds");
    }
    if (reload->asked_again && !reload->waiting && master->phase != MSP_MASTER_FIRST &&
        master->phase != MSP_MASTER_STOPPING)
        msp_reload_begin(master);
}
