/* The storages there are, by the scheme of EXPORT_STORAGE; a new one is a new row. */
#include "storage/storage.h"

#include <string.h>

static const struct msp_storage *const storages[] = {
    &msp_file_storage,
    &msp_s3_storage,
};

enum msp_result msp_storage_find(const char *url, const struct msp_storage **out,
                                 struct msp_error *error)
{
    for (size_t i = 0; i < sizeof storages / sizeof storages[0]; i++) {
        if (strncmp(url, storages[i]->scheme, strlen(storages[i]->scheme)) == 0) {
            *out = storages[i];
            return MSP_OK;
        }
    }
    return msp_fail(error, MSP_INVALID, "storage_unknown",
                    "EXPORT_STORAGE must be file:///path or s3://bucket/prefix.");
}
