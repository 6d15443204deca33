/*
 * Callbacks in PostgreSQL: who is told of a job's end, and how far that is. The rows are made and
 * fall due by triggers on msp.jobs (db/migrations/0012_callbacks.sql); here they are released,
 * taken up and judged. At least once: a try under way is a lease, and a sender that dies lets it
 * run out.
 */
#ifndef MSP_CALLBACK_STORE_H
#define MSP_CALLBACK_STORE_H

#include "msp/arena.h"
#include "msp/db.h"
#include "msp/job_store.h"

/*
 * The caller who named a callback_url for this job has had his answer: from now on the end may be
 * told. Without this it waits as long as the longest request may take. Tenants as in msp_job_get.
 */
enum msp_result msp_callback_release(struct msp_db *db, int64_t tenant_id, const char *job_id,
                                     int64_t deadline_ms, struct msp_error *error) MSP_MUST_CHECK;

/* ---- for the job worker, on a connection with role msp_jobs ---- */

#define MSP_CALLBACK_ID_BYTES 37 /* a UUID's 36 characters and a NUL */

/* One try at telling, taken up. Texts live in the arena given to the call. */
struct msp_callback {
    char id[MSP_CALLBACK_ID_BYTES];
    const char *url;
    const char *host; /* with the port, if the URL names one */
    int attempt;      /* the fencing token */
    int failures;     /* earlier tries that were to be repeated */
    int conflicts;    /* earlier tries answered 409 */
    int64_t age_ms;   /* since the job ended */
    struct msp_job job;
};

/* Whose turn it may be. */
struct msp_callback_room {
    const char *busy_hosts; /* separated by blanks; none of theirs */
    bool troubled;          /* also those whose host has not taken one lately */
    int lease_seconds;      /* how long a try may take before it counts as lost */
};

/*
 * Takes up the delivery that has been due longest; *out_found says whether there was one. If not,
 * *out_wait_ms says when the next falls due: 0 if one is due that there is no room for, INT64_MAX
 * if none is waiting.
 */
enum msp_result msp_callback_claim(struct msp_db *db, const struct msp_callback_room *room,
                                   struct msp_arena *arena, int64_t deadline_ms, bool *out_found,
                                   struct msp_callback *out, int64_t *out_wait_ms,
                                   struct msp_error *error) MSP_MUST_CHECK;

enum msp_callback_verdict {
    MSP_CALLBACK_TAKEN,
    MSP_CALLBACK_AGAIN,
    MSP_CALLBACK_FAILED,
    MSP_CALLBACK_GIVEN_BACK, /* the try was cut short by us and does not count */
};

/* What came of one try. */
struct msp_callback_outcome {
    enum msp_callback_verdict verdict;
    bool accepted;      /* the receiver said so, and not only stopped refusing */
    bool conflict;      /* AGAIN because of a 409 */
    int64_t delay_ms;   /* of AGAIN */
    int status;         /* 0 = no answer came */
    const char *reason; /* for people; NULL = none */
};

/*
 * Writes it down. An acceptance holds whatever a later try says; anything else is dropped if
 * another try has been begun since. *out_held says whether it was written.
 */
enum msp_result msp_callback_record(struct msp_db *db, const char *id, int attempt,
                                    const struct msp_callback_outcome *outcome, int64_t deadline_ms,
                                    bool *out_held, struct msp_error *error) MSP_MUST_CHECK;

#endif
