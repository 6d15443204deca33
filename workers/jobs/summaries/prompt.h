/*
 * What the model is told: the same rules for everybody (so that the other side can keep them), then
 * one tenant's facts. No ticket's text is in it, and names that came with tickets only cleaned and
 * fenced.
 */
#ifndef MSP_JOBS_SUMMARIES_PROMPT_H
#define MSP_JOBS_SUMMARIES_PROMPT_H

#include "msp/buffer.h"
#include "summaries/facts.h"

void msp_prompt_write_rules(struct msp_buffer *out);
void msp_prompt_write_facts(const struct msp_facts *facts, enum msp_language language,
                            struct msp_buffer *out);

/* What is said to a text that was refused. */
void msp_prompt_write_refusal(const char *reason, struct msp_buffer *out);

#endif
