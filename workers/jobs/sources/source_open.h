/* A tenant's source, opened with what was set for it: its options, its secrets, its request
 * budget. */
#ifndef MSP_SOURCE_OPEN_H
#define MSP_SOURCE_OPEN_H

#include "job_run.h"
#include "sources/source.h"

struct msp_open_source {
    struct msp_source_reader *reader;
    int64_t retry_after_seconds; /* what the source asked for last; 0 = nothing */
    /* What the reader leans on. */
    struct msp_source_order order;
    json_t *options, *secrets;
    char budget_key[MSP_TENANT_SLUG_BYTES + MSP_TENANT_SOURCE_BYTES];
    char timezone[MSP_TENANT_TIMEZONE_BYTES];
    char tenant[MSP_TENANT_SLUG_BYTES];
};

/*
 * Opens the source of the run's tenant into *out, which must stay where it is until
 * msp_open_source_close; that is fine after a failure too. MSP_INVALID "tenant_has_no_source" for a
 * tenant whose tickets are pushed, MSP_NOT_FOUND "source_not_set" if nobody said how to reach it,
 * and those of msp_source_find, msp_secret_open and the source's own open.
 */
enum msp_result msp_open_source_open(struct msp_job_run *run, const struct msp_tenant *tenant,
                                     struct msp_open_source *out,
                                     struct msp_error *error) MSP_MUST_CHECK;
void msp_open_source_close(struct msp_open_source *opened);

/* For MSP_BUSY "source_rate_limited": puts the job off until the source may be asked again. Other
 * results stay as they are. */
enum msp_result msp_open_source_wait(struct msp_job_run *run, const struct msp_open_source *opened,
                                     enum msp_result result,
                                     struct msp_error *error) MSP_MUST_CHECK;

/* Whether the source, or our share of it, allows no call for now. */
bool msp_source_is_rate_limited(enum msp_result result, const struct msp_error *error);

#endif
