/* Wakes the job worker and waits for jobs to end: by its frames, and by looking at the row where
 * frames fail. */
#include "job_client.h"

#include "http_worker.h"
#include "msp/clock.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

/* A Unix socket on this machine answers in microseconds; past this the worker is stuck and polling
 * is better. */
#define SOCKET_PATIENCE_MS 500
/* How soon a process that is asked to leave notices while it waits. */
#define SLICE_MS 500
/* A job may have ended before the subscription was read: look once early, then rarely. Rarely, for
 * ends that no executor of this node has written tell nobody: of a job that was cancelled while it
 * waited, or run elsewhere. */
#define FIRST_LOOK_MS          300
#define LOOK_WITH_SOCKET_MS    2000
#define LOOK_WITHOUT_SOCKET_MS 1000
#define LOOK_AFTER_END_MS      50

static bool send_message(int fd, enum msp_job_operation operation, const struct msp_job *job)
{
    struct msp_job_message message = {.operation = operation, .tenant_id = job->tenant_id};
    struct msp_error unheard;

    snprintf(message.job_id, sizeof message.job_id, "%s", job->id);
    snprintf(message.kind, sizeof message.kind, "%s", job->kind);
    return msp_job_message_send(fd, &message, msp_clock_monotonic_ms() + SOCKET_PATIENCE_MS,
                                &unheard) == MSP_OK;
}

/* A connection to the job worker on which `operation` has been said, or -1. */
static int open_with(const struct msp_http_worker *worker, enum msp_job_operation operation,
                     const struct msp_job *job)
{
    struct msp_error unheard;
    int fd;

    if (msp_job_socket_connect(worker->job_socket_path,
                               msp_clock_monotonic_ms() + SOCKET_PATIENCE_MS, &fd,
                               &unheard) != MSP_OK)
        return -1;
    if (!send_message(fd, operation, job)) {
        close(fd);
        return -1;
    }
    return fd;
}

static void tell(const struct msp_http_worker *worker, enum msp_job_operation operation,
                 const struct msp_job *job)
{
    int fd = open_with(worker, operation, job);

    if (fd >= 0)
        close(fd);
}

void msp_job_client_wake(const struct msp_http_worker *worker, const struct msp_job *job)
{
    tell(worker, MSP_JOB_WAKE, job);
}

void msp_job_client_cancel(const struct msp_http_worker *worker, const struct msp_job *job)
{
    tell(worker, MSP_JOB_CANCEL, job);
}

/* Reads the job's row again; on any failure *job stays as it was known. */
static void look(const struct msp_request *request, int64_t tenant_id, struct msp_job *job)
{
    struct msp_http_worker *worker = request->worker;
    struct msp_db *db;
    struct msp_job seen;
    struct msp_error unheard;

    if (msp_pool_take(worker->pool, request->settings->db_pool_wait_ms, &db, &unheard) != MSP_OK)
        return;
    if (msp_job_get(db, tenant_id, job->id, request->arena, msp_request_db_deadline_ms(request),
                    &seen, &unheard) == MSP_OK)
        *job = seen;
    msp_pool_give(worker->pool, db);
}

enum news { NEWS_NONE, NEWS_ENDED, NEWS_SOCKET_GONE };

/* Waits for at most `wait_ms` for a frame about the job. */
static enum news listen_for(int fd, int wait_ms)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    struct msp_job_message message;
    struct msp_error unheard;

    /* A negative descriptor is skipped by poll(), which then only sleeps. */
    if (poll(&ready, 1, wait_ms) <= 0 || fd < 0)
        return NEWS_NONE;
    if (msp_job_message_receive(fd, NULL, &message, msp_clock_monotonic_ms() + SOCKET_PATIENCE_MS,
                                &unheard) != MSP_OK)
        return NEWS_SOCKET_GONE;
    return message.operation == MSP_JOB_ENDED ? NEWS_ENDED : NEWS_NONE;
}

static int64_t earliest(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void msp_job_client_wait(const struct msp_request *request, int64_t tenant_id, int64_t deadline_ms,
                         struct msp_job *job)
{
    struct msp_http_worker *worker = request->worker;
    int fd = open_with(worker, MSP_JOB_SUBSCRIBE, job);
    int64_t now = msp_clock_monotonic_ms();
    int64_t next_look = now + FIRST_LOOK_MS;

    if (fd >= 0 && !send_message(fd, MSP_JOB_WAKE, job))
        next_look = now;
    while (!msp_job_state_is_final(job->state) && now < deadline_ms &&
           !atomic_load(&worker->draining)) {
        int64_t until = earliest(earliest(deadline_ms, next_look), now + SLICE_MS);
        enum news news = listen_for(fd, until > now ? (int)(until - now) : 0);

        if (news != NEWS_NONE) {
            close(fd);
            fd = -1;
            next_look = 0;
        }
        now = msp_clock_monotonic_ms();
        if (now < next_look && now < deadline_ms)
            continue;
        look(request, tenant_id, job);
        now = msp_clock_monotonic_ms();
        next_look = now + (news == NEWS_ENDED ? LOOK_AFTER_END_MS
                           : fd >= 0          ? LOOK_WITH_SOCKET_MS
                                              : LOOK_WITHOUT_SOCKET_MS);
    }
    if (fd >= 0)
        close(fd);
}
