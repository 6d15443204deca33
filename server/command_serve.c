/* msp-analytics serve: checks the settings and becomes the master. */
#include "command.h"
#include "master.h"

const char *const msp_command_serve_needs[] = {"DATABASE_URL", "SERVICE_TOKEN", "JWT_SECRET", NULL};

int msp_command_serve(const struct msp_invocation *invocation)
{
    struct msp_settings settings;
    if (msp_invocation_settings(invocation, msp_command_serve_needs, &settings) != MSP_OK)
        return MSP_COMMAND_WRONG;
    struct msp_settings_sources sources;
    msp_invocation_sources(invocation, &sources);
    return msp_master_run(&sources, &settings);
}
