/* Paths from strangers, through the route table and then decoded: no path finds a row without being
 * spelt exactly so, and what stood for a name comes out as clean text. */
#include "query.h"
#include "route_match.h"

#include "msp/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void check_part(const struct msp_path_part *part, struct msp_arena *arena)
{
    const char *text = NULL;
    struct msp_error error;
    require(part->length > 0 && memchr(part->text, '/', part->length) == NULL);
    require(strncmp(part->text, "..", part->length) != 0);
    if (msp_path_decode(part->text, part->length, arena, &text, &error) != MSP_OK)
        return;
    for (size_t bytes; *text != '\0'; text += bytes) {
        bytes = msp_utf8_character_bytes(text, strlen(text));
        require(bytes > 0 && (unsigned char)*text >= ' ' && *text != 127 && *text != '/');
    }
}

static void match(const char *method, const char *path, struct msp_arena *arena)
{
    struct msp_route_match found;
    msp_route_find(msp_routes, msp_route_count, method, path, &found);
    require(memchr(found.allow, '\0', sizeof found.allow) != NULL);
    if (found.route == NULL)
        return;
    require(found.part_count > 0 || strcmp(found.route->path, path) == 0);
    for (size_t i = 0; i < found.part_count; i++)
        check_part(&found.parts[i], arena);
}

/* The strict check lets only these through to the router. */
static bool is_printable(const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (data[i] <= ' ' || data[i] > '~' || data[i] == '?')
            return false;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 4096 || !is_printable(data, size))
        return 0;
    struct msp_arena *arena = msp_arena_new(1024);
    char *path = malloc(size + 1);
    require(arena != NULL && path != NULL);
    memcpy(path, data, size);
    path[size] = '\0';
    match("GET", path, arena);
    match("POST", path, arena);
    match("BREW", path, arena);
    free(path);
    msp_arena_free(arena);
    return 0;
}
