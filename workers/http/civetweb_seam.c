/*
 * Every symbol that we define before libc's, and why. Debian's CivetWeb calls these as any program
 * would, so definitions exported by our executable come first. libpq, hiredis and our
 * own code call the same names: a call is changed only in a thread of CivetWeb, and there only
 * while it is in CivetWeb's own hands (`here.phase`); all others go straight on to the next
 * definition, which under a sanitizer is the sanitizer's.
 *
 *   bind      CivetWeb opens its own listener and cannot be handed one. All workers
 *             must share the master's, or connections queued for a dead worker die with it.
 *   accept    Counts what is open, so that a worker can leave after its last answer:
 *             mg_stop itself cuts answers short (push_all looks at stop_flag).
 *   poll      Nothing in CivetWeb bounds the time a body or an answer takes; its keep-alive
 *             time-out cannot be changed while it runs and counts the next head as idle time.
 *   recv      Tells where the buffer of a head starts and how much came. Waits itself for a head
 *             that comes soon, which on a busy connection saves the call of poll.
 *   send      Never waits, whatever the socket; ends an answer that was given up; takes the head
 *             of an answer along with its body, which thus need not be copied behind it.
 *   pthread_attr_setstacksize
 *             CivetWeb asks for 100 KiB, on which jansson's recursion overflows at depth 315.
 */
#undef _FORTIFY_SOURCE /* its inline bodies would stand in the way of the definitions below */

#include "civetweb_seam.h"

#include "chunk_check.h"
#include "next_definitions.h"
#include "transfer_rate.h"

#include "msp/clock.h"
#include "msp/status_board.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define LEAST_STACK_BYTES ((size_t)1 << 20)

/* A connection that says nothing at first, and a head on its way. */
#define FIRST_BYTE_MS 5000
#define HEAD_MS       5000
/* Idle connections that may be spared: while draining, or when threads run short. */
#define SPARED_IDLE_MS 1000
/* How long recv waits for the next head before poll does. Shorter than any deadline of an idle
 * connection, so that none needs to be looked at, and what stopping may be late by. */
#define BRISK_MS 200
/* How late an idle connection notices that threads run short. */
#define IDLE_LOOK_MS 5000

enum phase {
    PHASE_FOREIGN, /* not CivetWeb's business: handlers, other threads */
    PHASE_ACCEPTOR,
    PHASE_HEAD, /* between two requests */
    PHASE_BODY,
    PHASE_ANSWER,
};

/* What a CivetWeb thread is doing. Small: there are thousands of threads. */
struct thread_state {
    enum phase phase;
    int socket;
    const char *head_buffer;
    size_t head_bytes; /* received since the last request ended */
    int64_t idle_since_ms;
    int64_t head_since_ms; /* 0 = no byte yet */
    size_t buffered_bytes; /* in CivetWeb's buffer, from the head at hand on */
    int64_t unread_bytes;  /* received, and not the head's or the body's at hand */
    bool line_is_sound;
    bool chunked;
    struct msp_chunk_check chunks;
    bool first_request;
    bool brisk;    /* recv on this connection may wait, for BRISK_MS */
    bool unpolled; /* the next recv is to wait */
    bool late;     /* the last wait was given up */
    bool least_rate;
    int64_t budget_us; /* of waiting; -1 = none */
    int64_t waited_us;
    const char *prefix; /* still to be sent before what CivetWeb sends */
    size_t prefix_bytes;
    struct msp_transfer_rate rate;
    struct msp_transfer_rate reader_rate; /* of answers on this connection, from one to the next */
};

static _Thread_local struct thread_state here;

/* The listener that the next bind() of this thread stands for; -1 = bind as asked. */
static _Thread_local int adopting = -1;

static struct {
    bool adopted; /* bind() has put the shared listener in place */
    int drain_event;
    int max_connections;
    int64_t *open_connections;
    atomic_int keep_alive_ms;
    atomic_int connections;
    atomic_bool draining;
    atomic_bool stopping;
} seam = {.drain_event = -1};

int bind(int socket, const struct sockaddr *address, socklen_t length)
{
    msp_next_find_once();
    if (adopting < 0)
        return msp_next.bind(socket, address, length);
    if (dup3(adopting, socket, O_CLOEXEC) < 0)
        return -1;
    seam.adopted = true;
    adopting = -1;
    return 0;
}

int pthread_attr_setstacksize(pthread_attr_t *attributes, size_t size)
{
    msp_next_find_once();
    return msp_next.set_stack_size(attributes, size < LEAST_STACK_BYTES ? LEAST_STACK_BYTES : size);
}

static void count_connection(int by)
{
    atomic_fetch_add(&seam.connections, by);
    if (seam.open_connections != NULL)
        msp_board_add(seam.open_connections, by);
}

int accept(int socket, struct sockaddr *restrict address, socklen_t *restrict length)
{
    msp_next_find_once();
    if (here.phase != PHASE_ACCEPTOR)
        return msp_next.accept(socket, address, length);
    int connection = msp_next.accept4(socket, address, length, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (connection >= 0)
        count_connection(1);
    return connection;
}

/* Sends what is left of the prefix together with CivetWeb's bytes, of which it counts those that
 * went. */
static ssize_t send_with_prefix(int socket, const void *buffer, size_t size, int flags)
{
    struct iovec parts[2] = {{(void *)(uintptr_t)here.prefix, here.prefix_bytes},
                             {(void *)(uintptr_t)buffer, size}};
    const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    ssize_t sent = msp_next.sendmsg(socket, &message, flags);
    if (sent < 0)
        return sent;
    size_t of_prefix = (size_t)sent < here.prefix_bytes ? (size_t)sent : here.prefix_bytes;
    here.prefix += of_prefix;
    here.prefix_bytes -= of_prefix;
    if ((size_t)sent > of_prefix)
        return sent - (ssize_t)of_prefix;
    errno = EAGAIN;
    return -1;
}

/* CivetWeb sends again after a poll that failed; only a failed send ends an answer that was given
 * up. */
ssize_t send(int socket, const void *buffer, size_t size, int flags)
{
    msp_next_find_once();
    if (here.phase == PHASE_FOREIGN)
        return msp_next.send(socket, buffer, size, flags);
    if (here.phase == PHASE_ANSWER && here.late) {
        errno = ETIMEDOUT;
        return -1;
    }
    if (here.prefix_bytes > 0)
        return send_with_prefix(socket, buffer, size, flags | MSG_DONTWAIT);
    return msp_next.send(socket, buffer, size, flags | MSG_DONTWAIT);
}

/*
 * A worker whose threads are all taken leaves the queue alone: a connection it took could only wait
 * in its memory, and would die with it. One that is nearly full lets its siblings go first.
 */
static int poll_listener(struct pollfd *listener, int timeout_ms)
{
    int open = atomic_load(&seam.connections);
    listener->revents = 0;
    if (atomic_load(&seam.draining))
        return msp_next.poll(NULL, 0, 20); /* what waits at the listener is for our siblings */
    if (open >= seam.max_connections) {
        (void)msp_next.poll(NULL, 0, 5);
        return 0;
    }
    if (open >= seam.max_connections - seam.max_connections / 4)
        (void)msp_next.poll(NULL, 0, 1);
    struct pollfd both[2] = {*listener, {.fd = seam.drain_event, .events = POLLIN}};
    int ready = msp_next.poll(both, 2, timeout_ms);
    if (ready <= 0)
        return ready;
    listener->revents = both[0].revents;
    return both[0].revents != 0 ? 1 : 0;
}

/* When a connection that waits for its next head shall be given up. */
static int64_t head_deadline_ms(void)
{
    if (here.head_bytes > 0)
        return here.head_since_ms + HEAD_MS;
    int64_t deadline = here.idle_since_ms +
                       (here.first_request ? FIRST_BYTE_MS : atomic_load(&seam.keep_alive_ms));
    int64_t spared = here.idle_since_ms + SPARED_IDLE_MS;
    bool spare = atomic_load(&seam.draining) || msp_seam_crowded();
    return spare && spared < deadline ? spared : deadline;
}

static int give_up(struct pollfd *wait)
{
    here.late = true;
    wait->revents = 0;
    errno = ETIMEDOUT;
    return -1;
}

/* CivetWeb's own time-out is not looked at: the option is set past ours. */
static int wait_for_bytes_of_head(struct pollfd *wait)
{
    for (;;) {
        int64_t left = head_deadline_ms() - msp_clock_monotonic_ms();
        if (left <= 0 || atomic_load(&seam.stopping))
            return give_up(wait);
        bool draining = atomic_load(&seam.draining);
        int most = draining ? 200 : IDLE_LOOK_MS;
        struct pollfd both[2] = {*wait, {.fd = seam.drain_event, .events = POLLIN}};
        int ready = msp_next.poll(both, draining ? 1 : 2, left < most ? (int)left : most);
        if (ready < 0 && errno != EINTR)
            return -1;
        if (ready > 0 && both[0].revents != 0) {
            wait->revents = both[0].revents;
            return 1;
        }
    }
}

static int poll_head(struct pollfd *wait)
{
    here.unpolled = here.brisk && here.head_bytes == 0 && wait->events & POLLIN;
    if (!here.unpolled)
        return wait_for_bytes_of_head(wait);
    wait->revents = POLLIN;
    return 1;
}

/* What poll_head left to recv. */
static ssize_t receive_soon(int socket, void *buffer, size_t size, int flags)
{
    here.unpolled = false;
    ssize_t got = msp_next.recv(socket, buffer, size, flags);
    if (got >= 0 || (errno != EAGAIN && errno != EINTR))
        return got;
    struct pollfd wait = {.fd = socket, .events = POLLIN};
    return wait_for_bytes_of_head(&wait) < 0
               ? -1
               : msp_next.recv(socket, buffer, size, flags | MSG_DONTWAIT);
}

/* A second request on a connection makes a third one likely. */
static void let_recv_wait(int socket)
{
    const struct timeval most = {.tv_usec = (suseconds_t)BRISK_MS * 1000};
    here.brisk = setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most) == 0 &&
                 fcntl(socket, F_SETFL, O_RDWR) == 0;
}

/* Looks at a head before CivetWeb cuts it up: the first line must end in CR LF. */
static bool line_ends_soundly(const char *head, size_t size)
{
    const char *end = memchr(head, '\r', size);
    const char *feed = memchr(head, '\n', size);
    return end != NULL && feed == end + 1;
}

static void note_bytes_of_head(int socket, const char *buffer, size_t size)
{
    if (here.head_buffer == NULL) {
        here.head_buffer = buffer;
        here.socket = socket;
    }
    if (here.head_bytes == 0)
        here.head_since_ms = msp_clock_monotonic_ms();
    here.head_bytes += size;
    here.buffered_bytes += size;
    here.unread_bytes += (int64_t)size;
    here.line_is_sound = line_ends_soundly(here.head_buffer, here.buffered_bytes);
    if (!here.first_request && !here.brisk)
        let_recv_wait(socket);
}

static void note_bytes_of_body(const char *buffer, size_t size)
{
    msp_transfer_rate_moved(&here.rate, (int64_t)size);
    here.unread_bytes += (int64_t)size;
    if (here.chunked)
        here.unread_bytes -= (int64_t)msp_chunk_check_feed(&here.chunks, buffer, size);
}

ssize_t recv(int socket, void *buffer, size_t size, int flags)
{
    msp_next_find_once();
    if (here.phase == PHASE_FOREIGN)
        return msp_next.recv(socket, buffer, size, flags);
    ssize_t got = here.unpolled ? receive_soon(socket, buffer, size, flags)
                                : msp_next.recv(socket, buffer, size, flags | MSG_DONTWAIT);
    if (got <= 0)
        return got;
    if (here.phase == PHASE_HEAD)
        note_bytes_of_head(socket, buffer, (size_t)got);
    else
        note_bytes_of_body(buffer, (size_t)got);
    return got;
}

/* Whether the transfer may go on: within its budget of waiting and, where that is asked, at the
 * least rate. */
static bool note_waiting(int64_t waited_us)
{
    here.waited_us += waited_us;
    bool fast_enough = msp_transfer_rate_waited(&here.rate, waited_us) || !here.least_rate;
    return fast_enough && (here.budget_us < 0 || here.waited_us <= here.budget_us);
}

/* Bytes the kernel still holds for the reader, since "writable" comes only when a third of its
 * buffer is free. */
static int64_t unsent_bytes(int socket)
{
    int bytes = 0;
    return ioctl(socket, SIOCOUTQ, &bytes) == 0 ? bytes : 0;
}

static int poll_transfer(struct pollfd *wait)
{
    for (;;) {
        int64_t unsent = here.phase == PHASE_ANSWER ? unsent_bytes(wait->fd) : 0;
        int64_t started = msp_clock_monotonic_us();
        int slice_ms = 500;
        if (here.budget_us >= 0 && here.budget_us - here.waited_us < slice_ms * 1000)
            slice_ms = (int)((here.budget_us - here.waited_us) / 1000) + 1;
        int ready = msp_next.poll(wait, 1, slice_ms);
        if (here.phase == PHASE_ANSWER)
            msp_transfer_rate_moved(&here.rate, unsent - unsent_bytes(wait->fd));
        bool in_time = note_waiting(msp_clock_monotonic_us() - started);
        if (ready < 0 && errno != EINTR)
            return -1;
        if (!in_time || atomic_load(&seam.stopping))
            return give_up(wait);
        if (ready > 0)
            return ready;
    }
}

int poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    msp_next_find_once();
    if (here.phase == PHASE_FOREIGN || count != 1)
        return msp_next.poll(fds, count, timeout_ms);
    if (here.phase == PHASE_ACCEPTOR)
        return poll_listener(fds, timeout_ms);
    if (here.phase == PHASE_HEAD)
        return poll_head(fds);
    return poll_transfer(fds);
}

static void wait_for_head(void)
{
    here.phase = PHASE_HEAD;
    here.head_bytes = 0;
    here.late = false;
    here.idle_since_ms = msp_clock_monotonic_ms();
}

static void *thread_started(const struct mg_context *context, int type)
{
    (void)context;
    here.phase = type == 0 ? PHASE_ACCEPTOR : PHASE_FOREIGN;
    return NULL;
}

static int connection_opened(const struct mg_connection *connection, void **data)
{
    (void)connection;
    (void)data;
    memset(&here, 0, sizeof here);
    here.first_request = true;
    wait_for_head();
    return 0;
}

static void connection_closed(const struct mg_connection *connection)
{
    (void)connection;
    here.phase = PHASE_FOREIGN;
    count_connection(-1);
}

struct mg_context *msp_seam_start(const struct msp_seam_options *options,
                                  const struct mg_callbacks *callbacks, void *user_data,
                                  const char **civetweb_options)
{
    /* A loser of the race for a connection must not block in accept. */
    int flags = fcntl(options->listener, F_GETFL);
    if (flags < 0 || fcntl(options->listener, F_SETFL, flags | O_NONBLOCK) < 0)
        return NULL;
    if (seam.drain_event < 0)
        seam.drain_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (seam.drain_event < 0)
        return NULL;
    uint64_t drained;
    ssize_t ignored = read(seam.drain_event, &drained, sizeof drained);
    (void)ignored;
    seam.max_connections = options->max_connections;
    seam.open_connections = options->open_connections;
    atomic_store(&seam.keep_alive_ms, options->keep_alive_ms);
    atomic_store(&seam.connections, 0);
    atomic_store(&seam.draining, false);
    atomic_store(&seam.stopping, false);

    struct mg_callbacks all = *callbacks;
    all.init_thread = thread_started;
    all.init_connection = connection_opened;
    all.connection_closed = connection_closed;
    seam.adopted = false;
    adopting = options->listener;
    struct mg_context *context = mg_start(&all, user_data, civetweb_options);
    adopting = -1;
    if (context != NULL && !seam.adopted) {
        msp_seam_stop(context);
        return NULL;
    }
    return context;
}

void msp_seam_drain(void)
{
    if (atomic_exchange(&seam.draining, true))
        return;
    uint64_t one = 1;
    ssize_t ignored = write(seam.drain_event, &one, sizeof one);
    (void)ignored;
}

void msp_seam_stop(struct mg_context *context)
{
    msp_seam_drain();
    atomic_store(&seam.stopping, true);
    mg_stop(context);
}

void msp_seam_set_keep_alive(int keep_alive_ms)
{
    atomic_store(&seam.keep_alive_ms, keep_alive_ms);
}

int msp_seam_connections(void)
{
    return atomic_load(&seam.connections);
}

bool msp_seam_crowded(void)
{
    return (int64_t)atomic_load(&seam.connections) * 10 > (int64_t)seam.max_connections * 9;
}

void msp_seam_request_begin(void)
{
    here.phase = PHASE_FOREIGN;
    here.first_request = false;
    here.late = false;
}

/* CivetWeb moves what it has of the next head to the start of its buffer. */
void msp_seam_request_end(bool kept)
{
    size_t rest = here.unread_bytes > 0 ? (size_t)here.unread_bytes : 0;
    if (!kept || rest > here.buffered_bytes)
        rest = 0;
    here.line_is_sound =
        rest > 0 && line_ends_soundly(here.head_buffer + here.buffered_bytes - rest, rest);
    here.buffered_bytes = rest;
    here.unread_bytes = (int64_t)rest;
    here.chunked = false;
    wait_for_head();
}

bool msp_seam_line_is_sound(void)
{
    return here.line_is_sound;
}

void msp_seam_head_taken(size_t head_bytes, int64_t content_length)
{
    here.unread_bytes -= (int64_t)head_bytes;
    here.chunked = content_length < 0;
    if (!here.chunked) {
        here.unread_bytes -= content_length; /* below 0 until all of it was received */
        return;
    }
    memset(&here.chunks, 0, sizeof here.chunks);
    here.unread_bytes -= (int64_t)msp_chunk_check_feed(&here.chunks, here.head_buffer + head_bytes,
                                                       here.buffered_bytes - head_bytes);
}

bool msp_seam_chunks_are_whole(void)
{
    return msp_chunk_check_is_whole(&here.chunks);
}

const char *msp_seam_head_buffer(void)
{
    return here.head_buffer;
}

enum msp_seam_head msp_seam_head_fault(void)
{
    if (here.late)
        return MSP_SEAM_HEAD_TOO_SLOW;
    return here.head_bytes >= MSP_SEAM_HEAD_BYTES ? MSP_SEAM_HEAD_TOO_LONG : MSP_SEAM_HEAD_BAD;
}

bool msp_seam_head_unanswered(void)
{
    return here.phase == PHASE_HEAD && (here.head_bytes > 0 || here.unread_bytes > 0);
}

void msp_seam_limit_reading(int64_t budget_ms, bool least_rate)
{
    memset(&here.rate, 0, sizeof here.rate);
    here.waited_us = 0;
    here.budget_us = budget_ms > 0 ? budget_ms * 1000 : -1;
    here.least_rate = least_rate;
}

int msp_seam_read(struct mg_connection *connection, void *buffer, size_t size, bool *out_late)
{
    here.late = false;
    here.phase = PHASE_BODY;
    int got = mg_read(connection, buffer, size);
    here.phase = PHASE_FOREIGN;
    *out_late = here.late;
    return got;
}

bool msp_seam_write(struct mg_connection *connection, const void *bytes, size_t size)
{
    return msp_seam_write_both(connection, NULL, 0, bytes, size);
}

bool msp_seam_write_both(struct mg_connection *connection, const void *head, size_t head_size,
                         const void *bytes, size_t size)
{
    struct thread_state before = here;
    msp_seam_limit_reading(0, true);
    here.rate = before.reader_rate;
    here.late = false;
    here.phase = PHASE_ANSWER;
    here.prefix = head;
    here.prefix_bytes = head_size;
    int sent = mg_write(connection, bytes, size);
    before.reader_rate = here.rate; /* asking for much in small parts is no way around the limit */
    here = before;
    if (sent >= 0 && (size_t)sent == size)
        return true;
    mg_disable_keep_alive(connection); /* a next answer would be read as the rest of this one */
    return false;
}

void msp_seam_linger(size_t max_bytes, int max_ms)
{
    if (here.head_buffer == NULL)
        return;
    msp_next_find_once();
    (void)shutdown(here.socket, SHUT_WR);
    int64_t deadline = msp_clock_monotonic_ms() + max_ms;
    size_t taken = 0;
    while (taken < max_bytes && !atomic_load(&seam.stopping)) {
        char waste[2048];
        int64_t left = deadline - msp_clock_monotonic_ms();
        struct pollfd wait = {.fd = here.socket, .events = POLLIN};
        if (left <= 0 || msp_next.poll(&wait, 1, (int)left) <= 0)
            return;
        ssize_t got = msp_next.recv(here.socket, waste, sizeof waste, MSG_DONTWAIT);
        if (got <= 0)
            return;
        taken += (size_t)got;
    }
}
