/* Compares paths segment by segment, as they came: an escaped letter is another path. */
#include "route_match.h"

#include <stdio.h>
#include <string.h>

/* "." and ".." never stand for a name; a proxy in front may have resolved them otherwise. */
static bool is_name(const char *segment, size_t length)
{
    return length > 0 && !(length <= 2 && strspn(segment, ".") >= length);
}

static bool ends_segment(char c)
{
    return c == '/' || c == '\0';
}

/* Most of the table differs from a path within a letter or two. */
static bool path_matches(const char *pattern, const char *path, struct msp_route_match *match)
{
    match->part_count = 0;
    while (*pattern == '/' && *path == '/') {
        pattern++;
        path++;
        if (*pattern == '{') {
            size_t length = strcspn(path, "/");
            if (!is_name(path, length) || match->part_count == MSP_MAX_PATH_PARTS)
                return false;
            match->parts[match->part_count++] = (struct msp_path_part){path, length};
            pattern += strcspn(pattern, "/");
            path += length;
            continue;
        }
        while (*pattern == *path && !ends_segment(*path)) {
            pattern++;
            path++;
        }
        if (!ends_segment(*pattern) || !ends_segment(*path))
            return false;
    }
    return *pattern == '\0' && *path == '\0';
}

static void allow(struct msp_route_match *match, const char *method)
{
    size_t length = strlen(match->allow);
    (void)snprintf(match->allow + length, sizeof match->allow - length, "%s%s",
                   length > 0 ? ", " : "", method);
}

void msp_route_find(const struct msp_route *routes, size_t count, const char *method,
                    const char *path, struct msp_route_match *out)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    out->route = NULL;
    out->allow[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (!path_matches(routes[i].path, path, out))
            continue;
        if (strcmp(routes[i].method, wanted) == 0) {
            out->route = &routes[i];
            return;
        }
        allow(out, routes[i].method);
        if (strcmp(routes[i].method, "GET") == 0)
            allow(out, "HEAD");
    }
}

bool msp_route_knows_query(const struct msp_route *route, const char *name)
{
    if (route->tenant_rule == MSP_TENANT_OF_CALLER && strcmp(name, "tenant") == 0)
        return true;
    const char *names = route->query_names != NULL ? route->query_names : "";
    if (strcmp(names, "*") == 0)
        return true;
    size_t length = strlen(name);
    while (*names != '\0') {
        names += strspn(names, " ");
        size_t known = strcspn(names, " ");
        if (known == length && known > 0 && memcmp(names, name, length) == 0)
            return true;
        names += known;
    }
    return false;
}
