/* What exported files are called, and which version of their columns they hold. */
#ifndef MSP_EXPORT_NAMES_H
#define MSP_EXPORT_NAMES_H

#include "msp/export_store.h"

#define MSP_EXPORT_NAME_BYTES 64

/* "date=2026-01-31/part-0.csv", or for MSP_NO_DAY "latest.csv": below the dataset's folder. */
void msp_export_file_name(int32_t day, enum msp_export_format format,
                          char out[MSP_EXPORT_NAME_BYTES]);

/* Columns of the dataset's header today; since they are only appended to, their number tells older
 * files from today's. */
int msp_export_columns(enum msp_dataset dataset);

#endif
