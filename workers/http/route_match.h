/* Finding a row of the route table. Pure. */
#ifndef MSP_HTTP_ROUTE_MATCH_H
#define MSP_HTTP_ROUTE_MATCH_H

#include "route.h"

/* Where in the path the segments lie that stand for {…}. */
struct msp_path_part {
    const char *text;
    size_t length;
};

struct msp_route_match {
    const struct msp_route *route; /* NULL: no row has this method and path */
    struct msp_path_part parts[MSP_MAX_PATH_PARTS];
    size_t part_count;
    char allow[64]; /* the methods that the path knows, as for the Allow field; "" = path unknown */
};

/* HEAD finds the row of GET. The first row that fits wins. */
void msp_route_find(const struct msp_route *routes, size_t count, const char *method,
                    const char *path, struct msp_route_match *out);

/* Whether a route's query_names hold `name`. */
bool msp_route_knows_query(const struct msp_route *route, const char *name);

#endif
