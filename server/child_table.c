/* Rows and their states. Starts and ends no process itself. */
#include "child_table.h"

#include <stdlib.h>
#include <string.h>

#define TO(state) (1u << (unsigned)(state))

/* Which state may follow which. */
static const unsigned allowed[] = {
    [MSP_ROW_FREE] = TO(MSP_ROW_DUE),
    [MSP_ROW_DUE] = TO(MSP_ROW_STARTING) | TO(MSP_ROW_FREE) | TO(MSP_ROW_DUE),
    [MSP_ROW_PARKED] = TO(MSP_ROW_DUE) | TO(MSP_ROW_FREE),
    [MSP_ROW_STARTING] = TO(MSP_ROW_READY) | TO(MSP_ROW_LEAVING) | TO(MSP_ROW_DUE) |
                         TO(MSP_ROW_PARKED) | TO(MSP_ROW_FREE),
    [MSP_ROW_READY] = TO(MSP_ROW_LEAVING) | TO(MSP_ROW_DUE) | TO(MSP_ROW_PARKED) | TO(MSP_ROW_FREE),
    [MSP_ROW_LEAVING] = TO(MSP_ROW_FREE),
};

void msp_row_change(struct msp_row *row, enum msp_row_state state)
{
    if ((allowed[row->state] & TO(state)) == 0)
        abort();
    if (state == MSP_ROW_FREE)
        memset(row, 0, sizeof(*row));
    row->state = state;
}

struct msp_row *msp_child_table_add(struct msp_child_table *table,
                                    const struct msp_child_kind *kind, int number,
                                    unsigned generation, int64_t start_at_ms)
{
    for (int i = 0; i < MSP_BOARD_SLOTS; i++) {
        struct msp_row *row = &table->rows[i];
        if (row->state != MSP_ROW_FREE)
            continue;
        msp_row_change(row, MSP_ROW_DUE);
        row->kind = kind;
        row->number = number;
        row->generation = generation;
        row->ready_fd = -1;
        row->start_at_ms = start_at_ms;
        return row;
    }
    return NULL;
}

struct msp_row *msp_child_table_find(struct msp_child_table *table, pid_t pid)
{
    for (int i = 0; i < MSP_BOARD_SLOTS; i++) {
        if (table->rows[i].pid == pid && msp_row_has_process(&table->rows[i]))
            return &table->rows[i];
    }
    return NULL;
}

bool msp_row_has_process(const struct msp_row *row)
{
    return row->state == MSP_ROW_STARTING || row->state == MSP_ROW_READY ||
           row->state == MSP_ROW_LEAVING;
}

int msp_child_table_count(const struct msp_child_table *table, enum msp_row_state state,
                          unsigned generation)
{
    int count = 0;
    for (int i = 0; i < MSP_BOARD_SLOTS; i++) {
        const struct msp_row *row = &table->rows[i];
        if (row->state == state && (generation == 0 || row->generation == generation))
            count++;
    }
    return count;
}
