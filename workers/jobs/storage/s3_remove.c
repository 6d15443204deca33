/* Removing a tenant's objects for ever. Of a bucket that keeps old versions, those are the
 * operator's to expire. */
#include "storage/s3_remove.h"

#include "msp/buffer.h"
#include "storage/s3_call.h"

#include <stdio.h>
#include <string.h>

/* A million names of some 60 bytes. */
#define NAMES_BYTES (64U << 20)

static bool remember(void *context, const char *name, int64_t bytes)
{
    struct msp_buffer *names = context;
    (void)bytes;
    msp_buffer_append(names, name, strlen(name) + 1);
    return !names->failed;
}

static enum msp_result remove_object(const struct msp_s3_client *client, const char *below,
                                     const char *name, struct msp_error *error)
{
    char key[MSP_S3_KEY_BYTES];
    int length = snprintf(key, sizeof key, "%s%s", below, name);
    if (length < 0 || (size_t)length >= sizeof key) {
        return msp_fail(error, MSP_INVALID, "storage_malformed",
                        "A name in the object storage is too long.");
    }
    struct s3_call call = {.method = "DELETE", .key = key};
    return msp_s3_do(client, &call, error);
}

static enum msp_result remove_below(const struct msp_s3_client *client, const char *below,
                                    struct msp_buffer *names, int64_t *removed,
                                    struct msp_error *error)
{
    enum msp_result result = msp_s3_sweep(client, below, error);
    if (result == MSP_OK) {
        result = msp_s3_list(client, below, remember, names, error);
    }
    if (result == MSP_OK && names->failed) {
        result = msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for the names of files.");
    }
    for (size_t at = 0; at < names->length && result == MSP_OK;
         at += strlen(names->data + at) + 1, *removed += result == MSP_OK) {
        result = remove_object(client, below, names->data + at, error);
    }
    return result;
}

enum msp_result msp_s3_remove_all(const struct msp_storage_request *request, int64_t *out_removed,
                                  struct msp_error *error)
{
    char below[MSP_S3_KEY_BYTES];
    struct msp_s3_client client;
    struct msp_buffer names;
    int64_t removed = 0;
    (void)snprintf(below, sizeof below, "%s/", request->prefix);
    enum msp_result result = msp_s3_client_init(&client, request->settings, request->url, NULL,
                                                request->should_stop, request->context, error);
    if (result != MSP_OK) {
        return result;
    }
    msp_buffer_init(&names, NAMES_BYTES);
    result = remove_below(&client, below, &names, &removed, error);
    msp_buffer_done(&names);
    msp_s3_client_done(&client);
    if (result == MSP_OK) {
        *out_removed = removed;
    }
    return result;
}
