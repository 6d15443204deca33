/* The parts that openapi.c puts together. What a part cannot make for want of memory is NULL. */
#ifndef MSP_OPENAPI_PARTS_H
#define MSP_OPENAPI_PARTS_H

#include "../route.h"

#include <jansson.h>

/* {"$ref": "#/components/<kind>/<name>"} */
json_t *msp_openapi_reference(const char *kind, const char *name);

/*
 * The operation of a route: what its row knows, with what its entry in the files adds: "id", "tag",
 * "summary", "description", "parameters" (names of components), "body" (name of a schema, or a
 * whole request body), "answers" by status (name of a schema, or "schema", "media", "headers" and
 * "description"), "problems" (statuses besides those that the row explains).
 */
json_t *msp_openapi_operation(const struct msp_route *route, const json_t *entry,
                              const json_t *schemas);

/* Each problem as a response of the components, "Problem404" and so on. */
json_t *msp_openapi_problems(void);

/* Puts the metrics into every schema that asks for them by "x-metrics": their values, or changes.
 * -1 for want of memory. */
int msp_openapi_add_metrics(json_t *schemas);

#endif
