/*
 * The OpenAPI 3.1 description of this server, made of the table of routes, the table of metrics and
 * the files of this folder. Whether it is true, the service tests prove with every answer they get.
 */
#ifndef MSP_HTTP_OPENAPI_H
#define MSP_HTTP_OPENAPI_H

#include "msp/buffer.h"

#define MSP_OPENAPI_ETAG_BYTES 35 /* two quotes, 32 digits and a NUL */

struct msp_openapi {
    struct msp_buffer text; /* JSON */
    char etag[MSP_OPENAPI_ETAG_BYTES];
};

/* Makes the document; once in a process, before its threads start. A route that no file describes
 * is left out (tests/unit/openapi.c names it). */
enum msp_result msp_openapi_new(struct msp_openapi **out, struct msp_error *error) MSP_MUST_CHECK;
void msp_openapi_free(struct msp_openapi *openapi);

#endif
