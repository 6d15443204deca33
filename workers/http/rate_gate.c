/* Between a request and the windows: which keys it counts under, and how leases come from Redis. */
#include "rate_gate.h"

#include "msp/clock.h"
#include "msp/redis.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/*
 * A sixteenth of a limit at once: few round trips, and little left unused at a window's end. Of a
 * lease that is spent in no time the last eighth is the time for the next to come: one request
 * fills it up, and nobody else waits for Redis.
 */
#define LEASE_SHARE       16
#define LEASE_MOST        1000
#define LEASE_AHEAD_SHARE 8
#define LEASE_AHEAD_LEAST 16 /* an eighth of less is no time at all */

/* What Redis may take for an answer, and how long somebody else's asking is waited for. */
#define REDIS_TIMEOUT_MS 50
#define PATIENCE_MS      60
#define LOOK_AGAIN_NS    300000L

struct msp_rate_gate {
    struct msp_rate_windows *windows;
    pthread_mutex_t redis_lock;
    struct msp_redis *redis; /* NULL = this node is the only one */
};

enum msp_result msp_rate_gate_new(struct msp_rate_windows *windows, const char *redis_url,
                                  struct msp_rate_gate **out, struct msp_error *error)
{
    struct msp_rate_gate *gate = calloc(1, sizeof *gate);
    if (gate == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "Out of memory for the rate limits.");
    gate->windows = windows;
    (void)pthread_mutex_init(&gate->redis_lock, NULL);
    if (redis_url[0] != '\0') {
        enum msp_result result = msp_redis_new(redis_url, REDIS_TIMEOUT_MS, &gate->redis, error);
        if (result != MSP_OK) {
            msp_rate_gate_free(gate);
            return result;
        }
    }
    *out = gate;
    return MSP_OK;
}

void msp_rate_gate_free(struct msp_rate_gate *gate)
{
    if (gate == NULL)
        return;
    msp_redis_free(gate->redis);
    (void)pthread_mutex_destroy(&gate->redis_lock);
    free(gate);
}

/* One counted thing: a tenant's class under one policy. */
struct counted {
    int64_t tenant_id;
    enum msp_limit_class limit_class;
    const struct msp_rate_policy *policy;
    uint64_t key;
    int64_t now_seconds;
};

static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 32) * 0x9e3779b97f4a7c15u;
    return value ^ value >> 29;
}

/* By window, not by limit: a limit that is changed goes on from what was counted. */
static uint64_t key_of(int64_t tenant_id, enum msp_limit_class limit_class,
                       const struct msp_rate_policy *policy)
{
    return mix(mix((uint64_t)tenant_id) ^
               ((uint64_t)limit_class << 32 | (uint64_t)policy->window_seconds));
}

/* ---- leases ---- */

static bool lock_until(pthread_mutex_t *lock, int ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += ms * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    return pthread_mutex_timedlock(lock, &until) == 0;
}

static int32_t lease_size(const struct msp_rate_policy *policy)
{
    int32_t size = policy->limit / LEASE_SHARE;
    return size < 1 ? 1 : size > LEASE_MOST ? LEASE_MOST : size;
}

/* All nodes' leases of a window together; the name dies with the window. */
static enum msp_result ask_redis(struct msp_rate_gate *gate, const struct counted *counted,
                                 int32_t wanted, int64_t *out_total, struct msp_error *error)
{
    char name[96];
    int window_seconds = counted->policy->window_seconds;
    (void)snprintf(name, sizeof name, "msp:rate:%" PRId64 ":%s:%d:%" PRId64, counted->tenant_id,
                   msp_limit_class_name(counted->limit_class), window_seconds,
                   counted->now_seconds / window_seconds);
    if (!lock_until(&gate->redis_lock, PATIENCE_MS))
        return msp_fail(error, MSP_UNAVAILABLE, "redis_busy", "Redis is being waited for.");
    enum msp_result result =
        msp_redis_add(gate->redis, name, wanted, window_seconds + 1, out_total, error);
    (void)pthread_mutex_unlock(&gate->redis_lock);
    return result;
}

/* Once begun: asks for `wanted` and notes what came of it. False if Redis did not answer. */
static bool fetch_lease(struct msp_rate_gate *gate, const struct counted *counted, int32_t wanted)
{
    const struct msp_rate_policy *policy = counted->policy;
    struct msp_error error;
    int64_t total = 0;
    bool answered = ask_redis(gate, counted, wanted, &total, &error) == MSP_OK;
    int64_t left = (int64_t)policy->limit - (total - wanted);
    int32_t granted = !answered || left <= 0 ? 0 : left < wanted ? (int32_t)left : wanted;
    /* What was asked for past the limit goes back, so that a limit raised later is whole. */
    if (answered && granted < wanted)
        answered = ask_redis(gate, counted, granted - wanted, &total, &error) == MSP_OK;
    msp_rate_lease_end(gate->windows, counted->key, policy, counted->now_seconds, granted,
                       answered && left <= wanted);
    return answered;
}

/* Whether the window is worth another look: a lease came, or somebody else may be getting one. */
static bool lease(struct msp_rate_gate *gate, const struct counted *counted, int64_t give_up_ms)
{
    int64_t now_ms = msp_clock_monotonic_ms();
    if (now_ms >= give_up_ms)
        return false;
    if (!msp_rate_lease_begin(gate->windows, counted->key, now_ms, 2 * PATIENCE_MS)) {
        (void)nanosleep(&(struct timespec){.tv_nsec = LOOK_AGAIN_NS}, NULL);
        return true;
    }
    return fetch_lease(gate, counted, lease_size(counted->policy));
}

/* Fills up what is nearly spent, unless somebody does already. A node never holds more than one
 * lease. What Redis says is for those who come next. */
static void lease_ahead(struct msp_rate_gate *gate, const struct counted *counted, int32_t left)
{
    int32_t size = lease_size(counted->policy);
    int32_t ahead = size / LEASE_AHEAD_SHARE;
    if (ahead < LEASE_AHEAD_LEAST || left > ahead || left == 0)
        return;
    if (msp_rate_lease_begin(gate->windows, counted->key, msp_clock_monotonic_ms(),
                             2 * PATIENCE_MS))
        (void)fetch_lease(gate, counted, size - left);
}

static enum msp_rate_outcome take(struct msp_rate_gate *gate, const struct counted *counted,
                                  struct msp_rate_state *out_state)
{
    int64_t give_up_ms = 0;
    bool shared = gate->redis != NULL;
    for (;;) {
        enum msp_rate_outcome outcome = msp_rate_take(gate->windows, counted->key, counted->policy,
                                                      shared, counted->now_seconds, out_state);
        if (outcome == MSP_RATE_TAKEN && shared)
            lease_ahead(gate, counted, out_state->granted_left);
        if (outcome != MSP_RATE_LEASE_WANTED)
            return outcome;
        if (give_up_ms == 0)
            give_up_ms = msp_clock_monotonic_ms() + PATIENCE_MS;
        shared = lease(gate, counted, give_up_ms);
    }
}

/* ---- passing ---- */

static bool is_tighter(const struct msp_rate_standing *standing, int left, int right)
{
    const struct msp_rate_state *a = &standing->states[left];
    const struct msp_rate_state *b = &standing->states[right];
    return a->remaining < b->remaining ||
           (a->remaining == b->remaining && a->reset_seconds > b->reset_seconds);
}

bool msp_rate_gate_pass(struct msp_rate_gate *gate, int64_t tenant_id,
                        enum msp_limit_class limit_class, const struct msp_rate_limits *limits,
                        struct msp_rate_standing *out)
{
    struct counted counted[MSP_RATE_POLICIES_MOST];
    int64_t now_seconds = msp_clock_unix_us() / 1000000;
    out->count = limits->classes[limit_class].count;
    out->tightest = 0;
    for (int i = 0; i < out->count; i++) {
        out->policies[i] = limits->classes[limit_class].policies[i];
        const struct msp_rate_policy *policy = &out->policies[i];
        counted[i] = (struct counted){tenant_id, limit_class, policy,
                                      key_of(tenant_id, limit_class, policy), now_seconds};
        if (take(gate, &counted[i], &out->states[i]) != MSP_RATE_TAKEN) {
            /* A refused request counts nowhere. */
            for (int before = 0; before < i; before++)
                msp_rate_give_back(gate->windows, counted[before].key, counted[before].policy,
                                   now_seconds);
            out->count = i + 1;
            out->tightest = i;
            out->retry_after_seconds = out->states[i].reset_seconds;
            return false;
        }
        if (is_tighter(out, i, out->tightest))
            out->tightest = i;
    }
    return true;
}
