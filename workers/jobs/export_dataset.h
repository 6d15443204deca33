/* Writes one dataset of one tenant: its partitions, the latest file and the manifest, all or none.
 */
#ifndef MSP_EXPORT_DATASET_H
#define MSP_EXPORT_DATASET_H

#include "job_run.h"
#include "msp/export_store.h"
#include "msp/json_writer.h"

struct msp_export_order {
    enum msp_dataset dataset;
    enum msp_export_format format;
    int32_t from, to; /* both MSP_NO_DAY: the complete days that changed since the last export */
    bool force;       /* days that are not complete too */
};

/*
 * Appends one object a file to the open JSON array: of the days asked for, or changed, whether
 * their content did or not, and of the latest file. Nothing to export is a success.
 * MSP_CONFLICT "day_not_complete" for a day asked for without `force`.
 */
enum msp_result msp_export_dataset(struct msp_job_run *run, const struct msp_export_order *order,
                                   struct msp_json_writer *locations,
                                   struct msp_error *error) MSP_MUST_CHECK;

#endif
