/*
 * A resolver that never answers holds nobody up: not the call, not who asks to stop, not the end of
 * the process. This program's own getaddrinfo stands in for it.
 */
#include "egress/egress.h"

#include "msp/clock.h"

#include <criterion/criterion.h>
#include <netdb.h>
#include <pthread.h>
#include <string.h>

#define HANG_SECONDS 60 /* longer than any of the tests may take */
#define SOON_MS      3000

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int asked;
static int answered;
static bool released;

/* libcurl's lookups come here, as this program's names go before those of its libraries. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **out)
{
    struct timespec until;
    (void)node;
    (void)service;
    (void)hints;
    (void)out;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += HANG_SECONDS;
    pthread_mutex_lock(&mutex);
    asked++;
    pthread_cond_broadcast(&changed);
    while (!released && pthread_cond_timedwait(&changed, &mutex, &until) == 0) {
    }
    answered++;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    return EAI_AGAIN;
}

static void wait_for(const int *count, int wanted)
{
    pthread_mutex_lock(&mutex);
    while (*count < wanted) {
        pthread_cond_wait(&changed, &mutex);
    }
    pthread_mutex_unlock(&mutex);
}

static void release(void)
{
    pthread_mutex_lock(&mutex);
    released = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

static struct msp_egress *egress;
static struct msp_error error;
static int64_t began_ms;

static void set_up(void)
{
    egress = msp_egress_new("hangs.example,http://hangs.example:80+private");
    cr_assert_not_null(egress);
    began_ms = msp_clock_monotonic_ms();
}

static void tear_down(void)
{
    msp_egress_free(egress);
}

TestSuite(egress_lookup, .init = set_up, .fini = tear_down, .timeout = HANG_SECONDS / 2);

static enum msp_result call(enum msp_egress_owner owner, int64_t deadline_ms,
                            bool (*should_stop)(void *context))
{
    struct msp_egress_response response;
    struct msp_egress_request request = {
        .owner = owner,
        .purpose = "test",
        .method = "GET",
        .url = "https://hangs.example/",
        .deadline_ms = began_ms + deadline_ms,
        .should_stop = should_stop,
    };
    return msp_egress_call(egress, &request, &response, &error);
}

static void expect_soon(void)
{
    cr_expect_lt(msp_clock_monotonic_ms() - began_ms, SOON_MS);
}

static void expect_deadline_kept(enum msp_egress_owner owner)
{
    cr_expect_eq(call(owner, 300, NULL), MSP_TIMED_OUT);
    cr_expect_str_eq(error.code, "egress_timed_out");
    cr_expect_eq(asked, 1, "the name was not looked up at all");
    expect_soon();
}

Test(egress_lookup, the_deadline_of_a_callback_holds_for_its_lookup)
{
    expect_deadline_kept(MSP_EGRESS_GIVEN);
}

Test(egress_lookup, the_deadline_of_our_own_calls_holds_for_their_lookup)
{
    expect_deadline_kept(MSP_EGRESS_OURS);
}

Test(egress_lookup, the_deadline_of_a_source_holds_for_its_lookup)
{
    expect_deadline_kept(MSP_EGRESS_SOURCE);
}

static bool has_asked(void *context)
{
    (void)context;
    pthread_mutex_lock(&mutex);
    bool has = asked > 0;
    pthread_mutex_unlock(&mutex);
    return has;
}

Test(egress_lookup, a_stop_does_not_wait_for_a_lookup)
{
    cr_expect_eq(call(MSP_EGRESS_SOURCE, HANG_SECONDS * 1000, has_asked), MSP_CANCELLED);
    expect_soon();
    msp_egress_free(egress);
    egress = NULL;
    expect_soon();
}

Test(egress_lookup, the_deadline_of_a_letter_holds_for_its_lookup)
{
    static const char *const to[] = {"a@b.example", NULL};
    struct msp_egress_mail mail = {.url = "smtp://hangs.example:25",
                                   .from = "me@b.example",
                                   .to = to,
                                   .message = "Subject: x\r\n\r\ny\r\n",
                                   .deadline_ms = began_ms + 300};
    cr_expect_eq(msp_egress_send_mail(egress, &mail, &error), MSP_TIMED_OUT);
    expect_soon();
}

Test(egress_lookup, an_answer_that_comes_too_late_finds_nothing_it_could_harm)
{
    cr_expect_eq(call(MSP_EGRESS_SOURCE, 200, NULL), MSP_TIMED_OUT);
    cr_expect_eq(call(MSP_EGRESS_SOURCE, 400, NULL), MSP_TIMED_OUT);
    wait_for(&asked, 2);
    msp_egress_free(egress);
    egress = NULL;
    release();
    wait_for(&answered, 2);
    expect_soon();
}
