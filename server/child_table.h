/*
 * The master's own list of its children. The status board shows a copy to others; the master
 * trusts only this. A row's number is also its slot on the board.
 */
#ifndef MSP_CHILD_TABLE_H
#define MSP_CHILD_TABLE_H

#include "child_kinds.h"

#include <stdint.h>
#include <sys/types.h>

enum msp_row_state {
    MSP_ROW_FREE,
    MSP_ROW_DUE,      /* no process; to be started at start_at_ms */
    MSP_ROW_PARKED,   /* no process; refused its configuration, waits for a reload */
    MSP_ROW_STARTING, /* a process that has not said it is ready */
    MSP_ROW_READY,
    MSP_ROW_LEAVING, /* asked to leave, or leaving by itself: not replaced in this row */
};

struct msp_row {
    enum msp_row_state state;
    const struct msp_child_kind *kind;
    int number;
    unsigned generation; /* of the settings it was made for */
    pid_t pid;           /* 0 without a process */
    int ready_fd;        /* -1 without a process */
    int failures;        /* deaths in a row before being ready */
    int64_t start_at_ms;
    int64_t died_at_us; /* of the one it replaces; 0 = replaces none */
    int64_t kill_at_ms; /* while leaving: no more patience then */
    bool killed;        /* by us, past kill_at_ms */
};

struct msp_child_table {
    struct msp_row rows[MSP_BOARD_SLOTS];
};

/* The one place that changes a row's state; a change that cannot be is a fault and aborts. */
void msp_row_change(struct msp_row *row, enum msp_row_state state);

/* A free row made due at `start_at_ms`; NULL when the table is full. */
struct msp_row *msp_child_table_add(struct msp_child_table *table,
                                    const struct msp_child_kind *kind, int number,
                                    unsigned generation, int64_t start_at_ms);

/* NULL if no row has that process. */
struct msp_row *msp_child_table_find(struct msp_child_table *table, pid_t pid);

bool msp_row_has_process(const struct msp_row *row);

/* How many rows of the generation (0 = any) are in that state. */
int msp_child_table_count(const struct msp_child_table *table, enum msp_row_state state,
                          unsigned generation);

#endif
