/*
 * What servers say of their quotas in the fields of an answer: RateLimit and RateLimit-Policy
 * (draft-ietf-httpapi-ratelimit-headers, its older forms too, and the Beta- ones of Atlassian),
 * X-RateLimit-*, and the names that single makers gave them.
 */
#ifndef MSP_RATE_FIELDS_H
#define MSP_RATE_FIELDS_H

#include "egress/egress.h"
#include "sources/source_budget.h"

#define MSP_RATE_FIELDS 16
#define MSP_RATE_QUOTAS 12

/* The fields that are read, closed by NULL. */
extern const char *const msp_rate_field_names[MSP_RATE_FIELDS + 1];

/* The quotas that `fields` tell of; those that cannot be read are left out. `fields` are in the
 * order of msp_rate_field_names. */
size_t msp_rate_fields_read(const struct msp_egress_field fields[MSP_RATE_FIELDS],
                            int64_t unix_seconds, struct msp_source_quota out[MSP_RATE_QUOTAS]);

#endif
