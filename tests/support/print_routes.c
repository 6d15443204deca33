/*
 * Prints the table of routes as JSON, so that a test can ask every address of the server without
 * keeping a list of its own. Serves nothing.
 */
#include "route.h"

#include <jansson.h>
#include <stdio.h>

static const char *credential_name(enum msp_credential credential)
{
    switch (credential) {
    case MSP_CREDENTIAL_SERVICE:
        return "service";
    case MSP_CREDENTIAL_PERSON:
        return "person";
    case MSP_CREDENTIAL_NONE:
    case MSP_CREDENTIAL_SESSION:
    case MSP_CREDENTIAL_KEY:
        break;
    }
    return "none";
}

static json_t *roles_of(const struct msp_route *route)
{
    json_t *roles = json_array();
    for (unsigned role = MSP_ROLE_ADMIN; role <= MSP_ROLE_CLIENT; role <<= 1)
        if ((route->roles & role) != 0)
            (void)json_array_append_new(roles, json_string(msp_role_name((enum msp_role)role)));
    return roles;
}

int main(void)
{
    json_t *table = json_array();
    for (size_t i = 0; i < msp_route_count; i++) {
        const struct msp_route *route = &msp_routes[i];
        json_t *row = json_pack(
            "{s:s, s:s, s:s, s:o, s:b, s:s, s:b, s:b, s:b, s:s}", "method", route->method, "path",
            route->path, "credential", credential_name(route->credential), "roles", roles_of(route),
            "of_tenant", route->tenant_rule == MSP_TENANT_OF_CALLER, "query", route->query_names,
            "has_body", route->has_body, "streams_body", route->streams_body, "keeps_answer",
            route->answer_rule == MSP_ANSWER_KEPT, "audit",
            route->audit != NULL ? route->audit : "");
        (void)json_array_append_new(table, row);
    }
    int failed = json_dumpf(table, stdout, JSON_INDENT(1));
    json_decref(table);
    return failed != 0 || fflush(stdout) != 0 || ferror(stdout) ? 1 : 0;
}
