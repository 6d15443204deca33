/*
 * A summary by the language model: asks within the tenant's tokens of the month, and hands out
 * only a text that was found true.
 */
#ifndef MSP_JOBS_SUMMARIES_MODEL_WRITER_H
#define MSP_JOBS_SUMMARIES_MODEL_WRITER_H

#include "job_run.h"
#include "summaries/summary_text.h"

/*
 * On failure `error` says why there is no text of the model: what msp_model_ask and msp_text_check
 * say of the last one, or "budget_spent". *out_tokens, set on every outcome, is what the month's
 * count is still to change by: used less reserved.
 */
enum msp_result msp_model_write(struct msp_job_run *run, const struct msp_facts *facts,
                                enum msp_language language, struct msp_summary_text *out,
                                int64_t *out_tokens, struct msp_error *error) MSP_MUST_CHECK;

#endif
