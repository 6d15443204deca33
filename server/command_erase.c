/* msp-analytics tenant erase and erase-person: what a tenant or a person asks for under data
 * protection law. Both may be run again after an interruption and go on where they were. */
#include "admin_database.h"
#include "job_follow.h"
#include "job_news.h"

#include "msp/clock.h"
#include "msp/erasure_store.h"
#include "msp/json_reader.h"
#include "msp/tenant_store.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

/* A tenant of some million tickets. */
#define STATEMENT_MS 900000
#define LOOK_MS      300

struct erasing {
    const struct msp_invocation *invocation;
    struct msp_settings settings;
    struct msp_db *db;
    struct msp_arena *arena;
    const char *tenant;
    int64_t tenant_id;
    long timeout_seconds;
    int64_t deadline_ms;
};

static int complain(const struct erasing *erasing, const struct msp_error *error)
{
    msp_invocation_complain(erasing->invocation, "%s", error->detail);
    return MSP_COMMAND_FAILED;
}

/* MSP_COMMAND_DONE, or the exit code after a complaint; `close_erasing` in any case. */
static int open_erasing(struct erasing *erasing, const struct msp_invocation *invocation)
{
    struct msp_error error = {.detail = "out of memory"};
    erasing->invocation = invocation;
    erasing->tenant = invocation->argument;
    if (!msp_invocation_number(invocation, "timeout", 1, 86400, 3600, &erasing->timeout_seconds))
        return MSP_COMMAND_WRONG;
    erasing->deadline_ms = msp_clock_monotonic_ms() + 1000 * (int64_t)erasing->timeout_seconds;
    const int opened =
        msp_admin_database_open_for(invocation, STATEMENT_MS, &erasing->settings, &erasing->db);
    if (opened != MSP_COMMAND_DONE)
        return opened;
    erasing->arena = msp_arena_new(65536);
    if (erasing->arena == NULL ||
        msp_admin_tenant_id(erasing->db, erasing->tenant, &erasing->tenant_id, &error) != MSP_OK)
        return complain(erasing, &error);
    return MSP_COMMAND_DONE;
}

static int close_erasing(struct erasing *erasing, int code)
{
    msp_arena_free(erasing->arena);
    msp_db_free(erasing->db);
    return code;
}

static int64_t statement_deadline_ms(void)
{
    return msp_clock_monotonic_ms() + STATEMENT_MS;
}

/* Runs a job of the tenant to its end. */
static int run_job(struct erasing *erasing, const char *kind, const char *parameters,
                   const char *sentence)
{
    const struct msp_job_request request = {.kind = kind,
                                            .lane = MSP_LANE_LONG,
                                            .parameters = parameters,
                                            .by_person = true,
                                            .actor = msp_admin_actor(&erasing->settings)};
    struct msp_job job;
    struct msp_error error;
    if (msp_job_insert(erasing->db, erasing->tenant_id, &request, erasing->arena,
                       msp_admin_deadline_ms(), &job, &error) != MSP_OK)
        return complain(erasing, &error);
    msp_job_news_tell(&erasing->settings, MSP_JOB_WAKE, &job);
    return msp_job_follow(erasing->invocation, &erasing->settings, erasing->db, job.id, sentence,
                          erasing->timeout_seconds);
}

static void print_counts(const struct erasing *erasing, const char *what, const char *counts)
{
    if (erasing->invocation->json)
        (void)printf("%s\n", counts);
    else
        (void)printf("%s: %s\n", what, counts);
}

/* ---- a tenant ---- */

/* Nobody comes in any more, on any node, and nothing of the tenant runs. */
static int quiet_tenant(struct erasing *erasing)
{
    const struct msp_tenant_change shut = {.active = 0};
    struct msp_tenant changed;
    struct msp_error error;
    int64_t left = 1;
    enum msp_result result = msp_tenant_store_set(erasing->db, erasing->tenant, &shut,
                                                  msp_admin_actor(&erasing->settings),
                                                  msp_admin_deadline_ms(), &changed, &error);
    while (result == MSP_OK && left > 0 && msp_clock_monotonic_ms() < erasing->deadline_ms) {
        result = msp_erasure_quiet(erasing->db, erasing->tenant_id, msp_admin_deadline_ms(), &left,
                                   &error);
        if (result == MSP_OK && left > 0)
            (void)poll(NULL, 0, LOOK_MS);
    }
    if (result != MSP_OK)
        return complain(erasing, &error);
    if (left == 0)
        return MSP_COMMAND_DONE;
    msp_invocation_complain(erasing->invocation,
                            "the tenant is shut out, but a job of it has not ended within %ld "
                            "seconds; nothing is erased yet. See job list, then run this again",
                            erasing->timeout_seconds);
    return MSP_COMMAND_FAILED;
}

static int erase_tenant(struct erasing *erasing)
{
    char counts[MSP_ERASURE_COUNTS_BYTES];
    struct msp_error error;
    int code = quiet_tenant(erasing);
    if (code == MSP_COMMAND_DONE)
        code = run_job(erasing, "erase", "{}", "sentence");
    if (code != MSP_COMMAND_DONE)
        return code;
    if (msp_erasure_tenant(erasing->db, erasing->tenant_id, erasing->tenant,
                           msp_admin_actor(&erasing->settings), statement_deadline_ms(), counts,
                           &error) != MSP_OK)
        return complain(erasing, &error);
    print_counts(erasing, "erased, rows", counts);
    return MSP_COMMAND_DONE;
}

int msp_command_tenant_erase(const struct msp_invocation *invocation)
{
    struct erasing erasing = {.db = NULL};
    if (strcmp(msp_invocation_option(invocation, "confirm"), invocation->argument) != 0)
        return msp_invocation_misused(invocation,
                                      "--confirm must be \"%.80s\" again; nothing was erased",
                                      invocation->argument);
    int code = open_erasing(&erasing, invocation);
    if (code == MSP_COMMAND_DONE)
        code = erase_tenant(&erasing);
    return close_erasing(&erasing, code);
}

/* ---- a person ---- */

/* The files of one format, over the days that were exported; unchanged ones are left alone. */
static int write_exports_anew(struct erasing *erasing, const json_t *exported)
{
    char parameters[160];
    (void)snprintf(parameters, sizeof(parameters),
                   "{\"format\":\"%.10s\",\"from\":\"%.10s\",\"to\":\"%.10s\",\"force\":true}",
                   json_string_value(json_object_get(exported, "format")),
                   json_string_value(json_object_get(exported, "from")),
                   json_string_value(json_object_get(exported, "to")));
    return run_job(erasing, "export", parameters, NULL);
}

static int compute_anew(struct erasing *erasing, const char *counts)
{
    static const struct msp_json_limits limits = {MSP_ERASURE_COUNTS_BYTES, 4, 64};
    struct msp_error error;
    json_t *object = NULL;
    if (msp_json_parse(counts, strlen(counts), &limits, &object, &error) != MSP_OK)
        return complain(erasing, &error);
    int code = run_job(erasing, "kpi", "{\"dirty_only\":true}", NULL);
    size_t index = 0;
    const json_t *exported = NULL;
    json_array_foreach(json_object_get(object, "exported"), index, exported)
    {
        if (code == MSP_COMMAND_DONE)
            code = write_exports_anew(erasing, exported);
    }
    json_decref(object);
    return code;
}

static int erase_person(struct erasing *erasing, const char *who)
{
    char counts[MSP_ERASURE_COUNTS_BYTES];
    struct msp_error error;
    if (msp_erasure_person(erasing->db, erasing->tenant_id, who,
                           msp_admin_actor(&erasing->settings), statement_deadline_ms(), counts,
                           &error) != MSP_OK)
        return complain(erasing, &error);
    print_counts(erasing, "erased", counts);
    return compute_anew(erasing, counts);
}

int msp_command_tenant_erase_person(const struct msp_invocation *invocation)
{
    struct erasing erasing = {.db = NULL};
    const char *who = msp_invocation_option(invocation, "who");
    /* A word of two letters would be found in every other title. */
    if (strlen(who) < 3 || strlen(who) > 256)
        return msp_invocation_misused(invocation, "--who must have 3 to 256 bytes");
    int code = open_erasing(&erasing, invocation);
    if (code == MSP_COMMAND_DONE)
        code = erase_person(&erasing, who);
    return close_erasing(&erasing, code);
}
