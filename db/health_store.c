/* The look that the snapshot keeper takes every second. */
#include "msp/health_store.h"

static const struct msp_statement look_statement = {
    "health_look",
    "SELECT count(*) FROM (SELECT FROM msp.jobs WHERE state = 'queued' LIMIT 100000) AS queued",
    false};

enum msp_result msp_health_look(struct msp_db *db, int64_t deadline_ms, int *out_jobs_queued,
                                struct msp_error *error)
{
    const struct msp_scope scope = {0, "msp_admin"}; /* all tenants' jobs */
    struct msp_call call = {&look_statement, NULL, NULL};
    const enum msp_result result = msp_db_transact(db, &scope, &call, 1, deadline_ms, error);
    if (result == MSP_OK)
        *out_jobs_queued = (int)msp_result_int(call.result, 0, 0);
    msp_calls_clear(&call, 1);
    return result;
}
