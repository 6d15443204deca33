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
#include <stdint.h>

struct msp_request;

/* The next bytes of a body; they stay where they are until the next call. */
typedef enum msp_result (*msp_response_next)(void *context, const void **out_bytes,
                                             size_t *out_size, struct msp_error *error);

struct msp_response {
    const char *content_type; /* static text; NULL = no body */
    struct msp_buffer body;
    struct msp_buffer headers; /* further "Name: value\r\n" lines */
    const char *cache_control; /* static text; NULL = "no-store" */
    bool close;                /* end the connection behind this answer */
    /* A body that is too large for `body`: so many bytes of it, 0 = none, which `next` hands out
     * until all have come. Without `next` they are only counted: the answer is to HEAD. A failure
     * of `next` ends the connection, so that the client sees that bytes are missing. */
    int64_t stream_bytes;
    msp_response_next next;
    void *next_context;
    /* Called once the answer has left, or could not; NULL for most. Its context lies in the
     * request's arena. */
    void (*after)(const struct msp_request *request, void *context);
    void *after_context;
};

/* Adds a field; name and value must be clean of CR and LF (aborts otherwise). */
void msp_response_header(struct msp_response *response, const char *name, const char *format, ...)
    MSP_PRINTF(3, 4);

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

/* The problem of whoever had no memory to go on with: 503 with Retry-After. */
int msp_problem_no_memory(const struct msp_request *request, struct msp_response *response);

#endif
