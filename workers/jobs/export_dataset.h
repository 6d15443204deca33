/* Writes one dataset of one tenant: its partitions, latest.csv and the manifest, all or none. */
#ifndef MSP_EXPORT_DATASET_H
#define MSP_EXPORT_DATASET_H

#include "job_run.h"
#include "msp/export_store.h"
#include "msp/json_writer.h"

struct msp_export_order {
    enum msp_dataset dataset;
    int32_t from, to; /* both MSP_NO_DAY: the complete days that changed since the last export */
    bool force;       /* days that are not complete too */
};

/*
 * Appends one object a written file to the open JSON array. Nothing to write is a success.
 * MSP_CONFLICT "day_not_complete" for a day asked for without `force`.
 */
enum msp_result msp_export_dataset(struct msp_job_run *run, const struct msp_export_order *order,
                                   struct msp_json_writer *locations,
                                   struct msp_error *error) MSP_MUST_CHECK;

#endif
