/* msp-analytics migrate: brings the database to this program's schema with the owner's login. */
#include "command.h"

#include "msp/migrate.h"

#include <stdio.h>

static void say_applied(void *context, const char *name)
{
    (void)context;
    (void)printf("applying %s\n", name);
    (void)fflush(stdout);
}

int msp_command_migrate(const struct msp_invocation *invocation)
{
    static const char *const needs[] = {"MIGRATE_DATABASE_URL", NULL};
    struct msp_settings settings;
    if (msp_invocation_settings(invocation, needs, &settings) != MSP_OK)
        return MSP_COMMAND_WRONG;
    int applied = 0;
    struct msp_error error;
    if (msp_migrate(settings.migrate_database_url, say_applied, NULL, &applied, &error) != MSP_OK) {
        msp_invocation_complain(invocation, "%s", error.detail);
        return MSP_COMMAND_FAILED;
    }
    (void)printf("%d applied; the schema is at %d\n", applied, msp_migrate_latest());
    return MSP_COMMAND_DONE;
}
