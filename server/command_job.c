/* msp-analytics job …: what runs, what ran and how it ended. */
#include "job_follow.h"

#include "msp/no_value.h"
#include "msp/timestamp.h"

#include <stdio.h>
#include <string.h>

static void print_for_people(const struct msp_job *jobs, size_t count)
{
    (void)printf("%-36s %-10s %-20s %-10s %-12s %s\n", "job", "kind", "tenant", "state", "progress",
                 "created");
    for (size_t i = 0; i < count; i++) {
        char created[MSP_TIMESTAMP_TEXT_BYTES];
        char progress[48];
        msp_timestamp_format(jobs[i].created_us, created);
        (void)snprintf(progress, sizeof(progress), "%lld/%lld", (long long)jobs[i].done,
                       (long long)jobs[i].total);
        (void)printf("%-36s %-10s %-20s %-10s %-12s %s\n", jobs[i].id, jobs[i].kind,
                     jobs[i].tenant[0] != '\0' ? jobs[i].tenant : "(all)",
                     msp_job_state_name(jobs[i].state), progress, created);
    }
}

static void print_as_json(const struct msp_job *jobs, size_t count)
{
    struct msp_buffer text;
    struct msp_json_writer writer;
    msp_buffer_init(&text, 0);
    msp_json_writer_init(&writer, &text);
    msp_json_begin_object(&writer);
    msp_json_key(&writer, "jobs");
    msp_json_begin_array(&writer);
    for (size_t i = 0; i < count; i++)
        msp_job_write_json(&writer, &jobs[i]);
    msp_json_end_array(&writer);
    msp_json_end_object(&writer);
    if (!text.failed)
        (void)printf("%.*s\n", (int)text.length, text.data);
    msp_buffer_done(&text);
}

static enum msp_result list(const struct msp_invocation *invocation, struct msp_db *db, long limit,
                            struct msp_arena *arena, struct msp_error *error)
{
    const char *tenant = msp_invocation_option(invocation, "tenant");
    int64_t tenant_id = 0;
    if (tenant != NULL) {
        const enum msp_result known = msp_admin_tenant_id(db, tenant, &tenant_id, error);
        if (known != MSP_OK)
            return known;
    }
    const struct msp_job_filter filter = {
        .state = msp_invocation_option(invocation, "state"),
        .kind = msp_invocation_option(invocation, "kind"),
        .before_us = MSP_NO_TIME,
        .limit = (int)limit,
    };
    struct msp_job *jobs = NULL;
    size_t count = 0;
    const enum msp_result result =
        msp_job_list(db, tenant_id, &filter, arena, msp_admin_deadline_ms(), &jobs, &count, error);
    if (result == MSP_OK && invocation->json)
        print_as_json(jobs, count);
    else if (result == MSP_OK)
        print_for_people(jobs, count);
    return result;
}

static enum msp_result show(const struct msp_invocation *invocation, struct msp_db *db, long unused,
                            struct msp_arena *arena, struct msp_error *error)
{
    (void)unused;
    struct msp_job job;
    const enum msp_result result =
        msp_job_get(db, 0, invocation->argument, arena, msp_admin_deadline_ms(), &job, error);
    if (result == MSP_OK)
        msp_job_print(&job, invocation->json);
    return result;
}

/* Opens what `look` needs, lets it look, and closes it. */
static int with_database(const struct msp_invocation *invocation, long limit,
                         enum msp_result (*look)(const struct msp_invocation *, struct msp_db *,
                                                 long, struct msp_arena *, struct msp_error *))
{
    struct msp_settings settings;
    struct msp_db *db = NULL;
    const int opened = msp_admin_database_open(invocation, &settings, &db);
    if (opened != MSP_COMMAND_DONE)
        return opened;
    struct msp_error error = {.detail = "out of memory"};
    struct msp_arena *arena = msp_arena_new(65536);
    const bool fine = arena != NULL && look(invocation, db, limit, arena, &error) == MSP_OK;
    if (!fine)
        msp_invocation_complain(invocation, "%s", error.detail);
    msp_arena_free(arena);
    msp_db_free(db);
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
    return with_database(invocation, limit, list);
}

int msp_command_job_show(const struct msp_invocation *invocation)
{
    return with_database(invocation, 0, show);
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
    const int code = msp_job_follow(invocation, db, invocation->argument, timeout_seconds);
    msp_db_free(db);
    return code;
}
