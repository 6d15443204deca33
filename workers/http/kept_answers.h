/*
 * Answers of routes marked so carry an entity tag: a caller who has the answer is told just that.
 * Those of a tenant's data alone are kept for all workers of the node besides, and the same
 * question is answered from shared memory. Who takes gzip has answers, kept and tagged, of its own.
 */
#ifndef MSP_HTTP_KEPT_ANSWERS_H
#define MSP_HTTP_KEPT_ANSWERS_H

#include "msp/answer_cache.h"
#include "request.h"
#include "response.h"

/* Where this request's answer is kept; filled by msp_kept_answer_find. */
struct msp_kept_answer {
    bool wanted; /* whether to keep what the handler makes */
    bool tagged; /* whether to tag it, kept or not */
    bool gzip;   /* whether to pack it, if it is long */
    struct msp_answer_key key;
    int64_t until_unix_us;
    char query[MSP_ANSWER_TEXT_BYTES];
};

/* Before the handler: 200 or 304 with the response filled, or 0 to go on. */
int msp_kept_answer_find(const struct msp_request *request, struct msp_response *response,
                         struct msp_kept_answer *kept);

/* After the handler: tags and, where wanted, keeps an answer of status 200; returns the status to
 * send, 304 where the caller has this very answer. */
int msp_kept_answer_keep(const struct msp_request *request, struct msp_response *response,
                         const struct msp_kept_answer *kept, int status);

/* The present as answers know it: the start of the time an answer made now may be kept for. What is
 * told against it is the same in every answer of that time. */
int64_t msp_kept_answer_moment_us(void);

#endif
