/* A table of clients, each with the frames it has begun to send and those it has yet to read. */
#include "subscriptions.h"

#include "msp/clock.h"
#include "msp/job_message.h"
#include "msp/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define JOBS_A_CLIENT 64
/* Some hundreds of frames: a reader that far behind reads no more. */
#define OUT_LIMIT_BYTES    65536
#define FRAME_PATIENCE_MS  5000  /* for the rest of a frame whose beginning has come */
#define READ_PATIENCE_MS   60000 /* for a reader to take anything of what waits for it */
#define DOOR_PAUSE_MS      1000  /* without descriptors to spare */
#define REMEMBERED_ENDINGS 1024

struct client {
    int fd;
    struct msp_buffer in;
    struct msp_buffer out;
    int64_t frame_begun_ms; /* 0 = no frame is half there */
    int64_t taken_ms;       /* when something was last taken of `out`, or put into it empty */
    bool gone;              /* to be closed once nobody looks at it */
    struct msp_fetch *fetch;
    size_t job_count;
    char jobs[JOBS_A_CLIENT][MSP_JOB_ID_BYTES];
};

struct msp_subscriptions {
    int listener;
    const struct msp_subscription_duties *duties;
    bool door_closed;
    int64_t door_opens_ms;
    size_t count;
    struct client *clients[MSP_SUBSCRIBERS_MAX];
    /* Jobs that ended lately, for those who ask a moment too late. */
    size_t next_ending;
    struct msp_job_event endings[REMEMBERED_ENDINGS];
};

struct msp_subscriptions *msp_subscriptions_new(int listener,
                                                const struct msp_subscription_duties *duties)
{
    struct msp_subscriptions *subscriptions = calloc(1, sizeof *subscriptions);
    if (subscriptions == NULL) {
        return NULL;
    }
    subscriptions->listener = listener;
    subscriptions->duties = duties;
    int flags = fcntl(listener, F_GETFL);
    if (flags >= 0) {
        (void)fcntl(listener, F_SETFL, flags | O_NONBLOCK);
    }
    return subscriptions;
}

static void free_client(struct client *client)
{
    msp_fetch_end(client->fetch);
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

size_t msp_subscriptions_count(const struct msp_subscriptions *subscriptions)
{
    return subscriptions->count;
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
        client->taken_ms = msp_clock_monotonic_ms();
        client->out.length -= (size_t)sent;
        memmove(client->out.data, client->out.data + sent, client->out.length);
    }
    if (client->fetch != NULL && !client->gone) {
        msp_fetch_go_on(client->fetch);
    }
}

static void say(struct client *client, const struct msp_job_message *message)
{
    if (client->out.length == 0) {
        client->taken_ms = msp_clock_monotonic_ms();
    }
    if (msp_job_message_encode(message, &client->out, NULL) != MSP_OK) {
        client->gone = true;
        return;
    }
    flush(client);
}

static void say_event(struct client *client, const struct msp_job_event *event)
{
    struct msp_job_message message = {
        .operation = event->kind == MSP_EVENT_ENDED ? MSP_JOB_ENDED : MSP_JOB_PROGRESS,
        .tenant_id = event->tenant_id,
        .done = event->done,
        .total = event->total,
    };
    memcpy(message.job_id, event->job_id, sizeof message.job_id);
    memcpy(message.kind, event->job_kind, sizeof message.kind);
    say(client, &message);
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
            say_event(client, event);
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
        say_event(client, ended);
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

static void refuse(struct client *client, const struct msp_error *error)
{
    struct msp_job_message message = {.operation = MSP_JOB_REFUSED, .result = error->result};
    (void)snprintf(message.code, sizeof message.code, "%s", error->code);
    (void)snprintf(message.detail, sizeof message.detail, "%s", error->detail);
    say(client, &message);
}

static void fetch(const struct msp_subscriptions *subscriptions, struct client *client,
                  const struct msp_job_message *order)
{
    struct msp_fetches *fetches = subscriptions->duties->fetches;
    struct msp_error error;
    if (client->fetch != NULL || fetches == NULL) {
        client->gone = true; /* one at a time, as the protocol says */
        return;
    }
    client->out.limit_bytes = OUT_LIMIT_BYTES + MSP_FETCH_FRAMES_BYTES;
    if (msp_fetch_begin(fetches, order, client, &client->fetch, &error) != MSP_OK) {
        refuse(client, &error);
    }
}

static void report(const struct msp_subscriptions *subscriptions, struct client *client)
{
    struct msp_job_message message = {.operation = MSP_JOB_FIGURES};
    subscriptions->duties->report(subscriptions->duties->context, message.figures);
    say(client, &message);
}

static void obey(struct msp_subscriptions *subscriptions, struct client *client, const void *body,
                 size_t size)
{
    const struct msp_subscription_duties *duties = subscriptions->duties;
    struct msp_job_message message;
    if (msp_job_message_decode(body, size, &message, NULL) != MSP_OK) {
        client->gone = true;
        return;
    }
    switch (message.operation) {
    case MSP_JOB_WAKE:
        duties->wake(duties->context);
        return;
    case MSP_JOB_SUBSCRIBE:
        subscribe(subscriptions, client, message.job_id);
        return;
    case MSP_JOB_CANCEL:
        duties->cancel(duties->context, message.job_id);
        return;
    case MSP_JOB_STATUS:
        report(subscriptions, client);
        return;
    case MSP_JOB_FETCH:
        fetch(subscriptions, client, &message);
        return;
    case MSP_JOB_PROGRESS:
    case MSP_JOB_ENDED:
    case MSP_JOB_FIGURES:
    case MSP_JOB_DATA:
    case MSP_JOB_DATA_END:
    case MSP_JOB_REFUSED:
        break;
    }
    client->gone = true; /* only we say these */
}

static void obey_frames(struct msp_subscriptions *subscriptions, struct client *client)
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
        obey(subscriptions, client, client->in.data + at + 4, frame - 4);
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

static void hear(struct msp_subscriptions *subscriptions, struct client *client)
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
    obey_frames(subscriptions, client);
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
        bool speaks_slowly =
            client->frame_begun_ms != 0 && now_ms - client->frame_begun_ms > FRAME_PATIENCE_MS;
        bool reads_slowly = client->out.length > 0 && now_ms - client->taken_ms > READ_PATIENCE_MS;
        if (client->gone || speaks_slowly || reads_slowly) {
            free_client(client);
            subscriptions->clients[i - 1] = subscriptions->clients[--subscriptions->count];
        }
    }
}

void msp_subscriptions_serve(struct msp_subscriptions *subscriptions, const struct pollfd *entries,
                             size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct client *client = subscriptions->clients[i - 1];
        if ((entries[i].revents & POLLOUT) != 0) {
            flush(client);
        }
        if ((entries[i].revents & (POLLIN | POLLHUP | POLLERR | POLLNVAL)) != 0 && !client->gone) {
            hear(subscriptions, client);
        }
    }
    if (entries[0].revents != 0) {
        answer_door(subscriptions);
    }
    close_gone(subscriptions);
}

/* ---- exports ---- */

static struct msp_buffer *frames_of(void *owner)
{
    struct client *client = owner;
    if (client->out.length == 0) {
        client->taken_ms = msp_clock_monotonic_ms();
    }
    return &client->out;
}

void msp_subscriptions_pass_pieces_on(struct msp_subscriptions *subscriptions)
{
    void *owner;
    bool last;
    while (msp_fetches_take(subscriptions->duties->fetches, frames_of, &owner, &last)) {
        struct client *client = owner;
        if (last) {
            msp_fetch_end(client->fetch);
            client->fetch = NULL;
        }
        if (client->out.failed) {
            client->gone = true;
        }
        flush(client);
    }
    close_gone(subscriptions);
}
