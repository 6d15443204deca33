/* Removes every file of a tenant from the export storage, before its rows go (msp_erase_tenant).
 * Removes no row. */
#include "export_wait.h"
#include "job_kinds.h"
#include "msp/json_writer.h"
#include "storage/storage.h"

#include <stdio.h>

static bool should_stop(void *context)
{
    return msp_job_run_should_stop(context);
}

/* With every dataset's turn ours, nobody writes there. */
static enum msp_result remove_files(struct msp_job_run *run, const char *prefix, int dataset,
                                    int64_t *out_removed, struct msp_error *error)
{
    if (dataset < MSP_DATASETS) {
        enum msp_result result = msp_export_turn_wait(run, (enum msp_dataset)dataset, error);
        if (result != MSP_OK) {
            return result;
        }
        result = remove_files(run, prefix, dataset + 1, out_removed, error);
        msp_export_turn_leave(run, (enum msp_dataset)dataset);
        return result;
    }
    const struct msp_storage *storage;
    const struct msp_storage_request request = {
        .settings = run->settings,
        .url = run->settings->export_storage,
        .prefix = prefix,
        .should_stop = should_stop,
        .context = run,
    };
    enum msp_result result = msp_storage_find(request.url, &storage, error);
    return result == MSP_OK ? storage->remove_all(&request, out_removed, error) : result;
}

enum msp_result msp_kind_erase_run(struct msp_job_run *run, struct msp_buffer *result,
                                   struct msp_error *error)
{
    struct msp_tenant tenant;
    char prefix[MSP_TENANT_SLUG_BYTES + 8];
    char sentence[64];
    int64_t removed = 0;
    enum msp_result outcome = msp_job_run_tenant(run, &tenant, error);
    if (outcome == MSP_OK) {
        outcome = msp_job_run_progress(run, 0, 0, "removing files", error);
    }
    if (outcome == MSP_OK) {
        (void)snprintf(prefix, sizeof prefix, "tenant=%s", tenant.slug);
        outcome = remove_files(run, prefix, 0, &removed, error);
    }
    if (outcome == MSP_OK) {
        struct msp_json_writer json;
        msp_json_writer_init(&json, result);
        msp_json_begin_object(&json);
        msp_json_key_int(&json, "files_removed", removed);
        (void)snprintf(sentence, sizeof sentence, "%lld exported files removed",
                       (long long)removed);
        msp_json_key_string(&json, "sentence", sentence);
        msp_json_end_object(&json);
    }
    return outcome;
}
