/* The table of routes: every row is well-formed and guarded as the contract asks. */
#include "workers/http/route.h"

#include <criterion/criterion.h>
#include <string.h>

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static const struct msp_route *find(const char *method, const char *path)
{
    for (size_t i = 0; i < msp_route_count; i++) {
        if (strcmp(msp_routes[i].method, method) == 0 && strcmp(msp_routes[i].path, path) == 0)
            return &msp_routes[i];
    }
    cr_assert_fail("there is no route %s %s", method, path);
    return NULL;
}

static bool changes_things(const struct msp_route *route)
{
    return strcmp(route->method, "POST") == 0 || strcmp(route->method, "PUT") == 0;
}

Test(routes, every_row_has_a_method_an_absolute_path_and_a_handler)
{
    for (size_t i = 0; i < msp_route_count; i++) {
        const struct msp_route *route = &msp_routes[i];

        cr_assert(strcmp(route->method, "GET") == 0 || changes_things(route), "%s", route->path);
        cr_assert_eq(route->path[0], '/');
        cr_assert(route->path[1] == '\0' || route->path[strlen(route->path) - 1] != '/');
        cr_assert_not_null(route->query_names, "%s", route->path);
        cr_assert(route->handler != NULL, "%s", route->path);
    }
}

Test(routes, no_two_rows_are_the_same)
{
    for (size_t i = 0; i < msp_route_count; i++) {
        for (size_t j = i + 1; j < msp_route_count; j++)
            cr_assert(strcmp(msp_routes[i].path, msp_routes[j].path) != 0 ||
                          strcmp(msp_routes[i].method, msp_routes[j].method) != 0,
                      "%s %s stands twice", msp_routes[i].method, msp_routes[i].path);
    }
}

Test(routes, internal_addresses_and_no_others_take_the_service_token)
{
    for (size_t i = 0; i < msp_route_count; i++)
        cr_assert_eq(starts_with(msp_routes[i].path, "/internal/") ||
                         strcmp(msp_routes[i].path, "/metrics") == 0,
                     msp_routes[i].credential == MSP_CREDENTIAL_SERVICE, "%s", msp_routes[i].path);
}

Test(routes, public_addresses_need_a_person_and_name_the_roles)
{
    for (size_t i = 0; i < msp_route_count; i++) {
        const struct msp_route *route = &msp_routes[i];

        if (!starts_with(route->path, "/v1/") || strcmp(route->path, "/v1/auth/login") == 0)
            continue;
        cr_assert_eq(route->credential, MSP_CREDENTIAL_PERSON, "%s", route->path);
        cr_assert_neq(route->roles, 0U, "%s", route->path);
        cr_assert(route->roles & MSP_ROLE_ADMIN, "%s", route->path);
    }
}

Test(routes, rows_of_a_tenant_are_public_ones)
{
    for (size_t i = 0; i < msp_route_count; i++) {
        if (msp_routes[i].tenant_rule == MSP_TENANT_OF_CALLER)
            cr_assert_eq(msp_routes[i].credential, MSP_CREDENTIAL_PERSON, "%s", msp_routes[i].path);
    }
}

Test(routes, clients_and_technicians_reach_no_jobs_and_no_exports)
{
    for (size_t i = 0; i < msp_route_count; i++) {
        const struct msp_route *route = &msp_routes[i];

        if (starts_with(route->path, "/v1/jobs") || starts_with(route->path, "/v1/exports"))
            cr_assert_eq(route->roles & (unsigned)(MSP_ROLE_CLIENT | MSP_ROLE_TECH), 0U, "%s",
                         route->path);
    }
}

Test(routes, only_what_changes_things_takes_a_body_and_only_ingest_streams_it)
{
    for (size_t i = 0; i < msp_route_count; i++) {
        const struct msp_route *route = &msp_routes[i];

        cr_assert_eq(route->has_body, changes_things(route), "%s", route->path);
        cr_assert_eq(route->streams_body, starts_with(route->path, "/internal/ingest/"), "%s",
                     route->path);
    }
}

Test(routes, a_path_has_no_more_parts_than_a_request_keeps)
{
    for (size_t i = 0; i < msp_route_count; i++) {
        size_t parts = 0;

        for (const char *at = msp_routes[i].path; (at = strchr(at, '{')) != NULL; at++)
            parts++;
        cr_assert_leq(parts, (size_t)MSP_MAX_PATH_PARTS, "%s", msp_routes[i].path);
    }
}

Test(routes, the_names_of_a_tenant_are_not_listed_by_hand)
{
    for (size_t i = 0; i < msp_route_count; i++) {
        if (msp_routes[i].tenant_rule == MSP_TENANT_OF_CALLER)
            cr_assert_null(strstr(msp_routes[i].query_names, "tenant"), "%s", msp_routes[i].path);
    }
}

/* A GET changes nothing; what leaves the house as a file is told all the same. */
Test(routes, what_people_change_and_take_away_leaves_a_line_in_the_audit_log)
{
    for (size_t i = 0; i < msp_route_count; i++) {
        const struct msp_route *route = &msp_routes[i];
        bool changes = changes_things(route) && starts_with(route->path, "/v1/");
        bool takes_away =
            strcmp(route->method, "GET") == 0 && (starts_with(route->path, "/v1/exports/") ||
                                                  strcmp(route->path, "/v1/tickets.csv") == 0);

        cr_assert_eq(route->audit != NULL, changes || takes_away, "%s %s", route->method,
                     route->path);
    }
}

Test(routes, the_contracts_addresses_are_there)
{
    static const struct {
        const char *method;
        const char *path;
    } promised[] = {
        {"GET", "/internal/tenants"},
        {"POST", "/internal/ingest/tickets"},
        {"POST", "/internal/kpi/compute-daily"},
        {"POST", "/internal/exports/generate"},
        {"POST", "/internal/pipelines/daily"},
        {"GET", "/internal/jobs"},
        {"GET", "/internal/jobs/{id}"},
        {"POST", "/internal/jobs/{id}/cancel"},
        {"POST", "/internal/jobs/{id}/retry"},
        {"GET", "/v1/me"},
        {"GET", "/v1/tenants"},
        {"GET", "/v1/kpis/daily"},
        {"GET", "/v1/kpis/daily.csv"},
        {"GET", "/v1/kpis/summary"},
        {"GET", "/v1/kpis/definitions"},
        {"GET", "/v1/jobs"},
        {"GET", "/v1/jobs/{id}"},
        {"POST", "/v1/jobs/{id}/cancel"},
        {"POST", "/v1/jobs/{id}/retry"},
        {"GET", "/v1/exports"},
        {"POST", "/v1/exports"},
        {"GET", "/v1/audit"},
        {"GET", "/livez"},
        {"GET", "/readyz"},
        {"GET", "/healthz"},
        {"GET", "/"},
    };

    for (size_t i = 0; i < sizeof promised / sizeof promised[0]; i++)
        cr_assert_not_null(find(promised[i].method, promised[i].path));
}
