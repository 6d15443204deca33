/*
 * How many calls a ticket system gets from us. One budget a tenant's source, shared by all pulls
 * of it in the process: calls are spread evenly instead of coming in bursts, and of a quota that we
 * share with the MSP's other tools we take 30 % at most, also of what is left of it. Waits for
 * nobody: it says when the next call may be made. Times are of msp_clock_monotonic_ms.
 */
#ifndef MSP_SOURCE_BUDGET_H
#define MSP_SOURCE_BUDGET_H

#include "msp/result.h"

#include <stdbool.h>
#include <stdint.h>

#define MSP_SOURCE_SHARE_PERCENT 30

/* All budgets of a process. Any thread. */
struct msp_source_budgets;
struct msp_source_budget;

struct msp_source_budgets *msp_source_budgets_new(void) MSP_MUST_CHECK; /* NULL without memory */
void msp_source_budgets_free(struct msp_source_budgets *budgets);       /* NULL is fine */

/* The budget of that key, which outlives those who use it. NULL without memory. */
struct msp_source_budget *msp_source_budget_take(struct msp_source_budgets *budgets,
                                                 const char *key) MSP_MUST_CHECK;
void msp_source_budget_give_back(struct msp_source_budgets *budgets,
                                 struct msp_source_budget *budget); /* NULL is fine */

/* Our own bound, as its admin set it; 0: none. */
void msp_source_budget_bound(struct msp_source_budget *budget, int64_t requests_per_minute);

/*
 * Reserves the next call. *out_at_ms is when it may be made. False, and nothing is reserved, if
 * that lies behind `deadline_ms`.
 */
bool msp_source_budget_reserve(struct msp_source_budget *budget, int64_t now_ms,
                               int64_t deadline_ms, int64_t *out_at_ms);

/* Whether a call reserved for now may still be made: nobody was told to slow down meanwhile. */
bool msp_source_budget_holds(struct msp_source_budget *budget, int64_t now_ms);

/* A quota that the source told of. What is not known is -1. */
struct msp_source_quota {
    char name[40]; /* which of its quotas: each is kept apart */
    int64_t limit; /* calls a window */
    int64_t remaining;
    int64_t window_seconds;
    int64_t reset_seconds; /* until remaining becomes limit again */
    bool is_ours_alone;    /* nobody else spends it: all of it may be used */
};
void msp_source_budget_learn(struct msp_source_budget *budget, const struct msp_source_quota *quota,
                             int64_t now_ms);

/* The source refused a call (429): no other for `retry_after_seconds`, and slower ones then. 0: it
 * did not say how long, then a time that doubles with each refusal in a row. */
void msp_source_budget_refused(struct msp_source_budget *budget, int64_t retry_after_seconds,
                               int64_t now_ms);
void msp_source_budget_served(struct msp_source_budget *budget);

/* Until when no call may be made; a past moment if one may. */
int64_t msp_source_budget_free_at_ms(struct msp_source_budget *budget);

#endif
