/*
 * Asks the Claude API for a text. Tries again what is worth trying again, as long as it is told to
 * wait and no longer than its deadline. Knows nothing of summaries or budgets.
 */
#ifndef MSP_JOBS_SUMMARIES_MODEL_CLIENT_H
#define MSP_JOBS_SUMMARIES_MODEL_CLIENT_H

#include "egress/egress.h"
#include "job_run.h"
#include "summaries/model_message.h"

/*
 * Sends the request (msp_model_request_write) and reads the answer. MSP_CANCELLED or MSP_CONFLICT
 * as msp_job_run_check says when the work should be dropped; any other failure means that there
 * will be no text, with a code and a sentence for people: "model_rate_limited", "model_overloaded",
 * "model_unavailable", "model_timed_out", "model_refused" (the key or the request) and those of
 * msp_model_reply_read. out->tokens is set on every outcome: 0 where nothing was written for us,
 * -1 where nobody told how many were.
 */
enum msp_result msp_model_ask(struct msp_job_run *run, struct msp_egress *egress,
                              const struct msp_buffer *request, int64_t deadline_ms,
                              struct msp_model_reply *out, struct msp_error *error) MSP_MUST_CHECK;

/* The address of the endpoint below `base`, which may end with it already; NULL without memory. */
const char *msp_model_url(struct msp_arena *arena, const char *base) MSP_MUST_CHECK;

#endif
