/*
 * Signing in to Autotask: finds the zone of the MSP's data, holds it to the maker's domain, and
 * reads what is left of the quota that all of the MSP's tools share.
 */
#ifndef MSP_AUTOTASK_ZONE_H
#define MSP_AUTOTASK_ZONE_H

#include "msp/egress_allow.h"
#include "sources/source_call.h"

/* The zone's address without a "/" at its end. */
struct msp_autotask_zone {
    char url[MSP_EGRESS_URL_BYTES];
};

/* *out is a session of the zone, signed in. The credentials are sent nowhere else. */
enum msp_result msp_autotask_sign_in(const struct msp_source_order *order, int64_t deadline_ms,
                                     struct msp_source_session **out,
                                     struct msp_autotask_zone *out_zone,
                                     struct msp_error *error) MSP_MUST_CHECK;

#endif
