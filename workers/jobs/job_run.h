/*
 * One attempt at one job, as the functions of a kind see it: the job, what they may use, how
 * long they may take, and how they tell of their progress. Lives on the executor's stack.
 */
#ifndef MSP_JOB_RUN_H
#define MSP_JOB_RUN_H

#include "job_events.h"
#include "msp/arena.h"
#include "msp/db.h"
#include "msp/job_store.h"
#include "msp/json_reader.h"
#include "msp/settings.h"
#include "msp/tenant_cache.h"
#include "sources/source_budget.h"

#include <stdatomic.h>
#include <stdbool.h>

/* What jobs store about themselves is our own writing, but no reason to read it without a bound. */
extern const struct msp_json_limits msp_job_json_limits;

/* Why an attempt that runs shall stop, other than time and the end of the process. */
enum msp_job_interruption {
    MSP_NOT_INTERRUPTED,
    MSP_INTERRUPTED_CANCELLED, /* somebody cancelled the job */
    MSP_INTERRUPTED_LOST,      /* the job is no longer ours */
};

#define MSP_NOTHING_TOLD (-1)

struct msp_job_run {
    const struct msp_job *job;
    const struct msp_settings *settings;
    const struct msp_tenant_cache *tenants;
    struct msp_db *db; /* this attempt's own; role msp_jobs */
    struct msp_arena *arena;
    struct msp_fence fence;
    int64_t deadline_ms; /* the longest this kind may run */
    const atomic_bool *stopping;
    atomic_llong *told_done; /* what msp_job_run_tell said last, < 0 = nothing since the row */
    const atomic_int *interruption; /* enum msp_job_interruption; set by other threads */
    struct msp_job_events *events;
    struct msp_source_budgets *budgets; /* of calls to ticket sources, the process's */
    bool queued_more;                   /* set by a kind that inserted a job */
    bool parked;  /* set by a kind whose job waits for a child (msp_job_step) */
    bool put_off; /* by msp_job_run_put_off */
    int put_off_seconds;
    int64_t progress_written_ms; /* 0 = never */
    int64_t progress_told_ms;
    char stage[64];
};

/* Whether the work should be dropped: the process is leaving, the job was cancelled or lost, or the
 * kind's time is over. Asks nobody. */
bool msp_job_run_should_stop(const struct msp_job_run *run);

/* MSP_CANCELLED, MSP_TIMED_OUT or MSP_CONFLICT "job_lost" when msp_job_run_should_stop, with a
 * sentence; else MSP_OK. */
enum msp_result msp_job_run_check(const struct msp_job_run *run,
                                  struct msp_error *error) MSP_MUST_CHECK;

/*
 * msp_job_run_check, then tells the row and the subscribers how far the job is: at once when the
 * stage is new, otherwise at most once a second. Needs run->db with no transaction under way.
 * MSP_CONFLICT "job_lost" as the store says.
 */
enum msp_result msp_job_run_progress(struct msp_job_run *run, int64_t done, int64_t total,
                                     const char *stage, struct msp_error *error) MSP_MUST_CHECK;

/* The same while run->db is busy: subscribers hear of it at most once a second, and the housekeeper
 * writes the row on its own connection. `total` is what the row says. */
void msp_job_run_tell(struct msp_job_run *run, int64_t done, int64_t total);

/* The work cannot be done now through no fault of its own: when the kind returns MSP_BUSY, the
 * attempt does not count, and the job is put off for at least that long, for a day at most in all.
 */
void msp_job_run_put_off(struct msp_job_run *run, int64_t seconds);

/*
 * Somebody we depend on asked us to slow down, and to come back in `retry_after_seconds` (0: did
 * not say when): puts the job off. Returns MSP_BUSY "rate_limited" with the sentence; the kind
 * returns that.
 */
enum msp_result msp_job_run_slow_down(struct msp_job_run *run, int64_t retry_after_seconds,
                                      struct msp_error *error, const char *format, ...)
    MSP_PRINTF(4, 5);

/* The job's parameters as a new reference; an absent object is an empty one. */
enum msp_result msp_job_run_parameters(const struct msp_job_run *run, json_t **out_parameters,
                                       struct msp_error *error) MSP_MUST_CHECK;

/* A day member of the parameters: MSP_NO_DAY if absent or null, MSP_INVALID if it is not a day. */
enum msp_result msp_job_parameter_day(const json_t *parameters, const char *name, int32_t *out_day,
                                      struct msp_error *error) MSP_MUST_CHECK;

/* The job's tenant as the tenant cache knows it; MSP_UNAVAILABLE while it does not yet. */
enum msp_result msp_job_run_tenant(const struct msp_job_run *run, struct msp_tenant *out,
                                   struct msp_error *error) MSP_MUST_CHECK;

/* The sooner of the job's own deadline and `ms` from now. */
int64_t msp_job_run_deadline_in(const struct msp_job_run *run, int64_t ms);

#endif
