/* What the log says of a call: host, status, bytes and milliseconds of each, and nothing it
 * carries. */
#include "egress/egress.h"

#include "msp/clock.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOG_BYTES 16384

static int listener;
static int port;
static FILE *captured;
static int terminal;
static struct msp_egress *egress;
static struct msp_error error;

static void *answer_each(void *context)
{
    static const char answer[] = "HTTP/1.1 201 Made\r\nSet-Cookie: s3cr3t-cookie\r\n"
                                 "X-Secret: s3cr3t-field\r\nContent-Length: 11\r\n\r\ns3cr3t-body";
    char heard[4096];
    (void)context;
    for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; (void)close(fd)) {
        (void)recv(fd, heard, sizeof heard, 0);
        (void)send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
    }
    return NULL;
}

static void set_up(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    char allow[64];
    pthread_t thread;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(listener, (struct sockaddr *)&address, size), 0);
    cr_assert_eq(listen(listener, 8), 0);
    cr_assert_eq(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    port = ntohs(address.sin_port);
    cr_assert_eq(pthread_create(&thread, NULL, answer_each, NULL), 0);
    (void)pthread_detach(thread);
    (void)snprintf(allow, sizeof allow, "http://127.0.0.1:%d+private,localhost", port);
    egress = msp_egress_new(allow);
    cr_assert_not_null(egress);
    captured = tmpfile();
    cr_assert_not_null(captured);
    terminal = dup(STDERR_FILENO);
    cr_assert_geq(dup2(fileno(captured), STDERR_FILENO), 0);
}

static void tear_down(void)
{
    (void)dup2(terminal, STDERR_FILENO);
    msp_egress_free(egress);
    (void)close(listener);
}

TestSuite(egress_log, .init = set_up, .fini = tear_down, .timeout = 30);

static const char *read_log(void)
{
    static char text[LOG_BYTES];
    ssize_t length = pread(fileno(captured), text, sizeof text - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    return text;
}

static void call(enum msp_egress_owner owner, const char *url)
{
    static const char *const fields[] = {"Authorization: Basic s3cr3t-login", NULL};
    struct msp_egress_field wanted = {.name = "X-Secret"};
    struct msp_egress_response response;
    struct msp_egress_request request = {
        .owner = owner,
        .purpose = "test",
        .method = "POST",
        .url = url,
        .fields = fields,
        .body = "s3cr3t-sent",
        .body_bytes = 11,
        .wanted = &wanted,
        .wanted_count = 1,
        .deadline_ms = msp_clock_monotonic_ms() + 5000,
    };
    if (msp_egress_call(egress, &request, &response, &error) == MSP_OK) {
        msp_egress_response_done(&response);
    }
}

static void expect_told(const char *wanted)
{
    const char *log = read_log();
    cr_expect_not_null(strstr(log, wanted), "no \"%s\" in %s", wanted, log);
    cr_expect_not_null(strstr(log, " ms="), "%s", log);
    cr_expect_null(strstr(log, "s3cr3t"), "%s", log);
    cr_expect_null(strstr(error.detail, "s3cr3t"), "%s", error.detail);
}

Test(egress_log, an_answer_is_told_with_host_status_bytes_and_time)
{
    static const enum msp_egress_owner owners[] = {MSP_EGRESS_GIVEN, MSP_EGRESS_OURS,
                                                   MSP_EGRESS_SOURCE};
    char url[128];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/s3cr3t-path?key=s3cr3t-query", port);
    for (size_t i = 0; i < sizeof owners / sizeof owners[0]; i++) {
        cr_assert_eq(ftruncate(fileno(captured), 0), 0);
        (void)lseek(STDERR_FILENO, 0, SEEK_SET);
        call(owners[i], url);
        expect_told("purpose=test method=POST host=127.0.0.1 status=201 sent_received_bytes=11/11");
    }
}

Test(egress_log, a_failure_is_told_with_its_reason)
{
    (void)shutdown(listener, SHUT_RDWR);
    (void)close(listener);
    char url[128];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/s3cr3t-path?key=s3cr3t-query", port);
    call(MSP_EGRESS_SOURCE, url);
    expect_told("host=127.0.0.1 sent_received_bytes=0/0");
    expect_told("code=egress_unreachable");
}

Test(egress_log, a_refusal_at_the_socket_and_one_before_it_are_told)
{
    call(MSP_EGRESS_GIVEN, "https://localhost/s3cr3t-path");
    expect_told("host=localhost sent_received_bytes=0/0");
    call(MSP_EGRESS_GIVEN, "https://10.0.0.1/s3cr3t-path");
    expect_told("host=10.0.0.1 sent_received_bytes=0/0 ms=0 code=egress_refused");
}

Test(egress_log, an_address_that_cannot_be_read_is_told_without_it)
{
    call(MSP_EGRESS_SOURCE, "https://user:s3cr3t-word@127.0.0.1/s3cr3t-path");
    expect_told("method=POST sent_received_bytes=0/0 ms=0 code=url_malformed");
    cr_expect_null(strstr(read_log(), "host="));
}
