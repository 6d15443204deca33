/* The counters of a kind of job on the status board. Rows are found by name, so that an old and a
 * new worker share them. */
#ifndef MSP_JOB_FIGURES_H
#define MSP_JOB_FIGURES_H

#include "msp/status_board.h"

/* Names the rows after the kinds there are, once, before any thread counts. */
void msp_job_figures_init(struct msp_board_jobs *board);

/* A kind's row; what is in no row counts in the last one. */
struct msp_board_job_kind *msp_job_figures_find(struct msp_board_jobs *board, const char *kind);

#endif
