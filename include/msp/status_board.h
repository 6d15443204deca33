/*
 * Who lives, and how it goes: one 64-byte-aligned slot a child, each child
 * writes only its own, everybody reads. It is a file (STATE_DIR/board) mapped
 * by the master before the first fork, so that `msp-analytics status` and
 * `reload` read it without asking anyone. Readers treat it as advice, never as truth.
 */
#ifndef MSP_STATUS_BOARD_H
#define MSP_STATUS_BOARD_H

#include "msp/result.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define MSP_BOARD_SLOTS 160

enum msp_process_kind {
    MSP_PROCESS_NONE,
    MSP_PROCESS_HTTP,
    MSP_PROCESS_JOBS,
    MSP_PROCESS_SNAPSHOT
};
enum msp_process_state { MSP_PROCESS_STARTING, MSP_PROCESS_READY, MSP_PROCESS_LEAVING };

/* Counters only grow while a process lives. All are written with relaxed atomics by their owner. */
struct msp_board_slot {
    _Alignas(64) int32_t kind; /* enum msp_process_kind */
    int32_t state;             /* enum msp_process_state */
    int32_t pid;
    int32_t number; /* "http worker 2" */
    int64_t started_us;
    int64_t requests;
    int64_t request_errors; /* answers of 500 and above */
    int64_t connections;    /* open now */
    int64_t jobs_done;
    int64_t jobs_failed;
    int64_t jobs_running;
    int64_t pool_size;    /* connections to PostgreSQL that requests share */
    int64_t pool_in_use;  /* of them now */
    int64_t pool_refused; /* requests that got none in time */
};

/* What all HTTP workers did since the master started; gauges are of those that live. */
struct msp_board_totals {
    int64_t requests;
    int64_t request_errors;
    int64_t connections;
    int64_t pool_size;
    int64_t pool_in_use;
    int64_t pool_refused;
};

/* The counters of children that are gone, written by the master while `change` is odd. */
struct msp_board_ended {
    _Alignas(64) uint64_t change;
    struct msp_board_totals totals;
};

/* Health of what we depend on, written by the snapshot keeper. */
struct msp_board_health {
    _Alignas(64) int64_t checked_us;  /* last look, unix microseconds; 0 = never */
    int64_t postgres_ok_since_us;     /* 0 = not reachable now */
    int64_t postgres_failed_since_us; /* 0 = fine now */
    int64_t redis_ok_since_us;
    int64_t redis_failed_since_us;
    int32_t redis_configured;
    int32_t jobs_queued; /* rows of jobs that wait, at the last look */
};

#define MSP_BOARD_LANES       2  /* enum msp_job_lane */
#define MSP_BOARD_JOB_KINDS   16 /* rows of the table of kinds; further ones share the last */
#define MSP_BOARD_KIND_BYTES  32
#define MSP_BOARD_RUN_BUCKETS 10

/*
 * Upper bounds of the buckets of run times: 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600 s and without
 * end. Buckets hold their own jobs only, not those of the ones before.
 */
extern const int64_t msp_board_run_bounds_us[MSP_BOARD_RUN_BUCKETS - 1];

/* How a lane's queue stands, of all nodes together, as PostgreSQL told it at the last look. */
struct msp_board_lane {
    int64_t queued;                /* could be taken now */
    int64_t scheduled;             /* wait for their time or for another job */
    int64_t oldest_queued_seconds; /* how long the oldest that could be taken has been due */
    int64_t running;               /* in a worker's hands */
};

/* What became of this node's attempts at one kind of job since the master started. */
struct msp_board_job_kind {
    char name[MSP_BOARD_KIND_BYTES]; /* "" = row not in use */
    int64_t attempts;                /* begun */
    int64_t succeeded, failed, cancelled;
    int64_t retried;     /* attempts that failed and are tried again */
    int64_t put_off;     /* attempts, as somebody asked us to slow down or another job is at it */
    int64_t handed_back; /* attempts cut short because the worker left */
    int64_t lost;        /* attempts whose job was taken from us meanwhile */
    int64_t run_count;   /* attempts that ended in any way */
    int64_t run_us_sum;
    int64_t run_buckets[MSP_BOARD_RUN_BUCKETS]; /* of run_count */
};

/* Written by the job worker. Counters are added to, so that an old and a new worker may overlap. */
struct msp_board_jobs {
    _Alignas(64) int64_t checked_us; /* last look at the queue; 0 = never */
    int64_t workers_lost;            /* jobs taken back from workers that died */
    int64_t pruned;                  /* ended jobs removed because of their age */
    int64_t callbacks_taken;         /* of this node, like the next two */
    int64_t callbacks_failed;        /* refused for good, or not taken for a day */
    int64_t callbacks_put_off;       /* tries that are repeated */
    struct msp_board_lane lanes[MSP_BOARD_LANES];
    struct msp_board_job_kind kinds[MSP_BOARD_JOB_KINDS];
};

#define MSP_BOARD_SOURCES 16 /* rows of msp_source_kind_at; further ones are not shown */

/* How the tickets of one kind of source stand, all active tenants together. */
struct msp_board_source {
    int64_t tenants;           /* pulled from it; 0 = row not in use */
    int64_t never_drained;     /* of these */
    int64_t failing;           /* of these: the last pull failed */
    int64_t oldest_drained_us; /* of the one furthest behind; MSP_NO_TIME = none was drained */
};

/* Written by the snapshot keeper; rows in the order of msp_source_kind_at. */
struct msp_board_sources {
    _Alignas(64) int64_t checked_us; /* last look; 0 = never */
    struct msp_board_source kinds[MSP_BOARD_SOURCES];
};

#define MSP_BOARD_ROUTES          128 /* rows of the table of routes; the last: no route */
#define MSP_BOARD_LIMIT_CLASSES   8   /* enum msp_limit_class */
#define MSP_BOARD_LATENCY_BUCKETS 9

/* Upper bounds of the buckets of latencies: 1, 5, 25, 100, 250 ms, 1, 2.5, 10 s and without end. */
extern const int64_t msp_board_latency_bounds_us[MSP_BOARD_LATENCY_BUCKETS - 1];

/* What became of the requests of one route. */
struct msp_board_route {
    int64_t statuses[5]; /* 1xx to 5xx */
    int64_t us_sum;
    int64_t buckets[MSP_BOARD_LATENCY_BUCKETS];
};

/* Written by every HTTP worker; counters are added to. */
struct msp_board_http {
    _Alignas(64) int64_t limited[MSP_BOARD_LIMIT_CLASSES]; /* answered 429 */
    struct msp_board_route routes[MSP_BOARD_ROUTES];
};

#define MSP_BOARD_PURPOSES 6
extern const char *const msp_board_purposes[MSP_BOARD_PURPOSES]; /* "callback", …; the last: other
                                                                  */

/* Calls out of this node for one purpose, written by the job worker. */
struct msp_board_egress {
    int64_t answered; /* with any status below 400 */
    int64_t rejected; /* with another */
    int64_t refused;  /* by the guard: nothing was sent */
    int64_t failed;   /* no answer */
};

/* Outcome of the last reload, written by the master; `sequence` moves last. */
struct msp_board_reload {
    _Alignas(64) uint64_t sequence;
    int64_t finished_us;
    int32_t failed;
    char report[3072]; /* sentences, one a line */
};

struct msp_status_board {
    char magic[8]; /* "mspboar4" */
    int32_t master_pid;
    int32_t stopping; /* the master was asked to stop: this node goes away */
    int64_t started_us;
    uint64_t settings_generation;
    uint64_t restarts; /* children replaced since the start */
    struct msp_board_reload reload;
    struct msp_board_health health;
    struct msp_board_jobs jobs;
    struct msp_board_sources sources;
    struct msp_board_http http;
    _Alignas(64) struct msp_board_egress egress[MSP_BOARD_PURPOSES];
    struct msp_board_ended ended;
    struct msp_board_slot slots[MSP_BOARD_SLOTS];
};

/*
 * Creates STATE_DIR/board (mode 0600, replaced whole by rename) and maps it for writing.
 * The mapping lasts as long as the process and is inherited by its children.
 */
enum msp_result msp_status_board_create(const char *state_dir, struct msp_status_board **out,
                                        struct msp_error *error) MSP_MUST_CHECK;

/* Maps the board of a running master read-only; MSP_NOT_FOUND if there is none or its master is
 * gone. */
enum msp_result msp_status_board_open(const char *state_dir, const struct msp_status_board **out,
                                      struct msp_error *error) MSP_MUST_CHECK;

void msp_status_board_close(const struct msp_status_board *board);

/* Relaxed atomic add on a counter of the caller's own slot. */
void msp_board_add(int64_t *counter, int64_t by);
int64_t msp_board_read(const int64_t *counter);

/* How long ago everything was read, of the tenant furthest behind; < 0 = none was drained yet. */
int64_t msp_board_lag_seconds(const struct msp_board_source *source, int64_t now_unix_us);
void msp_board_set(int64_t *figure, int64_t value);

/* The master's: keeps the counters of a child that is gone, and empties its slot. */
void msp_board_bury(struct msp_status_board *board, struct msp_board_slot *slot);

/* Never less than before, however many children come and go meanwhile. */
void msp_board_sum(const struct msp_status_board *board, struct msp_board_totals *out);

/* A request of that route was answered after `us`. */
void msp_board_add_request(struct msp_board_route *route, int status, int64_t us);

/* The row of a purpose. */
struct msp_board_egress *msp_board_egress_of(struct msp_status_board *board, const char *purpose);

/* An attempt of that kind ended after `run_us`: its sum, count and bucket. */
void msp_board_add_run(struct msp_board_job_kind *kind, int64_t run_us);

#endif
