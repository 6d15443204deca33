/* One connection for one command. The stores choose the role msp_admin where they act for all
 * tenants. */
#include "admin_database.h"

#include "msp/clock.h"
#include "msp/tenant_store.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_MS 15000

int msp_admin_database_open(const struct msp_invocation *invocation,
                            struct msp_settings *out_settings, struct msp_db **out_db)
{
    return msp_admin_database_open_for(invocation, ANSWER_MS, out_settings, out_db);
}

int msp_admin_database_open_for(const struct msp_invocation *invocation, int statement_ms,
                                struct msp_settings *out_settings, struct msp_db **out_db)
{
    static const char *const needs[] = {"DATABASE_URL", NULL};
    if (msp_invocation_settings(invocation, needs, out_settings) != MSP_OK)
        return MSP_COMMAND_WRONG;
    const struct msp_db_options options = {
        .url = out_settings->database_url,
        .role = "msp_api",
        .application_name = "msp-analytics command",
        .statement_timeout_ms = statement_ms,
    };
    *out_db = msp_db_new(&options);
    if (*out_db == NULL) {
        msp_invocation_complain(invocation, "out of memory");
        return MSP_COMMAND_FAILED;
    }
    return MSP_COMMAND_DONE;
}

const struct msp_actor *msp_admin_actor(const struct msp_settings *settings)
{
    static char name[80];
    static struct msp_actor actor = {.name = name};
    actor.audit_secret = settings->audit_secret;
    const struct passwd *user = getpwuid(getuid());
    if (user != NULL)
        (void)snprintf(name, sizeof(name), "command line (%.60s)", user->pw_name);
    else
        (void)snprintf(name, sizeof(name), "command line (user %u)", (unsigned)getuid());
    return &actor;
}

int64_t msp_admin_deadline_ms(void)
{
    return msp_clock_monotonic_ms() + ANSWER_MS;
}

enum msp_result msp_admin_tenant_id(struct msp_db *db, const char *slug, int64_t *out_id,
                                    struct msp_error *error)
{
    struct msp_tenant *tenants = NULL;
    size_t count = 0;
    enum msp_result result =
        msp_tenant_store_all(db, msp_admin_deadline_ms(), &tenants, &count, error);
    if (result != MSP_OK)
        return result;
    result = MSP_NOT_FOUND;
    for (size_t i = 0; i < count && result != MSP_OK; i++) {
        if (strcmp(tenants[i].slug, slug) == 0) {
            *out_id = tenants[i].id;
            result = MSP_OK;
        }
    }
    free(tenants);
    if (result != MSP_OK)
        return msp_fail(error, MSP_NOT_FOUND, "tenant_unknown",
                        "There is no tenant \"%s\"; msp-analytics tenant list shows all", slug);
    return MSP_OK;
}
