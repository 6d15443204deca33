/* Figures of jobs from the status board, and the job worker's own from its socket. */
#include "status_jobs.h"

#include "msp/child.h"
#include "msp/clock.h"
#include "msp/job_message.h"
#include "msp/no_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ANSWER_MS 500

static const char *const lane_names[MSP_BOARD_LANES] = {"short", "long"};

/* ---- the board ---- */

static void print_lanes(const struct msp_board_jobs *jobs)
{
    if (msp_board_read(&jobs->checked_us) == 0) {
        (void)printf("%-12s not looked at yet\n", "queue");
        return;
    }
    for (int i = 0; i < MSP_BOARD_LANES; i++) {
        const struct msp_board_lane *lane = &jobs->lanes[i];
        char name[16];
        (void)snprintf(name, sizeof(name), "%s lane", lane_names[i]);
        (void)printf("%-12s %lld queued (oldest %lld s), %lld for later, %lld running\n", name,
                     (long long)msp_board_read(&lane->queued),
                     (long long)msp_board_read(&lane->oldest_queued_seconds),
                     (long long)msp_board_read(&lane->scheduled),
                     (long long)msp_board_read(&lane->running));
    }
}

static double mean_run_seconds(const struct msp_board_job_kind *kind)
{
    const int64_t count = msp_board_read(&kind->run_count);
    return count > 0 ? (double)msp_board_read(&kind->run_us_sum) / 1e6 / (double)count : 0;
}

static void print_kind(const struct msp_board_job_kind *kind)
{
    if (kind->name[0] == '\0')
        return;
    (void)printf(
        "%-16.*s %9lld %9lld %7lld %9lld %8lld %8lld %9.2fs\n", MSP_BOARD_KIND_BYTES, kind->name,
        (long long)msp_board_read(&kind->attempts), (long long)msp_board_read(&kind->succeeded),
        (long long)msp_board_read(&kind->failed), (long long)msp_board_read(&kind->cancelled),
        (long long)msp_board_read(&kind->retried), (long long)msp_board_read(&kind->put_off),
        mean_run_seconds(kind));
}

void msp_status_jobs_print(const struct msp_status_board *board)
{
    print_lanes(&board->jobs);
    (void)printf("\n%-16s %9s %9s %7s %9s %8s %8s %10s\n", "jobs here", "attempts", "succeeded",
                 "failed", "cancelled", "retried", "put off", "mean run");
    for (int i = 0; i < MSP_BOARD_JOB_KINDS; i++)
        print_kind(&board->jobs.kinds[i]);
}

static void write_lane(struct msp_json_writer *writer, const struct msp_board_lane *lane)
{
    msp_json_begin_object(writer);
    msp_json_key_int(writer, "queued", msp_board_read(&lane->queued));
    msp_json_key_int(writer, "scheduled", msp_board_read(&lane->scheduled));
    msp_json_key_int(writer, "running", msp_board_read(&lane->running));
    msp_json_key_int(writer, "oldest_queued_seconds", msp_board_read(&lane->oldest_queued_seconds));
    msp_json_end_object(writer);
}

static void write_kind(struct msp_json_writer *writer, const struct msp_board_job_kind *kind)
{
    if (kind->name[0] == '\0')
        return;
    char name[MSP_BOARD_KIND_BYTES + 1];
    (void)snprintf(name, sizeof(name), "%.*s", MSP_BOARD_KIND_BYTES, kind->name);
    msp_json_begin_object(writer);
    msp_json_key_string(writer, "kind", name);
    msp_json_key_int(writer, "attempts", msp_board_read(&kind->attempts));
    msp_json_key_int(writer, "succeeded", msp_board_read(&kind->succeeded));
    msp_json_key_int(writer, "failed", msp_board_read(&kind->failed));
    msp_json_key_int(writer, "cancelled", msp_board_read(&kind->cancelled));
    msp_json_key_int(writer, "retried", msp_board_read(&kind->retried));
    msp_json_key_int(writer, "put_off", msp_board_read(&kind->put_off));
    msp_json_key_int(writer, "handed_back", msp_board_read(&kind->handed_back));
    msp_json_key_int(writer, "lost", msp_board_read(&kind->lost));
    msp_json_key(writer, "run_seconds_mean");
    msp_json_double(writer, mean_run_seconds(kind));
    msp_json_end_object(writer);
}

void msp_status_jobs_write(const struct msp_status_board *board, struct msp_json_writer *writer)
{
    const struct msp_board_jobs *jobs = &board->jobs;
    const int64_t checked_us = msp_board_read(&jobs->checked_us);
    msp_json_key(writer, "jobs");
    msp_json_begin_object(writer);
    msp_json_key_time(writer, "checked_at", checked_us != 0 ? checked_us : MSP_NO_TIME);
    msp_json_key(writer, "lanes");
    msp_json_begin_object(writer);
    for (int i = 0; i < MSP_BOARD_LANES; i++) {
        msp_json_key(writer, lane_names[i]);
        write_lane(writer, &jobs->lanes[i]);
    }
    msp_json_end_object(writer);
    msp_json_key(writer, "kinds");
    msp_json_begin_array(writer);
    for (int i = 0; i < MSP_BOARD_JOB_KINDS; i++)
        write_kind(writer, &jobs->kinds[i]);
    msp_json_end_array(writer);
    msp_json_key_int(writer, "taken_back", msp_board_read(&jobs->workers_lost));
    msp_json_key_int(writer, "pruned", msp_board_read(&jobs->pruned));
    msp_json_end_object(writer);
}

/* ---- the job worker ---- */

static enum msp_result ask(const char *path, int64_t figures[MSP_WORKER_FIGURES])
{
    const struct msp_job_message question = {.operation = MSP_JOB_STATUS};
    const int64_t deadline_ms = msp_clock_monotonic_ms() + ANSWER_MS;
    struct msp_job_message answer;
    int fd = -1;
    enum msp_result result = msp_job_socket_connect(path, deadline_ms, &fd, NULL);
    if (result != MSP_OK)
        return result;
    result = msp_job_message_send(fd, &question, deadline_ms, NULL);
    if (result == MSP_OK)
        result = msp_job_message_receive(fd, NULL, &answer, deadline_ms, NULL);
    (void)close(fd);
    if (result == MSP_OK && answer.operation != MSP_JOB_FIGURES)
        return MSP_INVALID;
    for (int i = 0; i < MSP_WORKER_FIGURES && result == MSP_OK; i++)
        figures[i] = answer.figures[i];
    return result;
}

static bool ask_worker(const struct msp_invocation *invocation, int64_t figures[MSP_WORKER_FIGURES])
{
    char path[108];
    struct msp_settings_sources sources;
    struct msp_settings *settings = calloc(1, sizeof(*settings));
    msp_invocation_sources(invocation, &sources);
    const bool answered = settings != NULL &&
                          msp_settings_find_state_dir(&sources, settings->state_dir,
                                                      sizeof(settings->state_dir)) == MSP_OK &&
                          msp_job_socket_path(settings, path, sizeof(path), NULL) == MSP_OK &&
                          ask(path, figures) == MSP_OK;
    free(settings);
    return answered;
}

void msp_status_worker_print(const struct msp_invocation *invocation)
{
    int64_t figures[MSP_WORKER_FIGURES];
    if (!ask_worker(invocation, figures)) {
        (void)printf("%-12s does not answer at its socket\n", "job worker");
        return;
    }
    (void)printf("%-12s answers; %lld of %lld short and %lld of %lld long threads busy, %lld "
                 "connections, %lld downloads\n",
                 "job worker", (long long)figures[MSP_FIGURE_SHORT_BUSY],
                 (long long)figures[MSP_FIGURE_SHORT_THREADS],
                 (long long)figures[MSP_FIGURE_LONG_BUSY],
                 (long long)figures[MSP_FIGURE_LONG_THREADS],
                 (long long)figures[MSP_FIGURE_CLIENTS], (long long)figures[MSP_FIGURE_FETCHES]);
}

void msp_status_worker_write(const struct msp_invocation *invocation,
                             struct msp_json_writer *writer)
{
    static const char *const names[MSP_WORKER_FIGURES] = {
        [MSP_FIGURE_UPTIME_SECONDS] = "uptime_seconds",
        [MSP_FIGURE_SHORT_THREADS] = "short_threads",
        [MSP_FIGURE_SHORT_BUSY] = "short_busy",
        [MSP_FIGURE_LONG_THREADS] = "long_threads",
        [MSP_FIGURE_LONG_BUSY] = "long_busy",
        [MSP_FIGURE_SHORT_QUEUED] = "short_queued",
        [MSP_FIGURE_LONG_QUEUED] = "long_queued",
        [MSP_FIGURE_SHORT_OLDEST_SECONDS] = "short_oldest_queued_seconds",
        [MSP_FIGURE_LONG_OLDEST_SECONDS] = "long_oldest_queued_seconds",
        [MSP_FIGURE_CLIENTS] = "connections",
        [MSP_FIGURE_FETCHES] = "downloads",
    };
    int64_t figures[MSP_WORKER_FIGURES];
    msp_json_key(writer, "job_worker");
    if (!ask_worker(invocation, figures)) {
        msp_json_null(writer);
        return;
    }
    msp_json_begin_object(writer);
    for (int i = 0; i < MSP_WORKER_FIGURES; i++)
        msp_json_key_int(writer, names[i], figures[i]);
    msp_json_end_object(writer);
}
