/*
 * Holds requests to the limits of their class, for each tenant apart: in shared memory alone, or,
 * with Redis, together with the other nodes by leases. A Redis that does not answer costs one
 * bounded wait now and then and refuses nobody: the node then counts alone.
 */
#ifndef MSP_HTTP_RATE_GATE_H
#define MSP_HTTP_RATE_GATE_H

#include "msp/rate_limits.h"

struct msp_rate_gate;

/* `redis_url` may be "". The windows must outlive the gate. */
enum msp_result msp_rate_gate_new(struct msp_rate_windows *windows, const char *redis_url,
                                  struct msp_rate_gate **out,
                                  struct msp_error *error) MSP_MUST_CHECK;
void msp_rate_gate_free(struct msp_rate_gate *gate);

/* How a class stands after a request was counted, or refused. */
struct msp_rate_standing {
    int count; /* 0 = the class has no limit */
    struct msp_rate_policy policies[MSP_RATE_POLICIES_MOST];
    struct msp_rate_state states[MSP_RATE_POLICIES_MOST];
    int tightest;            /* the policy with the least left */
    int retry_after_seconds; /* of a refused request */
};

/* Counts a request of the tenant (0 = of none); false: it is over a limit. Any thread. */
bool msp_rate_gate_pass(struct msp_rate_gate *gate, int64_t tenant_id,
                        enum msp_limit_class limit_class, const struct msp_rate_limits *limits,
                        struct msp_rate_standing *out);

#endif
