/* A table of clients, each with the frames it has begun to send and those it has yet to read. */
#include "subscriptions.h"

#include "msp/clock.h"
#include "msp/job_message.h"
#include "msp/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define JOBS_A_CLIENT 64
#define OUT_LIMIT_BYTES                                                                            \
    65536 /* some hundreds of frames: a reader that far behind reads no more                       \
           */
#define FRAME_PATIENCE_MS  10000 /* for the rest of a frame whose beginning has come */
#define DOOR_PAUSE_MS      1000  /* without descriptors to spare */
#define REMEMBERED_ENDINGS 1024

struct client {
    int fd;
    struct msp_buffer in;
    struct msp_buffer out;
    int64_t frame_begun_ms; /* 0 = no frame is half there */
    bool gone;              /* to be closed once nobody looks at it */
    size_t job_count;
    char jobs[JOBS_A_CLIENT][MSP_JOB_ID_BYTES];
};

struct msp_subscriptions {
    int listener;
    bool door_closed;
    int64_t door_opens_ms;
    size_t count;
    struct client *clients[MSP_SUBSCRIBERS_MAX];
    /* Jobs that ended lately, for those who ask a moment too late. */
    size_t next_ending;
    struct msp_job_event endings[REMEMBERED_ENDINGS];
};

struct msp_subscriptions *msp_subscriptions_new(int listener)
{
    struct msp_subscriptions *subscriptions = calloc(1, sizeof *subscriptions);
    if (subscriptions == NULL) {
        return NULL;
    }
    subscriptions->listener = listener;
    int flags = fcntl(listener, F_GETFL);
    if (flags >= 0) {
        (void)fcntl(listener, F_SETFL, flags | O_NONBLOCK);
    }
    return subscriptions;
}

static void free_client(struct client *client)
{
    (void)close(client->fd);
    msp_buffer_done(&client->in);
    msp_buffer_done(&client->out);
    free(client);
}

void msp_subscriptions_free(struct msp_subscriptions *subscriptions)
{
    if (subscriptions == NULL) {
        return;
    }
    for (size_t i = 0; i < subscriptions->count; i++) {
        free_client(subscriptions->clients[i]);
    }
    free(subscriptions);
}

void msp_subscriptions_close_door(struct msp_subscriptions *subscriptions)
{
    subscriptions->door_closed = true;
}

size_t msp_subscriptions_watch(const struct msp_subscriptions *subscriptions,
                               struct pollfd *entries)
{
    bool ask_in =
        !subscriptions->door_closed && msp_clock_monotonic_ms() >= subscriptions->door_opens_ms;
    entries[0] = (struct pollfd){.fd = ask_in ? subscriptions->listener : -1, .events = POLLIN};
    for (size_t i = 0; i < subscriptions->count; i++) {
        const struct client *client = subscriptions->clients[i];
        entries[i + 1] = (struct pollfd){
            .fd = client->fd, .events = client->out.length > 0 ? POLLIN | POLLOUT : POLLIN};
    }
    return subscriptions->count + 1;
}

/* ---- speaking ---- */

static void flush(struct client *client)
{
    while (client->out.length > 0 && !client->gone) {
        ssize_t sent =
            send(client->fd, client->out.data, client->out.length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0 && errno == EAGAIN) {
            return;
        }
        if (sent <= 0) {
            client->gone = true;
            return;
        }
        client->out.length -= (size_t)sent;
        memmove(client->out.data, client->out.data + sent, client->out.length);
    }
}

static void say(struct client *client, const struct msp_job_event *event)
{
    struct msp_job_message message = {
        .operation = event->kind == MSP_EVENT_ENDED ? MSP_JOB_ENDED : MSP_JOB_PROGRESS,
        .tenant_id = event->tenant_id,
        .done = event->done,
        .total = event->total,
    };
    memcpy(message.job_id, event->job_id, sizeof message.job_id);
    memcpy(message.kind, event->job_kind, sizeof message.kind);
    if (msp_job_message_encode(&message, &client->out, NULL) != MSP_OK) {
        client->gone = true;
        return;
    }
    flush(client);
}

static void unsubscribe_at(struct client *client, size_t at)
{
    client->job_count--;
    memmove(client->jobs[at], client->jobs[client->job_count], MSP_JOB_ID_BYTES);
}

/* ---- endings ---- */

static void forget_ending(struct msp_subscriptions *subscriptions, const char *job_id)
{
    for (size_t i = 0; i < REMEMBERED_ENDINGS; i++) {
        if (strcmp(subscriptions->endings[i].job_id, job_id) == 0) {
            subscriptions->endings[i].job_id[0] = '\0';
        }
    }
}

static const struct msp_job_event *find_ending(const struct msp_subscriptions *subscriptions,
                                               const char *job_id)
{
    for (size_t i = 0; i < REMEMBERED_ENDINGS; i++) {
        if (strcmp(subscriptions->endings[i].job_id, job_id) == 0) {
            return &subscriptions->endings[i];
        }
    }
    return NULL;
}

void msp_subscriptions_tell(struct msp_subscriptions *subscriptions,
                            const struct msp_job_event *event)
{
    forget_ending(subscriptions, event->job_id);
    if (event->kind == MSP_EVENT_BEGAN) {
        return;
    }
    if (event->kind == MSP_EVENT_ENDED) {
        subscriptions->endings[subscriptions->next_ending] = *event;
        subscriptions->next_ending = (subscriptions->next_ending + 1) % REMEMBERED_ENDINGS;
    }
    for (size_t i = 0; i < subscriptions->count; i++) {
        struct client *client = subscriptions->clients[i];
        for (size_t j = 0; j < client->job_count; j++) {
            if (strcmp(client->jobs[j], event->job_id) != 0) {
                continue;
            }
            say(client, event);
            if (event->kind == MSP_EVENT_ENDED) {
                unsubscribe_at(client, j);
            }
            break;
        }
    }
}

/* ---- hearing ---- */

static void subscribe(struct msp_subscriptions *subscriptions, struct client *client,
                      const char *job_id)
{
    const struct msp_job_event *ended = find_ending(subscriptions, job_id);
    if (ended != NULL) {
        say(client, ended);
        return;
    }
    for (size_t i = 0; i < client->job_count; i++) {
        if (strcmp(client->jobs[i], job_id) == 0) {
            return;
        }
    }
    if (client->job_count == JOBS_A_CLIENT) {
        client->gone = true;
        return;
    }
    memcpy(client->jobs[client->job_count++], job_id, MSP_JOB_ID_BYTES);
}

static void obey(struct msp_subscriptions *subscriptions, struct client *client, const void *body,
                 size_t size, bool *out_wake)
{
    struct msp_job_message message;
    if (msp_job_message_decode(body, size, &message, NULL) != MSP_OK) {
        client->gone = true;
        return;
    }
    switch (message.operation) {
    case MSP_JOB_WAKE:
        *out_wake = true;
        return;
    case MSP_JOB_SUBSCRIBE:
        subscribe(subscriptions, client, message.job_id);
        return;
    case MSP_JOB_PROGRESS:
    case MSP_JOB_ENDED:
        break;
    }
    client->gone = true; /* only we say these */
}

static void obey_frames(struct msp_subscriptions *subscriptions, struct client *client,
                        bool *out_wake)
{
    size_t at = 0;
    while (!client->gone) {
        enum msp_result result = MSP_OK;
        size_t frame = msp_frame_complete(client->in.data + at, client->in.length - at, &result);
        if (result != MSP_OK) {
            client->gone = true;
        }
        if (frame == 0) {
            break;
        }
        obey(subscriptions, client, client->in.data + at + 4, frame - 4, out_wake);
        at += frame;
    }
    client->in.length -= at;
    memmove(client->in.data, client->in.data + at, client->in.length);
    if (client->in.length == 0) {
        client->frame_begun_ms = 0;
    } else if (at > 0 || client->frame_begun_ms == 0) {
        client->frame_begun_ms = msp_clock_monotonic_ms();
    }
}

static void hear(struct msp_subscriptions *subscriptions, struct client *client, bool *out_wake)
{
    char *room = msp_buffer_reserve(&client->in, 4096);
    if (room == NULL) {
        client->gone = true;
        return;
    }
    ssize_t received = recv(client->fd, room, 4096, MSG_DONTWAIT);
    if (received < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (received <= 0) {
        client->gone = true;
        return;
    }
    client->in.length += (size_t)received;
    obey_frames(subscriptions, client, out_wake);
}

/* ---- coming and going ---- */

/* The socket lies in our own folder; this is the second lock on that door. */
static bool is_trusted(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           (peer.uid == geteuid() || peer.uid == 0);
}

static void welcome(struct msp_subscriptions *subscriptions, int fd)
{
    if (!is_trusted(fd)) {
        msp_log(MSP_LOG_WARNING, "Refused a stranger at the job socket", NULL);
        (void)close(fd);
        return;
    }
    struct client *client = NULL;
    if (subscriptions->count < MSP_SUBSCRIBERS_MAX) {
        client = calloc(1, sizeof *client);
    }
    if (client == NULL) {
        (void)close(fd);
        return;
    }
    client->fd = fd;
    msp_buffer_init(&client->in, MSP_FRAME_MAX_BYTES + 4 + 4096);
    msp_buffer_init(&client->out, OUT_LIMIT_BYTES);
    subscriptions->clients[subscriptions->count++] = client;
}

static void answer_door(struct msp_subscriptions *subscriptions)
{
    for (int i = 0; i < 64; i++) {
        int fd = accept4(subscriptions->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            welcome(subscriptions, fd);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            subscriptions->door_opens_ms = msp_clock_monotonic_ms() + DOOR_PAUSE_MS;
            return;
        }
        if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

static void close_gone(struct msp_subscriptions *subscriptions)
{
    int64_t now_ms = msp_clock_monotonic_ms();
    for (size_t i = subscriptions->count; i > 0; i--) {
        struct client *client = subscriptions->clients[i - 1];
        bool slow =
            client->frame_begun_ms != 0 && now_ms - client->frame_begun_ms > FRAME_PATIENCE_MS;
        if (client->gone || slow) {
            free_client(client);
            subscriptions->clients[i - 1] = subscriptions->clients[--subscriptions->count];
        }
    }
}

void msp_subscriptions_serve(struct msp_subscriptions *subscriptions, const struct pollfd *entries,
                             size_t count, bool *out_wake)
{
    for (size_t i = 1; i < count; i++) {
        struct client *client = subscriptions->clients[i - 1];
        if ((entries[i].revents & POLLOUT) != 0) {
            flush(client);
        }
        if ((entries[i].revents & (POLLIN | POLLHUP | POLLERR | POLLNVAL)) != 0 && !client->gone) {
            hear(subscriptions, client, out_wake);
        }
    }
    if (entries[0].revents != 0) {
        answer_door(subscriptions);
    }
    close_gone(subscriptions);
}
