/* msp-analytics check-config and show-config: the settings as people need them before a start. */
#include "command.h"

#include "msp/clock.h"
#include "msp/db.h"

#include <stdio.h>

#define DATABASE_MS 10000

/* As a process of the server would sign in before it says that it is ready. */
static enum msp_result try_login(const char *url, const char *role, struct msp_error *error)
{
    const struct msp_db_options options = {
        .url = url, .role = role, .application_name = "msp-analytics check-config"};
    struct msp_db *db = msp_db_new(&options);
    if (db == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "out of memory");
    const enum msp_result result = msp_db_check(db, msp_clock_monotonic_ms() + DATABASE_MS, error);
    msp_db_free(db);
    return result;
}

static int check_database(const struct msp_invocation *invocation,
                          const struct msp_settings *settings)
{
    const struct {
        const char *name;
        const char *url;
        const char *role;
    } logins[] = {{"DATABASE_URL", settings->database_url, "msp_api"},
                  {"JOBS_DATABASE_URL", settings->jobs_database_url, "msp_jobs"}};
    int code = MSP_COMMAND_DONE;
    for (size_t i = 0; i < sizeof logins / sizeof logins[0]; i++) {
        struct msp_error error;
        const enum msp_result result = try_login(logins[i].url, logins[i].role, &error);
        if (result == MSP_OK)
            continue;
        msp_invocation_complain(invocation, "%s: %s", logins[i].name, error.detail);
        if (code != MSP_COMMAND_WRONG)
            code = result == MSP_INVALID ? MSP_COMMAND_WRONG : MSP_COMMAND_FAILED;
    }
    return code;
}

int msp_command_check_config(const struct msp_invocation *invocation)
{
    struct msp_settings settings;
    if (msp_invocation_settings(invocation, msp_command_serve_needs, &settings) != MSP_OK)
        return MSP_COMMAND_WRONG;
    if (msp_invocation_option(invocation, "database") != NULL) {
        const int code = check_database(invocation, &settings);
        if (code != MSP_COMMAND_DONE)
            return code;
    }
    (void)printf("configuration is fine\n");
    return MSP_COMMAND_DONE;
}

static int print(const struct msp_invocation *invocation, struct msp_buffer *text)
{
    const bool whole = !text->failed;
    if (whole)
        (void)fwrite(text->data, 1, text->length, stdout);
    else
        msp_invocation_complain(invocation, "out of memory");
    msp_buffer_done(text);
    return whole ? MSP_COMMAND_DONE : MSP_COMMAND_FAILED;
}

int msp_command_show_config(const struct msp_invocation *invocation)
{
    struct msp_buffer text;
    msp_buffer_init(&text, 0);
    if (msp_invocation_option(invocation, "sample") != NULL) {
        msp_settings_sample(&text);
        return print(invocation, &text);
    }
    if (msp_invocation_option(invocation, "markdown") != NULL) {
        msp_settings_markdown(&text);
        return print(invocation, &text);
    }
    static const char *const nothing[] = {NULL};
    struct msp_settings settings;
    if (msp_invocation_settings(invocation, nothing, &settings) != MSP_OK)
        return MSP_COMMAND_WRONG;
    msp_settings_show(&settings, invocation->json, &text);
    return print(invocation, &text);
}
