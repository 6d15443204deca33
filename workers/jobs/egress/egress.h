/*
 * Every call out of the program goes through here, and nothing else includes libcurl. A call is
 * bounded in time and size, goes to no address it may not reach, follows no redirect, knows no
 * proxy, cookie or netrc, stops when asked, and is logged with host, status, bytes and
 * milliseconds, never with its path, query, fields or body. Tries once: who may try again knows
 * what was sent.
 */
#ifndef MSP_EGRESS_H
#define MSP_EGRESS_H

#include "msp/buffer.h"
#include "msp/trace_id.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whose word the address is. */
enum msp_egress_owner {
    MSP_EGRESS_GIVEN, /* a caller's: EGRESS_ALLOW must name it, and it must lead to a public address
                         unless its entry says +private. No connection is kept. */
    MSP_EGRESS_OURS,  /* the operator's, from a setting: may lead anywhere; connections are kept */
    MSP_EGRESS_SOURCE, /* a tenant's ticket source, set by an admin: msp_egress_source_check lets it
                          through. Connections are kept, so each pull has a struct of its own. */
    MSP_EGRESS_OWNERS
};

/* The connections of one thread, those of each owner apart; not to be shared, and for
 * MSP_EGRESS_SOURCE not to be used for two tenants. */
struct msp_egress;

/* `allow` is EGRESS_ALLOW, copied. NULL without memory. */
struct msp_egress *msp_egress_new(const char *allow) MSP_MUST_CHECK;
void msp_egress_free(struct msp_egress *egress);

/*
 * The trace id (NULL or "" = none) that the calls from now on are part of: each carries a
 * traceparent with a span id of its own, and nobody else's. Signed calls carry none: libcurl signs
 * every field, and what stands on the way may write this one anew.
 */
void msp_egress_trace(struct msp_egress *egress, const char *trace);

/* Signs with AWS Signature Version 4 for service s3. The URL must be typed in its canonical form:
 * path encoded once, query encoded, sorted, with "=" after each name. */
struct msp_egress_s3_signer {
    const char *region, *access_key, *secret_key;
    const char *content_sha256; /* hex, of the whole body */
};

#define MSP_EGRESS_FIELD_BYTES 2048 /* with the NUL */

/* A field of the answer that the caller wants; `value` becomes "" when it did not come. Lines of
 * one name are joined by ", " (RFC 9110, 5.3); what does not fit makes the call fail. */
struct msp_egress_field {
    const char *name;
    char value[MSP_EGRESS_FIELD_BYTES];
};

struct msp_egress_request {
    enum msp_egress_owner owner;
    const char *purpose;                       /* a word for the log: "callback" */
    const char *method;                        /* "GET", "HEAD", "PUT", "POST", "DELETE" */
    const char *url;                           /* http or https */
    const char *const *fields;                 /* "Name: value", closed by NULL; NULL for none */
    const struct msp_egress_s3_signer *signer; /* NULL: unsigned */

    /* The body: `body`, or `read` called with places in it, which fills `size` bytes from
     * `offset` on or returns false. Both NULL: none. */
    const void *body;
    bool (*read)(void *context, int64_t offset, char *to, size_t size);
    int64_t body_bytes;

    /* The body of a 2xx answer goes to `sink` (false ends the call with MSP_CANCELLED); without
     * one, or with another status, it is kept in the response. Past `limit_bytes` the call fails;
     * 0 stands for 64 KiB, which also bounds what is kept beside a sink. */
    bool (*sink)(void *context, const char *bytes, size_t size);
    int64_t limit_bytes;
    struct msp_egress_field *wanted; /* fields of the answer to copy */
    size_t wanted_count;

    int64_t deadline_ms; /* of msp_clock_monotonic_ms; required */
    /* The other side may think for long before it answers: only the deadline bounds that. */
    bool is_patient;
    /* Asked several times a second; true ends the call with MSP_CANCELLED. NULL is fine. */
    bool (*should_stop)(void *context);
    void *context; /* of read, sink and should_stop */
};

struct msp_egress_response {
    int status; /* of the answer: any number the other side gave */
    int64_t sent_bytes, received_bytes;
    int64_t ms;
    struct msp_buffer body; /* without a sink */
};

struct msp_status_board;

/* Counts the calls of this process there, by purpose; before the first thread calls. */
void msp_egress_count_on(struct msp_status_board *board);

/*
 * Makes the call. MSP_OK means that an answer came, whatever its status. MSP_FORBIDDEN
 * "egress_refused" for an address that must not be reached, MSP_INVALID "url_malformed" or
 * "field_malformed", MSP_UNAVAILABLE "egress_unreachable", MSP_TIMED_OUT "egress_timed_out",
 * MSP_TOO_LARGE "egress_too_large", MSP_CANCELLED "stopping", MSP_BROKEN "body_unreadable"
 * (`read` said so). The details name the host at most. On MSP_OK the caller calls
 * msp_egress_response_done.
 */
enum msp_result msp_egress_call(struct msp_egress *egress, const struct msp_egress_request *request,
                                struct msp_egress_response *out,
                                struct msp_error *error) MSP_MUST_CHECK;
void msp_egress_response_done(struct msp_egress_response *response);

/* A letter to be sent by SMTP; the server is always the operator's own. */
struct msp_egress_mail {
    const char *url;             /* smtp://host:port (STARTTLS) or smtps://host:port */
    const char *user, *password; /* NULL or "": without signing in */
    bool require_tls;            /* smtp:// without STARTTLS fails */
    const char *from;            /* address alone */
    const char *const *to;       /* addresses alone, closed by NULL */
    const char *message;         /* RFC 5322: header, empty line, text; lines end with CRLF */
    int64_t deadline_ms;
    bool (*should_stop)(void *context);
    void *context;
};

/*
 * MSP_OK: the server took it for every recipient. MSP_INVALID "mail_refused" when it said 5xx,
 * MSP_UNAVAILABLE "mail_deferred" when it said 4xx; the rest as in msp_egress_call.
 */
enum msp_result msp_egress_send_mail(struct msp_egress *egress, const struct msp_egress_mail *mail,
                                     struct msp_error *error) MSP_MUST_CHECK;

#endif
