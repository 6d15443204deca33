/* The part of an address that says whom to call, shared by whole URLs and entries of EGRESS_ALLOW.
 */
#ifndef MSP_EGRESS_URL_H
#define MSP_EGRESS_URL_H

#include "msp/egress_allow.h"

/* Reads "scheme://" if it is there and moves *text behind it; https otherwise. False for a scheme
 * that is neither http nor https. */
bool egress_scheme_read(const char **text, const char *end, bool *out_given, bool *out_is_https);

/*
 * Reads "host[:port]" from `text` to `end`. On failure *out_reason gets what is wrong, as the rest
 * of a sentence that begins with "it".
 */
bool egress_authority_read(const char *text, const char *end, struct msp_egress_url *out,
                           const char **out_reason);

#endif
