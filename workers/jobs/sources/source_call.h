/*
 * One HTTP call to a ticket system and its JSON answer, with what is the same for all of them: the
 * egress guard, the request budget, a few quick tries over faults that pass, bounds on size and
 * depth, and errors in words a sysadmin can act on. Never follows a redirect.
 */
#ifndef MSP_SOURCE_CALL_H
#define MSP_SOURCE_CALL_H

#include "egress/egress.h"
#include "msp/buffer.h"
#include "sources/source.h"
#include "sources/source_budget.h"

/* The connections and the share of one reader. */
struct msp_source_session;

/*
 * `base_url` is where every call goes: an address of another origin is refused, wherever it came
 * from. The option requests_per_minute is the most we call, `usual_per_minute` where it is not set;
 * the source's own word makes it less. 0: no bound but what the source answers. MSP_INVALID for an
 * address that no source may have (msp_egress_source_check).
 */
enum msp_result msp_source_session_new(const struct msp_source_order *order, const char *base_url,
                                       int64_t usual_per_minute, struct msp_source_session **out,
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

struct msp_source_call {
    const char *method; /* "GET" or "POST" */
    const char *target; /* path and query below base_url ("/api/v1/tickets?page=2"), or a whole
                           address of the same origin as one the source gave us */
    const char *body;   /* NULL: none */
    const char *content_type;        /* of the body; NULL: application/json */
    struct msp_egress_field *wanted; /* fields of the answer to copy, at most 4 */
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
 * tries), MSP_TOO_LARGE, MSP_BROKEN "source_answer_malformed" (no JSON, also at the third try),
 * MSP_FORBIDDEN "source_link_refused" (a target of another origin), and those of msp_egress_call.
 * Texts of the answer are valid UTF-8 without NUL, whatever came.
 */
enum msp_result msp_source_fetch(struct msp_source_session *session,
                                 const struct msp_source_call *call, int64_t deadline_ms,
                                 json_t **out, int *out_status,
                                 struct msp_error *error) MSP_MUST_CHECK;

/* What the source's clock shows: ours, moved by what the Date of its last answer was ahead or
 * behind. */
int64_t msp_source_clock_us(const struct msp_source_session *session);

/* What the source tells of its quotas elsewhere than in the fields of its answers. */
void msp_source_learn(struct msp_source_session *session, const struct msp_source_quota *quota);

/* Appends `text` percent-encoded for a query's value (RFC 3986 unreserved characters stay). */
enum msp_result msp_source_append_encoded(struct msp_buffer *target, const char *text,
                                          struct msp_error *error) MSP_MUST_CHECK;

/* The address of `Link: <…>; rel="next"` (RFC 8288), false if there is none or it does not fit. */
bool msp_source_next_link(const char *link_field, char *out, size_t size);

/* MSP_BROKEN "source_answer_malformed", for an answer that is JSON but not what it should be:
 * "the list of tickets" is not an array. */
enum msp_result msp_source_malformed(const struct msp_source_session *session, const char *what,
                                     struct msp_error *error);

/* An option or secret as a text; `fallback` when it is not there. */
const char *msp_source_text(const json_t *object, const char *name, const char *fallback);
int64_t msp_source_number(const json_t *object, const char *name, int64_t fallback);

#endif
