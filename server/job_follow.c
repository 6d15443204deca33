/* Starts jobs and follows them through their row, which is the job; the socket only wakes the
 * worker sooner. */
#include "job_follow.h"

#include "msp/child.h"
#include "msp/clock.h"
#include "msp/no_value.h"
#include "msp/timestamp.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WAKE_MS         1000
#define FIRST_LOOK_MS   50
#define LONGEST_LOOK_MS 1000
#define FOLLOW_SECONDS  3600

/* A lost frame costs a second of delay at most: the worker also listens and polls. */
static void wake_worker(const struct msp_settings *settings, const struct msp_job *job)
{
    char path[108];
    int fd = -1;
    const int64_t deadline_ms = msp_clock_monotonic_ms() + WAKE_MS;
    struct msp_job_message message = {.operation = MSP_JOB_WAKE, .tenant_id = job->tenant_id};
    (void)snprintf(message.job_id, sizeof(message.job_id), "%s", job->id);
    (void)snprintf(message.kind, sizeof(message.kind), "%s", job->kind);
    if (msp_job_socket_path(settings, path, sizeof(path), NULL) != MSP_OK ||
        msp_job_socket_connect(path, deadline_ms, &fd, NULL) != MSP_OK)
        return;
    if (msp_job_message_send(fd, &message, deadline_ms, NULL) != MSP_OK)
        msp_log(MSP_LOG_DEBUG, "The job worker was not woken and finds the job by itself", NULL);
    (void)close(fd);
}

static void write_progress(struct msp_json_writer *writer, const struct msp_job *job)
{
    msp_json_key(writer, "progress");
    msp_json_begin_object(writer);
    msp_json_key_int(writer, "done", job->done);
    msp_json_key_int(writer, "total", job->total);
    msp_json_key_string(writer, "stage", job->stage[0] != '\0' ? job->stage : NULL);
    msp_json_end_object(writer);
}

void msp_job_write_json(struct msp_json_writer *writer, const struct msp_job *job)
{
    msp_json_begin_object(writer);
    msp_json_key_string(writer, "id", job->id);
    msp_json_key_string(writer, "kind", job->kind);
    msp_json_key_string(writer, "tenant_id", job->tenant[0] != '\0' ? job->tenant : NULL);
    msp_json_key_string(writer, "state", msp_job_state_name(job->state));
    write_progress(writer, job);
    msp_json_key_int(writer, "attempt", job->attempt);
    msp_json_key_time(writer, "created_at", job->created_us);
    msp_json_key_time(writer, "started_at", job->started_us);
    msp_json_key_time(writer, "finished_at", job->finished_us);
    msp_json_key(writer, "result");
    msp_json_raw(writer, job->result);
    msp_json_key(writer, "error");
    msp_json_raw(writer, job->error);
    msp_json_end_object(writer);
}

static void print_time(const char *label, int64_t unix_us)
{
    char text[MSP_TIMESTAMP_TEXT_BYTES] = "-";
    if (unix_us != MSP_NO_TIME)
        msp_timestamp_format(unix_us, text);
    (void)printf("%-9s %s\n", label, text);
}

static void print_for_people(const struct msp_job *job)
{
    (void)printf("%-9s %s\n%-9s %s\n%-9s %s\n%-9s %s\n", "job", job->id, "kind", job->kind,
                 "tenant", job->tenant[0] != '\0' ? job->tenant : "(all)", "state",
                 msp_job_state_name(job->state));
    (void)printf("%-9s %lld of %lld %s\n%-9s %d\n", "progress", (long long)job->done,
                 (long long)job->total, job->stage, "attempt", job->attempt);
    print_time("created", job->created_us);
    print_time("started", job->started_us);
    print_time("finished", job->finished_us);
    if (job->parameters != NULL)
        (void)printf("%-9s %s\n", "asked", job->parameters);
    if (job->result != NULL)
        (void)printf("%-9s %s\n", "result", job->result);
    if (job->error != NULL)
        (void)printf("%-9s %s\n", "error", job->error);
}

void msp_job_print(const struct msp_job *job, bool as_json)
{
    if (!as_json) {
        print_for_people(job);
        return;
    }
    struct msp_buffer text;
    struct msp_json_writer writer;
    msp_buffer_init(&text, 0);
    msp_json_writer_init(&writer, &text);
    msp_json_begin_object(&writer);
    msp_json_key(&writer, "job");
    msp_job_write_json(&writer, job);
    msp_json_end_object(&writer);
    if (!text.failed)
        (void)printf("%.*s\n", (int)text.length, text.data);
    msp_buffer_done(&text);
}

static int print_end(const struct msp_invocation *invocation, const struct msp_job *job)
{
    if (invocation->json)
        msp_job_print(job, true);
    else if (job->state == MSP_JOB_SUCCEEDED)
        (void)printf("%s\n", job->result != NULL ? job->result : "{}");
    if (job->state == MSP_JOB_SUCCEEDED)
        return MSP_COMMAND_DONE;
    msp_invocation_complain(invocation, "job %s %s%s%s", job->id, msp_job_state_name(job->state),
                            job->error != NULL ? ": " : "", job->error != NULL ? job->error : "");
    return MSP_COMMAND_FAILED;
}

/* One line a change, so that a log of it stays readable. */
static void print_progress(const struct msp_job *job, char *last, size_t size)
{
    char line[160];
    (void)snprintf(line, sizeof(line), "%s %lld/%lld %s", msp_job_state_name(job->state),
                   (long long)job->done, (long long)job->total, job->stage);
    if (strcmp(line, last) == 0)
        return;
    (void)fprintf(stderr, "job %s %s\n", job->id, line);
    (void)snprintf(last, size, "%s", line);
}

static int follow(const struct msp_invocation *invocation, struct msp_db *db, const char *id,
                  long timeout_seconds, struct msp_arena *arena)
{
    const int64_t deadline_ms = msp_clock_monotonic_ms() + 1000LL * timeout_seconds;
    char last[160] = "";
    int wait_ms = FIRST_LOOK_MS;
    while (msp_clock_monotonic_ms() < deadline_ms) {
        struct msp_job job;
        struct msp_error error;
        msp_arena_reset(arena);
        const enum msp_result result =
            msp_job_get(db, 0, id, arena, msp_admin_deadline_ms(), &job, &error);
        /* PostgreSQL may come back while we wait; the job is not lost by that. */
        if (result != MSP_OK && result != MSP_UNAVAILABLE && result != MSP_TIMED_OUT) {
            msp_invocation_complain(invocation, "%s", error.detail);
            return MSP_COMMAND_FAILED;
        }
        if (result == MSP_OK && msp_job_state_is_final(job.state))
            return print_end(invocation, &job);
        if (result == MSP_OK)
            print_progress(&job, last, sizeof(last));
        (void)poll(NULL, 0, wait_ms);
        wait_ms = wait_ms * 2 < LONGEST_LOOK_MS ? wait_ms * 2 : LONGEST_LOOK_MS;
    }
    msp_invocation_complain(invocation,
                            "job %s has not ended within %ld seconds and goes on; follow it with "
                            "msp-analytics job watch %s",
                            id, timeout_seconds, id);
    return MSP_COMMAND_FAILED;
}

int msp_job_follow(const struct msp_invocation *invocation, struct msp_db *db, const char *id,
                   long timeout_seconds)
{
    struct msp_arena *arena = msp_arena_new(16384);
    if (arena == NULL) {
        msp_invocation_complain(invocation, "out of memory");
        return MSP_COMMAND_FAILED;
    }
    const int code = follow(invocation, db, id, timeout_seconds, arena);
    msp_arena_free(arena);
    return code;
}

static enum msp_result insert(struct msp_db *db, const struct msp_job_order *order,
                              struct msp_arena *arena, struct msp_job *out, struct msp_error *error)
{
    int64_t tenant_id = 0;
    if (order->tenant != NULL) {
        const enum msp_result result = msp_admin_tenant_id(db, order->tenant, &tenant_id, error);
        if (result != MSP_OK)
            return result;
    }
    return msp_job_insert(db, tenant_id, &order->request, arena, msp_admin_deadline_ms(), out,
                          error);
}

int msp_job_start(const struct msp_invocation *invocation, const struct msp_job_order *order)
{
    long timeout_seconds = 0;
    if (!msp_invocation_number(invocation, "timeout", 1, 86400, FOLLOW_SECONDS, &timeout_seconds))
        return MSP_COMMAND_WRONG;
    struct msp_settings settings;
    struct msp_db *db = NULL;
    const int opened = msp_admin_database_open(invocation, &settings, &db);
    if (opened != MSP_COMMAND_DONE)
        return opened;
    int code = MSP_COMMAND_FAILED;
    struct msp_job job;
    struct msp_error error = {.detail = "out of memory"};
    struct msp_arena *arena = msp_arena_new(16384);
    if (arena == NULL || insert(db, order, arena, &job, &error) != MSP_OK) {
        msp_invocation_complain(invocation, "%s", error.detail);
    } else {
        wake_worker(&settings, &job);
        if (msp_invocation_option(invocation, "no-wait") == NULL) {
            code = msp_job_follow(invocation, db, job.id, timeout_seconds);
        } else {
            msp_job_print(&job, invocation->json);
            code = MSP_COMMAND_DONE;
        }
    }
    msp_arena_free(arena);
    msp_db_free(db);
    return code;
}
