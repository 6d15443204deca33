/*
 * The kinds of jobs: one row each. Executors know the row, never the kind. The lane here is that
 * of a parent's children; whoever inserts a job names the lane himself.
 */
#ifndef MSP_JOB_KINDS_H
#define MSP_JOB_KINDS_H

#include "job_run.h"
#include "msp/buffer.h"

struct msp_job_kind {
    const char *name;
    enum msp_job_lane lane;
    int max_attempts;    /* of retryable failures */
    int max_run_seconds; /* an attempt */
    /* The job of one tenant: appends its result, a JSON object, to `result`. */
    enum msp_result (*run)(struct msp_job_run *run, struct msp_buffer *result,
                           struct msp_error *error);
    /* The results of a parent's succeeded children as one. NULL: the kind is not offered over all
     * tenants. */
    enum msp_result (*collect)(const struct msp_job *children, size_t count,
                               struct msp_buffer *result, struct msp_error *error);
    bool is_global; /* concerns no tenant: `run` is called for a job of all of them, once */
};

/* NULL for a name that is in no row. */
const struct msp_job_kind *msp_job_kind_find(const char *name);

/* The rows in order; NULL behind the last. */
const struct msp_job_kind *msp_job_kind_at(size_t index);

/*
 * Joins what a parent's children made of their work. MSP_BROKEN "children_failed" if any failed,
 * its detail naming the tenants with their first error and what the others achieved.
 */
enum msp_result msp_job_kind_collect(const struct msp_job_kind *kind,
                                     const struct msp_job *children, size_t count,
                                     struct msp_buffer *result,
                                     struct msp_error *error) MSP_MUST_CHECK;

enum msp_result msp_kind_ingest_run(struct msp_job_run *run, struct msp_buffer *result,
                                    struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_kind_kpi_run(struct msp_job_run *run, struct msp_buffer *result,
                                 struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_kind_kpi_collect(const struct msp_job *children, size_t count,
                                     struct msp_buffer *result,
                                     struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_kind_export_run(struct msp_job_run *run, struct msp_buffer *result,
                                    struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_kind_export_collect(const struct msp_job *children, size_t count,
                                        struct msp_buffer *result,
                                        struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_kind_pipeline_run(struct msp_job_run *run, struct msp_buffer *result,
                                      struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_kind_pipeline_collect(const struct msp_job *children, size_t count,
                                          struct msp_buffer *result,
                                          struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_kind_summary_run(struct msp_job_run *run, struct msp_buffer *result,
                                     struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_kind_summary_collect(const struct msp_job *children, size_t count,
                                         struct msp_buffer *result,
                                         struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_kind_notification_run(struct msp_job_run *run, struct msp_buffer *result,
                                          struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_kind_sweep_run(struct msp_job_run *run, struct msp_buffer *result,
                                   struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_kind_erase_run(struct msp_job_run *run, struct msp_buffer *result,
                                   struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_kind_source_test_run(struct msp_job_run *run, struct msp_buffer *result,
                                         struct msp_error *error) MSP_MUST_CHECK;

#endif
