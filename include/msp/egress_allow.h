/*
 * EGRESS_ALLOW: the hosts that an address given to us by somebody else may name. Entries are
 * `[scheme://]host[:port]`, separated by commas or blanks; the scheme is https unless it says
 * otherwise, the port that of the scheme. `*.example.com` covers every name below example.com, not
 * example.com itself. `+private` at the end of an entry permits plain http, address literals and
 * private addresses for exactly that scheme, host and port. An empty list allows nothing. Resolves
 * no names: where a name leads is looked at when the call is made (workers/jobs/egress).
 */
#ifndef MSP_EGRESS_ALLOW_H
#define MSP_EGRESS_ALLOW_H

#include "msp/result.h"

#include <stdbool.h>
#include <stddef.h>

#define MSP_EGRESS_URL_BYTES  2048 /* with the NUL */
#define MSP_EGRESS_HOST_BYTES 254

/* An http or https address, read more strictly than RFC 3986 so that nobody reads it otherwise:
 * no user, no fragment, no IPv6 literal, no blank, no number in a guise (0x7f.1, 2130706433). */
struct msp_egress_url {
    bool is_https;
    bool is_address;                  /* the host is an IPv4 address in its usual form */
    char host[MSP_EGRESS_HOST_BYTES]; /* lower case */
    int port;
    const char *rest; /* path and query inside the text read; "" if there is none */
};

/* MSP_INVALID "url_malformed" with a sentence that names the fault but never the address, which
 * may hold a secret. */
enum msp_result msp_egress_url_parse(const char *url, struct msp_egress_url *out,
                                     struct msp_error *error) MSP_MUST_CHECK;

/* How far an allowed address may lead. */
enum msp_egress_reach {
    MSP_EGRESS_PUBLIC,  /* by https, to public addresses */
    MSP_EGRESS_PRIVATE, /* wherever it leads: an entry with +private names it */
};

/*
 * Whether `list` lets a call go to `url`. MSP_INVALID "url_malformed", or MSP_FORBIDDEN
 * "egress_refused" with a sentence that says what to add to EGRESS_ALLOW. Safe at the door of an
 * HTTP worker: touches neither network nor files.
 */
enum msp_result msp_egress_allow_check(const char *list, const char *url,
                                       enum msp_egress_reach *out_reach,
                                       struct msp_error *error) MSP_MUST_CHECK;

/*
 * Whether a ticket source may lie at `url`, which an admin has set: by https at any host name, on
 * port 443 or one from 1024 on, to public addresses; anything else only by an entry of `list`, as
 * in msp_egress_allow_check.
 */
enum msp_result msp_egress_source_check(const char *list, const char *url,
                                        enum msp_egress_reach *out_reach,
                                        struct msp_error *error) MSP_MUST_CHECK;

/* Whether every entry can be read. If not, *out_bad and *out_bad_length show the first at fault,
 * inside `list`, and *out_reason what is wrong with it (static storage). */
bool msp_egress_allow_is_valid(const char *list, const char **out_bad, size_t *out_bad_length,
                               const char **out_reason) MSP_MUST_CHECK;

#endif
