/* From a tenant to an open reader. Reads no tickets. */
#include "sources/source_open.h"

#include "msp/source_store.h"

#include <stdio.h>
#include <string.h>

#define STORE_DEADLINE_MS 20000

/* Where a source did not say when to come back. */
#define PATIENCE_SECONDS 60

static bool should_stop(void *context)
{
    return msp_job_run_should_stop(context);
}

/* The mock source has none to open, nor a key to open them with. */
static enum msp_result open_secrets(const struct msp_source *source, struct msp_job_run *run,
                                    const struct msp_tenant *tenant,
                                    const struct msp_source_terms *terms,
                                    struct msp_open_source *out, struct msp_error *error)
{
    const struct msp_secret_keys keys = msp_source_keys(run->settings);
    if (source == &msp_mock_source) {
        out->secrets = json_object();
        return out->secrets != NULL
                   ? MSP_OK
                   : msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a source.");
    }
    if (!terms->found) {
        return msp_fail(error, MSP_NOT_FOUND, "source_not_set",
                        "Tickets of tenant \"%s\" come from %s, but nobody said how to reach it: "
                        "run msp-analytics source set %s --kind %s.",
                        tenant->slug, tenant->source, tenant->slug, tenant->source);
    }
    return msp_source_terms_open(terms, &keys, tenant->slug, tenant->source, &out->secrets, error);
}

static enum msp_result open_reader(const struct msp_source *source, struct msp_job_run *run,
                                   struct msp_open_source *out, struct msp_error *error)
{
    out->order = (struct msp_source_order){
        .settings = run->settings,
        .tenant = out->tenant,
        .timezone = out->timezone,
        .options = out->options,
        .secrets = out->secrets,
        .trace = run->job->trace,
        .budget_key = out->budget_key,
        .budgets = run->budgets,
        .retry_after_seconds = &out->retry_after_seconds,
        .should_stop = should_stop,
        .context = run,
    };
    return source->open(&out->order, &out->reader, error);
}

enum msp_result msp_open_source_open(struct msp_job_run *run, const struct msp_tenant *tenant,
                                     struct msp_open_source *out, struct msp_error *error)
{
    struct msp_source_terms terms;
    const struct msp_source *source = NULL;
    *out = (struct msp_open_source){.reader = NULL};
    if (tenant->source[0] == '\0') {
        return msp_fail(error, MSP_INVALID, "tenant_has_no_source",
                        "Tickets of tenant \"%s\" are pushed; there is no source to pull from.",
                        tenant->slug);
    }
    memcpy(out->timezone, tenant->timezone, sizeof out->timezone);
    memcpy(out->tenant, tenant->slug, sizeof out->tenant);
    (void)snprintf(out->budget_key, sizeof out->budget_key, "%s:%s", tenant->slug, tenant->source);
    enum msp_result result = msp_source_store_read(
        run->db, tenant, msp_job_run_deadline_in(run, STORE_DEADLINE_MS), &terms, error);
    if (result != MSP_OK) {
        return result;
    }
    out->options = json_incref(terms.options);
    result = msp_source_find(tenant->source, run->settings, out->options, &source, error);
    if (result == MSP_OK) {
        result = open_secrets(source, run, tenant, &terms, out, error);
    }
    msp_source_terms_done(&terms);
    return result == MSP_OK ? open_reader(source, run, out, error) : result;
}

void msp_open_source_close(struct msp_open_source *opened)
{
    if (opened->reader != NULL) {
        opened->reader->source->close(opened->reader);
    }
    json_decref(opened->options);
    json_decref(opened->secrets);
    *opened = (struct msp_open_source){.reader = NULL};
}

bool msp_source_is_rate_limited(enum msp_result result, const struct msp_error *error)
{
    return result == MSP_BUSY && strcmp(error->code, "source_rate_limited") == 0;
}

enum msp_result msp_open_source_wait(struct msp_job_run *run, const struct msp_open_source *opened,
                                     enum msp_result result, struct msp_error *error)
{
    if (!msp_source_is_rate_limited(result, error)) {
        return result;
    }
    const struct msp_error said = *error;
    int64_t seconds =
        opened->retry_after_seconds > 0 ? opened->retry_after_seconds : PATIENCE_SECONDS;
    return msp_job_run_slow_down(run, seconds, error, "%s", said.detail);
}
