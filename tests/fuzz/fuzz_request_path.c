/* Paths and queries from strangers: through the route table, then decoded. What comes out is clean
 * text, and no path finds a row without being spelt exactly so. */
#include "query.h"
#include "route_match.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require_clean(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 127)
            abort();
}

static void match(const char *path, struct msp_arena *arena)
{
    struct msp_route_match found;
    struct msp_error error;
    msp_route_find(msp_routes, msp_route_count, "GET", path, &found);
    if (found.route == NULL)
        return;
    if (found.part_count == 0 && strcmp(found.route->path, path) != 0)
        abort();
    for (size_t i = 0; i < found.part_count; i++) {
        const char *part = NULL;
        if (found.parts[i].length == 0)
            abort();
        if (msp_path_decode(found.parts[i].text, found.parts[i].length, arena, &part, &error) ==
            MSP_OK) {
            require_clean(part);
            if (strchr(found.parts[i].text, '%') == NULL && strchr(part, '/') != NULL)
                abort();
        }
    }
}

static void parse(const char *query, struct msp_arena *arena)
{
    struct msp_query_pair pairs[MSP_MAX_QUERY_NAMES];
    struct msp_error error;
    size_t count = 0;
    if (msp_query_parse(query, arena, pairs, &count, &error) != MSP_OK)
        return;
    if (count > MSP_MAX_QUERY_NAMES)
        abort();
    for (size_t i = 0; i < count; i++) {
        require_clean(pairs[i].name);
        require_clean(pairs[i].value);
        for (size_t j = 0; j < i; j++)
            if (strcmp(pairs[i].name, pairs[j].name) == 0)
                abort();
    }
}

/* The strict check lets only these through to the decoder. */
static int is_printable(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (data[i] <= ' ' || data[i] > '~')
            return 0;
    return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4096 || !is_printable(data, size))
        return 0;
    struct msp_arena *arena = msp_arena_new(1024);
    char *text = malloc(size + 1);
    if (arena == NULL || text == NULL)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    char *query = strchr(text, '?');
    if (query != NULL)
        *query++ = '\0';
    match(text, arena);
    parse(query, arena);
    free(text);
    msp_arena_free(arena);
    return 0;
}
