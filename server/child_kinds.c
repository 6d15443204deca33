/* Which children there are and how each kind is treated. */
#include "child_kinds.h"

#include <stdio.h>

static int count_http_workers(const struct msp_settings *settings)
{
    return settings->http_workers;
}

static int count_one(const struct msp_settings *settings)
{
    (void)settings;
    return 1;
}

/*
 * The keeper comes first, so that the first request finds its tenant. HTTP workers leave first:
 * those who wait for a job still need the job worker; the keeper goes last, since a request needs
 * the tenants.
 */
const struct msp_child_kind msp_child_kinds[MSP_CHILD_KINDS] = {
    {
        .kind = MSP_PROCESS_SNAPSHOT,
        .title = "snapshot",
        .run = msp_snapshot_keeper_main,
        .count = count_one,
        .first = true,
        .writes = MSP_SHARED_KEEPER,
        .stop_turn = 2,
        .stop_percent = 75,
    },
    {
        .kind = MSP_PROCESS_JOBS,
        .title = "job worker",
        .run = msp_job_worker_main,
        .count = count_one,
        .takes_jobs = true,
        .reload_renews = true,
        .writes = MSP_SHARED_READER,
        .stop_turn = 1,
        .stop_percent = 50,
    },
    {
        .kind = MSP_PROCESS_HTTP,
        .title = "http worker",
        .numbered = true,
        .run = msp_http_worker_main,
        .count = count_http_workers,
        .takes_http = true,
        .reload_renews = true,
        .writes = MSP_SHARED_READER,
        .stop_turn = 0,
        .stop_percent = 0,
    },
};

void msp_child_kind_name(const struct msp_child_kind *kind, int number, char *out, size_t size)
{
    if (kind->numbered)
        (void)snprintf(out, size, "%s %d", kind->title, number);
    else
        (void)snprintf(out, size, "%s", kind->title);
}
