/*
 * SIGHUP: build a whole new set of settings beside the old, check it, and only then let it in. What
 * new workers must prove by getting ready is let in when all are. They come in turns: in turn n
 * number n of every kind, and once these are ready the old ones of that number leave. A fault in
 * the first turn finds all old workers in their place; one in a later turn brings back those that
 * left.
 */
#include "command.h"
#include "master.h"

#include "msp/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

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

/* Asks the workers of the generation to leave: those of one number, or all (0). */
static void dismiss(struct msp_master *master, unsigned generation, int number)
{
    const int64_t kill_at_ms = msp_clock_monotonic_ms() + 1000LL * master->settings.drain_seconds;
    for (int i = 0; i < MSP_BOARD_SLOTS; i++) {
        struct msp_row *row = &master->children.rows[i];
        if (row->state != MSP_ROW_FREE && row->kind->reload_renews &&
            row->generation == generation && (number == 0 || row->number == number))
            msp_row_ask_to_leave(row, kill_at_ms);
    }
}

/* Starts number `turn` of every kind that has so many. False if none has. */
static bool begin_turn(struct msp_master *master, int turn)
{
    struct msp_reload *reload = &master->reload;
    bool any = false;
    for (int i = 0; i < MSP_CHILD_KINDS; i++) {
        const struct msp_child_kind *kind = &msp_child_kinds[i];
        if (!kind->reload_renews || turn > kind->count(&reload->next))
            continue;
        msp_master_add_row(master, kind, turn, reload->generation);
        any = true;
    }
    reload->turn = turn;
    reload->give_up_at_ms = msp_clock_monotonic_ms() + MSP_RELOAD_TURN_SECONDS * 1000LL;
    return any;
}

static void start_new_workers(struct msp_master *master)
{
    struct msp_reload *reload = &master->reload;
    reload->generation++;
    if (reload->generation <= master->generation)
        reload->generation = master->generation + 1;
    reload->waiting = true;
    (void)begin_turn(master, 1);
}

static bool has_worker(const struct msp_master *master, const struct msp_child_kind *kind,
                       int number, unsigned generation)
{
    for (int i = 0; i < MSP_BOARD_SLOTS; i++) {
        const struct msp_row *row = &master->children.rows[i];
        if (row->state != MSP_ROW_FREE && row->state != MSP_ROW_LEAVING && row->kind == kind &&
            row->number == number && row->generation == generation)
            return true;
    }
    return false;
}

/* The old workers that had made room. */
static void bring_back(struct msp_master *master)
{
    for (int i = 0; i < MSP_CHILD_KINDS; i++) {
        const struct msp_child_kind *kind = &msp_child_kinds[i];
        for (int number = 1; kind->reload_renews && number <= kind->count(&master->settings);
             number++) {
            if (!has_worker(master, kind, number, master->generation))
                msp_master_add_row(master, kind, number, master->generation);
        }
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
    reload->waiting = false; /* from here on a row is of the settings in force */
    bring_back(master);
    dismiss(master, reload->generation, 0);
    finish(master, true);
}

void msp_reload_worker_failed(struct msp_master *master, const char *how)
{
    if (master->reload.waiting)
        give_up(master, how);
}

/* The turn's workers are ready: theirs make room, and the next come. */
static void end_turn(struct msp_master *master)
{
    struct msp_reload *reload = &master->reload;
    const unsigned old = master->generation;
    dismiss(master, old, reload->turn);
    if (begin_turn(master, reload->turn + 1))
        return;
    master->generation = reload->generation;
    let_in(master);
    dismiss(master, old, 0); /* there may be fewer workers now */
    finish(master, false);
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
        end_turn(master);
    } else if (reload->waiting && msp_clock_monotonic_ms() >= reload->give_up_at_ms) {
        give_up(master, "The new workers were not ready within the 20 seconds of their turn");
    }
    if (reload->asked_again && !reload->waiting && master->phase != MSP_MASTER_FIRST &&
        master->phase != MSP_MASTER_STOPPING)
        msp_reload_begin(master);
}
