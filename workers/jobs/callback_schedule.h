/* What an answer to a callback means, and when to try again. Touches nothing. */
#ifndef MSP_CALLBACK_SCHEDULE_H
#define MSP_CALLBACK_SCHEDULE_H

#include "msp/callback_store.h"

/* One try and what is known of those before. */
struct msp_callback_try {
    enum msp_result result;      /* of the call; MSP_OK: an answer came */
    int status;                  /* of the answer */
    int64_t retry_after_seconds; /* as the answer says; 0 = it does not */
    int failures, conflicts;     /* of the tries before */
    int64_t age_ms;              /* since the job's end */
};

/*
 * 2xx and 410 are taken; so is 409 after about a minute of short steps, since a receiver that says
 * so has the callback already or does not want it. 404, 408, 429, 5xx and whatever kept an answer
 * from coming are tried again for 24 hours after the job's end. The rest fails for good.
 */
enum msp_callback_verdict msp_callback_judge(const struct msp_callback_try *tried,
                                             struct msp_callback_outcome *out);

#endif
