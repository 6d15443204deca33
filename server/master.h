/*
 * The master's state, shared by master.c (the loop), supervise.c (children) and reload.c. It has
 * one thread and never waits but in its own poll().
 */
#ifndef MSP_MASTER_H
#define MSP_MASTER_H

#include "child_table.h"
#include "listeners.h"

enum msp_master_phase {
    MSP_MASTER_FIRST,    /* the kinds marked `first` are starting */
    MSP_MASTER_STARTING, /* all are starting */
    MSP_MASTER_SERVING,  /* all have been ready at least once */
    MSP_MASTER_STOPPING,
};

/* A reload in progress: `next` is whole and checked, its workers are starting beside the old ones.
 */
#define MSP_RELOAD_TURN_SECONDS                                                                    \
    20 /* new workers connect to PostgreSQL first; a dead one shows well within this */

struct msp_reload {
    bool waiting;     /* for the workers of `next` */
    bool asked_again; /* SIGHUP came meanwhile */
    unsigned generation;
    int turn;              /* the number of the workers that are starting */
    int64_t give_up_at_ms; /* of this turn */
    struct msp_settings next;
    size_t report_length;
    char report[3072];
};

struct msp_master {
    const struct msp_settings_sources *sources;
    struct msp_settings settings; /* in force */
    struct msp_shared_map shared;
    struct msp_listeners listeners;
    struct msp_child_table children;
    struct msp_reload reload;
    enum msp_master_phase phase;
    unsigned generation; /* of the workers in force; the first is 1 */
    int signal_fd;
    int exit_code;
    int64_t phase_began_ms;
    int64_t kill_at_ms;  /* while stopping */
    bool turns_asked[3]; /* while stopping: which stop turns have been asked */
};

/* ---- supervise.c ---- */

/* Makes the rows of one generation of a kind, due now. */
void msp_master_add_rows(struct msp_master *master, const struct msp_child_kind *kind,
                         const struct msp_settings *settings, unsigned generation);

/* Makes one row, due now. */
void msp_master_add_row(struct msp_master *master, const struct msp_child_kind *kind, int number,
                        unsigned generation);

/* Starts what is due. */
void msp_master_start_due(struct msp_master *master);

/* Takes in what children said on their pipes, and the ends of children. */
void msp_master_hear_children(struct msp_master *master);
void msp_master_reap(struct msp_master *master);

/* SIGTERM; SIGKILL if it is still there at `kill_at_ms`. A row without a process goes free at once.
 */
void msp_row_ask_to_leave(struct msp_row *row, int64_t kill_at_ms);

/* SIGKILL to those that were asked and ran out of time. */
void msp_master_kill_overdue(struct msp_master *master);

/* ---- stop.c ---- */
void msp_master_begin_stop(struct msp_master *master, int exit_code, const char *why);
/* Whether every child is gone. */
bool msp_master_advance_stop(struct msp_master *master);
void msp_master_kill_all(struct msp_master *master);
/* When the next stop turn is due; -1 = none. */
int64_t msp_master_next_stop_ms(const struct msp_master *master);

/* ---- reload.c ---- */
void msp_reload_begin(struct msp_master *master);
void msp_reload_advance(struct msp_master *master);
/* A worker of the next generation ended before it was ready; `how` is a sentence about it. */
void msp_reload_worker_failed(struct msp_master *master, const char *how);

/* ---- master.c ---- */
void msp_master_tell_systemd(const struct msp_master *master);
int msp_master_run(const struct msp_settings_sources *sources, const struct msp_settings *settings);

#endif
