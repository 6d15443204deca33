/* Chooses what an attempt does; how it is claimed and ended is the executor's. */
#include "job_work.h"

/* A parent's second visit: its children have ended. */
static enum msp_result collect_children(const struct msp_job_run *run,
                                        const struct msp_job_kind *kind, struct msp_buffer *result,
                                        struct msp_error *error)
{
    struct msp_job *children;
    size_t count;
    enum msp_result outcome = msp_job_children(run->db, run->job->id, run->arena, run->deadline_ms,
                                               &children, &count, error);
    return outcome == MSP_OK ? msp_job_kind_collect(kind, children, count, result, error) : outcome;
}

static enum msp_result do_work(struct msp_job_run *run, const struct msp_job_kind *kind,
                               struct msp_buffer *result, bool *out_parked, struct msp_error *error)
{
    if (kind == NULL) {
        return msp_fail(error, MSP_INVALID, "job_kind_unknown",
                        "This server knows no jobs of kind \"%s\".", run->job->kind);
    }
    enum msp_result outcome = msp_job_run_check(run, error);
    if (outcome != MSP_OK) {
        return outcome;
    }
    if (run->job->tenant_id != 0 || kind->is_global) {
        outcome = kind->run(run, result, error);
        *out_parked = run->parked;
        return outcome;
    }
    if (kind->collect == NULL) {
        return msp_fail(error, MSP_INVALID, "tenant_required",
                        "A job of kind \"%s\" is for one tenant; name it.", kind->name);
    }
    if (run->job->children_ended) {
        return collect_children(run, kind, result, error);
    }
    outcome = msp_job_fan_out(run->db, &run->fence, kind->lane, run->deadline_ms, error);
    *out_parked = outcome == MSP_OK;
    return outcome;
}

/* A statement that was stopped says so; why it was stopped is known here. */
static enum msp_result explain(const struct msp_job_run *run, enum msp_result outcome,
                               struct msp_error *error)
{
    return outcome == MSP_OK || !msp_job_run_should_stop(run) ? outcome
                                                              : msp_job_run_check(run, error);
}

enum msp_result msp_job_work(struct msp_job_run *run, const struct msp_job_kind *kind,
                             struct msp_buffer *result, bool *out_parked, struct msp_error *error)
{
    return explain(run, do_work(run, kind, result, out_parked, error), error);
}
