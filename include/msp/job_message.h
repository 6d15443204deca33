/*
 * Messages between HTTP workers and the job worker over its Unix socket.
 * A frame is a 4-byte big-endian length (1 to MSP_FRAME_MAX_BYTES) and that many bytes of
 * msgpack: a map with small integer keys: 0 version, 1 operation, 2 job id, 3 kind, 4 tenant,
 * 5 done, 6 total. Version and operation are required; unknown keys are ignored, an unknown
 * version or operation is refused. Counts are checked against the bytes left before anything is
 * unpacked.
 */
#ifndef MSP_JOB_MESSAGE_H
#define MSP_JOB_MESSAGE_H

#include "msp/buffer.h"
#include "msp/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MSP_JOB_MESSAGE_VERSION 1
#define MSP_FRAME_MAX_BYTES     65536
#define MSP_JOB_ID_BYTES        37 /* a UUID's 36 characters and a NUL */
#define MSP_JOB_KIND_BYTES      32

enum msp_job_operation {
    MSP_JOB_WAKE = 1,      /* to the worker: there is something to claim; no answer */
    MSP_JOB_SUBSCRIBE = 2, /* to the worker: tell me about this job until it ends */
    MSP_JOB_PROGRESS = 3,  /* from the worker */
    MSP_JOB_ENDED = 4,     /* from the worker; the last frame of a subscription */
};

struct msp_job_message {
    enum msp_job_operation operation;
    char job_id[MSP_JOB_ID_BYTES]; /* a UUID in lower case; empty only with MSP_JOB_WAKE */
    char kind[MSP_JOB_KIND_BYTES]; /* may be empty */
    int64_t tenant_id;             /* 0 = all */
    int64_t done, total;           /* of MSP_JOB_PROGRESS */
};

/* Appends one whole frame. */
enum msp_result msp_job_message_encode(const struct msp_job_message *message,
                                       struct msp_buffer *out,
                                       struct msp_error *error) MSP_MUST_CHECK;

/* Reads the body of one frame (without its length). */
enum msp_result msp_job_message_decode(const void *body, size_t size, struct msp_job_message *out,
                                       struct msp_error *error) MSP_MUST_CHECK;

/*
 * How many bytes at the start of `bytes` make one whole frame, its length field included: 0 = not
 * all there yet; MSP_INVALID in *result if the length is out of range.
 */
size_t msp_frame_complete(const void *bytes, size_t size, enum msp_result *result);

/* Connects to the job worker's socket; *out_fd is non-blocking, close-on-exec and the caller's. */
enum msp_result msp_job_socket_connect(const char *path, int64_t deadline_ms, int *out_fd,
                                       struct msp_error *error) MSP_MUST_CHECK;

/*
 * Sends or receives one message before the deadline (msp_clock_monotonic_ms). After a failure the
 * stream may stand inside a frame: close it.
 */
enum msp_result msp_job_message_send(int fd, const struct msp_job_message *message,
                                     int64_t deadline_ms, struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_job_message_receive(int fd, struct msp_job_message *out, int64_t deadline_ms,
                                        struct msp_error *error) MSP_MUST_CHECK;

#endif
