/* What a storage's answers mean to us: what is tried again, what is final, what is never sent. */
#include "storage/s3_client.h"

#include "msp/clock.h"
#include "storage/s3_call.h"
#include "storage/s3_spool.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ANSWERS 8

/* A service on loopback that gives each call the next answer of a script and keeps its first line.
 */
static struct {
    int listener;
    const char *answers[ANSWERS];
    char heard[ANSWERS][512];
    int calls;
    pthread_t thread;
} service;

static struct msp_settings settings;
static struct msp_s3_client client;
static struct msp_error error;

static void hear(int fd, char *out, size_t size)
{
    size_t length = 0;
    out[0] = '\0';
    while (length + 1 < size && memmem(out, length, "\r\n\r\n", 4) == NULL) {
        ssize_t got = recv(fd, out + length, size - 1 - length, 0);
        if (got <= 0) {
            break;
        }
        length += (size_t)got;
        out[length] = '\0';
    }
}

static void *serve(void *context)
{
    (void)context;
    while (service.calls < ANSWERS && service.answers[service.calls] != NULL) {
        char head[16384];
        int fd = accept(service.listener, NULL, NULL);
        if (fd < 0) {
            return NULL;
        }
        hear(fd, head, sizeof head);
        const char *text = service.answers[service.calls];
        (void)snprintf(service.heard[service.calls], sizeof service.heard[0], "%.*s",
                       (int)strcspn(head, "\r"), head);
        service.calls++;
        (void)send(fd, text, strlen(text), MSG_NOSIGNAL);
        (void)shutdown(fd, SHUT_WR);
        hear(fd, head, sizeof head); /* until the other side has gone */
        (void)close(fd);
    }
    return NULL;
}

static void set_up(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    service.listener = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(service.listener, (struct sockaddr *)&address, size), 0);
    cr_assert_eq(listen(service.listener, 8), 0);
    cr_assert_eq(getsockname(service.listener, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(settings.s3_endpoint, sizeof settings.s3_endpoint, "http://127.0.0.1:%d/",
                   ntohs(address.sin_port));
    (void)snprintf(settings.s3_region, sizeof settings.s3_region, "eu-west-1");
    (void)snprintf(settings.s3_access_key, sizeof settings.s3_access_key, "key");
    (void)snprintf(settings.s3_secret_key, sizeof settings.s3_secret_key, "hunter2hunter2");
    cr_assert_eq(
        msp_s3_client_init(&client, &settings, "s3://bucket/a/b=c", NULL, NULL, NULL, &error),
        MSP_OK);
}

static void tear_down(void)
{
    msp_s3_client_done(&client);
    (void)shutdown(service.listener, SHUT_RDWR);
    (void)close(service.listener);
}

TestSuite(s3_client, .init = set_up, .fini = tear_down, .timeout = 60);

#define OK_ANSWER "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
#define REFUSAL(status, code)                                                                      \
    "HTTP/1.1 " status " No\r\nConnection: close\r\n\r\n<Error><Code>" code "</Code></Error>"

static void script(const char *first, const char *second)
{
    service.answers[0] = first;
    service.answers[1] = second;
    cr_assert_eq(pthread_create(&service.thread, NULL, serve, NULL), 0);
}

static enum msp_result put(const char *key)
{
    struct msp_s3_body body = {.text = "hello", .bytes = 5};
    return msp_s3_put(&client, key, &body, &error);
}

Test(s3_client, an_object_goes_to_its_path_with_equals_signs_encoded)
{
    script(OK_ANSWER, NULL);
    cr_assert_eq(put("tenant=x/latest.csv"), MSP_OK, "%s", error.detail);
    cr_expect_str_eq(service.heard[0], "PUT /bucket/a/b%3Dc/tenant%3Dx/latest.csv HTTP/1.1");
}

Test(s3_client, an_answer_of_5xx_is_tried_again)
{
    script(REFUSAL("503", "SlowDown"), OK_ANSWER);
    cr_expect_eq(put("x"), MSP_OK);
    cr_expect_eq(service.calls, 2);
}

Test(s3_client, a_refusal_is_final_and_says_what_to_check)
{
    script(REFUSAL("403", "SignatureDoesNotMatch"), OK_ANSWER);
    cr_expect_eq(put("x"), MSP_FORBIDDEN);
    cr_expect_eq(service.calls, 1);
    cr_expect_not_null(strstr(error.detail, "SignatureDoesNotMatch"));
    cr_expect_not_null(strstr(error.detail, "S3_SECRET_KEY"));
    cr_expect_null(strstr(error.detail, "hunter2"));
}

Test(s3_client, a_missing_bucket_is_named)
{
    script(REFUSAL("404", "NoSuchBucket"), NULL);
    cr_expect_eq(put("x"), MSP_NOT_FOUND);
    cr_expect_str_eq(error.code, "bucket_missing");
    cr_expect_not_null(strstr(error.detail, "\"bucket\""));
}

Test(s3_client, a_redirect_is_not_followed)
{
    script(
        "HTTP/1.1 307 Elsewhere\r\nLocation: http://169.254.169.254/\r\nConnection: close\r\n\r\n",
        NULL);
    cr_expect_eq(put("x"), MSP_INVALID);
    cr_expect_not_null(strstr(error.detail, "S3_REGION"));
}

Test(s3_client, names_that_could_mean_another_place_are_not_sent)
{
    static const char *const keys[] = {"",    "/x",    "a//b", "../x",     "a/../b", "a b",
                                       "a?b", "a%2fb", "a#b",  "\xC3\xA9", "a\nb",   "a/./b"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        cr_expect_eq(put(keys[i]), MSP_INVALID, "\"%s\"", keys[i]);
    }
    cr_expect_eq(service.calls, 0);
}

Test(s3_client, a_completion_that_says_200_and_means_no_is_a_failure)
{
    char etags[1][MSP_S3_ETAG_BYTES] = {"\"e\""};
    struct msp_s3_upload upload = {
        .key = "x", .id = "an+id/", .bytes = 5, .parts = 1, .etags = etags};
    script("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<Error><Code>InternalError</Code></Error>",
           NULL);
    cr_expect_eq(msp_s3_upload_complete(&client, &upload, &error), MSP_UNAVAILABLE);
    cr_expect_str_eq(service.heard[0], "POST /bucket/a/b%3Dc/x?uploadId=an%2Bid%2F HTTP/1.1");
}

Test(s3_client, a_completion_done_by_a_try_that_was_not_heard_is_found_out)
{
    char etags[1][MSP_S3_ETAG_BYTES] = {"\"e\""};
    struct msp_s3_upload upload = {.key = "x", .id = "id", .bytes = 5, .parts = 1, .etags = etags};
    script(REFUSAL("404", "NoSuchUpload"),
           "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n");
    cr_expect_eq(msp_s3_upload_complete(&client, &upload, &error), MSP_OK);
    cr_expect_eq(strncmp(service.heard[1], "HEAD ", 5), 0);
}

static bool collect(void *context, const void *bytes, size_t size)
{
    msp_buffer_append(context, bytes, size);
    return true;
}

Test(s3_client, a_read_that_breaks_off_goes_on_where_it_stopped)
{
    struct msp_buffer got;
    struct msp_s3_get get = {.key = "x", .length = -1, .sink = collect, .context = &got};
    msp_buffer_init(&got, 0);
    script("HTTP/1.1 206 Part\r\nETag: \"e\"\r\nContent-Range: bytes 0-9/10\r\n"
           "Content-Length: 10\r\n\r\n0123",
           "HTTP/1.1 206 Part\r\nETag: \"e\"\r\nContent-Range: bytes 4-9/10\r\n"
           "Content-Length: 6\r\n\r\n456789");
    cr_assert_eq(msp_s3_get(&client, &get, &error), MSP_OK, "%s", error.detail);
    cr_expect_eq(got.length, 10);
    cr_expect_eq(memcmp(got.data, "0123456789", 10), 0);
    cr_expect_eq(get.object_bytes, 10);
    cr_expect_str_eq(get.etag, "\"e\"");
    msp_buffer_done(&got);
}

Test(s3_client, another_part_than_was_asked_for_is_not_taken)
{
    struct msp_buffer got;
    struct msp_s3_get get = {
        .key = "x", .offset = 4, .length = 2, .sink = collect, .context = &got};
    msp_buffer_init(&got, 0);
    script("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n01", NULL);
    cr_expect_eq(msp_s3_get(&client, &get, &error), MSP_BROKEN);
    cr_expect_eq(got.length, 0);
}

Test(s3_client, texts_are_found_in_answers_and_their_entities_resolved)
{
    static const char text[] = "<A><Key>a&amp;b</Key><Key>&quot;c&quot;</Key><Key>open";
    const char *at = text;
    char out[16];
    cr_assert(msp_s3_xml_text(&at, text + sizeof text - 1, "Key", out, sizeof out));
    cr_expect_str_eq(out, "a&b");
    cr_assert(msp_s3_xml_text(&at, text + sizeof text - 1, "Key", out, sizeof out));
    cr_expect_str_eq(out, "\"c\"");
    cr_expect_not(msp_s3_xml_text(&at, text + sizeof text - 1, "Key", out, sizeof out));
    at = text;
    cr_expect_not(msp_s3_xml_text(&at, text + sizeof text - 1, "Key", out, 3));
}

Test(s3_client, a_query_value_is_encoded_as_it_is_signed)
{
    char out[32];
    cr_assert(msp_s3_encode("a=b/c d~-._", false, out, sizeof out));
    cr_expect_str_eq(out, "a%3Db%2Fc%20d~-._");
    cr_assert(msp_s3_encode("a=b/c", true, out, sizeof out));
    cr_expect_str_eq(out, "a%3Db/c");
    cr_expect_not(msp_s3_encode("======", false, out, 18));
    cr_expect(msp_s3_encode("======", false, out, 19));
}

Test(s3_client, one_writer_holds_a_prefix_and_another_prefix_is_free)
{
    char folder[] = "/tmp/msp-unit-XXXXXX";
    int first = -1;
    int second = -1;
    int third = -1;
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(msp_s3_lock(folder, "tenant=a/", &first, &error), MSP_OK);
    cr_expect_eq(msp_s3_lock(folder, "tenant=a/", &second, &error), MSP_BUSY);
    cr_expect_eq(msp_s3_lock(folder, "tenant=b/", &third, &error), MSP_OK);
    (void)close(first);
    cr_expect_eq(msp_s3_lock(folder, "tenant=a/", &second, &error), MSP_OK);
}

Test(s3_client, a_spool_has_no_name_and_gives_back_what_is_cut)
{
    char folder[] = "/tmp/msp-unit-XXXXXX";
    struct msp_s3_spool spool = {.fd = -1};
    char got[8];
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(msp_s3_spool_open(&spool, folder, &error), MSP_OK);
    cr_expect_eq(rmdir(folder), 0, "something lies in the folder");
    cr_assert_eq(msp_s3_spool_write(&spool, "keepdrop", 8, &error), MSP_OK);
    msp_s3_spool_cut(&spool, 4);
    cr_assert_eq(msp_s3_spool_write(&spool, "more", 4, &error), MSP_OK);
    cr_expect_eq(pread(spool.fd, got, 8, 0), 8);
    cr_expect_eq(memcmp(got, "keepmore", 8), 0);
    msp_s3_spool_close(&spool);
    cr_expect_neq(msp_s3_spool_open(&spool, folder, &error), MSP_OK);
    cr_expect_not_null(strstr(error.detail, "STATE_DIR"));
}
