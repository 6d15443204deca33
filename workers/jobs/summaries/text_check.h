/*
 * A model's text against the facts it cites: what cannot be shown to be true is refused.
 *
 * A citation is "[f12]" or "[f1,f7]" and stands right behind the claim it backs: it backs the words
 * since the citation before it in the same sentence. Every number, day, length of time and word of
 * direction or comparison of those words must follow from the facts cited there, at the rounding
 * at which it is written, with the metric, period, member and unit that the words name.
 */
#ifndef MSP_JOBS_SUMMARIES_TEXT_CHECK_H
#define MSP_JOBS_SUMMARIES_TEXT_CHECK_H

#include "summary_text.h"

#define MSP_TEXT_CHECK_MAX_BYTES     16384
#define MSP_TEXT_CHECK_MAX_SENTENCES 120

/* What a model has to be told to write a text that passes: English, plain text, for the system
 * prompt. */
extern const char msp_text_check_rules[];

/*
 * `text` is untrusted. MSP_OK: *out holds the text without its citations, sentence by sentence.
 * MSP_INVALID: error->code is a stable word ("text_number", "text_direction", …) and error->detail
 * names the words at fault and the reason, in a sentence that can be given back to the model.
 * Bounded: linear in the text for a bounded number of facts; no recursion.
 */
enum msp_result msp_text_check(const struct msp_facts *facts, enum msp_language language,
                               const char *text, size_t length, struct msp_arena *arena,
                               struct msp_summary_text *out,
                               struct msp_error *error) MSP_MUST_CHECK;

#endif
