/* Keeps one connection to Redis and knows when to leave it alone. Reports; the caller decides what
 * it means. */
#include "msp/redis.h"

#include "msp/clock.h"
#include "redis_url.h"

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_REST_MS   1000
#define LONGEST_REST_MS 30000

struct msp_redis {
    struct redis_url url;
    struct timeval timeout;
    redisContext *context; /* NULL while not connected */
    int64_t rest_until_ms;
    int rest_ms; /* of the next failure */
};

enum msp_result msp_redis_new(const char *url, int timeout_ms, struct msp_redis **out,
                              struct msp_error *error)
{
    struct redis_url parsed;
    const enum msp_result result = redis_url_parse(url, &parsed, error);
    if (result != MSP_OK)
        return result;
    struct msp_redis *redis = calloc(1, sizeof(*redis));
    if (redis == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "Out of memory for Redis");
    redis->url = parsed;
    redis->timeout = (struct timeval){timeout_ms / 1000, (timeout_ms % 1000) * 1000L};
    redis->rest_ms = FIRST_REST_MS;
    *out = redis;
    return MSP_OK;
}

static void disconnect(struct msp_redis *redis)
{
    if (redis->context != NULL)
        redisFree(redis->context);
    redis->context = NULL;
}

void msp_redis_free(struct msp_redis *redis)
{
    if (redis == NULL)
        return;
    disconnect(redis);
    free(redis);
}

/* What hiredis says is wrong with the connection. */
static const char *fault_of(const struct msp_redis *redis)
{
    return redis->context != NULL ? redis->context->errstr : "not connected";
}

/* Opens the breaker: a context that failed once is never used again. */
static enum msp_result rest(struct msp_redis *redis, const char *why, struct msp_error *error)
{
    (void)msp_fail(error, MSP_UNAVAILABLE, "redis_unavailable", "Redis does not answer: %s",
                   why[0] != '\0' ? why : "no reason given");
    disconnect(redis);
    redis->rest_until_ms = msp_clock_monotonic_ms() + redis->rest_ms;
    redis->rest_ms = redis->rest_ms * 2 < LONGEST_REST_MS ? redis->rest_ms * 2 : LONGEST_REST_MS;
    return MSP_UNAVAILABLE;
}

/* One command whose answer must be the status `expected`. */
static enum msp_result command(struct msp_redis *redis, int count, const char **words,
                               const char *expected, struct msp_error *error)
{
    redisReply *reply = redisCommandArgv(redis->context, count, words, NULL);
    if (reply == NULL)
        return rest(redis, fault_of(redis), error);
    const bool fine = reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, expected) == 0;
    char said[160];
    (void)snprintf(said, sizeof(said), "%s was answered by \"%.120s\"", words[0],
                   reply->str != NULL ? reply->str : "");
    freeReplyObject(reply);
    return fine ? MSP_OK : rest(redis, said, error);
}

static enum msp_result sign_in(struct msp_redis *redis, struct msp_error *error)
{
    const struct redis_url *url = &redis->url;
    if (url->password[0] == '\0')
        return MSP_OK;
    const char *words[] = {"AUTH", url->user, url->password};
    if (url->user[0] != '\0')
        return command(redis, 3, words, "OK", error);
    words[1] = url->password;
    return command(redis, 2, words, "OK", error);
}

static enum msp_result connect_now(struct msp_redis *redis, struct msp_error *error)
{
    const struct redis_url *url = &redis->url;
    redis->context = url->path[0] != '\0'
                         ? redisConnectUnixWithTimeout(url->path, redis->timeout)
                         : redisConnectWithTimeout(url->host, url->port, redis->timeout);
    if (redis->context == NULL)
        return rest(redis, "out of memory", error);
    /* A stopped Redis still accepts connections (the kernel does): only the command's time-out
     * notices. */
    if (redis->context->err != 0 || redisSetTimeout(redis->context, redis->timeout) != REDIS_OK)
        return rest(redis, fault_of(redis), error);
    enum msp_result result = sign_in(redis, error);
    if (result == MSP_OK && url->database != 0) {
        char number[16];
        (void)snprintf(number, sizeof(number), "%d", url->database);
        const char *words[] = {"SELECT", number};
        result = command(redis, 2, words, "OK", error);
    }
    return result;
}

static enum msp_result be_connected(struct msp_redis *redis, struct msp_error *error)
{
    if (redis->context != NULL)
        return MSP_OK;
    if (msp_clock_monotonic_ms() < redis->rest_until_ms)
        return msp_fail(error, MSP_UNAVAILABLE, "redis_resting",
                        "Redis failed a moment ago and is left alone for now");
    return connect_now(redis, error);
}

enum msp_result msp_redis_ping(struct msp_redis *redis, struct msp_error *error)
{
    const char *words[] = {"PING"};
    enum msp_result result = be_connected(redis, error);
    if (result == MSP_OK)
        result = command(redis, 1, words, "PONG", error);
    if (result == MSP_OK)
        redis->rest_ms = FIRST_REST_MS;
    return result;
}

/* The next answer of a pipeline, which must be a number; a failure ends the connection and with it
 * the answers behind. */
static enum msp_result take_number(struct msp_redis *redis, int64_t *out, struct msp_error *error)
{
    void *answer = NULL;
    if (redisGetReply(redis->context, &answer) != REDIS_OK)
        return rest(redis, fault_of(redis), error);
    redisReply *reply = answer;
    const bool fine = reply->type == REDIS_REPLY_INTEGER;
    char said[160];
    (void)snprintf(said, sizeof(said), "a number was asked for, and the answer is \"%.100s\"",
                   reply->str != NULL ? reply->str : "");
    *out = reply->integer;
    freeReplyObject(reply);
    return fine ? MSP_OK : rest(redis, said, error);
}

enum msp_result msp_redis_add(struct msp_redis *redis, const char *name, int64_t amount,
                              int ttl_seconds, int64_t *out_sum, struct msp_error *error)
{
    char added[24];
    char ttl[16];
    (void)snprintf(added, sizeof(added), "%lld", (long long)amount);
    (void)snprintf(ttl, sizeof(ttl), "%d", ttl_seconds);
    const char *add[] = {"INCRBY", name, added};
    const char *expire[] = {"EXPIRE", name, ttl, "NX"};
    enum msp_result result = be_connected(redis, error);
    if (result != MSP_OK)
        return result;
    /* Both in one round trip. Only the first EXPIRE of a name does anything. */
    if (redisAppendCommandArgv(redis->context, 3, add, NULL) != REDIS_OK ||
        redisAppendCommandArgv(redis->context, 4, expire, NULL) != REDIS_OK)
        return rest(redis, "out of memory", error);
    int64_t sum = 0;
    int64_t unused = 0;
    result = take_number(redis, &sum, error);
    if (result == MSP_OK)
        result = take_number(redis, &unused, error);
    if (result != MSP_OK)
        return result;
    redis->rest_ms = FIRST_REST_MS;
    *out_sum = sum;
    return MSP_OK;
}
