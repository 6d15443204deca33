/*
 * One connection to Redis over hiredis 0.14, with a deadline on every call and a circuit breaker:
 * after a failure Redis is left alone for 1 s, doubling to 30 s, so that a dead one costs one
 * time-out now and then and not one a call. What Redis holds is a help, never the record. One
 * thread at a time; SIGPIPE must be ignored in the process.
 */
#ifndef MSP_REDIS_H
#define MSP_REDIS_H

#include "msp/result.h"

#include <stdint.h>

struct msp_redis;

/*
 * Connects to nothing yet. `url` is redis://[[user]:password@]host[:port][/db] or
 * unix:///path[?db=n]; user and password may be percent-encoded. `timeout_ms` bounds connecting and
 * each command. MSP_INVALID for a malformed URL.
 */
enum msp_result msp_redis_new(const char *url, int timeout_ms, struct msp_redis **out,
                              struct msp_error *error) MSP_MUST_CHECK;
void msp_redis_free(struct msp_redis *redis);

/*
 * Adds `amount` to the number of that name, which lives for `ttl_seconds` from its first addition
 * on, and tells the sum. Failures as of msp_redis_ping; it may have been added all the same.
 */
enum msp_result msp_redis_add(struct msp_redis *redis, const char *name, int64_t amount,
                              int ttl_seconds, int64_t *out_sum,
                              struct msp_error *error) MSP_MUST_CHECK;

/* Connects if need be and asks for a PONG. MSP_UNAVAILABLE, code "redis_resting" while the breaker
 * is open. */
enum msp_result msp_redis_ping(struct msp_redis *redis, struct msp_error *error) MSP_MUST_CHECK;

#endif
