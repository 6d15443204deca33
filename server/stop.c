/*
 * Stopping: HTTP workers are asked first, then the job worker, then the keeper (stop_turn of their
 * kinds); who is left when DRAIN_SECONDS are over is killed.
 */
#include "master.h"

#include "msp/clock.h"

#include <signal.h>
#include <systemd/sd-daemon.h>

#define STOP_TURNS 3

void msp_master_begin_stop(struct msp_master *master, int exit_code, const char *why)
{
    if (master->phase == MSP_MASTER_STOPPING)
        return;
    msp_log(exit_code == 0 ? MSP_LOG_INFO : MSP_LOG_ERROR, "Stopping", "because", why, NULL);
    (void)sd_notify(0, "STOPPING=1\nSTATUS=Stopping; requests and jobs in hand are finished");
    master->phase = MSP_MASTER_STOPPING;
    __atomic_store_n(&master->shared.board->stopping, 1, __ATOMIC_RELAXED);
    master->phase_began_ms = msp_clock_monotonic_ms();
    master->kill_at_ms = master->phase_began_ms + 1000LL * master->settings.drain_seconds;
    master->exit_code = exit_code;
    master->reload.waiting = false;
    master->reload.asked_again = false;
}

static bool is_gone(const struct msp_master *master, int below_turn)
{
    for (int i = 0; i < MSP_BOARD_SLOTS; i++) {
        const struct msp_row *row = &master->children.rows[i];
        if (row->state != MSP_ROW_FREE && row->kind->stop_turn < below_turn)
            return false;
    }
    return true;
}

static int64_t latest_ms(const struct msp_master *master, int turn)
{
    int percent = 0;
    for (int i = 0; i < MSP_CHILD_KINDS; i++) {
        if (msp_child_kinds[i].stop_turn == turn)
            percent = msp_child_kinds[i].stop_percent;
    }
    return master->phase_began_ms + (master->kill_at_ms - master->phase_began_ms) * percent / 100;
}

static void ask(struct msp_master *master, int turn)
{
    master->turns_asked[turn] = true;
    for (int i = 0; i < MSP_BOARD_SLOTS; i++) {
        struct msp_row *row = &master->children.rows[i];
        if (row->state != MSP_ROW_FREE && row->kind->stop_turn == turn)
            msp_row_ask_to_leave(row, master->kill_at_ms);
    }
}

bool msp_master_advance_stop(struct msp_master *master)
{
    const int64_t now_ms = msp_clock_monotonic_ms();
    for (int turn = 0; turn < STOP_TURNS; turn++) {
        if (!master->turns_asked[turn] &&
            (is_gone(master, turn) || latest_ms(master, turn) <= now_ms))
            ask(master, turn);
    }
    return is_gone(master, STOP_TURNS);
}

int64_t msp_master_next_stop_ms(const struct msp_master *master)
{
    for (int turn = 0; turn < STOP_TURNS; turn++) {
        if (!master->turns_asked[turn])
            return latest_ms(master, turn);
    }
    return -1;
}

void msp_master_kill_all(struct msp_master *master)
{
    msp_log(MSP_LOG_WARNING, "Asked a second time: what is left is killed", NULL);
    for (int turn = 0; turn < STOP_TURNS; turn++)
        ask(master, turn);
    for (int i = 0; i < MSP_BOARD_SLOTS; i++) {
        if (master->children.rows[i].state == MSP_ROW_LEAVING)
            master->children.rows[i].kill_at_ms = 0;
    }
}
