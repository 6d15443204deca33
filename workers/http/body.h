/* Reading a request's body, with its deadline and its limits. */
#ifndef MSP_HTTP_BODY_H
#define MSP_HTTP_BODY_H

#include "request.h"

/*
 * Reads and parses the whole JSON body (settings max_body_bytes, depth 32, 20,000 elements): an
 * object. *out_json is a new reference. MSP_INVALID, MSP_TOO_LARGE, MSP_TIMED_OUT (408), MSP_BUSY.
 */
enum msp_result msp_body_read_json(const struct msp_request *request, json_t **out_json,
                                   struct msp_error *error) MSP_MUST_CHECK;

/*
 * The next piece of a streamed body: *out_size 0 = its end. A client slower than 8 KiB/s over any
 * 10 s of waiting for it is MSP_TIMED_OUT; a broken one MSP_INVALID; MSP_BUSY as above.
 */
enum msp_result msp_body_read(const struct msp_request *request, char *buffer, size_t capacity,
                              size_t *out_size, struct msp_error *error) MSP_MUST_CHECK;

/* How far a body was read. Made by the router, moved by the functions above. */
struct msp_body {
    int64_t taken_bytes;
    int64_t reserved_bytes; /* counted until the request is over (memory_budget.h) */
    bool continue_due;      /* the client waits for "100 Continue" before it sends */
    bool begun;
    bool ended;
    bool broken;
    bool has_digest; /* idempotency.c's, of what was parsed */
    unsigned char digest[32];
};

/*
 * For the router, behind the answer: takes in a short rest that nobody read, for at most a second.
 * True if the body is wholly consumed, so that another request may follow on the connection.
 */
bool msp_body_skip_rest(const struct msp_request *request);

#endif
