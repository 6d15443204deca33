/* Percent-encoded names and values: decoded once, or refused. */
#include <criterion/criterion.h>
#include <string.h>

#include "query.h"
#include "route_match.h"

static struct msp_arena *arena;
static struct msp_query_pair pairs[MSP_MAX_QUERY_NAMES];
static size_t count;

static void begin(void)
{
    arena = msp_arena_new(4096);
    count = 0;
}

static void end(void)
{
    msp_arena_free(arena);
}

TestSuite(query, .init = begin, .fini = end);

static enum msp_result parse(const char *query)
{
    struct msp_error error;
    return msp_query_parse(query, arena, pairs, &count, &error);
}

Test(query, decodes_names_and_values)
{
    cr_assert_eq(parse("from=2024-01-01&member=Jos%C3%A9+Garc%C3%ADa%2B&a%62c=&flag&&"), MSP_OK);
    cr_assert_eq(count, 4);
    cr_assert_str_eq(pairs[0].value, "2024-01-01");
    cr_assert_str_eq(pairs[1].value, "José García+");
    cr_assert_str_eq(pairs[2].name, "abc");
    cr_assert_str_eq(pairs[2].value, "");
    cr_assert_str_eq(pairs[3].name, "flag");
    cr_assert_str_eq(pairs[3].value, "");
}

Test(query, decodes_only_once)
{
    cr_assert_eq(parse("a=%2541"), MSP_OK);
    cr_assert_str_eq(pairs[0].value, "%41");
}

Test(query, is_empty_when_there_is_none)
{
    cr_assert_eq(parse(NULL), MSP_OK);
    cr_assert_eq(count, 0);
}

Test(query, refuses_what_cannot_be_read_in_one_way)
{
    static const char *const bad[] = {
        "a=%",         "a=%4",  "a=%zz", "a=%00",   "a=%0a",     "a=%7f",       "a=%C3",
        "a=%ED%A0%80", "a=%ff", "%=1",   "a=1&a=2", "a=1&%61=2", "a=%C0%AFetc", "a=%F5%80%80%80"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_eq(parse(bad[i]), MSP_INVALID, "%s", bad[i]);
}

Test(query, holds_a_bounded_number_of_names)
{
    char query[1024] = "";
    for (int i = 0; i <= MSP_MAX_QUERY_NAMES; i++)
        (void)snprintf(query + strlen(query), sizeof query - strlen(query), "n%d=1&", i);
    cr_assert_eq(parse(query), MSP_INVALID);
}

Test(query, path_parts_keep_plus_and_refuse_slashes)
{
    const char *part;
    struct msp_error error;
    cr_assert_eq(msp_path_decode("a+b%20c", 7, arena, &part, &error), MSP_OK);
    cr_assert_str_eq(part, "a+b c");
    cr_assert_eq(msp_path_decode("a%2Fb", 5, arena, &part, &error), MSP_INVALID);
}

static int nothing(const struct msp_request *request, struct msp_response *response)
{
    (void)request;
    (void)response;
    return 200;
}

static const struct msp_route table[] = {
    {.method = "GET", .path = "/", .query_names = "*", .handler = nothing},
    {.method = "GET", .path = "/v1/jobs", .query_names = "state cursor", .handler = nothing},
    {.method = "POST", .path = "/v1/jobs", .handler = nothing},
    {.method = "GET",
     .path = "/v1/jobs/{id}",
     .handler = nothing,
     .tenant_rule = MSP_TENANT_OF_CALLER},
    {.method = "POST", .path = "/v1/jobs/{id}/cancel", .handler = nothing},
};

static const struct msp_route *find(const char *method, const char *path,
                                    struct msp_route_match *match)
{
    msp_route_find(table, sizeof table / sizeof table[0], method, path, match);
    return match->route;
}

Test(route_match, finds_a_row_by_method_and_segments)
{
    struct msp_route_match match;
    cr_assert_eq(find("GET", "/", &match), &table[0]);
    cr_assert_eq(find("HEAD", "/v1/jobs", &match), &table[1]);
    cr_assert_eq(find("GET", "/v1/jobs/abc", &match), &table[3]);
    cr_assert_eq(match.part_count, 1);
    cr_assert_eq(match.parts[0].length, 3);
    cr_assert_eq(find("POST", "/v1/jobs/abc/cancel", &match), &table[4]);
}

Test(route_match, knows_no_other_spelling_of_a_path)
{
    static const char *const strangers[] = {
        "",           "//",          "/v1/jobs/",  "//v1/jobs",    "/v1//jobs",          "/V1/jobs",
        "/v1/jobs/.", "/v1/jobs/..", "/v1/%6aobs", "/v1/jobs/a/b", "/v1/jobs/x/cancel/", "v1/jobs"};
    struct msp_route_match match;
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        cr_assert_null(find("GET", strangers[i], &match), "%s", strangers[i]);
        cr_assert_str_empty(match.allow, "%s", strangers[i]);
    }
}

Test(route_match, tells_the_methods_of_a_known_path)
{
    struct msp_route_match match;
    cr_assert_null(find("DELETE", "/v1/jobs", &match));
    cr_assert_str_eq(match.allow, "GET, HEAD, POST");
}

Test(route_match, knows_the_query_names_of_a_row)
{
    cr_assert(msp_route_knows_query(&table[1], "state"));
    cr_assert(msp_route_knows_query(&table[1], "cursor"));
    cr_assert(msp_route_knows_query(&table[0], "anything"));
    cr_assert(msp_route_knows_query(&table[3], "tenant"));
    static const char *const strangers[] = {"stat", "states", "", "state cursor", "tenant"};
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++)
        cr_assert_not(msp_route_knows_query(&table[1], strangers[i]), "%s", strangers[i]);
}
