/*
 * What one export of a dataset is about: each partition there is or will be, whether its rows are
 * to be read again, and where its bytes are now. Reads the record and looks at the storage.
 */
#ifndef MSP_EXPORT_PLAN_H
#define MSP_EXPORT_PLAN_H

#include "export_dataset.h"
#include "export_writer.h"

struct msp_export_part {
    int32_t day;
    int64_t revision; /* of its KPIs now */
    bool due;         /* its rows are to be read */
    struct msp_export_before before;
};

struct msp_export_plan {
    struct msp_export_part *parts; /* ascending, each day once */
    size_t part_count;
    struct msp_export_day *due; /* those of `parts` */
    size_t due_count;
    struct msp_export_before latest;
    struct msp_export_file *others; /* on record in other formats */
    size_t other_count;
    bool manifest_missing;
};

/*
 * MSP_CONFLICT "day_not_complete" for a day asked for without `force`. Partitions on record whose
 * file is gone, cut, unsure or older than a column of today are due too, so that the latest file is
 * whole whatever became of the storage. Lives in run->arena.
 */
enum msp_result msp_export_plan_make(const struct msp_export_writer_options *target,
                                     const struct msp_export_order *order,
                                     const struct msp_export_writer *writer,
                                     struct msp_export_plan *out,
                                     struct msp_error *error) MSP_MUST_CHECK;

/* Whether anything has to be read or written. */
bool msp_export_plan_has_work(const struct msp_export_plan *plan, enum msp_dataset dataset);

#endif
