/* The seams: what CivetWeb is made to do, and that calls which are not its own stay as they were.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "civetweb_seam.h"
#include "msp/clock.h"

#define THREADS 2

static struct sockaddr_in address;
static struct mg_context *context;
static int listener;
static atomic_int working; /* requests that a handler has in hand */
static atomic_bool draining;

static int open_listener(struct sockaddr_in *at)
{
    socklen_t length = sizeof *at;
    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int opened = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(opened, (struct sockaddr *)at, sizeof *at), 0);
    cr_assert_eq(listen(opened, 8), 0);
    cr_assert_eq(getsockname(opened, (struct sockaddr *)at, &length), 0);
    return opened;
}

static void answer(struct mg_connection *connection, const char *body)
{
    char text[256];
    int length = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
                          strlen(body), body);
    if (atomic_load(&draining))
        mg_disable_keep_alive(connection);
    (void)msp_seam_write(connection, text, (size_t)length);
}

#define LONG_BYTES 3000000 /* more than a socket takes at once */

/* No two places near one another hold the same. */
static char byte_at(size_t place)
{
    return (char)('a' + (place * 2654435761u >> 16) % 26);
}

static void answer_in_two_pieces(struct mg_connection *connection)
{
    static char bytes[2 * LONG_BYTES];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = byte_at(i);
    mg_disable_keep_alive(connection);
    (void)msp_seam_write_both(connection, bytes, LONG_BYTES, bytes + LONG_BYTES, LONG_BYTES);
}

/* /slow takes 300 ms; /body reads what was sent, with 500 ms of patience; /long answers with a long
 * head and body; all others answer at once. */
static int serve(struct mg_connection *connection)
{
    const char *path = mg_get_request_info(connection)->request_uri;
    msp_seam_request_begin();
    atomic_fetch_add(&working, 1);
    if (strcmp(path, "/slow") == 0) {
        /* A wait of a handler's own is none of the seam's business. */
        int64_t started = msp_clock_monotonic_ms();
        struct pollfd nothing = {.fd = -1};
        (void)poll(&nothing, 1, 300);
        answer(connection, msp_clock_monotonic_ms() - started >= 290 ? "slept" : "woken");
    } else if (strcmp(path, "/body") == 0) {
        char body[64];
        bool late = false;
        msp_seam_limit_reading(500, false);
        int got = msp_seam_read(connection, body, sizeof body, &late);
        mg_disable_keep_alive(connection);
        answer(connection, late ? "late" : got == 3 ? "whole" : "broken");
        msp_seam_linger(1024, 200);
    } else if (strcmp(path, "/long") == 0) {
        answer_in_two_pieces(connection);
    } else {
        answer(connection, "quick");
    }
    atomic_fetch_sub(&working, 1);
    msp_seam_request_end(false);
    return 200;
}

static void begin(void)
{
    static const struct mg_callbacks callbacks = {.begin_request = serve};
    const char *options[] = {
        "listening_ports",       "127.0.0.1:1", "num_threads", "2", "enable_keep_alive", "yes",
        "keep_alive_timeout_ms", "60000",       NULL};
    listener = open_listener(&address);
    const struct msp_seam_options seam = {
        .listener = listener, .max_connections = THREADS, .keep_alive_ms = 10000};
    context = msp_seam_start(&seam, &callbacks, NULL, options);
    cr_assert_not_null(context);
}

static void end(void)
{
    if (context != NULL)
        msp_seam_stop(context);
    (void)close(listener);
}

TestSuite(civetweb_seam, .init = begin, .fini = end);

static int dial(void)
{
    struct timeval patience = {.tv_sec = 5};
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    (void)setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return client;
}

static void tell(int client, const char *text)
{
    cr_assert_eq(send(client, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* The body of the next answer; "" = closed, "silence" = nothing came in 5 s. */
static const char *hear(int client)
{
    static char got[1024];
    ssize_t length = recv(client, got, sizeof got - 1, 0);
    if (length < 0)
        return "silence";
    got[length] = '\0';
    const char *body = strstr(got, "\r\n\r\n");
    return body != NULL ? body + 4 : "";
}

static const char get_quick[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
static const char get_slow[] = "GET /slow HTTP/1.1\r\nHost: h\r\n\r\n";

Test(civetweb_seam, serves_on_the_listener_it_was_given)
{
    int client = dial();
    tell(client, get_quick);
    cr_assert_str_eq(hear(client), "quick");
    tell(client, get_quick);
    cr_assert_str_eq(hear(client), "quick");
    (void)close(client);
}

Test(civetweb_seam, leaves_binds_and_accepts_of_others_alone)
{
    struct sockaddr_in other;
    int own = open_listener(&other);
    cr_assert_neq(other.sin_port, address.sin_port);
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(client, (struct sockaddr *)&other, sizeof other), 0);
    int taken = accept(own, NULL, NULL);
    cr_assert_geq(taken, 0);
    cr_assert_eq(msp_seam_connections(), 0);
    (void)close(taken);
    (void)close(client);
    (void)close(own);
}

Test(civetweb_seam, leaves_the_waits_of_handlers_alone)
{
    int client = dial();
    tell(client, get_slow);
    cr_assert_str_eq(hear(client), "slept");
    (void)close(client);
}

Test(civetweb_seam, takes_no_more_connections_than_there_are_threads)
{
    int clients[THREADS + 1];
    for (int i = 0; i < THREADS; i++) {
        clients[i] = dial();
        tell(clients[i], get_quick);
        cr_assert_str_eq(hear(clients[i]), "quick");
    }
    clients[THREADS] = dial(); /* waits in the kernel's queue, where a sibling could take it */
    tell(clients[THREADS], get_quick);
    (void)usleep(50000);
    cr_assert_eq(msp_seam_connections(), THREADS);
    cr_assert(msp_seam_crowded());
    (void)close(clients[0]);
    cr_assert_str_eq(hear(clients[THREADS]), "quick");
    for (int i = 1; i <= THREADS; i++)
        (void)close(clients[i]);
}

Test(civetweb_seam, cuts_a_body_at_its_deadline_however_steadily_it_drips)
{
    int client = dial();
    int64_t started = msp_clock_monotonic_ms();
    tell(client, "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\n");
    for (int i = 0; i < 9; i++) {
        (void)send(client, "x", 1, MSG_NOSIGNAL); /* the last ones meet a closed connection */
        (void)usleep(100000);
    }
    cr_assert_str_eq(hear(client), "late");
    cr_assert_lt(msp_clock_monotonic_ms() - started, 2000);
    (void)close(client);
}

/* From the second request on recv waits for the head; what holds for others must hold here too. */
static int dial_and_ask_twice(void)
{
    int client = dial();
    for (int i = 0; i < 2; i++) {
        tell(client, get_quick);
        cr_assert_str_eq(hear(client), "quick");
    }
    return client;
}

Test(civetweb_seam, answers_on_a_busy_connection_after_a_pause)
{
    int client = dial_and_ask_twice();
    (void)usleep(400000);
    tell(client, get_quick);
    cr_assert_str_eq(hear(client), "quick");
    tell(client, "GET / HTTP/1.1\r\nHo");
    (void)usleep(400000);
    tell(client, "st: h\r\n\r\n");
    cr_assert_str_eq(hear(client), "quick");
    (void)close(client);
}

Test(civetweb_seam, cuts_a_body_on_a_busy_connection_at_its_deadline)
{
    int client = dial_and_ask_twice();
    int64_t started = msp_clock_monotonic_ms();
    tell(client, "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nx");
    cr_assert_str_eq(hear(client), "late");
    cr_assert_geq(msp_clock_monotonic_ms() - started, 450);
    cr_assert_lt(msp_clock_monotonic_ms() - started, 2000);
    (void)close(client);
}

Test(civetweb_seam, keeps_to_the_idle_limit_of_a_busy_connection)
{
    msp_seam_set_keep_alive(1000);
    int client = dial_and_ask_twice();
    int64_t started = msp_clock_monotonic_ms();
    cr_assert_str_eq(hear(client), "");
    cr_assert_geq(msp_clock_monotonic_ms() - started, 900);
    cr_assert_lt(msp_clock_monotonic_ms() - started, 2500);
    (void)close(client);
}

Test(civetweb_seam, stops_soon_while_a_busy_connection_waits)
{
    int client = dial_and_ask_twice();
    int64_t started = msp_clock_monotonic_ms();
    msp_seam_stop(context);
    context = NULL;
    cr_assert_lt(msp_clock_monotonic_ms() - started, 1500);
    (void)close(client);
}

Test(civetweb_seam, tells_a_late_body_from_a_broken_one)
{
    int client = dial();
    tell(client, "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
    cr_assert_str_eq(hear(client), "whole");
    (void)close(client);
    client = dial();
    tell(client, "POST /body HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na");
    (void)shutdown(client, SHUT_WR);
    cr_assert_str_eq(hear(client), "broken");
    (void)close(client);
}

Test(civetweb_seam, drains_without_losing_a_request)
{
    int busy = dial();
    int idle = dial();
    tell(idle, get_quick);
    cr_assert_str_eq(hear(idle), "quick");
    tell(busy, get_slow);
    while (atomic_load(&working) == 0)
        (void)usleep(1000);
    atomic_store(&draining, true);
    msp_seam_drain();
    (void)usleep(50000);
    int late = dial(); /* is for a sibling: nobody here takes it */
    tell(late, get_quick);
    cr_assert_str_eq(hear(busy), "slept");
    cr_assert_str_eq(hear(busy), "");
    tell(idle, get_quick); /* idle for less than a second: still served */
    cr_assert_str_eq(hear(idle), "quick");
    int64_t deadline = msp_clock_monotonic_ms() + 2000;
    while (msp_seam_connections() > 0 && msp_clock_monotonic_ms() < deadline)
        (void)usleep(5000);
    cr_assert_eq(msp_seam_connections(), 0);
    int64_t started = msp_clock_monotonic_ms();
    msp_seam_stop(context);
    context = NULL;
    cr_assert_lt(msp_clock_monotonic_ms() - started, 1000);
    int taken = accept(listener, NULL, NULL);
    cr_assert_geq(taken, 0, "the late connection must still be in the queue");
    (void)close(taken);
    (void)close(late);
    (void)close(busy);
    (void)close(idle);
}

Test(civetweb_seam, both_pieces_of_an_answer_arrive_whole_at_a_slow_reader)
{
    static char part[65536];
    size_t place = 0;
    int client = dial();
    tell(client, "GET /long HTTP/1.1\r\nHost: x\r\n\r\n");
    for (ssize_t got; (got = recv(client, part, sizeof part, 0)) > 0;) {
        for (ssize_t i = 0; i < got; i++)
            cr_assert_eq(part[i], byte_at(place + (size_t)i), "byte %zu", place + (size_t)i);
        place += (size_t)got;
        (void)poll(NULL, 0, place < LONG_BYTES / 4 ? 5 : 0);
    }
    cr_expect_eq(place, 2 * LONG_BYTES);
    (void)close(client);
}
