/*
 * Jobs in PostgreSQL: the row is the job, everything else is a hint. A job belongs to a tenant
 * or, tenant 0, to all of them: then it is a parent with one child a tenant.
 * The claim number is a fencing token: a write by a worker that lost the job changes nothing.
 */
#ifndef MSP_JOB_STORE_H
#define MSP_JOB_STORE_H

#include "msp/arena.h"
#include "msp/audit_store.h"
#include "msp/db.h"
#include "msp/idempotency.h"
#include "msp/job_message.h"
#include "msp/kpi_store.h"
#include "msp/tenant_cache.h"
#include "msp/trace_id.h"

enum msp_job_state {
    MSP_JOB_QUEUED,
    MSP_JOB_RUNNING,
    MSP_JOB_SUCCEEDED,
    MSP_JOB_FAILED,
    MSP_JOB_CANCELLED,
};
const char *msp_job_state_name(enum msp_job_state state);
bool msp_job_state_is_final(enum msp_job_state state);

enum msp_job_lane { MSP_LANE_SHORT, MSP_LANE_LONG };

/* Texts live in the arena given to the call; JSON texts are NULL where there is none. */
struct msp_job {
    char id[MSP_JOB_ID_BYTES];
    char kind[MSP_JOB_KIND_BYTES];
    int64_t tenant_id;                  /* 0 = all tenants */
    char tenant[MSP_TENANT_SLUG_BYTES]; /* slug, "" = all */
    char parent_id[MSP_JOB_ID_BYTES];   /* "" = none */
    enum msp_job_state state;
    int64_t done, total;
    char stage[64];
    int claim;   /* how often the job was taken: the fencing token */
    int attempt; /* claims that count: lost workers and hand-backs burn none */
    int64_t created_us, started_us, finished_us; /* MSP_NO_TIME */
    int64_t claimed_us;             /* when its present attempt began, MSP_NO_TIME = never */
    int rate_limited;               /* claims put off because somebody asked us to slow down */
    bool cancel_requested;          /* it runs and shall stop */
    const char *parameters;         /* JSON object */
    const char *result;             /* JSON object */
    const char *error;              /* JSON object {"code","detail"} */
    bool children_ended;            /* claimed again because all its children have ended */
    char trace[MSP_TRACE_ID_BYTES]; /* the caller's, or its parent's; "" = none */
    const char *callback; /* how far the telling of its end is, JSON object; by msp_job_get only */
};

/* The job's trace as a field of a log line: NULL = none. */
const char *msp_job_trace(const struct msp_job *job);

struct msp_job_request {
    const char *kind;
    enum msp_job_lane lane;
    const char *parameters; /* JSON object text */
    /* All below may be left out. */
    bool merges;    /* a queued job of this kind, tenant and parameters will do, if it was not yet
                       taken */
    bool by_person; /* somebody waits for it: goes before what a schedule started, within limits */
    bool by_staff;  /* runs as msp_admin: after_job may be any tenant's */
    const char *after_job;    /* the id of a job that must succeed first */
    const char *callback_url; /* told of the end; checked by the caller */
    const char *trace;        /* the trace id it is part of; NULL or "" = none */
    struct msp_idempotency
        *idempotency;              /* one that replays gives the job it started, as it is now */
    const struct msp_actor *actor; /* leaves a line in the audit log, but not for a replay */
};

/*
 * Starts a job for the tenant (0: for all, as msp_admin): queued, or merged into one that is, or
 * failed at once if `after_job` did not end well. MSP_INVALID at /after_job for a job that is
 * unknown or foreign; MSP_CONFLICT as in msp_idempotency_find.
 */
enum msp_result msp_job_insert(struct msp_db *db, int64_t tenant_id,
                               const struct msp_job_request *request, struct msp_arena *arena,
                               int64_t deadline_ms, struct msp_job *out,
                               struct msp_error *error) MSP_MUST_CHECK;

/* tenant 0 looks at every tenant's jobs, as msp_admin. MSP_NOT_FOUND for unknown, foreign and
 * malformed ids alike. */
enum msp_result msp_job_get(struct msp_db *db, int64_t tenant_id, const char *id,
                            struct msp_arena *arena, int64_t deadline_ms, struct msp_job *out,
                            struct msp_error *error) MSP_MUST_CHECK;

/* Newest first, keyset by (created_at, id): `before_us`/`before_id` of the last row seen,
 * MSP_NO_TIME to start. */
struct msp_job_filter {
    const char *state; /* NULL = any */
    const char *kind;  /* NULL = any */
    int64_t before_us;
    const char *before_id;
    int limit;
};
enum msp_result msp_job_list(struct msp_db *db, int64_t tenant_id,
                             const struct msp_job_filter *filter, struct msp_arena *arena,
                             int64_t deadline_ms, struct msp_job **out_jobs, size_t *out_count,
                             struct msp_error *error) MSP_MUST_CHECK;

/* Who wants something of a job. With an idempotency key the change and the key's record are one
 * transaction, and a replay changes nothing. An actor leaves a line about what was changed. */
struct msp_job_asker {
    struct msp_idempotency *idempotency; /* NULL = none */
    const struct msp_actor *actor;       /* NULL = leaves no line */
};

/*
 * Cancels a job and, if it is a parent, its children. A queued one is cancelled at once; a running
 * one is asked to stop, which its worker hears at once and sees within seconds otherwise: it may
 * still end in another way. One that has ended stays as it is. *out is the job as it is afterwards,
 * *out_changed whether anything was done. Tenants as in msp_job_get.
 */
enum msp_result msp_job_cancel(struct msp_db *db, int64_t tenant_id, const char *id,
                               const struct msp_job_asker *asker, struct msp_arena *arena,
                               int64_t deadline_ms, struct msp_job *out, bool *out_changed,
                               struct msp_error *error) MSP_MUST_CHECK;

/*
 * Queues a failed or cancelled job again with fresh attempts; of a parent, those of its children
 * that did not succeed; with it, the jobs that failed only because they waited for it. Any other
 * job stays as it is. MSP_CONFLICT "after_job_failed" if it waits for a job that did not succeed:
 * that one is to be retried first. *out, *out_changed and tenants as above.
 */
enum msp_result msp_job_retry(struct msp_db *db, int64_t tenant_id, const char *id,
                              const struct msp_job_asker *asker, struct msp_arena *arena,
                              int64_t deadline_ms, struct msp_job *out, bool *out_changed,
                              struct msp_error *error) MSP_MUST_CHECK;

/* ---- for the job worker, on a connection with role msp_jobs ---- */

/* Which job to take. */
struct msp_job_claim_order {
    enum msp_job_lane lane;
    const char *worker;          /* names the one who holds it from then on */
    int64_t after_tenant;        /* tenants take turns, this one last; 0 = jobs of all tenants */
    const int64_t *full_tenants; /* hold all they may; NULL with a count of 0 */
    size_t full_count;
};

/* Takes the next job of the lane: *out_found says whether there was one. */
enum msp_result msp_job_claim(struct msp_db *db, const struct msp_job_claim_order *order,
                              struct msp_arena *arena, int64_t deadline_ms, bool *out_found,
                              struct msp_job *out, struct msp_error *error) MSP_MUST_CHECK;

/* A job that somebody here believes to hold, and what the database says to that. */
#define MSP_JOB_WORKER_BYTES 96
struct msp_job_hold {
    char worker[MSP_JOB_WORKER_BYTES];
    char job_id[MSP_JOB_ID_BYTES];
    int claim;
    int64_t done;          /* how far the work is, < 0: the row knows better */
    bool lost;             /* out: it is no longer held under that name and claim */
    bool cancel_requested; /* out: it shall stop */
};

/* Beats for every job that is held under one of the names, and writes how far each is. */
enum msp_result msp_job_heartbeat(struct msp_db *db, const struct msp_job_hold *holds, size_t count,
                                  int64_t deadline_ms, struct msp_error *error) MSP_MUST_CHECK;

/* Fills what is "out" above. */
enum msp_result msp_job_look_at_holds(struct msp_db *db, struct msp_job_hold *holds, size_t count,
                                      int64_t deadline_ms, struct msp_error *error) MSP_MUST_CHECK;

/*
 * Gives back to the queue what dead workers held: with a `node`, what is held by workers of that
 * node other than `worker` (our own earlier lives); with "", what has been silent for 45 s. After
 * 10 losses a job fails as worker_lost. *out_count jobs changed.
 */
enum msp_result msp_job_recover(struct msp_db *db, const char *node, const char *worker,
                                int64_t deadline_ms, int *out_count,
                                struct msp_error *error) MSP_MUST_CHECK;

/* How a lane stands, of all nodes together. */
#define MSP_JOB_LANES 2
struct msp_job_figures {
    int64_t queued;    /* could be taken now */
    int64_t scheduled; /* wait for their time or for another job */
    int64_t oldest_queued_seconds;
    int64_t running;
};
enum msp_result msp_job_read_figures(struct msp_db *db, int64_t deadline_ms,
                                     struct msp_job_figures out[MSP_JOB_LANES],
                                     struct msp_error *error) MSP_MUST_CHECK;

/* Removes at most `at_most` jobs that ended more than `days` ago; none while another node does. */
enum msp_result msp_job_prune(struct msp_db *db, int days, int at_most, int64_t deadline_ms,
                              int *out_count, struct msp_error *error) MSP_MUST_CHECK;

/* All below: MSP_CONFLICT, code "job_lost", if (id, claim, worker) no longer holds the job. */
enum msp_result msp_job_progress(struct msp_db *db, const struct msp_fence *fence, int64_t done,
                                 int64_t total, const char *stage, int64_t deadline_ms,
                                 struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_job_succeed(struct msp_db *db, const struct msp_fence *fence,
                                const char *result_json, int64_t deadline_ms,
                                struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_job_fail(struct msp_db *db, const struct msp_fence *fence, const char *code,
                             const char *detail, int64_t deadline_ms,
                             struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_job_end_cancelled(struct msp_db *db, const struct msp_fence *fence,
                                      int64_t deadline_ms, struct msp_error *error) MSP_MUST_CHECK;

/* Back to the queue; a job that shall stop ends as cancelled instead. */
struct msp_job_requeue {
    int in_seconds;    /* until it may be taken again */
    bool excused;      /* burns no attempt */
    bool rate_limited; /* because somebody asked us to slow down */
    const char *code;  /* of the failure, NULL = none */
    const char *detail;
};
enum msp_result msp_job_requeue(struct msp_db *db, const struct msp_fence *fence,
                                const struct msp_job_requeue *requeue, int64_t deadline_ms,
                                struct msp_error *error) MSP_MUST_CHECK;

/*
 * Makes one queued child of the same kind and parameters for every active tenant and parks the
 * parent until the last has ended; then it is claimed again with children_ended set. With no tenant
 * at all it can be claimed again at once.
 */
enum msp_result msp_job_fan_out(struct msp_db *db, const struct msp_fence *fence,
                                enum msp_job_lane lane, int64_t deadline_ms,
                                struct msp_error *error) MSP_MUST_CHECK;

/*
 * Makes one queued child of the job, for the same tenant, and parks the job until that has ended;
 * then it is claimed again with children_ended set. `done` and `total` become its progress.
 */
struct msp_job_step {
    const char *kind;
    enum msp_job_lane lane;
    const char *parameters; /* JSON object text */
    int64_t done, total;
    const char *stage;
};
enum msp_result msp_job_step(struct msp_db *db, const struct msp_fence *fence,
                             const struct msp_job_step *step, int64_t deadline_ms,
                             struct msp_error *error) MSP_MUST_CHECK;

/* The last local day of the tenant that had ended at that instant. */
enum msp_result msp_job_last_ended_day(struct msp_db *db, int64_t tenant_id, int64_t instant_us,
                                       int64_t deadline_ms, int32_t *out_day,
                                       struct msp_error *error) MSP_MUST_CHECK;

/* The children of a parent, in tenant order. */
enum msp_result msp_job_children(struct msp_db *db, const char *parent_id, struct msp_arena *arena,
                                 int64_t deadline_ms, struct msp_job **out_jobs, size_t *out_count,
                                 struct msp_error *error) MSP_MUST_CHECK;

#endif
