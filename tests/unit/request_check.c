/*
 * The strict check on what CivetWeb itself makes of a head: each row of the table goes over a
 * loopback connection, and is either passed in one reading or refused with its status.
 */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "civetweb_seam.h"
#include "request_check.h"
#include "self_test.h"

static struct sockaddr_in address;
static struct mg_context *context;
static int listener;

/* Answers "pass <length> <keep> <forwarded>" or "refuse <status>" and closes. */
static int tell(struct mg_connection *connection)
{
    struct msp_request_head head;
    struct msp_error error;
    char text[64];
    char answer[160];
    msp_seam_request_begin();
    int status = msp_request_check(mg_get_request_info(connection), msp_seam_head_buffer(),
                                   MSP_SEAM_HEAD_BYTES, &head, &error);
    if (status == 0)
        (void)snprintf(text, sizeof text, "pass %d %d %d", (int)head.content_length,
                       head.keep_alive, head.forwarded);
    else
        (void)snprintf(text, sizeof text, "refuse %d", status);
    int length = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\n\r\n%s", text);
    mg_disable_keep_alive(connection);
    (void)msp_seam_write(connection, answer, (size_t)length);
    msp_seam_linger(65536, 200);
    msp_seam_request_end(false);
    return 200;
}

static int refused_by_civetweb(struct mg_connection *connection, int status, const char *message)
{
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\n\r\nrefuse 400";
    (void)status;
    (void)message;
    msp_seam_request_begin();
    (void)msp_seam_write(connection, answer, sizeof answer - 1);
    msp_seam_linger(65536, 200);
    msp_seam_request_end(false);
    return 0;
}

static void begin(void)
{
    static const struct mg_callbacks callbacks = {.begin_request = tell,
                                                  .http_error = refused_by_civetweb};
    const char *options[] = {
        "listening_ports",   "127.0.0.1:1", "num_threads", "2", "decode_url", "no",
        "enable_keep_alive", "yes",         NULL};
    socklen_t length = sizeof address;
    address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(listen(listener, 8), 0);
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&address, &length), 0);
    const struct msp_seam_options seam = {
        .listener = listener, .max_connections = 2, .keep_alive_ms = 1000};
    context = msp_seam_start(&seam, &callbacks, NULL, options);
    cr_assert_not_null(context);
}

static void end(void)
{
    msp_seam_stop(context);
    (void)close(listener);
}

TestSuite(request_check, .init = begin, .fini = end);

/* What came back behind the answer's head; "" if the connection was closed without a word. */
static const char *ask_bytes(const char *bytes, size_t size)
{
    static char got[4096];
    size_t length = 0;
    ssize_t some;
    struct timeval patience = {.tv_sec = 3};
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_eq(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    (void)setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)send(client, bytes, size, MSG_NOSIGNAL);
    (void)shutdown(client, SHUT_WR);
    while ((some = recv(client, got + length, sizeof got - 1 - length, 0)) > 0)
        length += (size_t)some;
    (void)close(client);
    got[length] = '\0';
    const char *body = strstr(got, "\r\n\r\n");
    return body != NULL ? body + 4 : "";
}

static const char *ask(const char *text)
{
    return ask_bytes(text, strlen(text));
}

#define GET  "GET /a?b=c HTTP/1.1\r\n"
#define POST "POST /a HTTP/1.1\r\n"
#define HOST "Host: example.org:80\r\n"

Test(request_check, passes_plain_requests)
{
    cr_assert_str_eq(ask(GET HOST "\r\n"), "pass 0 1 0");
    cr_assert_str_eq(ask(GET HOST "Accept:\r\nX-A:   spaces in it  \r\n\r\n"), "pass 0 1 0");
    cr_assert_str_eq(ask(GET "Host: [::1]:8000\r\n\r\n"), "pass 0 1 0");
    cr_assert_str_eq(ask(POST HOST "Content-Length: 003\r\n\r\nabc"), "pass 3 1 0");
    cr_assert_str_eq(ask(POST HOST "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n"), "pass -1 1 0");
    cr_assert_str_eq(ask(POST HOST "Content-Length: 1\r\nExpect: 100-continue\r\n\r\n"),
                     "pass 1 1 0");
}

Test(request_check, reads_the_wish_to_stay_as_civetweb_does)
{
    cr_assert_str_eq(ask("GET / HTTP/1.0\r\n" HOST "\r\n"), "pass 0 0 0");
    cr_assert_str_eq(ask("GET / HTTP/1.0\r\n" HOST "Connection: Keep-Alive\r\n\r\n"), "pass 0 1 0");
    cr_assert_str_eq(ask(GET HOST "Connection: close\r\n\r\n"), "pass 0 0 0");
    cr_assert_str_eq(ask(GET HOST "Connection: keep-alive, close\r\n\r\n"), "pass 0 0 0");
    cr_assert_str_eq(ask(GET HOST "Connection: TE, keep-alive\r\n\r\n"), "pass 0 1 0");
}

Test(request_check, notices_that_a_proxy_passed_it_on)
{
    static const char *const marks[] = {"CF-Ray: 1", "cf-connecting-ip: 1.2.3.4",
                                        "Forwarded: for=x", "x-forwarded-for: 1.2.3.4",
                                        "X-Forwarded-Proto: https"};
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++) {
        char text[256];
        (void)snprintf(text, sizeof text, GET HOST "%s\r\n\r\n", marks[i]);
        cr_assert_str_eq(ask(text), "pass 0 1 1", "%s", marks[i]);
    }
}

static const struct {
    const char *text;
    int status;
} refused[] = {
    /* who is asked */
    {GET "\r\n", 400},
    {GET "X: y\r\n\r\n", 400},
    {GET "Host: a\r\nHost: a\r\n\r\n", 400},
    {GET "Host:\r\n\r\n", 400},
    {GET "Host: a b\r\n\r\n", 400},
    {GET "Host: a/b\r\n\r\n", 400},
    {GET "Host: user@a\r\n\r\n", 400},
    {GET "Host: a:80:80\r\n\r\n", 400},
    {GET "Host: a:x\r\n\r\n", 400},
    {GET "Host: :80\r\n\r\n", 400},
    {GET "Host: a,b\r\n\r\n", 400},
    /* where the body ends */
    {POST HOST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
    {POST HOST "Content-Length: 3\r\ncontent-length: 4\r\n\r\nabc", 400},
    {POST HOST "Content-Length: 3, 3\r\n\r\nabc", 400},
    {POST HOST "Content-Length: +3\r\n\r\nabc", 400},
    {POST HOST "Content-Length: -1\r\n\r\nabc", 400},
    {POST HOST "Content-Length: 3abc\r\n\r\nabc", 400},
    {POST HOST "Content-Length: 0x3\r\n\r\nabc", 400},
    {POST HOST "Content-Length: 3 \r\n\r\nabc", 400},
    {POST HOST "Content-Length:\r\n\r\nabc", 400},
    {POST HOST "Content-Length: 99999999999999999999\r\n\r\n", 400},
    {POST HOST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {POST HOST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400},
    {POST HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {POST HOST "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {POST HOST "Transfer-Encoding: identity\r\n\r\n", 400},
    {POST HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
    {POST HOST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400},
    {POST HOST "Transfer-Encoding: xchunked\r\n\r\n", 400},
    {POST HOST "Transfer-Encoding: \"chunked\"\r\n\r\n", 400},
    {POST HOST "Transfer-Encoding:\r\n\r\n", 400},
    {POST HOST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400},
    {POST HOST "Content-Length : 3\r\n\r\nabc", 400},
    {"POST /a HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    /* lines that another reader sees otherwise */
    {"\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 400},
    {" GET / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET / HTTP/1.1\n" HOST "\r\n", 400},
    {GET "Host: a\nX: y\r\n\r\n", 400},
    {GET HOST "X: y\n\r\n", 400},
    {GET HOST "X: y\n\n", 400},
    {GET HOST "X: y\r\r\n\r\n", 400},
    {GET HOST "X: a\r\n folded\r\n\r\n", 400},
    {GET HOST "\r\n folded\r\n\r\n", 0}, /* the head ends before: what follows is a body, unread */
    {GET HOST " X: y\r\nContent-Length: 3\r\n\r\nabc", 400},
    {GET HOST ": y\r\nContent-Length: 3\r\n\r\nabc", 400},
    {GET HOST "\x80X: y\r\nContent-Length: 3\r\n\r\nabc", 400},
    {GET HOST "X\x80: y\r\n\r\n", 400},
    {GET HOST "X y: z\r\n\r\n", 400},
    {GET HOST "X(y): z\r\n\r\n", 400},
    {GET HOST "no colon\r\n\r\n", 400},
    {GET " " HOST "\r\n", 400},
    {GET HOST "X:\ty\r\n\r\n", 400},
    {GET HOST "X: a\x01\r\n\r\n", 400},
    /* the request line */
    {"GET  / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /  HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET / HTTP/1.1 \r\n" HOST "\r\n", 400},
    {"GET / x HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET / http/1.1\r\n" HOST "\r\n", 400},
    {"GET / HTTP/1.1x\r\n" HOST "\r\n", 400},
    {"GET / HTTP/2.0\r\n" HOST "\r\n", 400},
    {"get / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"TRACE / HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /a#b HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /a?b#c HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /a\\b HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /a<b HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /\xC3\xA9 HTTP/1.1\r\n" HOST "\r\n", 400},
    /* what we do not do */
    {GET HOST "Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n", 400},
    {GET HOST "Upgrade: h2c\r\n\r\n", 400},
    {POST HOST "Content-Length: 1\r\nExpect: 200-ok\r\n\r\n", 417},
    {GET HOST "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n", 400},
    {POST HOST "Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n", 400},
};

Test(request_check, refuses_whatever_can_be_read_in_two_ways)
{
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        char expected[32];
        (void)snprintf(expected, sizeof expected, "refuse %d", refused[i].status);
        const char *answer = ask(refused[i].text);
        if (refused[i].status == 0)
            cr_expect_str_eq(answer, "pass 0 1 0", "row %zu: %s", i, refused[i].text);
        else
            cr_expect_str_eq(answer, expected, "row %zu: %s", i, refused[i].text);
    }
}

Test(request_check, refuses_bytes_that_end_texts_early)
{
    static const char nul[] = GET "Host: a\0b\r\n\r\n";
    static const char path[] = "GET /a\0b HTTP/1.1\r\n" HOST "\r\n";
    cr_expect_str_eq(ask_bytes(nul, sizeof nul - 1), "refuse 400");
    cr_expect_str_eq(ask_bytes(path, sizeof path - 1), "refuse 400");
}

Test(request_check, refuses_more_fields_than_civetweb_keeps)
{
    char text[4096] = GET HOST;
    for (int i = 0; i < 70; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "X-%d: y\r\n", i);
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), "\r\n");
    cr_assert_str_eq(ask(text), "refuse 431");
}

/* Last, as there may be one CivetWeb only: it starts its own. */
Test(self_test, passes_on_the_civetweb_we_are_linked_with)
{
    struct msp_error error = {0};
    cr_assert_eq(msp_self_test_run(&error), MSP_OK, "%s", error.detail);
}
