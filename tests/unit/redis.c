/* REDIS_URL is read exactly, and a Redis that fails is left alone for a while. */
#include "msp/redis.h"
#include "msp/clock.h"
#include "redis_url.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

Test(redis, url_forms_are_read)
{
    static const struct {
        const char *url;
        struct redis_url expected;
    } forms[] = {
        {"redis://localhost", {.host = "localhost", .port = 6379}},
        {"redis://10.0.0.1:7000/", {.host = "10.0.0.1", .port = 7000}},
        {"redis://cache:7000/12", {.host = "cache", .port = 7000, .database = 12}},
        {"redis://:secret@cache", {.host = "cache", .port = 6379, .password = "secret"}},
        {"redis://me:s%40cret%2F@cache:1",
         {.host = "cache", .port = 1, .user = "me", .password = "s@cret/"}},
        {"redis://me:a@b@cache", {.host = "cache", .port = 6379, .user = "me", .password = "a@b"}},
        {"unix:///run/redis.sock", {.path = "/run/redis.sock"}},
        {"unix:///run/my%20redis.sock?db=3", {.path = "/run/my redis.sock", .database = 3}},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct redis_url url;
        struct msp_error error;
        cr_assert_eq(redis_url_parse(forms[i].url, &url, &error), MSP_OK, "%s: %s", forms[i].url,
                     error.detail);
        cr_expect_str_eq(url.path, forms[i].expected.path);
        cr_expect_str_eq(url.host, forms[i].expected.host);
        cr_expect_eq(url.port, forms[i].expected.port);
        cr_expect_str_eq(url.user, forms[i].expected.user);
        cr_expect_str_eq(url.password, forms[i].expected.password);
        cr_expect_eq(url.database, forms[i].expected.database);
    }
}

Test(redis, malformed_urls_are_refused_without_repeating_them)
{
    static const char *const urls[] = {
        "",
        "http://cache",
        "redis://",
        "redis://:secret@",
        "redis://cache:0",
        "redis://cache:65536",
        "redis://cache:",
        "redis://cache/x",
        "redis://cache/1/2",
        "redis://cache?db=1",
        "redis://secret@cache",
        "redis://me:@cache",
        "redis://ca%0ghe",
        "redis://ca%00che",
        "redis://ca%",
        "redis://ca%4",
        "unix://relative",
        "unix:///run/redis.sock?database=1",
        "unix:///run/redis.sock?db=",
    };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct redis_url url;
        struct msp_error error;
        cr_expect_eq(redis_url_parse(urls[i], &url, &error), MSP_INVALID, "%s", urls[i]);
        cr_expect_null(strstr(error.detail, "secret"));
    }
}

/* Answers every command with the next of its lines, "" = silence; counts connections. */
struct stand_in {
    int listener;
    char url[160];
    const char *const *lines;
    int connections;
};

static void *answer(void *context)
{
    struct stand_in *redis = context;
    size_t at = 0;
    for (int peer; (peer = accept(redis->listener, NULL, NULL)) >= 0; (void)close(peer)) {
        char command[512];
        (void)__atomic_fetch_add(&redis->connections, 1, __ATOMIC_RELAXED);
        while (read(peer, command, sizeof command) > 0) {
            const char *line = redis->lines[at] != NULL ? redis->lines[at++] : "";
            if (line[0] == '\0')
                continue;
            if (write(peer, line, strlen(line)) < 0)
                break;
        }
    }
    return NULL;
}

static void stand_in_start(struct stand_in *redis, const char *const *lines)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "/tmp/msp-redis-%d.sock",
                   (int)getpid());
    (void)snprintf(redis->url, sizeof redis->url, "unix://%s?db=2", address.sun_path);
    (void)unlink(address.sun_path);
    redis->lines = lines;
    redis->connections = 0;
    redis->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    cr_assert_eq(bind(redis->listener, (struct sockaddr *)&address, sizeof address), 0);
    cr_assert_eq(listen(redis->listener, 8), 0);
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, answer, redis), 0);
    cr_assert_eq(pthread_detach(thread), 0);
    (void)signal(SIGPIPE, SIG_IGN);
}

Test(redis, pings_on_one_connection)
{
    static const char *const lines[] = {"+OK\r\n", "+PONG\r\n", "+PONG\r\n", NULL};
    static struct stand_in stand_in;
    stand_in_start(&stand_in, lines);
    struct msp_redis *redis = NULL;
    struct msp_error error;
    cr_assert_eq(msp_redis_new(stand_in.url, 500, &redis, &error), MSP_OK);
    cr_expect_eq(msp_redis_ping(redis, &error), MSP_OK, "%s", error.detail);
    cr_expect_eq(msp_redis_ping(redis, &error), MSP_OK);
    cr_expect_eq(__atomic_load_n(&stand_in.connections, __ATOMIC_RELAXED), 1);
    msp_redis_free(redis);
}

Test(redis, silence_costs_one_time_out_and_then_nothing_for_a_while)
{
    static const char *const lines[] = {"+OK\r\n", "", "+OK\r\n", "+PONG\r\n", NULL};
    static struct stand_in stand_in;
    stand_in_start(&stand_in, lines);
    struct msp_redis *redis = NULL;
    struct msp_error error;
    cr_assert_eq(msp_redis_new(stand_in.url, 100, &redis, &error), MSP_OK);
    cr_expect_eq(msp_redis_ping(redis, &error), MSP_UNAVAILABLE);
    cr_expect_str_eq(error.code, "redis_unavailable");

    const int64_t began_ms = msp_clock_monotonic_ms();
    for (int i = 0; i < 1000; i++) {
        cr_assert_eq(msp_redis_ping(redis, &error), MSP_UNAVAILABLE);
        cr_assert_str_eq(error.code, "redis_resting");
    }
    cr_expect_lt(msp_clock_monotonic_ms() - began_ms, 500);
    cr_expect_eq(__atomic_load_n(&stand_in.connections, __ATOMIC_RELAXED), 1);

    (void)poll(NULL, 0, 1100);
    cr_expect_eq(msp_redis_ping(redis, &error), MSP_OK, "%s", error.detail);
    msp_redis_free(redis);
}

Test(redis, refusal_is_not_a_pong)
{
    static const char *const lines[] = {"-NOAUTH Authentication required.\r\n", NULL};
    static struct stand_in stand_in;
    stand_in_start(&stand_in, lines);
    struct msp_redis *redis = NULL;
    struct msp_error error;
    cr_assert_eq(msp_redis_new(stand_in.url, 500, &redis, &error), MSP_OK);
    cr_expect_eq(msp_redis_ping(redis, &error), MSP_UNAVAILABLE);
    cr_expect_not_null(strstr(error.detail, "NOAUTH"));
    msp_redis_free(redis);
    msp_redis_free(NULL);
}
