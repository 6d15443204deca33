/*
 * The answer being made. A handler fills it and returns its status; the router
 * writes it, head and body in one go, and logs the line.
 */
#ifndef MSP_HTTP_RESPONSE_H
#define MSP_HTTP_RESPONSE_H

#include "msp/buffer.h"
#include "msp/result.h"

#include <stdbool.h>
#include <stddef.h>

struct msp_response {
    const char *content_type; /* static text; NULL = no body */
    struct msp_buffer body;
    struct msp_buffer headers; /* further "Name: value\r\n" lines */
    bool close;                /* end the connection behind this answer */
};

/* Adds a field; name and value must be clean of CR and LF (aborts otherwise). */
void msp_response_header(struct msp_response *response, const char *name, const char *format, ...)
    MSP_PRINTF(3, 4);

struct msp_request;

/*
 * Makes the response an RFC 9457 problem and returns its status. `errors` is NULL or one
 * member-level fault whose pointer and detail go into `errors[]`.
 */
int msp_problem(const struct msp_request *request, struct msp_response *response, int status,
                const char *code, const char *detail, const struct msp_error *member);

/* The problem that fits an error of a lower room: 400, 401, 403, 404, 409, 413, 503 with
 * Retry-After, 500 with a fixed text. */
int msp_problem_from_error(const struct msp_request *request, struct msp_response *response,
                           const struct msp_error *error);

#endif
