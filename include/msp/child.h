/*
 * What the master hands to a child at birth, and the words a child answers
 * with when it ends. A child's main function returns one of the exit codes; it never calls exit().
 */
#ifndef MSP_CHILD_H
#define MSP_CHILD_H

#include "msp/settings.h"
#include "msp/shared_map.h"

enum msp_exit {
    MSP_EXIT_DONE = 0,         /* finished what it was asked */
    MSP_EXIT_RESTART = 1,      /* please start me again */
    MSP_EXIT_MISCONFIGURED = 2 /* my configuration is wrong, don't */
};

struct msp_child {
    struct msp_shared_map *shared;
    const struct msp_settings *settings; /* as they were at the fork */
    struct msp_board_slot *slot;         /* this child's own */
    int number;                          /* 1, 2, … within its kind */
    bool on_trial; /* started by a reload that names another database: one that does not answer is a
                      misconfiguration now */
    int http_listener; /* -1 for kinds that don't serve HTTP */
    int job_listener;  /* listening Unix socket; -1 but for the job worker */
    int stop_fd; /* readable once the child shall finish its work and leave (signalfd of SIGTERM and
                    SIGINT, blocked in all threads) */
    int ready_fd; /* see msp_child_ready */
};

/* Tells the master, once, that this child serves. */
void msp_child_ready(const struct msp_child *child);

/*
 * Tells the master that this child finishes its work and leaves: if somebody else asked it to,
 * another takes its place at once and not only after its end. Does nothing after the first call.
 */
void msp_child_leaving(const struct msp_child *child);

/* Whether the child was asked to leave (then msp_child_leaving was called); waits up to `wait_ms`
 * (0 = just look). */
bool msp_child_should_stop(const struct msp_child *child, int wait_ms);

/* The path of the job worker's socket, STATE_DIR/jobs.sock. MSP_INVALID if longer than a socket
 * path may be (107 bytes). */
enum msp_result msp_job_socket_path(const struct msp_settings *settings, char *out, size_t size,
                                    struct msp_error *error) MSP_MUST_CHECK;

/* The main functions of the kinds of children; one row each in server/child_kinds.c. */
int msp_http_worker_main(const struct msp_child *child);
int msp_job_worker_main(const struct msp_child *child);
int msp_snapshot_keeper_main(const struct msp_child *child);

#endif
