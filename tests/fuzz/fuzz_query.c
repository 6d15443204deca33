/* Query strings from strangers: what is taken is clean text under names of which each stands there
 * once, and what the handlers make of days, members and limits stays within its bounds. */
#include "handlers/inputs.h"
#include "handlers/kpi_inputs.h"
#include "query.h"

#include "msp/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST_DAYS 1100

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void require_clean(const char *text)
{
    for (size_t bytes; *text != '\0'; text += bytes) {
        bytes = msp_utf8_character_bytes(text, strlen(text));
        require(bytes > 0 && (unsigned char)*text >= ' ' && *text != 127);
    }
}

static void check_pairs(const struct msp_request *request)
{
    require(request->query_count <= MSP_MAX_QUERY_NAMES);
    for (size_t i = 0; i < request->query_count; i++) {
        require_clean(request->query[i].name);
        require_clean(request->query[i].value);
        require(msp_request_query(request, request->query[i].name) == request->query[i].value);
    }
}

static void read_values(const struct msp_request *request)
{
    struct msp_error error;
    int32_t from = 0;
    int32_t to = 0;
    int limit = 1;
    const char *by = NULL;
    const char *member = NULL;
    if (msp_query_days(request, MOST_DAYS, &from, &to, &error) == MSP_OK)
        require(from <= to && to - from < MOST_DAYS);
    if (msp_query_limit(request, 500, &limit, &error) == MSP_OK)
        require(limit >= 1 && limit <= 500);
    if (msp_query_by(request, &by, &error) != MSP_OK)
        return;
    require(by == NULL || request->caller.role != MSP_ROLE_CLIENT || strcmp(by, "assignee") != 0);
    if (msp_query_member(request, by, &member, &error) == MSP_OK)
        require(member == NULL || by != NULL);
}

/* The strict check lets only these through to the decoder. */
static bool is_printable(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (data[i] <= ' ' || data[i] > '~')
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum msp_role roles[] = {MSP_ROLE_CLIENT, MSP_ROLE_MANAGER};
    if (size > 4096 || !is_printable(data, size))
        return 0;
    struct msp_arena *arena = msp_arena_new(1024);
    char *query = malloc(size + 1);
    require(arena != NULL && query != NULL);
    memcpy(query, data, size);
    query[size] = '\0';
    struct msp_request request = {.arena = arena};
    struct msp_error error;
    if (msp_query_parse(query, arena, request.query, &request.query_count, &error) == MSP_OK) {
        check_pairs(&request);
        for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++) {
            request.caller.role = roles[i];
            read_values(&request);
        }
    }
    free(query);
    msp_arena_free(arena);
    return 0;
}
