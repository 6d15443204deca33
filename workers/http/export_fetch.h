/*
 * A part of an exported file, as it comes from the job worker, which alone can read the export
 * storage. One frame of it is in memory at a time. Outlives a job worker that is replaced: the next
 * one goes on where it was cut off.
 */
#ifndef MSP_HTTP_EXPORT_FETCH_H
#define MSP_HTTP_EXPORT_FETCH_H

#include "msp/job_message.h"

#include <stdbool.h>

struct msp_export_fetch {
    const char *socket_path;
    int fd;                          /* -1 = none */
    struct msp_job_message order;    /* what is still to come */
    struct msp_job_message received; /* its data lies in `body` */
    struct msp_buffer body;
    bool held; /* `received` has not been handed out */
    int connects_left;
};

/*
 * Asks for `length` bytes (at least 1) from `offset` and waits for the first of them, so that what
 * cannot be read is known before an answer begins. Failures: MSP_NOT_FOUND, MSP_CONFLICT
 * "export_changed" (ask for its record again), MSP_BUSY, MSP_UNAVAILABLE, MSP_TIMED_OUT.
 * msp_export_fetch_end in any case.
 */
enum msp_result msp_export_fetch_begin(struct msp_export_fetch *fetch, const char *socket_path,
                                       const struct msp_job_message *order,
                                       struct msp_error *error) MSP_MUST_CHECK;

/* The next bytes, until `length` have come; they stay where they are until the next call. */
enum msp_result msp_export_fetch_next(struct msp_export_fetch *fetch, const void **out_bytes,
                                      size_t *out_size, struct msp_error *error) MSP_MUST_CHECK;

void msp_export_fetch_end(struct msp_export_fetch *fetch);

#endif
