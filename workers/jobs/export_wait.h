/* Waiting for the turn to write a dataset: briefly in the thread, then in the queue. */
#ifndef MSP_EXPORT_WAIT_H
#define MSP_EXPORT_WAIT_H

#include "job_run.h"
#include "msp/export_store.h"

/*
 * Ours until msp_export_turn_leave. While another job writes the dataset, on whichever node, it
 * waits a little and then gives MSP_BUSY "export_under_way" and has the job put off, so that the
 * thread is free for others.
 */
enum msp_result msp_export_turn_wait(struct msp_job_run *run, enum msp_dataset dataset,
                                     struct msp_error *error) MSP_MUST_CHECK;

void msp_export_turn_leave(const struct msp_job_run *run, enum msp_dataset dataset);

#endif
