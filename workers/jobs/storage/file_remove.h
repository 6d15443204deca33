/* Removing what file:///path holds of a tenant. */
#ifndef MSP_FILE_REMOVE_H
#define MSP_FILE_REMOVE_H

#include "storage/storage.h"

/* remove_all of msp_file_storage. */
enum msp_result msp_file_remove_all(const struct msp_storage_request *request, int64_t *out_removed,
                                    struct msp_error *error) MSP_MUST_CHECK;

#endif
