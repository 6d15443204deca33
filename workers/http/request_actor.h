/* Who a request's line in the audit log names. */
#ifndef MSP_HTTP_REQUEST_ACTOR_H
#define MSP_HTTP_REQUEST_ACTOR_H

#include "msp/audit_store.h"
#include "request.h"

/* The caller, from where, and the key of the chain; texts are the request's. */
struct msp_actor msp_request_actor(const struct msp_request *request);

/* Whether the row of the request's route says that it leaves a line. */
bool msp_request_is_audited(const struct msp_request *request);

#endif
