/* Frames to and from the job worker's socket. Failures are not told: nothing depends on them. */
#include "job_news.h"

#include "msp/child.h"
#include "msp/clock.h"

#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define SAY_MS  1000
#define HEAR_MS 1000

static int open_with(const struct msp_settings *settings, const struct msp_job_message *message)
{
    char path[108];
    int fd = -1;
    const int64_t deadline_ms = msp_clock_monotonic_ms() + SAY_MS;
    if (msp_job_socket_path(settings, path, sizeof(path), NULL) != MSP_OK ||
        msp_job_socket_connect(path, deadline_ms, &fd, NULL) != MSP_OK)
        return -1;
    if (msp_job_message_send(fd, message, deadline_ms, NULL) == MSP_OK)
        return fd;
    (void)close(fd);
    return -1;
}

void msp_job_news_tell(const struct msp_settings *settings, enum msp_job_operation operation,
                       const struct msp_job *job)
{
    struct msp_job_message message = {.operation = operation, .tenant_id = job->tenant_id};
    (void)snprintf(message.job_id, sizeof(message.job_id), "%s", job->id);
    (void)snprintf(message.kind, sizeof(message.kind), "%s", job->kind);
    const int fd = open_with(settings, &message);
    if (fd >= 0)
        (void)close(fd);
}

int msp_job_news_open(const struct msp_settings *settings, const char *job_id)
{
    struct msp_job_message message = {.operation = MSP_JOB_SUBSCRIBE};
    (void)snprintf(message.job_id, sizeof(message.job_id), "%s", job_id);
    return open_with(settings, &message);
}

static bool more_news_will_come(int fd)
{
    struct msp_job_message message;
    return msp_job_message_receive(fd, NULL, &message, msp_clock_monotonic_ms() + HEAR_MS, NULL) ==
               MSP_OK &&
           message.operation != MSP_JOB_ENDED;
}

void msp_job_news_wait(int *fd, int wait_ms, const sigset_t *unblocked)
{
    struct pollfd waited = {.fd = *fd, .events = POLLIN};
    const struct timespec most = {.tv_sec = wait_ms / 1000,
                                  .tv_nsec = (long)(wait_ms % 1000) * 1000000};
    if (ppoll(&waited, 1, &most, unblocked) > 0 && !more_news_will_come(*fd)) {
        (void)close(*fd);
        *fd = -1;
    }
}
