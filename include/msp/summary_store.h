/*
 * Written summaries, and the tokens of the language model that they may use. A summary belongs to
 * the job that wrote it: one a job, however often it is tried. It names no technician, so that
 * every role of the tenant may read all of it.
 */
#ifndef MSP_SUMMARY_STORE_H
#define MSP_SUMMARY_STORE_H

#include "msp/arena.h"
#include "msp/db.h"
#include "msp/job_message.h"
#include "msp/kpi_store.h"

/* Texts are borrowed by msp_summary_save and live in the arena where a summary is read. */
struct msp_summary {
    char id[MSP_JOB_ID_BYTES]; /* out, as are the next two */
    char job_id[MSP_JOB_ID_BYTES];
    int64_t created_us;
    int32_t from, to; /* inclusive */
    int32_t previous_from, previous_to;
    const char *language;  /* "en" or "fr" */
    const char *text;      /* plain, paragraphs parted by an empty line */
    const char *sentences; /* JSON array; NULL in a list */
    const char *facts;     /* JSON array; NULL in a list */
    const char *model;     /* the name of the model that wrote it; NULL: the template writer did */
    /* Why no model wrote it: a word and a sentence; NULL where one did. */
    const char *not_by_model, *not_by_model_detail;
    int32_t complete_through; /* MSP_NO_DAY */
    int64_t data_as_of_us;    /* MSP_NO_TIME */
};

/* The summary that the job has written already: *out_found says whether there is one. */
enum msp_result msp_summary_of_job(struct msp_db *db, int64_t tenant_id, const char *job_id,
                                   int64_t deadline_ms, bool *out_found,
                                   char out_id[MSP_JOB_ID_BYTES],
                                   struct msp_error *error) MSP_MUST_CHECK;

/*
 * Counts `tokens` for the tenant's month unless they would pass `budget`; *out_granted says which.
 * Whoever made the call says with the summary what it took in truth.
 */
enum msp_result msp_summary_reserve_tokens(struct msp_db *db, int64_t tenant_id,
                                           const struct msp_fence *fence, int64_t tokens,
                                           int64_t budget, int64_t deadline_ms, bool *out_granted,
                                           struct msp_error *error) MSP_MUST_CHECK;

/* Writes the summary and adds `tokens`, used less reserved, to the month, in one transaction. */
enum msp_result msp_summary_save(struct msp_db *db, int64_t tenant_id,
                                 const struct msp_fence *fence, const struct msp_summary *summary,
                                 int64_t tokens, int64_t deadline_ms, char out_id[MSP_JOB_ID_BYTES],
                                 struct msp_error *error) MSP_MUST_CHECK;

/* MSP_NOT_FOUND for unknown, foreign and malformed ids alike. */
enum msp_result msp_summary_get(struct msp_db *db, int64_t tenant_id, const char *id,
                                struct msp_arena *arena, int64_t deadline_ms,
                                struct msp_summary *out, struct msp_error *error) MSP_MUST_CHECK;

/* Newest first, those before the one created at `before_us` under `before_id`; MSP_NO_TIME to
 * start. */
enum msp_result msp_summary_list(struct msp_db *db, int64_t tenant_id, int64_t before_us,
                                 const char *before_id, int limit, struct msp_arena *arena,
                                 int64_t deadline_ms, struct msp_summary **out_summaries,
                                 size_t *out_count, struct msp_error *error) MSP_MUST_CHECK;

#endif
