/* Reading what file:///path holds. */
#ifndef MSP_FILE_READ_H
#define MSP_FILE_READ_H

#include "storage/storage.h"

/* read_range of msp_file_storage. */
enum msp_result msp_file_read_range(struct msp_storage_read *read,
                                    struct msp_error *error) MSP_MUST_CHECK;

#endif
