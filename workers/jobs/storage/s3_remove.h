/* Removing what s3://bucket/prefix holds of a tenant. */
#ifndef MSP_S3_REMOVE_H
#define MSP_S3_REMOVE_H

#include "storage/storage.h"

/* remove_all of msp_s3_storage. */
enum msp_result msp_s3_remove_all(const struct msp_storage_request *request, int64_t *out_removed,
                                  struct msp_error *error) MSP_MUST_CHECK;

#endif
