/*
 * Writes a summary out of facts: by the model if there is one, the tenant has tokens left and what
 * it writes is true; else by template. Stores nothing but the count of tokens.
 */
#ifndef MSP_JOBS_SUMMARIES_SUMMARY_WRITER_H
#define MSP_JOBS_SUMMARIES_SUMMARY_WRITER_H

#include "job_run.h"
#include "summaries/summary_text.h"

struct msp_written {
    struct msp_summary_text text;
    const char *model;       /* that wrote it; NULL = the template writer did */
    struct msp_error reason; /* where it did: why, code and detail */
    int64_t tokens;          /* used less reserved: what the month's count is still to change by */
};

/* MSP_CANCELLED, MSP_CONFLICT or MSP_NO_MEMORY where there is none at all. Texts live in the run's
 * arena. */
enum msp_result msp_summary_write(struct msp_job_run *run, const struct msp_facts *facts,
                                  enum msp_language language, struct msp_written *out,
                                  struct msp_error *error) MSP_MUST_CHECK;

#endif
