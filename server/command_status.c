/* msp-analytics status: the status board for people or as JSON. Nobody's answer is waited for but,
 * for a moment, the job worker's and the database's, so it answers even when nobody else does. */
#include "running_server.h"

#include "child_kinds.h"
#include "status_jobs.h"
#include "status_sources.h"

#include "msp/clock.h"
#include "msp/json_writer.h"
#include "msp/timestamp.h"

#include <stdio.h>
#include <string.h>

static const char *state_name(int32_t state)
{
    static const char *const names[] = {
        [MSP_PROCESS_STARTING] = "starting",
        [MSP_PROCESS_READY] = "ready",
        [MSP_PROCESS_LEAVING] = "leaving",
    };
    if (state < 0 || (size_t)state >= sizeof(names) / sizeof(names[0]))
        return "unknown";
    return names[state];
}

static bool name_slot(const struct msp_board_slot *slot, char *out, size_t size)
{
    for (int i = 0; i < MSP_CHILD_KINDS; i++) {
        if ((int32_t)msp_child_kinds[i].kind == slot->kind) {
            msp_child_kind_name(&msp_child_kinds[i], slot->number, out, size);
            return true;
        }
    }
    return false;
}

static long long seconds_since(int64_t unix_us)
{
    const int64_t now_us = msp_clock_unix_us();
    return unix_us > 0 && now_us > unix_us ? (now_us - unix_us) / 1000000 : 0;
}

static void print_slot(const struct msp_board_slot *slot)
{
    char name[48];
    if (!name_slot(slot, name, sizeof(name)))
        return;
    (void)printf("%-16s %8d %-9s %9llds %10lld %7lld %7lld %9lld %7lld %7lld\n", name, slot->pid,
                 state_name(slot->state), seconds_since(slot->started_us),
                 (long long)msp_board_read(&slot->requests),
                 (long long)msp_board_read(&slot->request_errors),
                 (long long)msp_board_read(&slot->connections),
                 (long long)msp_board_read(&slot->jobs_running),
                 (long long)msp_board_read(&slot->jobs_done),
                 (long long)msp_board_read(&slot->jobs_failed));
}

static void print_health(const char *name, int64_t ok_since_us, int64_t failed_since_us)
{
    if (ok_since_us != 0)
        (void)printf("%-12s fine for %lld s\n", name, seconds_since(ok_since_us));
    else if (failed_since_us != 0)
        (void)printf("%-12s not reachable for %lld s\n", name, seconds_since(failed_since_us));
    else
        (void)printf("%-12s not looked at yet\n", name);
}

static void print_totals(const struct msp_status_board *board)
{
    struct msp_board_totals totals;
    msp_board_sum(board, &totals);
    (void)printf("%-12s %lld answered, %lld of them failed; %lld of %lld database connections in "
                 "use, %lld requests got none\n",
                 "requests", (long long)totals.requests, (long long)totals.request_errors,
                 (long long)totals.pool_in_use, (long long)totals.pool_size,
                 (long long)totals.pool_refused);
}

static void print_for_people(const struct msp_invocation *invocation,
                             const struct msp_status_board *board)
{
    (void)printf("master       pid %d, up %lld s, settings generation %llu, %llu restarts of "
                 "children\n",
                 board->master_pid, seconds_since(board->started_us),
                 (unsigned long long)board->settings_generation,
                 (unsigned long long)board->restarts);
    const struct msp_board_health *health = &board->health;
    print_health("postgresql", health->postgres_ok_since_us, health->postgres_failed_since_us);
    if (health->redis_configured)
        print_health("redis", health->redis_ok_since_us, health->redis_failed_since_us);
    else
        (void)printf("%-12s not configured: single node\n", "redis");
    print_totals(board);
    msp_status_worker_print(invocation);
    if (board->reload.sequence > 0) {
        char when[MSP_TIMESTAMP_TEXT_BYTES];
        msp_timestamp_format(board->reload.finished_us, when);
        (void)printf("%-12s %s at %s\n", "last reload", board->reload.failed ? "failed" : "done",
                     when);
    }
    msp_status_jobs_print(board);
    (void)printf("\n%-16s %8s %-9s %10s %10s %7s %7s %9s %7s %7s\n", "process", "pid", "state",
                 "up", "requests", "errors", "open", "job runs", "done", "failed");
    for (int i = 0; i < MSP_BOARD_SLOTS; i++)
        print_slot(&board->slots[i]);
    msp_status_sources_print(invocation);
}

static void write_health(struct msp_json_writer *writer, const char *name, int64_t ok_since_us,
                         int64_t failed_since_us)
{
    msp_json_key(writer, name);
    msp_json_begin_object(writer);
    msp_json_key_bool(writer, "ok", ok_since_us != 0);
    msp_json_key_time(writer, "ok_since", ok_since_us != 0 ? ok_since_us : INT64_MIN);
    msp_json_key_time(writer, "failed_since", failed_since_us != 0 ? failed_since_us : INT64_MIN);
    msp_json_end_object(writer);
}

static void write_slot(struct msp_json_writer *writer, const struct msp_board_slot *slot)
{
    char name[48];
    if (!name_slot(slot, name, sizeof(name)))
        return;
    msp_json_begin_object(writer);
    msp_json_key_string(writer, "name", name);
    msp_json_key_int(writer, "pid", slot->pid);
    msp_json_key_string(writer, "state", state_name(slot->state));
    msp_json_key_time(writer, "started_at", slot->started_us);
    msp_json_key_int(writer, "requests", msp_board_read(&slot->requests));
    msp_json_key_int(writer, "request_errors", msp_board_read(&slot->request_errors));
    msp_json_key_int(writer, "connections", msp_board_read(&slot->connections));
    msp_json_key_int(writer, "jobs_running", msp_board_read(&slot->jobs_running));
    msp_json_key_int(writer, "jobs_done", msp_board_read(&slot->jobs_done));
    msp_json_key_int(writer, "jobs_failed", msp_board_read(&slot->jobs_failed));
    msp_json_end_object(writer);
}

static void write_totals(struct msp_json_writer *writer, const struct msp_status_board *board)
{
    struct msp_board_totals totals;
    msp_board_sum(board, &totals);
    msp_json_key(writer, "http");
    msp_json_begin_object(writer);
    msp_json_key_int(writer, "requests", totals.requests);
    msp_json_key_int(writer, "request_errors", totals.request_errors);
    msp_json_key_int(writer, "connections", totals.connections);
    msp_json_key_int(writer, "pool_connections", totals.pool_size);
    msp_json_key_int(writer, "pool_in_use", totals.pool_in_use);
    msp_json_key_int(writer, "pool_refused", totals.pool_refused);
    msp_json_end_object(writer);
}

static void write_reload(struct msp_json_writer *writer, const struct msp_board_reload *reload)
{
    msp_json_key(writer, "last_reload");
    if (reload->sequence == 0) {
        msp_json_null(writer);
        return;
    }
    msp_json_begin_object(writer);
    msp_json_key_int(writer, "sequence", (int64_t)reload->sequence);
    msp_json_key_bool(writer, "failed", reload->failed != 0);
    msp_json_key_time(writer, "finished_at", reload->finished_us);
    msp_json_end_object(writer);
}

static int print_as_json(const struct msp_invocation *invocation,
                         const struct msp_status_board *board)
{
    struct msp_buffer text;
    struct msp_json_writer writer;
    msp_buffer_init(&text, 0);
    msp_json_writer_init(&writer, &text);
    msp_json_begin_object(&writer);
    msp_json_key_int(&writer, "master_pid", board->master_pid);
    msp_json_key_time(&writer, "started_at", board->started_us);
    msp_json_key_int(&writer, "settings_generation", (int64_t)board->settings_generation);
    msp_json_key_int(&writer, "restarts", (int64_t)board->restarts);
    write_reload(&writer, &board->reload);
    const struct msp_board_health *health = &board->health;
    write_health(&writer, "postgresql", health->postgres_ok_since_us,
                 health->postgres_failed_since_us);
    if (health->redis_configured) {
        write_health(&writer, "redis", health->redis_ok_since_us, health->redis_failed_since_us);
    } else {
        msp_json_key(&writer, "redis");
        msp_json_null(&writer);
    }
    write_totals(&writer, board);
    msp_json_key_int(&writer, "jobs_queued", health->jobs_queued);
    msp_status_jobs_write(board, &writer);
    msp_status_worker_write(invocation, &writer);
    msp_json_key(&writer, "processes");
    msp_json_begin_array(&writer);
    for (int i = 0; i < MSP_BOARD_SLOTS; i++)
        write_slot(&writer, &board->slots[i]);
    msp_json_end_array(&writer);
    msp_status_sources_write(invocation, &writer);
    msp_json_end_object(&writer);
    const bool whole = !text.failed;
    if (whole)
        (void)printf("%.*s\n", (int)text.length, text.data);
    else
        msp_invocation_complain(invocation, "out of memory");
    msp_buffer_done(&text);
    return whole ? MSP_COMMAND_DONE : MSP_COMMAND_FAILED;
}

int msp_command_status(const struct msp_invocation *invocation)
{
    const struct msp_status_board *board = NULL;
    int code = msp_running_server_find(invocation, &board);
    if (code != MSP_COMMAND_DONE)
        return code;
    if (invocation->json)
        code = print_as_json(invocation, board);
    else
        print_for_people(invocation, board);
    msp_status_board_close(board);
    return code;
}
