/* The job socket's clients: who is told what, and who is shown the door. */
#include "subscriptions.h"

#include "msp/clock.h"
#include "msp/job_message.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define JOB_A "11111111-1111-4111-8111-111111111111"
#define JOB_B "22222222-2222-4222-8222-222222222222"

static char folder[64];
static char path[96];
static int listener;
static struct msp_subscriptions *subscriptions;
static bool woken;
static char cancelled[MSP_JOB_ID_BYTES];

static void note_wake(void *context)
{
    *(bool *)context = true;
}

static void note_cancel(void *context, const char *job_id)
{
    (void)context;
    (void)snprintf(cancelled, sizeof cancelled, "%s", job_id);
}

static void report(void *context, int64_t figures[MSP_WORKER_FIGURES])
{
    (void)context;
    figures[MSP_FIGURE_UPTIME_SECONDS] = 42;
    figures[MSP_FIGURE_CLIENTS] = (int64_t)msp_subscriptions_count(subscriptions);
}

static const struct msp_subscription_duties duties = {
    .context = &woken, .wake = note_wake, .cancel = note_cancel, .report = report};

static void open_door(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(folder, sizeof folder, "%s", "/tmp/msp-subs-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/jobs.sock", folder);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(bind(listener, (struct sockaddr *)&address, sizeof address) == 0);
    cr_assert(listen(listener, 64) == 0);
    subscriptions = msp_subscriptions_new(listener, &duties);
    cr_assert_not_null(subscriptions);
}

static void shut_door(void)
{
    msp_subscriptions_free(subscriptions);
    close(listener);
    unlink(path);
    rmdir(folder);
}

TestSuite(subscriptions, .init = open_door, .fini = shut_door);

/* Serves until nothing has come for 20 ms; whether somebody said that there is work. */
static bool serve(void)
{
    static struct pollfd entries[MSP_SUBSCRIBERS_MAX + 1];
    woken = false;
    for (;;) {
        size_t count = msp_subscriptions_watch(subscriptions, entries);
        int ready = poll(entries, count, 20);
        msp_subscriptions_serve(subscriptions, entries, count);
        if (ready <= 0)
            return woken;
    }
}

static int come(void)
{
    int fd;
    struct msp_error error;
    cr_assert(msp_job_socket_connect(path, msp_clock_monotonic_ms() + 1000, &fd, &error) == MSP_OK,
              "%s", error.detail);
    return fd;
}

static void ask(int fd, enum msp_job_operation operation, const char *job_id)
{
    struct msp_error error;
    struct msp_job_message message = {.operation = operation, .tenant_id = 1};
    (void)snprintf(message.job_id, sizeof message.job_id, "%s", job_id);
    (void)snprintf(message.kind, sizeof message.kind, "%s", "kpi");
    cr_assert(msp_job_message_send(fd, &message, msp_clock_monotonic_ms() + 1000, &error) ==
              MSP_OK);
}

static void happen(enum msp_job_event_kind kind, const char *job_id, int64_t done)
{
    struct msp_job_event event = {.kind = kind, .tenant_id = 1, .done = done, .total = 10};
    (void)snprintf(event.job_id, sizeof event.job_id, "%s", job_id);
    (void)snprintf(event.job_kind, sizeof event.job_kind, "%s", "kpi");
    msp_subscriptions_tell(subscriptions, &event);
}

/* The next frame's operation, 0 if none comes, -1 if the connection is closed. */
static int hear(int fd, struct msp_job_message *out)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    if (poll(&ready, 1, 20) <= 0)
        return 0;
    return msp_job_message_receive(fd, NULL, out, msp_clock_monotonic_ms() + 1000, NULL) == MSP_OK
               ? (int)out->operation
               : -1;
}

Test(subscriptions, pass_a_wake_on)
{
    int fd = come();
    cr_assert(!serve());
    ask(fd, MSP_JOB_WAKE, "");
    cr_assert(serve());
    close(fd);
}

Test(subscriptions, pass_a_cancel_on)
{
    int fd = come();
    ask(fd, MSP_JOB_CANCEL, JOB_B);
    serve();
    cr_assert_str_eq(cancelled, JOB_B);
    close(fd);
}

Test(subscriptions, answer_how_the_worker_is)
{
    struct msp_job_message heard;
    int other = come();
    int fd = come();
    ask(fd, MSP_JOB_STATUS, "");
    serve();
    cr_assert(hear(fd, &heard) == MSP_JOB_FIGURES);
    cr_assert(heard.figures[MSP_FIGURE_UPTIME_SECONDS] == 42);
    cr_assert(heard.figures[MSP_FIGURE_CLIENTS] == 2);
    close(fd);
    close(other);
}

Test(subscriptions, tell_a_subscriber_of_progress_and_of_the_end_once)
{
    struct msp_job_message heard;
    int fd = come();
    ask(fd, MSP_JOB_SUBSCRIBE, JOB_A);
    serve();
    happen(MSP_EVENT_PROGRESS, JOB_B, 1);
    cr_assert(hear(fd, &heard) == 0);
    happen(MSP_EVENT_PROGRESS, JOB_A, 3);
    cr_assert(hear(fd, &heard) == MSP_JOB_PROGRESS);
    cr_assert(heard.done == 3 && heard.total == 10);
    cr_assert_str_eq(heard.job_id, JOB_A);
    happen(MSP_EVENT_ENDED, JOB_A, 10);
    happen(MSP_EVENT_ENDED, JOB_A, 10);
    cr_assert(hear(fd, &heard) == MSP_JOB_ENDED);
    cr_assert(hear(fd, &heard) == 0);
    close(fd);
}

Test(subscriptions, answer_at_once_who_asks_after_the_end)
{
    struct msp_job_message heard;
    int fd = come();
    happen(MSP_EVENT_ENDED, JOB_A, 10);
    ask(fd, MSP_JOB_SUBSCRIBE, JOB_A);
    serve();
    cr_assert(hear(fd, &heard) == MSP_JOB_ENDED);
    close(fd);
}

Test(subscriptions, forget_an_end_when_the_job_begins_again)
{
    struct msp_job_message heard;
    int fd = come();
    happen(MSP_EVENT_ENDED, JOB_A, 10);
    happen(MSP_EVENT_BEGAN, JOB_A, 0);
    ask(fd, MSP_JOB_SUBSCRIBE, JOB_A);
    serve();
    cr_assert(hear(fd, &heard) == 0);
    close(fd);
}

Test(subscriptions, drop_who_talks_nonsense)
{
    static const char *const nonsense[] = {"GET / HTTP/1.1\r\n\r\n", "\x01\x02\x03\x04",
                                           "\x7f\xff\xff\xff"};
    struct msp_job_message heard;
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        int fd = come();
        cr_assert(write(fd, nonsense[i], strlen(nonsense[i])) > 0);
        serve();
        cr_assert(hear(fd, &heard) == -1, "%zu", i);
        close(fd);
    }
}

Test(subscriptions, drop_who_says_what_only_the_worker_says)
{
    struct msp_job_message heard;
    int fd = come();
    ask(fd, MSP_JOB_ENDED, JOB_A);
    serve();
    cr_assert(hear(fd, &heard) == -1);
    close(fd);
}

Test(subscriptions, drop_who_does_not_read)
{
    struct msp_job_message heard;
    int fd = come();
    int news = 0;
    ask(fd, MSP_JOB_SUBSCRIBE, JOB_A);
    serve();
    for (int i = 0; i < 20000; i++)
        happen(MSP_EVENT_PROGRESS, JOB_A, i);
    serve();
    while (hear(fd, &heard) == MSP_JOB_PROGRESS)
        news++;
    cr_assert(news > 100 && news < 20000, "%d", news);
    cr_assert(hear(fd, &heard) == -1);
    close(fd);
}

Test(subscriptions, outlive_a_client_that_vanishes)
{
    struct msp_job_message heard;
    int gone = come();
    int stays = come();
    ask(gone, MSP_JOB_SUBSCRIBE, JOB_A);
    ask(stays, MSP_JOB_SUBSCRIBE, JOB_A);
    serve();
    close(gone);
    happen(MSP_EVENT_PROGRESS, JOB_A, 1);
    serve();
    happen(MSP_EVENT_ENDED, JOB_A, 10);
    cr_assert(hear(stays, &heard) == MSP_JOB_PROGRESS);
    cr_assert(hear(stays, &heard) == MSP_JOB_ENDED);
    close(stays);
}
