/* The description at /openapi.json: it tells of every route, of nothing else, and all it refers to
 * is there. */
#include "workers/http/openapi/openapi.h"
#include "workers/http/openapi/openapi_files.h"
#include "workers/http/route.h"

#include "workers/http/kpi_answer.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static struct msp_openapi *openapi;
static json_t *document;

static void make(void)
{
    struct msp_error error;
    cr_assert_eq(msp_openapi_new(&openapi, &error), MSP_OK, "%s", error.detail);
    document = json_loadb(openapi->text.data, openapi->text.length, JSON_REJECT_DUPLICATES, NULL);
    cr_assert_not_null(document);
}

static void drop(void)
{
    json_decref(document);
    msp_openapi_free(openapi);
}

TestSuite(openapi, .init = make, .fini = drop);

static const json_t *operation_of(const struct msp_route *route)
{
    char method[8] = "";
    for (size_t i = 0; route->method[i] != '\0'; i++)
        method[i] = (char)tolower((unsigned char)route->method[i]);
    return json_object_get(json_object_get(json_object_get(document, "paths"), route->path),
                           method);
}

/* "#/components/schemas/Job", or NULL where it leads nowhere. */
static json_t *follow(const char *reference)
{
    char place[256];
    char *rest;
    json_t *at = document;
    cr_assert_lt(strlen(reference), sizeof place);
    strcpy(place, reference);
    cr_assert_str_eq(strtok_r(place, "/", &rest), "#");
    for (const char *name; at != NULL && (name = strtok_r(NULL, "/", &rest)) != NULL;)
        at = json_object_get(at, name);
    return at;
}

static const json_t *resolved(const json_t *value)
{
    const json_t *reference = json_object_get(value, "$ref");
    return reference == NULL ? value : follow(json_string_value(reference));
}

static void check_references(json_t *value)
{
    const char *name;
    json_t *member;
    size_t at;
    json_object_foreach(value, name, member)
    {
        if (strcmp(name, "$ref") == 0)
            cr_assert_not_null(follow(json_string_value(member)), "%s leads nowhere",
                               json_string_value(member));
        else
            check_references(member);
    }
    json_array_foreach(value, at, member)
    {
        check_references(member);
    }
}

/* How many of the operation's parameters stand in that place; `name` NULL = any. */
static size_t count_parameters(const json_t *operation, const char *place, const char *name)
{
    size_t count = 0;
    size_t at;
    const json_t *one;
    json_array_foreach(json_object_get(operation, "parameters"), at, one)
    {
        const json_t *parameter = resolved(one);
        const char *own = json_string_value(json_object_get(parameter, "name"));
        count += strcmp(json_string_value(json_object_get(parameter, "in")), place) == 0 &&
                 (name == NULL || strcmp(own, name) == 0);
    }
    return count;
}

Test(openapi, every_route_is_described)
{
    for (size_t i = 0; i < msp_route_count; i++)
        cr_expect_not_null(operation_of(&msp_routes[i]),
                           "%s %s has no entry in workers/http/openapi/*.json",
                           msp_routes[i].method, msp_routes[i].path);
}

Test(openapi, nothing_is_described_that_has_no_route)
{
    for (const struct msp_embedded_file *file = msp_openapi_file; file->name != NULL; file++) {
        json_t *content = json_loadb(file->text, file->size_bytes, JSON_REJECT_DUPLICATES, NULL);
        const char *name;
        json_t *entry;
        cr_assert_not_null(content, "%s is not JSON", file->name);
        json_object_foreach(json_object_get(content, "operations"), name, entry)
        {
            char method[8];
            char path[128];
            cr_assert_eq(sscanf(name, "%7s %127s", method, path), 2, "%s", name);
            bool found = false;
            for (size_t i = 0; i < msp_route_count && !found; i++)
                found = strcmp(msp_routes[i].method, method) == 0 &&
                        strcmp(msp_routes[i].path, path) == 0;
            cr_expect(found, "%s: %s is no route", file->name, name);
        }
        json_decref(content);
    }
}

Test(openapi, every_reference_leads_somewhere)
{
    check_references(document);
}

Test(openapi, every_query_name_is_described_and_no_other)
{
    for (size_t i = 0; i < msp_route_count; i++) {
        const struct msp_route *route = &msp_routes[i];
        const json_t *operation = operation_of(route);
        bool of_tenant = route->tenant_rule == MSP_TENANT_OF_CALLER;
        size_t count = of_tenant ? 1 : 0;
        char names[256];
        char *rest;

        if (operation == NULL || strcmp(route->query_names, "*") == 0)
            continue;
        cr_assert_lt(strlen(route->query_names), sizeof names);
        strcpy(names, route->query_names);
        for (const char *name = strtok_r(names, " ", &rest); name != NULL;
             name = strtok_r(NULL, " ", &rest)) {
            cr_expect_eq(count_parameters(operation, "query", name), 1U,
                         "%s %s ?%s=", route->method, route->path, name);
            count++;
        }
        cr_expect_eq(count_parameters(operation, "query", NULL), count, "%s %s", route->method,
                     route->path);
        if (of_tenant)
            cr_expect_eq(count_parameters(operation, "query", "tenant"), 1U, "%s", route->path);
    }
}

Test(openapi, every_part_of_a_path_is_described_and_no_other)
{
    for (size_t i = 0; i < msp_route_count; i++) {
        const struct msp_route *route = &msp_routes[i];
        const json_t *operation = operation_of(route);
        size_t parts = 0;
        char name[64];

        if (operation == NULL)
            continue;
        for (const char *at = route->path; (at = strchr(at, '{')) != NULL; at++, parts++) {
            cr_assert_eq(sscanf(at, "{%63[^}]}", name), 1);
            cr_expect_eq(count_parameters(operation, "path", name), 1U, "%s", route->path);
        }
        cr_expect_eq(count_parameters(operation, "path", NULL), parts, "%s", route->path);
    }
}

Test(openapi, who_may_call_is_what_the_row_says)
{
    for (size_t i = 0; i < msp_route_count; i++) {
        const struct msp_route *route = &msp_routes[i];
        const json_t *operation = operation_of(route);
        size_t ways = json_array_size(json_object_get(operation, "security"));
        unsigned roles = 0;
        size_t at;
        const json_t *role;

        if (operation == NULL)
            continue;
        cr_expect_eq(ways,
                     route->credential == MSP_CREDENTIAL_NONE      ? 0U
                     : route->credential == MSP_CREDENTIAL_SERVICE ? 1U
                                                                   : 4U,
                     "%s", route->path);
        json_array_foreach(json_object_get(operation, "x-roles"), at, role)
        {
            roles |= (unsigned)msp_role_parse(json_string_value(role));
        }
        cr_expect_eq(roles, route->roles, "%s", route->path);
    }
}

Test(openapi, a_body_is_described_where_one_is_taken)
{
    for (size_t i = 0; i < msp_route_count; i++) {
        const json_t *operation = operation_of(&msp_routes[i]);
        if (operation != NULL)
            cr_expect_eq(json_object_get(operation, "requestBody") != NULL, msp_routes[i].has_body,
                         "%s %s", msp_routes[i].method, msp_routes[i].path);
    }
}

Test(openapi, operations_have_names_of_their_own)
{
    json_t *seen = json_object();
    for (size_t i = 0; i < msp_route_count; i++) {
        const json_t *operation = operation_of(&msp_routes[i]);
        const char *id = json_string_value(json_object_get(operation, "operationId"));
        if (operation == NULL)
            continue;
        cr_assert_not_null(id, "%s", msp_routes[i].path);
        cr_expect_null(json_object_get(seen, id), "%s stands twice", id);
        json_object_set_new(seen, id, json_true());
    }
    json_decref(seen);
}

Test(openapi, rows_of_figures_have_every_metric_and_nothing_else)
{
    const json_t *schemas = json_object_get(json_object_get(document, "components"), "schemas");
    static const struct {
        const char *name;
        size_t besides;
    } rows[] = {{"KpiRow", 2}, {"KpiTotal", 0}, {"KpiChange", 0}, {"KpiMember", 3}};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const json_t *schema = json_object_get(schemas, rows[i].name);
        const json_t *properties = json_object_get(schema, "properties");
        cr_expect_eq(json_object_size(properties), msp_kpi_metric_count + rows[i].besides, "%s",
                     rows[i].name);
        cr_expect_null(json_object_get(schema, "x-metrics"));
        for (size_t m = 0; m < msp_kpi_metric_count; m++)
            cr_expect_not_null(json_object_get(properties, msp_kpi_metrics[m].name), "%s %s",
                               rows[i].name, msp_kpi_metrics[m].name);
    }
}

Test(openapi, it_is_the_same_text_each_time_and_not_large)
{
    struct msp_openapi *again;
    struct msp_error error;
    cr_assert_eq(msp_openapi_new(&again, &error), MSP_OK);
    cr_expect_str_eq(again->etag, openapi->etag);
    cr_expect_eq(again->text.length, openapi->text.length);
    cr_expect_eq(openapi->etag[0], '"');
    cr_expect_lt(openapi->text.length, 192U * 1024);
    msp_openapi_free(again);
}
