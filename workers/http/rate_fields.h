/* How a caller is told of the limits it is held to. */
#ifndef MSP_HTTP_RATE_FIELDS_H
#define MSP_HTTP_RATE_FIELDS_H

#include "rate_gate.h"
#include "response.h"

/*
 * Adds RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-10): every policy of
 * the class, and how the tightest stands. Nothing for a class without a limit.
 */
void msp_rate_fields_write(enum msp_limit_class limit_class,
                           const struct msp_rate_standing *standing, struct msp_response *response);

#endif
