/* What reading and setting a source share: where its secrets are bound to, and how its texts are
 * read back. */
#ifndef MSP_DB_SOURCE_ROW_H
#define MSP_DB_SOURCE_ROW_H

#include "msp/secret_box.h"
#include "msp/tenant_cache.h"

#include <jansson.h>

#define MSP_SOURCE_PLACE_BYTES 128

/* The place that secrets of the tenant's source are sealed for. */
void msp_source_place(const char *tenant, const char *kind, char out[MSP_SOURCE_PLACE_BYTES]);

/* A stored object as a new reference. */
enum msp_result msp_source_parse(const char *text, size_t length, json_t **out,
                                 struct msp_error *error) MSP_MUST_CHECK;

/* Sealed secrets as an object. */
enum msp_result msp_source_unseal(const struct msp_secret_keys *keys, const char *tenant,
                                  const char *kind, const void *sealed, size_t size, json_t **out,
                                  struct msp_error *error) MSP_MUST_CHECK;

#endif
