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

/* Outcome of the last reload, written by the master; `sequence` moves last. */
struct msp_board_reload {
    _Alignas(64) uint64_t sequence;
    int64_t finished_us;
    int32_t failed;
    char report[3072]; /* sentences, one a line */
};

struct msp_status_board {
    char magic[8]; /* "mspboar1" */
    int32_t master_pid;
    int64_t started_us;
    uint64_t settings_generation;
    uint64_t restarts; /* children replaced since the start */
    struct msp_board_reload reload;
    struct msp_board_health health;
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

#endif
