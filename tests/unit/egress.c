/* Calls out of the program: what they send, what bounds them, and where they never go. */
#include "egress/egress.h"

#include "msp/clock.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECONDS 1000LL

/* A server on loopback that answers every connection with `answer` and keeps what it was sent. */
struct peer {
    int listener;
    int port;
    const char *answer; /* NULL: never */
    int repeat;         /* the body's last byte so many times more */
    bool keeps;         /* serves several calls on one connection */
    int connections;
    char heard[65536];
    size_t length;
    pthread_t thread;
};

static struct peer peer;

static bool is_whole(const char *text, size_t length)
{
    const char *end = memmem(text, length, "\r\n\r\n", 4);
    const char *field = memmem(text, length, "Content-Length: ", 16);
    if (end == NULL) {
        return false;
    }
    size_t body = field != NULL && field < end ? strtoul(field + 16, NULL, 10) : 0;
    return length >= (size_t)(end + 4 - text) + body;
}

/* False when the caller has gone. */
static bool serve_one(int fd)
{
    size_t from = peer.length;
    while (!is_whole(peer.heard + from, peer.length - from)) {
        ssize_t got = recv(fd, peer.heard + peer.length, sizeof peer.heard - 1 - peer.length, 0);
        if (got <= 0) {
            return false;
        }
        peer.length += (size_t)got;
    }
    if (peer.answer == NULL) {
        (void)recv(fd, &from, 1, 0); /* until the caller goes */
        return false;
    }
    (void)send(fd, peer.answer, strlen(peer.answer), MSG_NOSIGNAL);
    char block[4096];
    memset(block, 'x', sizeof block);
    for (int left = peer.repeat; left > 0; left -= (int)sizeof block) {
        if (send(fd, block, sizeof block, MSG_NOSIGNAL) < 0) {
            return false;
        }
    }
    return peer.keeps;
}

static void *serve_connection(void *context)
{
    int fd = *(int *)context;
    while (serve_one(fd)) {
    }
    (void)close(fd);
    free(context);
    return NULL;
}

static void *serve(void *context)
{
    (void)context;
    for (;;) {
        int fd = accept(peer.listener, NULL, NULL);
        if (fd < 0) {
            return NULL;
        }
        peer.connections++;
        /* A kept connection must not hold up the next. */
        int *own = malloc(sizeof *own);
        pthread_t thread;
        cr_assert_not_null(own);
        *own = fd;
        cr_assert_eq(pthread_create(&thread, NULL, serve_connection, own), 0);
        (void)pthread_detach(thread);
    }
}

static struct msp_egress *egress;
static char url[128];
static char allow[128];
static struct msp_error error;
static struct msp_egress_response response;

static void set_up(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    peer.listener = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(peer.listener, (struct sockaddr *)&address, size), 0);
    cr_assert_eq(listen(peer.listener, 8), 0);
    cr_assert_eq(getsockname(peer.listener, (struct sockaddr *)&address, &size), 0);
    peer.port = ntohs(address.sin_port);
    peer.answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nRetry-After:  7 \r\n\r\nhi";
    cr_assert_eq(pthread_create(&peer.thread, NULL, serve, NULL), 0);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/hook?signature=s3cr3t", peer.port);
    (void)snprintf(allow, sizeof allow, "http://127.0.0.1:%d+private, localhost", peer.port);
    egress = msp_egress_new(allow);
    cr_assert_not_null(egress);
}

static void tear_down(void)
{
    msp_egress_free(egress);
    (void)shutdown(peer.listener, SHUT_RDWR);
    (void)close(peer.listener);
}

TestSuite(egress, .init = set_up, .fini = tear_down, .timeout = 30);

static struct msp_egress_request a_request(void)
{
    return (struct msp_egress_request){
        .owner = MSP_EGRESS_GIVEN,
        .purpose = "test",
        .method = "POST",
        .url = url,
        .body = "{}",
        .body_bytes = 2,
        .deadline_ms = msp_clock_monotonic_ms() + 10 * SECONDS,
    };
}

static enum msp_result call(const struct msp_egress_request *request)
{
    return msp_egress_call(egress, request, &response, &error);
}

Test(egress, a_call_sends_method_path_fields_and_body)
{
    static const char *const fields[] = {"webhook-id: 1", "Content-Type: application/json", NULL};
    struct msp_egress_request request = a_request();
    struct msp_egress_field wanted[] = {{.name = "retry-after"}, {.name = "ratelimit"}};
    request.fields = fields;
    request.wanted = wanted;
    request.wanted_count = 2;
    cr_assert_eq(call(&request), MSP_OK, "%s", error.detail);
    cr_expect_eq(response.status, 200);
    cr_expect_eq(response.body.length, 2);
    cr_expect_eq(memcmp(response.body.data, "hi", 2), 0);
    cr_expect_eq(response.sent_bytes, 2);
    cr_expect_eq(response.received_bytes, 2);
    cr_expect_str_eq(wanted[0].value, "7");
    cr_expect_str_eq(wanted[1].value, "");
    cr_expect_eq(strncmp(peer.heard, "POST /hook?signature=s3cr3t HTTP/1.1\r\n", 38), 0);
    cr_expect_not_null(strstr(peer.heard, "\r\nwebhook-id: 1\r\n"));
    cr_expect_not_null(strstr(peer.heard, "\r\nContent-Type: application/json\r\n"));
    cr_expect_not_null(strstr(peer.heard, "\r\n\r\n{}"));
    cr_expect_null(strstr(peer.heard, "Expect"));
    msp_egress_response_done(&response);
}

static const char a_trace[] = "4bf92f3577b34da6a3ce929d0e0e4736";

/* Makes the call; the span id of the one traceparent in it. */
static uint64_t call_for_span(struct msp_egress_request *request)
{
    peer.length = 0;
    memset(peer.heard, 0, sizeof peer.heard);
    cr_assert_eq(call(request), MSP_OK, "%s", error.detail);
    msp_egress_response_done(&response);
    const char *line = strstr(peer.heard, "\r\ntraceparent: 00-");
    cr_assert_not_null(line, "%s", peer.heard);
    cr_expect_null(strcasestr(line + 4, "\r\ntraceparent"));
    const char *at = line + strlen("\r\ntraceparent: 00-");
    cr_assert_eq(strncmp(at, a_trace, 32), 0, "%s", at);
    cr_assert_eq(at[32], '-');
    cr_assert_eq(strspn(at + 33, "0123456789abcdef"), 16, "%s", at);
    cr_assert_eq(strncmp(at + 49, "-01\r\n", 5), 0, "%s", at);
    return strtoull(at + 33, NULL, 16);
}

Test(egress, calls_of_a_trace_carry_it_once_each_with_a_span_of_its_own)
{
    static const char *const fields[] = {"TraceParent: 00-of-somebody-else", NULL};
    struct msp_egress_request request = a_request();
    request.fields = fields;
    msp_egress_trace(egress, a_trace);
    uint64_t first = call_for_span(&request);
    uint64_t second = call_for_span(&request);
    cr_expect_neq(first, 0);
    cr_expect_neq(first, second);
}

Test(egress, calls_of_no_trace_and_signed_ones_carry_none)
{
    struct msp_egress_s3_signer signer = {"eu", "key", "secret", "UNSIGNED-PAYLOAD"};
    struct msp_egress_request request = a_request();
    request.signer = &signer;
    msp_egress_trace(egress, a_trace);
    cr_assert_eq(call(&request), MSP_OK, "%s", error.detail);
    msp_egress_response_done(&response);
    request.signer = NULL;
    msp_egress_trace(egress, NULL);
    cr_assert_eq(call(&request), MSP_OK, "%s", error.detail);
    msp_egress_response_done(&response);
    cr_expect_eq(peer.connections, 2);
    cr_expect_null(strcasestr(peer.heard, "traceparent"));
}

Test(egress, a_status_of_failure_is_an_answer)
{
    struct msp_egress_request request = a_request();
    peer.answer = "HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno";
    cr_assert_eq(call(&request), MSP_OK);
    cr_expect_eq(response.status, 503);
    msp_egress_response_done(&response);
}

Test(egress, a_redirect_is_an_answer_and_is_not_followed)
{
    struct msp_egress_request request = a_request();
    peer.answer =
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n";
    cr_assert_eq(call(&request), MSP_OK);
    cr_expect_eq(response.status, 302);
    cr_expect_eq(peer.connections, 1);
    msp_egress_response_done(&response);
}

Test(egress, a_host_that_nobody_allowed_is_never_called)
{
    struct msp_egress_request request = a_request();
    char other[64];
    (void)snprintf(other, sizeof other, "http://127.0.0.2:%d/", peer.port);
    request.url = other;
    cr_expect_eq(call(&request), MSP_FORBIDDEN);
    cr_expect_str_eq(error.code, "egress_refused");
    cr_expect_eq(peer.connections, 0);
}

/* "localhost" stands for any allowed name whose answer from DNS turns to an inner address. */
Test(egress, an_allowed_name_that_leads_to_a_private_address_is_refused_at_the_socket)
{
    struct msp_egress_request request = a_request();
    request.url = "https://localhost/";
    cr_expect_eq(call(&request), MSP_FORBIDDEN);
    cr_expect_str_eq(error.code, "egress_refused");
    cr_expect_not_null(strstr(error.detail, "+private"));
}

Test(egress, proxies_of_the_environment_are_not_asked)
{
    char proxy[64];
    struct msp_egress_request request = a_request();
    (void)snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", peer.port);
    setenv("https_proxy", proxy, 1);
    setenv("ALL_PROXY", proxy, 1);
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    request.url = "https://localhost/";
    cr_expect_eq(call(&request), MSP_FORBIDDEN);
    cr_expect_eq(peer.connections, 0);
    request.url = url;
    cr_assert_eq(call(&request), MSP_OK, "%s", error.detail);
    msp_egress_response_done(&response);
}

Test(egress, a_control_character_in_a_field_is_refused)
{
    static const char *const bad[] = {
        "X-A: b\r\nHost: evil", "X-A: b\nX-B: c", "X A: b", ": b", "no colon", "X-A: \x7f"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *const fields[] = {bad[i], NULL};
        struct msp_egress_request request = a_request();
        request.fields = fields;
        cr_expect_eq(call(&request), MSP_INVALID, "%s", bad[i]);
    }
    cr_expect_eq(peer.connections, 0);
}

Test(egress, an_answer_past_its_limit_fails_with_or_without_a_length)
{
    struct msp_egress_request request = a_request();
    request.limit_bytes = 1000;
    peer.repeat = 4096;
    peer.answer = "HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n";
    cr_expect_eq(call(&request), MSP_TOO_LARGE);
    peer.answer = "HTTP/1.1 200 OK\r\n\r\n";
    cr_expect_eq(call(&request), MSP_TOO_LARGE);
}

Test(egress, a_header_without_end_fails)
{
    struct msp_egress_request request = a_request();
    peer.answer = "HTTP/1.1 200 OK\r\nX-Long: ";
    peer.repeat = 1 << 20;
    cr_expect_eq(call(&request), MSP_TOO_LARGE);
}

Test(egress, a_peer_that_never_answers_is_left_at_the_deadline)
{
    struct msp_egress_request request = a_request();
    peer.answer = NULL;
    request.deadline_ms = msp_clock_monotonic_ms() + 300;
    int64_t began_ms = msp_clock_monotonic_ms();
    cr_expect_eq(call(&request), MSP_TIMED_OUT);
    cr_expect_lt(msp_clock_monotonic_ms() - began_ms, 5 * SECONDS);
}

Test(egress, a_source_may_lead_to_a_private_address_by_its_entry_only)
{
    struct msp_egress_request request = a_request();
    char other[64];
    request.owner = MSP_EGRESS_SOURCE;
    cr_assert_eq(call(&request), MSP_OK, "%s", error.detail);
    msp_egress_response_done(&response);
    (void)snprintf(other, sizeof other, "https://localhost:%d/", peer.port);
    request.url = other; /* no entry names it: public addresses only */
    cr_expect_eq(call(&request), MSP_FORBIDDEN);
    cr_expect_str_eq(error.code, "egress_refused");
    (void)snprintf(other, sizeof other, "http://localhost:%d/", peer.port);
    cr_expect_eq(call(&request), MSP_FORBIDDEN);
    (void)snprintf(other, sizeof other, "https://127.0.0.1:%d/", peer.port);
    cr_expect_eq(call(&request), MSP_FORBIDDEN);
    cr_expect_eq(peer.connections, 1);
}

static void call_twice_as(enum msp_egress_owner owner)
{
    for (int i = 0; i < 2; i++) {
        struct msp_egress_request request = a_request();
        request.owner = owner;
        cr_assert_eq(call(&request), MSP_OK, "%s", error.detail);
        msp_egress_response_done(&response);
    }
}

Test(egress, a_connection_is_kept_for_its_owner_alone)
{
    peer.keeps = true;
    call_twice_as(MSP_EGRESS_OURS);
    cr_expect_eq(peer.connections, 1);
    call_twice_as(MSP_EGRESS_SOURCE);
    cr_expect_eq(peer.connections, 2);
    call_twice_as(MSP_EGRESS_GIVEN);
    cr_expect_eq(peer.connections, 4);
    call_twice_as(MSP_EGRESS_OURS);
    cr_expect_eq(peer.connections, 4);
}

Test(egress, two_structs_share_no_connection_of_a_source)
{
    peer.keeps = true;
    call_twice_as(MSP_EGRESS_SOURCE);
    struct msp_egress *first = egress;
    egress = msp_egress_new(allow);
    cr_assert_not_null(egress);
    call_twice_as(MSP_EGRESS_SOURCE);
    cr_expect_eq(peer.connections, 2);
    msp_egress_free(first);
}

Test(egress, long_fields_come_whole_and_lines_of_one_name_are_joined)
{
    static char answer[8192];
    char link[MSP_EGRESS_FIELD_BYTES];
    struct msp_egress_request request = a_request();
    struct msp_egress_field wanted[] = {{.name = "Link"}, {.name = "X-RateLimit-Remaining"}};
    request.wanted = wanted;
    request.wanted_count = 2;
    memset(link, 'a', sizeof link - 1);
    link[sizeof link - 1] = '\0';
    (void)snprintf(answer, sizeof answer,
                   "HTTP/1.1 200 OK\r\nLink: %s\r\nx-ratelimit-remaining: 3\r\n"
                   "X-RateLimit-Remaining: 4\r\nContent-Length: 0\r\n\r\n",
                   link);
    peer.answer = answer;
    cr_assert_eq(call(&request), MSP_OK, "%s", error.detail);
    cr_expect_str_eq(wanted[0].value, link);
    cr_expect_str_eq(wanted[1].value, "3, 4");
    msp_egress_response_done(&response);
}

Test(egress, a_wanted_field_that_does_not_fit_fails_and_is_not_cut)
{
    static char answer[8192];
    struct msp_egress_request request = a_request();
    struct msp_egress_field wanted = {.name = "Link"};
    request.wanted = &wanted;
    request.wanted_count = 1;
    int length = snprintf(answer, sizeof answer, "HTTP/1.1 200 OK\r\nLink: ");
    memset(answer + length, 'a', MSP_EGRESS_FIELD_BYTES);
    (void)strcpy(answer + length + MSP_EGRESS_FIELD_BYTES, "\r\nContent-Length: 0\r\n\r\n");
    peer.answer = answer;
    cr_expect_eq(call(&request), MSP_TOO_LARGE);
    cr_expect_str_eq(error.code, "egress_too_large");
}

Test(egress, a_page_of_sixteen_mebibytes_can_be_taken)
{
    struct msp_egress_request request = a_request();
    request.owner = MSP_EGRESS_SOURCE;
    request.limit_bytes = 16 << 20;
    peer.answer = "HTTP/1.1 200 OK\r\nContent-Length: 16777216\r\n\r\n";
    peer.repeat = 16 << 20;
    cr_assert_eq(call(&request), MSP_OK, "%s", error.detail);
    cr_expect_eq(response.body.length, (size_t)16 << 20);
    msp_egress_response_done(&response);
}

/* libcurl unpacks a packed transfer unasked: a few bytes would become as many as they like. */
Test(egress, an_answer_that_is_packed_for_the_transfer_is_refused)
{
    static const char *const codings[] = {"gzip",
                                          "chunked, gzip",
                                          "gzip, chunked",
                                          "deflate",
                                          "br",
                                          "zstd",
                                          "x-gzip, gzip, deflate, br, zstd",
                                          "CHUNKED,zstd"};
    static char answer[256];
    for (size_t i = 0; i < sizeof codings / sizeof codings[0]; i++) {
        struct msp_egress_request request = a_request();
        (void)snprintf(answer, sizeof answer,
                       "HTTP/1.1 200 OK\r\ntransfer-encoding:  %s \r\n\r\n0\r\n\r\n", codings[i]);
        peer.answer = answer;
        cr_expect_eq(call(&request), MSP_UNAVAILABLE, "%s", codings[i]);
        cr_expect_not_null(strstr(error.detail, "packed"), "%s: %s", codings[i], error.detail);
    }
    peer.answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
    struct msp_egress_request request = a_request();
    cr_assert_eq(call(&request), MSP_OK, "%s", error.detail);
    cr_expect_eq(response.body.length, 2);
    msp_egress_response_done(&response);
}

static bool stop_at(void *context)
{
    return msp_clock_monotonic_ms() > *(int64_t *)context;
}

Test(egress, a_call_ends_soon_when_asked_to_stop)
{
    struct msp_egress_request request = a_request();
    int64_t began_ms = msp_clock_monotonic_ms();
    int64_t stop_ms = began_ms + 200;
    peer.answer = NULL;
    request.should_stop = stop_at;
    request.context = &stop_ms;
    cr_expect_eq(call(&request), MSP_CANCELLED);
    cr_expect_lt(msp_clock_monotonic_ms() - began_ms, 3 * SECONDS);
}

Test(egress, nobody_listening_is_unavailable_and_tells_a_caller_no_address)
{
    struct msp_egress_request request = a_request();
    (void)shutdown(peer.listener, SHUT_RDWR);
    (void)close(peer.listener);
    (void)pthread_join(peer.thread, NULL);
    cr_expect_eq(call(&request), MSP_UNAVAILABLE);
    cr_expect_null(strstr(error.detail, "port"));
    cr_expect_null(strstr(error.detail, "s3cr3t"));
}

struct stream {
    int64_t bytes;
    size_t taken;
};

static bool give_pattern(void *context, int64_t offset, char *to, size_t size)
{
    (void)context;
    for (size_t i = 0; i < size; i++) {
        to[i] = (char)('a' + (offset + (int64_t)i) % 26);
    }
    return true;
}

static bool give_nothing(void *context, int64_t offset, char *to, size_t size)
{
    (void)context;
    (void)offset;
    (void)to;
    (void)size;
    return false;
}

static bool count_bytes(void *context, const char *bytes, size_t size)
{
    struct stream *stream = context;
    (void)bytes;
    stream->taken += size;
    return stream->bytes == 0 || (int64_t)stream->taken <= stream->bytes;
}

Test(egress, a_body_can_be_read_in_pieces_and_an_answer_taken_in_pieces)
{
    struct stream stream = {.bytes = 0};
    struct msp_egress_request request = a_request();
    request.owner = MSP_EGRESS_OURS;
    request.method = "PUT";
    request.body = NULL;
    request.read = give_pattern;
    request.body_bytes = 52;
    request.sink = count_bytes;
    request.limit_bytes = 1 << 20;
    request.context = &stream;
    peer.repeat = 8192;
    peer.answer = "HTTP/1.1 200 OK\r\nContent-Length: 8192\r\n\r\n";
    cr_assert_eq(call(&request), MSP_OK, "%s", error.detail);
    cr_expect_eq(stream.taken, 8192);
    cr_expect_eq(response.body.length, 0);
    cr_expect_not_null(strstr(peer.heard, "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz"));
    msp_egress_response_done(&response);
}

Test(egress, the_body_of_a_failure_does_not_go_to_the_sink)
{
    struct stream stream = {.bytes = 0};
    struct msp_egress_request request = a_request();
    request.sink = count_bytes;
    request.context = &stream;
    peer.answer = "HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\ngone";
    cr_assert_eq(call(&request), MSP_OK);
    cr_expect_eq(stream.taken, 0);
    cr_expect_eq(response.body.length, 4);
    msp_egress_response_done(&response);
}

Test(egress, who_gives_or_takes_bytes_can_end_the_call)
{
    struct stream stream = {.bytes = 1};
    struct msp_egress_request request = a_request();
    request.sink = count_bytes;
    request.context = &stream;
    cr_expect_eq(call(&request), MSP_CANCELLED);
    request = a_request();
    request.body = NULL;
    request.read = give_nothing;
    request.body_bytes = 10;
    request.deadline_ms = msp_clock_monotonic_ms() + 3 * SECONDS;
    cr_expect_eq(call(&request), MSP_BROKEN);
}

Test(egress, a_signed_call_carries_the_hash_of_its_body_and_no_secret)
{
    struct msp_egress_s3_signer signer = {
        .region = "eu-west-1",
        .access_key = "AKID",
        .secret_key = "hunter2hunter2",
        .content_sha256 = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"};
    struct msp_egress_request request = a_request();
    request.owner = MSP_EGRESS_OURS;
    request.signer = &signer;
    cr_assert_eq(call(&request), MSP_OK, "%s", error.detail);
    cr_expect_not_null(strstr(peer.heard, "Authorization: AWS4-HMAC-SHA256 Credential=AKID/"));
    cr_expect_not_null(strstr(peer.heard, "/eu-west-1/s3/aws4_request"));
    cr_expect_not_null(strstr(peer.heard, signer.content_sha256));
    cr_expect_null(strstr(peer.heard, "hunter2"));
    msp_egress_response_done(&response);
}

Test(egress, letters_with_a_line_break_in_an_address_are_refused)
{
    static const char *const to[] = {"a@b.example\r\nRCPT TO:<evil@x.example>", NULL};
    struct msp_egress_mail mail = {.url = "smtp://127.0.0.1:1",
                                   .from = "me@b.example",
                                   .to = to,
                                   .message = "Subject: x\r\n\r\ny\r\n",
                                   .deadline_ms = msp_clock_monotonic_ms() + SECONDS};
    cr_expect_eq(msp_egress_send_mail(egress, &mail, &error), MSP_INVALID);
    cr_expect_str_eq(error.code, "mail_address_malformed");
    mail.url = "http://127.0.0.1/";
    cr_expect_eq(msp_egress_send_mail(egress, &mail, &error), MSP_INVALID);
    cr_expect_str_eq(error.code, "url_malformed");
}
