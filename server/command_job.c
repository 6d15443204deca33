/* msp-analytics job …: what runs, what ran and how it ended; and ending it, or trying it again. */
#include "job_follow.h"
#include "job_news.h"
#include "job_print.h"

#include "msp/no_value.h"

#include <stdio.h>
#include <string.h>

/* What a command works with. */
struct desk {
    const struct msp_invocation *invocation;
    struct msp_settings settings;
    struct msp_db *db;
    struct msp_arena *arena;
    long limit;
};

static enum msp_result list(struct desk *desk, struct msp_error *error)
{
    const struct msp_invocation *invocation = desk->invocation;
    const char *tenant = msp_invocation_option(invocation, "tenant");
    int64_t tenant_id = 0;
    if (tenant != NULL) {
        const enum msp_result known = msp_admin_tenant_id(desk->db, tenant, &tenant_id, error);
        if (known != MSP_OK)
            return known;
    }
    const struct msp_job_filter filter = {
        .state = msp_invocation_option(invocation, "state"),
        .kind = msp_invocation_option(invocation, "kind"),
        .before_us = MSP_NO_TIME,
        .limit = (int)desk->limit,
    };
    struct msp_job *jobs = NULL;
    size_t count = 0;
    const enum msp_result result = msp_job_list(desk->db, tenant_id, &filter, desk->arena,
                                                msp_admin_deadline_ms(), &jobs, &count, error);
    if (result == MSP_OK)
        msp_job_print_list(jobs, count, invocation->json);
    return result;
}

static enum msp_result show(struct desk *desk, struct msp_error *error)
{
    struct msp_job job;
    const enum msp_result result = msp_job_get(desk->db, 0, desk->invocation->argument, desk->arena,
                                               msp_admin_deadline_ms(), &job, error);
    if (result == MSP_OK)
        msp_job_print(&job, desk->invocation->json);
    return result;
}

static enum msp_result cancel(struct desk *desk, struct msp_error *error)
{
    const struct msp_job_asker asker = {NULL, msp_admin_actor(&desk->settings)};
    struct msp_job job;
    bool changed = false;
    const enum msp_result result =
        msp_job_cancel(desk->db, 0, desk->invocation->argument, &asker, desk->arena,
                       msp_admin_deadline_ms(), &job, &changed, error);
    if (result != MSP_OK)
        return result;
    if (!changed && msp_job_state_is_final(job.state))
        return msp_fail(error, MSP_CONFLICT, "job_ended",
                        "job %s has ended already: it %s. Nothing was changed", job.id,
                        job.state == MSP_JOB_CANCELLED ? "was cancelled"
                                                       : msp_job_state_name(job.state));
    msp_job_news_tell(&desk->settings, MSP_JOB_CANCEL, &job);
    if (desk->invocation->json)
        msp_job_print(&job, true);
    else if (job.state == MSP_JOB_CANCELLED)
        (void)printf("job %s is cancelled\n", job.id);
    else
        (void)printf("job %s was asked to stop; msp-analytics job watch %s shows its end\n", job.id,
                     job.id);
    return MSP_OK;
}

static enum msp_result retry(struct desk *desk, struct msp_error *error)
{
    const struct msp_job_asker asker = {NULL, msp_admin_actor(&desk->settings)};
    struct msp_job job;
    bool changed = false;
    const enum msp_result result =
        msp_job_retry(desk->db, 0, desk->invocation->argument, &asker, desk->arena,
                      msp_admin_deadline_ms(), &job, &changed, error);
    if (result != MSP_OK)
        return result;
    if (!changed)
        return msp_fail(error, MSP_CONFLICT, "job_not_dead",
                        "job %s is %s; only a failed or cancelled job can be tried again", job.id,
                        msp_job_state_name(job.state));
    msp_job_news_tell(&desk->settings, MSP_JOB_WAKE, &job);
    if (desk->invocation->json)
        msp_job_print(&job, true);
    else
        (void)printf("job %s is queued again; msp-analytics job watch %s follows it\n", job.id,
                     job.id);
    return MSP_OK;
}

/* Opens what `work` needs, lets it work, and closes it. */
static int at_desk(const struct msp_invocation *invocation, long limit,
                   enum msp_result (*work)(struct desk *desk, struct msp_error *error))
{
    struct desk desk = {.invocation = invocation, .limit = limit};
    const int opened = msp_admin_database_open(invocation, &desk.settings, &desk.db);
    if (opened != MSP_COMMAND_DONE)
        return opened;
    struct msp_error error = {.detail = "out of memory"};
    desk.arena = msp_arena_new(65536);
    const bool fine = desk.arena != NULL && work(&desk, &error) == MSP_OK;
    if (!fine)
        msp_invocation_complain(invocation, "%s", error.detail);
    msp_arena_free(desk.arena);
    msp_db_free(desk.db);
    return fine ? MSP_COMMAND_DONE : MSP_COMMAND_FAILED;
}

int msp_command_job_list(const struct msp_invocation *invocation)
{
    long limit = 0;
    if (!msp_invocation_number(invocation, "limit", 1, 200, 20, &limit))
        return MSP_COMMAND_WRONG;
    const char *state = msp_invocation_option(invocation, "state");
    bool known = state == NULL;
    for (int i = MSP_JOB_QUEUED; i <= MSP_JOB_CANCELLED && !known; i++)
        known = strcmp(state, msp_job_state_name((enum msp_job_state)i)) == 0;
    if (!known)
        return msp_invocation_misused(invocation, "there is no state \"%s\"", state);
    return at_desk(invocation, limit, list);
}

int msp_command_job_show(const struct msp_invocation *invocation)
{
    return at_desk(invocation, 0, show);
}

int msp_command_job_cancel(const struct msp_invocation *invocation)
{
    return at_desk(invocation, 0, cancel);
}

int msp_command_job_retry(const struct msp_invocation *invocation)
{
    return at_desk(invocation, 0, retry);
}

int msp_command_job_watch(const struct msp_invocation *invocation)
{
    long timeout_seconds = 0;
    if (!msp_invocation_number(invocation, "timeout", 1, 86400, 3600, &timeout_seconds))
        return MSP_COMMAND_WRONG;
    struct msp_settings settings;
    struct msp_db *db = NULL;
    const int opened = msp_admin_database_open(invocation, &settings, &db);
    if (opened != MSP_COMMAND_DONE)
        return opened;
    const int code =
        msp_job_follow(invocation, &settings, db, invocation->argument, NULL, timeout_seconds);
    msp_db_free(db);
    return code;
}
