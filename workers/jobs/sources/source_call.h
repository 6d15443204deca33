/*
 * One HTTP call to a ticket system and its JSON answer, with what is the same for all of them: the
 * egress guard, the request budget, a few quick tries over faults that pass, bounds on size and
 * depth, and errors in words a sysadmin can act on. Never follows a redirect.
 */
#ifndef MSP_SOURCE_CALL_H
#define MSP_SOURCE_CALL_H

#include "msp/buffer.h"
#include "sources/source.h"

#define MSP_SOURCE_FIELD_BYTES 2048

/* The connections and the share of one reader. */
struct msp_source_session;

/*
 * `base_url` is where every call goes: an address of another origin is refused, wherever it came
 * from. `requests_per_minute` is our share where the source does not say better itself; 0: no
 * bound but what it answers.
 */
enum msp_result msp_source_session_new(const struct msp_source_order *order, const char *base_url,
                                       int requests_per_minute, struct msp_source_session **out,
                                       struct msp_error *error) MSP_MUST_CHECK;
void msp_source_session_free(struct msp_source_session *session); /* NULL is fine */

/* Sent with every call from now on: "Authorization: …". Copied; one of the same name is replaced.
 * MSP_INVALID if it holds a control character. */
enum msp_result msp_source_session_field(struct msp_source_session *session, const char *field,
                                         struct msp_error *error) MSP_MUST_CHECK;

/* "Authorization: Basic …" of user and password. */
enum msp_result msp_source_session_basic(struct msp_source_session *session, const char *user,
                                         const char *password,
                                         struct msp_error *error) MSP_MUST_CHECK;

/* A field of the answer; `value` becomes "" when it did not come. */
struct msp_source_field {
    const char *name;
    char value[MSP_SOURCE_FIELD_BYTES];
};

struct msp_source_call {
    const char *method; /* "GET" or "POST" */
    const char *target; /* path and query below base_url ("/api/v1/tickets?page=2"), or a whole
                           address of the same origin as one the source gave us */
    const char *body;   /* NULL: none */
    const char *content_type;        /* of the body; NULL: application/json */
    struct msp_source_field *wanted; /* fields of the answer to copy */
    size_t wanted_count;
    bool is_question; /* a POST that changes nothing, which may be tried again */
    int also_status;  /* another status than 2xx that the caller reads itself; 0: none */
};

/*
 * Calls, waiting for the budget first. *out is a new reference (NULL for an empty body) and
 * *out_status the status. Failures: MSP_FORBIDDEN "source_credentials_refused" (401, 403),
 * MSP_NOT_FOUND "source_address_wrong" (404, a redirect, an answer that is no JSON),
 * MSP_INVALID "source_refused_question" (another 4xx, with the source's own words, bounded and
 * printable), MSP_BUSY "source_rate_limited", MSP_UNAVAILABLE "source_failing" (5xx after three
 * tries), MSP_TOO_LARGE, MSP_BROKEN "source_answer_malformed", and those of msp_egress_call.
 */
enum msp_result msp_source_fetch(struct msp_source_session *session,
                                 const struct msp_source_call *call, int64_t deadline_ms,
                                 json_t **out, int *out_status,
                                 struct msp_error *error) MSP_MUST_CHECK;

/* After MSP_BUSY: seconds until another call is allowed, at least 1. */
int64_t msp_source_retry_after_seconds(const struct msp_source_session *session);

/* Appends `text` percent-encoded for a query's value (RFC 3986 unreserved characters stay). */
enum msp_result msp_source_append_encoded(struct msp_buffer *target, const char *text,
                                          struct msp_error *error) MSP_MUST_CHECK;

/* The address of `Link: <…>; rel="next"` (RFC 8288), false if there is none or it does not fit. */
bool msp_source_next_link(const char *link_field, char *out, size_t size);

/* An option or secret as a text; `fallback` when it is not there. */
const char *msp_source_text(const json_t *object, const char *name, const char *fallback);
int64_t msp_source_number(const json_t *object, const char *name, int64_t fallback);

#endif
