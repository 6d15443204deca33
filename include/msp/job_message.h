/*
 * Messages between HTTP workers, commands and the job worker over its Unix socket.
 * A frame is a 4-byte big-endian length (1 to MSP_FRAME_MAX_BYTES) and that many bytes of
 * msgpack: a map with small integer keys: 0 version, 1 operation, 2 job id, 3 kind, 4 tenant,
 * 5 done, 6 total, 7 export id, 8 SHA-256, 9 offset, 10 length, 11 data (bin), 12 result, 13 code,
 * 14 detail, 15 figures (array). Version and operation are required; a member that is missing is
 * empty or 0; unknown keys are ignored, an unknown version or operation is refused. Counts are
 * checked against the bytes left before anything is unpacked.
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

#define MSP_SHA256_HEX_BYTES 65 /* 64 characters and a NUL */
/* Of an export's bytes in one frame: a frame has room for the other members too. */
#define MSP_FETCH_DATA_BYTES 61440

enum msp_job_operation {
    MSP_JOB_WAKE = 1,      /* to the worker: there is something to claim; no answer */
    MSP_JOB_SUBSCRIBE = 2, /* to the worker: tell me about this job until it ends */
    MSP_JOB_PROGRESS = 3,  /* from the worker */
    MSP_JOB_ENDED = 4,     /* from the worker; the last frame of a subscription */
    MSP_JOB_CANCEL = 5,    /* to the worker: the job's row asks it to stop, look now; no answer */
    MSP_JOB_STATUS = 6,    /* to the worker: how are you? */
    MSP_JOB_FIGURES = 7,   /* from the worker */
    /* To the worker: `length` bytes from `offset` of the tenant's export, if its content has this
     * SHA-256. One at a time a connection. The answer is DATA frames and DATA_END, or REFUSED,
     * which may also come after some of the data. */
    MSP_JOB_FETCH = 8,
    MSP_JOB_DATA = 9,
    MSP_JOB_DATA_END = 10,
    MSP_JOB_REFUSED = 11,
};

/* What the job worker says of itself. A number, once given away, keeps its meaning. */
enum msp_worker_figure {
    MSP_FIGURE_UPTIME_SECONDS,
    MSP_FIGURE_SHORT_THREADS, /* executors of the short lane */
    MSP_FIGURE_SHORT_BUSY,    /* of them with a job */
    MSP_FIGURE_LONG_THREADS,
    MSP_FIGURE_LONG_BUSY,
    MSP_FIGURE_SHORT_QUEUED, /* at the last look into the queue */
    MSP_FIGURE_LONG_QUEUED,
    MSP_FIGURE_SHORT_OLDEST_SECONDS, /* how long the oldest waits */
    MSP_FIGURE_LONG_OLDEST_SECONDS,
    MSP_FIGURE_CLIENTS, /* connections to the socket */
    MSP_FIGURE_FETCHES, /* exports being read */
    MSP_WORKER_FIGURES,
};

struct msp_job_message {
    enum msp_job_operation operation;
    char job_id[MSP_JOB_ID_BYTES]; /* a UUID in lower case; empty only where no job is meant */
    char kind[MSP_JOB_KIND_BYTES]; /* may be empty */
    int64_t tenant_id;             /* 0 = all */
    int64_t done, total;           /* of MSP_JOB_PROGRESS */
    /* Of MSP_JOB_FETCH: */
    char export_id[MSP_JOB_ID_BYTES];
    char sha256[MSP_SHA256_HEX_BYTES];
    int64_t offset; /* of MSP_JOB_DATA too: where its bytes belong */
    int64_t length;
    /* Of MSP_JOB_DATA, borrowed: decoded, it lies in the body of the frame. */
    const void *data;
    size_t data_bytes;
    /* Of MSP_JOB_REFUSED, as in struct msp_error: */
    int64_t result; /* enum msp_result */
    char code[48];
    char detail[512];
    int64_t figures[MSP_WORKER_FIGURES]; /* of MSP_JOB_FIGURES */
};

/* Appends one whole frame. */
enum msp_result msp_job_message_encode(const struct msp_job_message *message,
                                       struct msp_buffer *out,
                                       struct msp_error *error) MSP_MUST_CHECK;

/* Reads the body of one frame (without its length). out->data points into it. */
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
 * stream may stand inside a frame: close it. What was received keeps its body in `body`, whose
 * memory is used again for the next; without one (NULL) it has no data.
 */
enum msp_result msp_job_message_send(int fd, const struct msp_job_message *message,
                                     int64_t deadline_ms, struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_job_message_receive(int fd, struct msp_buffer *body,
                                        struct msp_job_message *out, int64_t deadline_ms,
                                        struct msp_error *error) MSP_MUST_CHECK;

#endif
