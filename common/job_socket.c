/*
 * Job messages over a Unix socket, each call before a deadline. After a
 * failure the stream may stand in the middle of a frame: close it.
 */
#include "msp/job_message.h"

#include "job_frame.h"

#include "msp/clock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* A full backlog gives no event to wait for, so we look again after this long. */
#define BACKLOG_PAUSE_MS 5

static enum msp_result fail_timed_out(struct msp_error *error)
{
    return msp_fail(error, MSP_TIMED_OUT, "job_worker_slow",
                    "The job worker did not answer in time; the job itself is not lost.");
}

static enum msp_result fail_closed(struct msp_error *error)
{
    return msp_fail(error, MSP_UNAVAILABLE, "job_worker_gone",
                    "The job worker closed the connection; the job itself is not lost.");
}

static enum msp_result fail_with_errno(struct msp_error *error, const char *what)
{
    return msp_fail(error, MSP_UNAVAILABLE, "job_worker_unreachable",
                    "Cannot %s the job worker: %s. Check that the server runs.", what,
                    strerror(errno));
}

static enum msp_result wait_for(int fd, short events, int64_t deadline_ms, struct msp_error *error)
{
    for (;;) {
        int64_t left_ms = deadline_ms - msp_clock_monotonic_ms();
        if (left_ms <= 0) {
            return fail_timed_out(error);
        }
        struct pollfd waited = {.fd = fd, .events = events};
        int ready = poll(&waited, 1, left_ms > INT_MAX ? INT_MAX : (int)left_ms);
        if (ready > 0) {
            return MSP_OK; /* errors too: the next call will say which */
        }
        if (ready < 0 && errno != EINTR) {
            return fail_with_errno(error, "wait for");
        }
    }
}

static enum msp_result connect_until(int fd, const struct sockaddr_un *address, int64_t deadline_ms,
                                     struct msp_error *error)
{
    const struct timespec pause = {.tv_nsec = BACKLOG_PAUSE_MS * 1000000L};
    for (;;) {
        if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0) {
            return MSP_OK;
        }
        if (errno != EAGAIN && errno != EINTR) {
            return fail_with_errno(error, "connect to");
        }
        if (msp_clock_monotonic_ms() >= deadline_ms) {
            return fail_timed_out(error);
        }
        (void)nanosleep(&pause, NULL);
    }
}

enum msp_result msp_job_socket_connect(const char *path, int64_t deadline_ms, int *out_fd,
                                       struct msp_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strnlen(path, sizeof address.sun_path);
    if (length == 0 || length >= sizeof address.sun_path) {
        return msp_fail(error, MSP_INVALID, "socket_path_invalid",
                        "A socket path has 1 to %zu bytes; choose a shorter STATE_DIR.",
                        sizeof address.sun_path - 1);
    }
    memcpy(address.sun_path, path, length);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return fail_with_errno(error, "make a socket to");
    }
    enum msp_result result = connect_until(fd, &address, deadline_ms, error);
    if (result != MSP_OK) {
        (void)close(fd);
        return result;
    }
    *out_fd = fd;
    return MSP_OK;
}

static enum msp_result send_all(int fd, const char *bytes, size_t size, int64_t deadline_ms,
                                struct msp_error *error)
{
    while (size > 0) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            bytes += sent;
            size -= (size_t)sent;
            continue;
        }
        if (errno == EPIPE || errno == ECONNRESET) {
            return fail_closed(error);
        }
        if (errno != EAGAIN && errno != EINTR) {
            return fail_with_errno(error, "send to");
        }
        enum msp_result result = wait_for(fd, POLLOUT, deadline_ms, error);
        if (result != MSP_OK) {
            return result;
        }
    }
    return MSP_OK;
}

static enum msp_result receive_all(int fd, unsigned char *bytes, size_t size, int64_t deadline_ms,
                                   struct msp_error *error)
{
    while (size > 0) {
        ssize_t got = recv(fd, bytes, size, MSG_DONTWAIT);
        if (got > 0) {
            bytes += got;
            size -= (size_t)got;
            continue;
        }
        if (got == 0 || errno == ECONNRESET) {
            return fail_closed(error);
        }
        if (errno != EAGAIN && errno != EINTR) {
            return fail_with_errno(error, "receive from");
        }
        enum msp_result result = wait_for(fd, POLLIN, deadline_ms, error);
        if (result != MSP_OK) {
            return result;
        }
    }
    return MSP_OK;
}

enum msp_result msp_job_message_send(int fd, const struct msp_job_message *message,
                                     int64_t deadline_ms, struct msp_error *error)
{
    struct msp_buffer frame;
    msp_buffer_init(&frame, MSP_FRAME_MAX_BYTES + 4);
    enum msp_result result = msp_job_message_encode(message, &frame, error);
    if (result == MSP_OK) {
        result = send_all(fd, frame.data, frame.length, deadline_ms, error);
    }
    msp_buffer_done(&frame);
    return result;
}

static enum msp_result receive_body(int fd, struct msp_buffer *body, int64_t deadline_ms,
                                    struct msp_error *error)
{
    unsigned char head[4];
    enum msp_result result = receive_all(fd, head, sizeof head, deadline_ms, error);
    if (result != MSP_OK) {
        return result;
    }
    size_t size = 0;
    if (!msp_frame_body_bytes(head, &size)) {
        return msp_fail(error, MSP_INVALID, "job_message_invalid",
                        "A message between processes has an impossible length. Check that all "
                        "processes are of the same version.");
    }
    msp_buffer_clear(body);
    unsigned char *room = (unsigned char *)msp_buffer_reserve(body, size);
    if (room == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory",
                        "No memory for a message of %zu bytes; try again.", size);
    }
    result = receive_all(fd, room, size, deadline_ms, error);
    body->length = result == MSP_OK ? size : 0;
    return result;
}

enum msp_result msp_job_message_receive(int fd, struct msp_buffer *body,
                                        struct msp_job_message *out, int64_t deadline_ms,
                                        struct msp_error *error)
{
    struct msp_buffer own;
    struct msp_buffer *used = body != NULL ? body : &own;
    msp_buffer_init(&own, MSP_FRAME_MAX_BYTES);
    enum msp_result result = receive_body(fd, used, deadline_ms, error);
    if (result == MSP_OK) {
        result = msp_job_message_decode(used->data, used->length, out, error);
    }
    if (result == MSP_OK && body == NULL) {
        out->data = NULL;
        out->data_bytes = 0;
    }
    msp_buffer_done(&own);
    return result;
}
