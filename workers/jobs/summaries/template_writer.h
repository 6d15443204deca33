/*
 * The summary that needs no model: deterministic sentences out of the facts, in either language.
 * What is not known is said to be so, and so are days that are not complete.
 */
#ifndef MSP_JOBS_SUMMARIES_TEMPLATE_WRITER_H
#define MSP_JOBS_SUMMARIES_TEMPLATE_WRITER_H

#include "summary_text.h"

/* The same facts give the same bytes. MSP_NO_MEMORY only. */
enum msp_result msp_template_write(const struct msp_facts *facts, enum msp_language language,
                                   struct msp_arena *arena, struct msp_summary_text *out,
                                   struct msp_error *error) MSP_MUST_CHECK;

#endif
