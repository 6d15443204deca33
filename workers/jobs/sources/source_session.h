/* What source_call.c and source_session.c know of a session; nobody else does. */
#ifndef MSP_SOURCE_SESSION_H
#define MSP_SOURCE_SESSION_H

#include "msp/egress_allow.h"
#include "sources/rate_fields.h"
#include "sources/source_call.h"

#define MSP_SESSION_FIELDS 8 /* sent with every call */
#define MSP_CALL_WANTED    4 /* fields of the answer a caller may want */

struct msp_source_session {
    struct msp_egress *egress;
    struct msp_source_budgets *own_budgets; /* where the order brought none */
    struct msp_source_budgets *budgets;
    struct msp_source_budget *budget;
    bool (*should_stop)(void *context);
    void *context;
    int64_t ahead_us;                    /* the source's clock before ours; less than 0: behind */
    int64_t *retry_after_seconds;        /* the order's; may be NULL */
    char base_url[MSP_EGRESS_URL_BYTES]; /* without a "/" at its end */
    struct msp_egress_url base;          /* its `rest` is not to be used */
    char *fields[MSP_SESSION_FIELDS];
    size_t field_count;
    /* Where the fields of an answer are copied to: those of quotas, Retry-After, Content-Type,
     * Date and the caller's. */
    struct msp_egress_field wanted[MSP_RATE_FIELDS + 3 + MSP_CALL_WANTED];
};

/* The whole address of a target; MSP_FORBIDDEN "source_link_refused" for one of another origin. */
enum msp_result msp_source_session_address(const struct msp_source_session *session,
                                           const char *target, char out[MSP_EGRESS_URL_BYTES],
                                           struct msp_error *error) MSP_MUST_CHECK;

#endif
