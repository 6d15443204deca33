/* A finished summary: its text without citations, and which facts each sentence stands on. */
#ifndef MSP_JOBS_SUMMARIES_SUMMARY_TEXT_H
#define MSP_JOBS_SUMMARIES_SUMMARY_TEXT_H

#include "facts.h"

struct msp_summary_sentence {
    const char *text; /* one sentence, no citation, no line break */
    size_t paragraph; /* from 0 */
    const struct msp_fact **facts;
    size_t fact_count; /* 0 for a sentence that claims nothing */
};

/* Everything lives in the arena that the writer or the check was given; `facts` of the sentences
 * point into the msp_facts. */
struct msp_summary_text {
    const char *text; /* plain UTF-8: sentences with a space between, paragraphs with "\n\n" */
    struct msp_summary_sentence *sentences;
    size_t sentence_count;
};

/* Puts the sentences' texts together into out->text; MSP_NO_MEMORY. */
enum msp_result msp_summary_text_join(struct msp_summary_text *out, struct msp_arena *arena,
                                      struct msp_error *error) MSP_MUST_CHECK;

/* An array: [{"paragraph": 0, "text": "…", "facts": ["f9", "f11"]}]. */
void msp_summary_text_write_json(struct msp_json_writer *writer,
                                 const struct msp_summary_text *text);

#endif
