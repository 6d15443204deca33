/* Job messages: what goes in comes out, and hostile frames cost nothing but a refusal. */
#include "msp/job_message.h"

#include "msp/clock.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define JOB_ID    "0f8fad5b-d9cb-469f-a165-70867728950e"
#define EXPORT_ID "7c9e6679-7425-40de-944b-e07fc1f90ae7"
#define SHA256    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

static const struct msp_job_message progress = {.operation = MSP_JOB_PROGRESS,
                                                .job_id = JOB_ID,
                                                .kind = "kpi_compute",
                                                .tenant_id = 42,
                                                .done = 3,
                                                .total = INT64_MAX};

static void expect_same(const struct msp_job_message *got, const struct msp_job_message *expected)
{
    cr_expect(got->operation == expected->operation);
    cr_expect_str_eq(got->job_id, expected->job_id);
    cr_expect_str_eq(got->kind, expected->kind);
    cr_expect(got->tenant_id == expected->tenant_id);
    cr_expect(got->done == expected->done && got->total == expected->total);
    cr_expect_str_eq(got->export_id, expected->export_id);
    cr_expect_str_eq(got->sha256, expected->sha256);
    cr_expect(got->offset == expected->offset && got->length == expected->length);
    cr_expect(got->result == expected->result);
    cr_expect_str_eq(got->code, expected->code);
    cr_expect_str_eq(got->detail, expected->detail);
    cr_expect(memcmp(got->figures, expected->figures, sizeof got->figures) == 0);
    cr_assert(got->data_bytes == expected->data_bytes);
    cr_expect(got->data_bytes == 0 || memcmp(got->data, expected->data, got->data_bytes) == 0);
}

Test(job_message, comes_out_as_it_went_in)
{
    static char bytes[MSP_FETCH_DATA_BYTES];
    const struct msp_job_message messages[] = {
        progress,
        {.operation = MSP_JOB_WAKE},
        {.operation = MSP_JOB_CANCEL, .job_id = JOB_ID},
        {.operation = MSP_JOB_STATUS},
        {.operation = MSP_JOB_FIGURES, .figures = {1, 0, INT64_MAX, [MSP_FIGURE_FETCHES] = 7}},
        {.operation = MSP_JOB_FETCH,
         .tenant_id = 1,
         .export_id = EXPORT_ID,
         .sha256 = SHA256,
         .offset = 5,
         .length = 1LL << 40},
        {.operation = MSP_JOB_DATA, .offset = 9, .data = bytes, .data_bytes = sizeof bytes},
        {.operation = MSP_JOB_DATA_END},
        {.operation = MSP_JOB_REFUSED,
         .result = MSP_NOT_FOUND,
         .code = "export_unknown",
         .detail = "There is no such export."},
    };
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (char)(i * 7);
    }
    for (size_t i = 0; i < sizeof messages / sizeof messages[0]; i++) {
        struct msp_buffer frame;
        struct msp_job_message got;
        enum msp_result result = MSP_BROKEN;
        msp_buffer_init(&frame, 0);
        cr_assert(msp_job_message_encode(&messages[i], &frame, NULL) == MSP_OK);
        cr_expect(msp_frame_complete(frame.data, frame.length, &result) == frame.length);
        cr_expect(result == MSP_OK);
        for (size_t part = 0; part < frame.length && part < 2000; part++) {
            cr_expect(msp_frame_complete(frame.data, part, &result) == 0 && result == MSP_OK);
        }
        cr_assert(msp_job_message_decode(frame.data + 4, frame.length - 4, &got, NULL) == MSP_OK);
        expect_same(&got, &messages[i]);
        cr_expect(frame.length <= MSP_FRAME_MAX_BYTES + 4);
        msp_buffer_done(&frame);
    }
}

Test(job_message, is_not_sent_when_it_means_nothing)
{
    static const struct msp_job_message fetch = {.operation = MSP_JOB_FETCH,
                                                 .tenant_id = 1,
                                                 .export_id = EXPORT_ID,
                                                 .sha256 = SHA256,
                                                 .length = 1};
    static char too_many[MSP_FETCH_DATA_BYTES + 1];
    struct msp_job_message bad[18];
    for (size_t i = 0; i < 18; i++) {
        bad[i] = i < 6 ? progress : fetch;
    }
    bad[0].operation = (enum msp_job_operation)12;
    bad[1].job_id[0] = '\0';
    bad[2].job_id[4] = 'X';
    bad[3].tenant_id = -1;
    bad[4].done = -1;
    memset(bad[5].kind, 'k', sizeof bad[5].kind);
    bad[6].tenant_id = 0;
    bad[7].export_id[0] = '\0';
    bad[8].sha256[63] = '\0';
    bad[9].sha256[0] = 'G';
    bad[10].offset = -1;
    bad[11].length = -1;
    bad[12] = (struct msp_job_message){
        .operation = MSP_JOB_DATA, .data = too_many, .data_bytes = sizeof too_many};
    bad[13] = (struct msp_job_message){.operation = MSP_JOB_REFUSED, .result = MSP_OK};
    bad[14] = (struct msp_job_message){.operation = MSP_JOB_REFUSED, .result = MSP_BROKEN + 1};
    bad[15] = (struct msp_job_message){.operation = MSP_JOB_FIGURES, .figures = {0, -1}};
    bad[16].length = 0;
    bad[17].offset = INT64_MAX;
    for (size_t i = 0; i < 18; i++) {
        struct msp_buffer frame;
        msp_buffer_init(&frame, 0);
        cr_expect(msp_job_message_encode(&bad[i], &frame, NULL) == MSP_INVALID, "case %zu", i);
        cr_expect(frame.length == 0);
        msp_buffer_done(&frame);
    }
}

Test(job_message, refuses_frame_lengths_out_of_range)
{
    static const unsigned char zero[] = {0, 0, 0, 0, 1};
    static const unsigned char over[] = {0, 1, 0, 1};
    static const unsigned char huge[] = {0xff, 0xff, 0xff, 0xff};
    static const unsigned char most[] = {0, 1, 0, 0};
    enum msp_result result;
    cr_expect(msp_frame_complete(zero, sizeof zero, &result) == 0 && result == MSP_INVALID);
    cr_expect(msp_frame_complete(over, sizeof over, &result) == 0 && result == MSP_INVALID);
    cr_expect(msp_frame_complete(huge, sizeof huge, &result) == 0 && result == MSP_INVALID);
    cr_expect(msp_frame_complete(most, sizeof most, &result) == 0 && result == MSP_OK);
}

struct body {
    size_t size;
    unsigned char bytes[48];
    const char *what;
};
#define BODY(what, ...)                                                                            \
    {                                                                                              \
        sizeof((const unsigned char[]){__VA_ARGS__}), {__VA_ARGS__}, what                          \
    }

Test(job_message, refuses_hostile_bodies)
{
    static const struct body bodies[] = {
        BODY("a map of 2^28 members in five bytes", 0xdf, 0x0f, 0x00, 0x00, 0x00),
        BODY("a map of 2^32 - 1 members", 0xdf, 0xff, 0xff, 0xff, 0xff),
        BODY("an array of 2^32 - 1", 0xdd, 0xff, 0xff, 0xff, 0xff),
        BODY("a text longer than the body", 0xdb, 0x00, 0x00, 0xff, 0xff, 'a'),
        BODY("bytes longer than the body", 0xc6, 0x7f, 0xff, 0xff, 0xff),
        BODY("a huge array inside", 0x83, 0x00, 0x01, 0x01, 0x01, 0x19, 0xdd, 0x00, 0xff, 0xff,
             0xff),
        BODY("five levels", 0x83, 0x00, 0x01, 0x01, 0x01, 0x19, 0x91, 0x91, 0x91, 0x91, 0xc0),
        BODY("an extension", 0x83, 0x00, 0x01, 0x01, 0x01, 0x19, 0xd4, 0x01, 0x01),
        BODY("the byte that means nothing", 0x83, 0x00, 0x01, 0x01, 0x01, 0x19, 0xc1),
        BODY("no map", 0x01),
        BODY("an empty map", 0x80),
        BODY("a half value", 0xcf, 0x00),
        BODY("bytes behind the map", 0x82, 0x00, 0x01, 0x01, 0x01, 0xc0),
        BODY("no version", 0x81, 0x01, 0x01),
        BODY("no operation", 0x81, 0x00, 0x01),
        BODY("version 2", 0x82, 0x00, 0x02, 0x01, 0x01),
        BODY("operation 0", 0x82, 0x00, 0x01, 0x01, 0x00),
        BODY("operation 12", 0x82, 0x00, 0x01, 0x01, 0x0c),
        BODY("a cancel of nothing", 0x82, 0x00, 0x01, 0x01, 0x05),
        BODY("a fetch of nothing", 0x82, 0x00, 0x01, 0x01, 0x08),
        BODY("data as text", 0x83, 0x00, 0x01, 0x01, 0x09, 0x0b, 0xa1, 'a'),
        BODY("a refusal for no reason", 0x82, 0x00, 0x01, 0x01, 0x0b),
        BODY("a refusal for a reason of no list", 0x83, 0x00, 0x01, 0x01, 0x0b, 0x0c, 0x7f),
        BODY("figures that are no array", 0x83, 0x00, 0x01, 0x01, 0x07, 0x0f, 0x01),
        BODY("a negative figure", 0x83, 0x00, 0x01, 0x01, 0x07, 0x0f, 0x91, 0xff),
        BODY("figures of 2^32 - 1", 0x83, 0x00, 0x01, 0x01, 0x07, 0x0f, 0xdd, 0xff, 0xff, 0xff,
             0xff),
        BODY("operation 2^32 + 1", 0x82, 0x00, 0x01, 0x01, 0xcf, 0, 0, 0, 1, 0, 0, 0, 1),
        BODY("a version twice", 0x83, 0x00, 0x01, 0x00, 0x01, 0x01, 0x01),
        BODY("an operation as text", 0x82, 0x00, 0x01, 0x01, 0xa1, '1'),
        BODY("a subscription to nothing", 0x82, 0x00, 0x01, 0x01, 0x02),
        BODY("a job id that is none", 0x83, 0x00, 0x01, 0x01, 0x01, 0x02, 0xa3, 'a', 'b', 'c'),
        BODY("a NUL in a text", 0x83, 0x00, 0x01, 0x01, 0x01, 0x03, 0xa2, 'a', 0),
        BODY("a negative tenant", 0x83, 0x00, 0x01, 0x01, 0x01, 0x04, 0xff),
        BODY("a tenant past 2^63", 0x83, 0x00, 0x01, 0x01, 0x01, 0x04, 0xcf, 0xff, 0, 0, 0, 0, 0, 0,
             0),
        BODY("a floating tenant", 0x83, 0x00, 0x01, 0x01, 0x01, 0x04, 0xca, 0, 0, 0, 0),
    };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct msp_job_message got = progress;
        struct msp_error error;
        /* On the heap and cut to size, so that a sanitizer sees a byte read too many. */
        unsigned char *exact = malloc(bodies[i].size);
        cr_assert(exact != NULL);
        memcpy(exact, bodies[i].bytes, bodies[i].size);
        cr_expect(msp_job_message_decode(exact, bodies[i].size, &got, &error) == MSP_INVALID, "%s",
                  bodies[i].what);
        expect_same(&got, &progress);
        free(exact);
    }
    struct msp_job_message got;
    cr_expect(msp_job_message_decode("", 0, &got, NULL) == MSP_INVALID);
}

Test(job_message, ignores_members_it_does_not_know)
{
    static const unsigned char body[] = {0x84, 0x00, 0x01, 0x01, 0x01, 0x63, 0x92, 0xc0,
                                         0xcb, 0,    0,    0,    0,    0,    0,    0,
                                         0,    0xa1, 'k',  0x81, 0xff, 0xc3};
    struct msp_job_message got;
    cr_assert(msp_job_message_decode(body, sizeof body, &got, NULL) == MSP_OK);
    cr_expect(got.operation == MSP_JOB_WAKE);
}

Test(job_message, takes_figures_of_older_and_newer_workers)
{
    static const unsigned char few[] = {0x83, 0x00, 0x01, 0x01, 0x07, 0x0f, 0x91, 0x05};
    static const unsigned char many[] = {0x83, 0x00, 0x01, 0x01, 0x07, 0x0f, 0xdc, 0x00,
                                         0x0d, 1,    2,    3,    4,    5,    6,    7,
                                         8,    9,    10,   11,   12,   13};
    struct msp_job_message got;
    cr_assert(msp_job_message_decode(few, sizeof few, &got, NULL) == MSP_OK);
    cr_expect(got.figures[0] == 5 && got.figures[1] == 0);
    cr_assert(msp_job_message_decode(many, sizeof many, &got, NULL) == MSP_OK);
    cr_expect(got.figures[MSP_WORKER_FIGURES - 1] == MSP_WORKER_FIGURES);
}

Test(job_message, refuses_more_items_than_a_message_needs)
{
    unsigned char body[80] = {0x83, 0x00, 0x01, 0x01, 0x01, 0x19, 0xdc, 0x00, 0};
    struct msp_job_message got;
    /* 1 map, 5 items and the array leave 57 of 64. */
    body[8] = 57;
    cr_expect(msp_job_message_decode(body, 9 + 57, &got, NULL) == MSP_OK);
    body[8] = 58;
    cr_expect(msp_job_message_decode(body, 9 + 58, &got, NULL) == MSP_INVALID);
}

Test(job_message, survives_any_changed_byte)
{
    struct msp_buffer frame;
    msp_buffer_init(&frame, 0);
    cr_assert(msp_job_message_encode(&progress, &frame, NULL) == MSP_OK);
    for (size_t at = 4; at < frame.length; at++) {
        char kept = frame.data[at];
        for (int value = 0; value < 256; value++) {
            struct msp_job_message got;
            frame.data[at] = (char)value;
            enum msp_result result =
                msp_job_message_decode(frame.data + 4, frame.length - 4, &got, NULL);
            cr_assert(result == MSP_OK || result == MSP_INVALID);
        }
        frame.data[at] = kept;
    }
    msp_buffer_done(&frame);
}

Test(job_message, crosses_a_socket_and_keeps_its_deadlines)
{
    int ends[2];
    struct msp_job_message got;
    cr_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    int64_t soon = msp_clock_monotonic_ms() + 2000;
    cr_assert(msp_job_message_send(ends[0], &progress, soon, NULL) == MSP_OK);
    cr_assert(msp_job_message_send(ends[0], &progress, soon, NULL) == MSP_OK);
    for (int i = 0; i < 2; i++) {
        cr_assert(msp_job_message_receive(ends[1], NULL, &got, soon, NULL) == MSP_OK);
        expect_same(&got, &progress);
    }

    int64_t start = msp_clock_monotonic_ms();
    cr_expect(msp_job_message_receive(ends[1], NULL, &got, start + 50, NULL) == MSP_TIMED_OUT);
    int64_t took = msp_clock_monotonic_ms() - start;
    cr_expect(took >= 50 && took < 1000, "%lld ms", (long long)took);

    enum msp_result result = MSP_OK;
    for (int i = 0; i < 100000 && result == MSP_OK; i++) {
        result = msp_job_message_send(ends[0], &progress, msp_clock_monotonic_ms() + 20, NULL);
    }
    cr_expect(result == MSP_TIMED_OUT, "a reader that does not read must not hold the sender");
    (void)close(ends[1]);
    cr_expect(msp_job_message_send(ends[0], &progress, soon, NULL) == MSP_UNAVAILABLE);
    (void)close(ends[0]);
}

Test(job_message, keeps_data_in_the_body_it_was_given)
{
    static const struct msp_job_message sent = {
        .operation = MSP_JOB_DATA, .data = "0123456789", .data_bytes = 10};
    int ends[2];
    struct msp_job_message got;
    struct msp_buffer body;
    int64_t soon = msp_clock_monotonic_ms() + 2000;
    msp_buffer_init(&body, MSP_FRAME_MAX_BYTES);
    cr_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    for (int i = 0; i < 2; i++) {
        cr_assert(msp_job_message_send(ends[0], &sent, soon, NULL) == MSP_OK);
    }
    cr_assert(msp_job_message_receive(ends[1], &body, &got, soon, NULL) == MSP_OK);
    expect_same(&got, &sent);
    cr_assert(msp_job_message_receive(ends[1], NULL, &got, soon, NULL) == MSP_OK);
    cr_expect(got.data == NULL && got.data_bytes == 0);
    msp_buffer_done(&body);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

Test(job_message, tells_a_closed_connection_and_a_bad_length)
{
    static const unsigned char bad[] = {0xff, 0, 0, 0};
    int ends[2];
    struct msp_job_message got;
    int64_t soon = msp_clock_monotonic_ms() + 2000;
    cr_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    cr_assert(write(ends[0], bad, sizeof bad) == (ssize_t)sizeof bad);
    cr_expect(msp_job_message_receive(ends[1], NULL, &got, soon, NULL) == MSP_INVALID);
    cr_assert(write(ends[0], "\0\0", 2) == 2);
    (void)close(ends[0]);
    cr_expect(msp_job_message_receive(ends[1], NULL, &got, soon, NULL) == MSP_UNAVAILABLE);
    (void)close(ends[1]);
}

static void make_address(struct sockaddr_un *address, const char *folder)
{
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    (void)snprintf(address->sun_path, sizeof address->sun_path, "%s/jobs.sock", folder);
}

Test(job_message, connects_or_says_in_time_why_not)
{
    char folder[] = "/tmp/msp-jobs-XXXXXX";
    struct sockaddr_un address;
    char too_long[200];
    int fd = -1;
    int filler = -1;
    cr_assert(mkdtemp(folder) != NULL);
    make_address(&address, folder);
    memset(too_long, 'a', sizeof too_long);
    too_long[108] = '\0';
    int64_t soon = msp_clock_monotonic_ms() + 2000;
    cr_expect(msp_job_socket_connect(too_long, soon, &fd, NULL) == MSP_INVALID);
    cr_expect(msp_job_socket_connect("", soon, &fd, NULL) == MSP_INVALID);
    cr_expect(msp_job_socket_connect(address.sun_path, soon, &fd, NULL) == MSP_UNAVAILABLE);

    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert(bind(listener, (const struct sockaddr *)&address, sizeof address) == 0);
    cr_expect(msp_job_socket_connect(address.sun_path, soon, &fd, NULL) == MSP_UNAVAILABLE);
    cr_assert(listen(listener, 0) == 0);
    cr_assert(msp_job_socket_connect(address.sun_path, soon, &fd, NULL) == MSP_OK);

    /* A backlog of 0 holds one connection; the next finds it full. */
    int64_t start = msp_clock_monotonic_ms();
    cr_expect(msp_job_socket_connect(address.sun_path, start + 50, &filler, NULL) == MSP_TIMED_OUT);
    cr_expect(msp_clock_monotonic_ms() - start < 1000);
    cr_expect(filler == -1);
    (void)close(fd);
    (void)close(listener);
    (void)unlink(address.sun_path);
    (void)rmdir(folder);
}
