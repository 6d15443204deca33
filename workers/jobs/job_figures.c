/* Rows follow the order of the table of kinds; the last is for what this program does not know. */
#include "job_figures.h"

#include "job_kinds.h"

#include <stdio.h>
#include <string.h>

#define OTHERS (MSP_BOARD_JOB_KINDS - 1)

static void name_row(struct msp_board_job_kind *row, const char *name)
{
    if (row->name[0] == '\0') {
        (void)snprintf(row->name, sizeof row->name, "%s", name);
    }
}

void msp_job_figures_init(struct msp_board_jobs *board)
{
    for (size_t i = 0; i < OTHERS && msp_job_kind_at(i) != NULL; i++) {
        name_row(&board->kinds[i], msp_job_kind_at(i)->name);
    }
    name_row(&board->kinds[OTHERS], "other");
}

struct msp_board_job_kind *msp_job_figures_find(struct msp_board_jobs *board, const char *kind)
{
    for (size_t i = 0; i < OTHERS; i++) {
        if (strcmp(board->kinds[i].name, kind) == 0) {
            return &board->kinds[i];
        }
    }
    return &board->kinds[OTHERS];
}
