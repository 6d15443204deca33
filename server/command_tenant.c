/* msp-analytics tenant …: who the customers are. The snapshot keepers of all nodes hear of a change
 * by themselves. */
#include "admin_database.h"

#include "msp/json_writer.h"
#include "msp/tenant_store.h"

#include <stdio.h>
#include <stdlib.h>

/* Ends a command that had the connection: frees it, says what went wrong, and gives the exit code.
 */
static int conclude(const struct msp_invocation *invocation, struct msp_db *db,
                    enum msp_result result, const struct msp_error *error, const char *done)
{
    msp_db_free(db);
    if (result != MSP_OK) {
        msp_invocation_complain(invocation, "%s", error->detail);
        return MSP_COMMAND_FAILED;
    }
    if (done != NULL)
        (void)printf("tenant %s %s\n", invocation->argument, done);
    return MSP_COMMAND_DONE;
}

int msp_command_tenant_add(const struct msp_invocation *invocation)
{
    struct msp_settings settings;
    struct msp_db *db = NULL;
    const int opened = msp_admin_database_open(invocation, &settings, &db);
    if (opened != MSP_COMMAND_DONE)
        return opened;
    struct msp_error error;
    struct msp_tenant made;
    const struct msp_tenant_order order = {
        .slug = invocation->argument,
        .name = msp_invocation_option(invocation, "name"),
        .timezone = msp_invocation_option(invocation, "timezone"),
        .source = msp_invocation_option(invocation, "source"),
        .limits = msp_invocation_option(invocation, "limits"),
    };
    const enum msp_result result = msp_tenant_store_add(db, &order, msp_admin_actor(&settings),
                                                        msp_admin_deadline_ms(), &made, &error);
    return conclude(invocation, db, result, &error, "added");
}

static int change(const struct msp_invocation *invocation, const struct msp_tenant_change *order,
                  const char *done)
{
    struct msp_settings settings;
    struct msp_db *db = NULL;
    const int opened = msp_admin_database_open(invocation, &settings, &db);
    if (opened != MSP_COMMAND_DONE)
        return opened;
    struct msp_error error;
    struct msp_tenant changed;
    const enum msp_result result =
        msp_tenant_store_set(db, invocation->argument, order, msp_admin_actor(&settings),
                             msp_admin_deadline_ms(), &changed, &error);
    return conclude(invocation, db, result, &error, done);
}

int msp_command_tenant_set(const struct msp_invocation *invocation)
{
    const struct msp_tenant_change order = {
        .name = msp_invocation_option(invocation, "name"),
        .timezone = msp_invocation_option(invocation, "timezone"),
        .source = msp_invocation_option(invocation, "source"),
        .limits = msp_invocation_option(invocation, "limits"),
        .active = -1,
    };
    if (order.name == NULL && order.timezone == NULL && order.source == NULL &&
        order.limits == NULL)
        return msp_invocation_misused(invocation, "say what to change");
    return change(invocation, &order, "changed");
}

int msp_command_tenant_disable(const struct msp_invocation *invocation)
{
    const struct msp_tenant_change order = {.active = 0};
    return change(invocation, &order, "disabled; its data is kept");
}

int msp_command_tenant_enable(const struct msp_invocation *invocation)
{
    const struct msp_tenant_change order = {.active = 1};
    return change(invocation, &order, "enabled");
}

static void print_for_people(const struct msp_tenant *tenants, size_t count)
{
    (void)printf("%-24s %-8s %-24s %-10s %-24s %s\n", "tenant", "state", "time zone", "source",
                 "name", "limits of its own");
    for (size_t i = 0; i < count; i++)
        (void)printf("%-24s %-8s %-24s %-10s %-24s %s\n", tenants[i].slug,
                     tenants[i].active ? "active" : "disabled", tenants[i].timezone,
                     tenants[i].source[0] != '\0' ? tenants[i].source : "(pushed)", tenants[i].name,
                     tenants[i].limits);
}

/* The shape of GET /v1/admin/tenants. */
static void print_as_json(const struct msp_tenant *tenants, size_t count)
{
    struct msp_buffer text;
    struct msp_json_writer writer;
    msp_buffer_init(&text, 0);
    msp_json_writer_init(&writer, &text);
    msp_json_begin_object(&writer);
    msp_json_key(&writer, "tenants");
    msp_json_begin_array(&writer);
    for (size_t i = 0; i < count; i++) {
        msp_json_begin_object(&writer);
        msp_json_key_string(&writer, "id", tenants[i].slug);
        msp_json_key_string(&writer, "name", tenants[i].name);
        msp_json_key_string(&writer, "timezone", tenants[i].timezone);
        msp_json_key_string(&writer, "status", tenants[i].active ? "active" : "disabled");
        msp_json_key_string(&writer, "source",
                            tenants[i].source[0] != '\0' ? tenants[i].source : NULL);
        msp_json_key_string(&writer, "limits",
                            tenants[i].limits[0] != '\0' ? tenants[i].limits : NULL);
        msp_json_end_object(&writer);
    }
    msp_json_end_array(&writer);
    msp_json_end_object(&writer);
    if (!text.failed)
        (void)printf("%.*s\n", (int)text.length, text.data);
    msp_buffer_done(&text);
}

int msp_command_tenant_list(const struct msp_invocation *invocation)
{
    struct msp_settings settings;
    struct msp_db *db = NULL;
    const int opened = msp_admin_database_open(invocation, &settings, &db);
    if (opened != MSP_COMMAND_DONE)
        return opened;
    struct msp_tenant *tenants = NULL;
    size_t count = 0;
    struct msp_error error;
    const enum msp_result result =
        msp_tenant_store_all(db, msp_admin_deadline_ms(), &tenants, &count, &error);
    if (result == MSP_OK && invocation->json)
        print_as_json(tenants, count);
    else if (result == MSP_OK)
        print_for_people(tenants, count);
    free(tenants);
    return conclude(invocation, db, result, &error, NULL);
}
