/*
 * Pulls a tenant's tickets from its source until it is drained or the budget is used. The cursor
 * is the database's: each page and the cursor behind it go in by one transaction, while the next
 * page is being read.
 */
#include "job_kinds.h"
#include "msp/clock.h"
#include "msp/json_writer.h"
#include "msp/log.h"
#include "msp/sweep_store.h"
#include "msp/ticket_store.h"
#include "sources/source_open.h"

#include <stdio.h>
#include <string.h>

#define BUDGET_MS          20000 /* the contract's */
#define READ_GRACE_MS      5000  /* for the page that was begun before the budget was used */
#define BUDGET_PAGES       200
#define STORE_DEADLINE_MS  20000 /* a page */
#define MAX_CURSOR_CLASHES 10    /* with other pulls of the same tenant */

struct pull {
    struct msp_job_run *run;
    struct msp_tenant tenant;
    struct msp_open_source opened;
    struct msp_ticket_batch *batches[2]; /* one is being filled, the other written */
    char stored[MSP_CURSOR_BYTES];       /* as the database holds it after what was received */
    char at[MSP_CURSOR_BYTES];           /* where the next page is read from */
    struct msp_source_page page[2];
    char expected[2][MSP_CURSOR_BYTES];
    int in_flight; /* index of the batch being written, or -1 */
    bool drained;
    int pages;
    int clashes;
    bool source_failed;      /* what went wrong is the source's, or the way to it */
    int64_t longest_turn_ms; /* a page read and one written */
    int64_t read_until_ms;
    struct msp_ingest_stats stats;
};

/* Puts the pull where the caller and the database agree that it goes on. */
static enum msp_result choose_start(struct pull *pull, const json_t *asked, struct msp_error *error)
{
    struct msp_cursor cursor;
    enum msp_result result =
        msp_cursor_read(pull->run->db, pull->run->job->tenant_id, pull->tenant.source,
                        msp_job_run_deadline_in(pull->run, STORE_DEADLINE_MS), &cursor, error);
    if (result != MSP_OK) {
        return result;
    }
    memcpy(pull->stored, cursor.current, sizeof pull->stored);
    memcpy(pull->at, cursor.current, sizeof pull->at);
    if (asked == NULL || json_is_null(asked)) {
        return MSP_OK;
    }
    const char *text = json_string_value(asked);
    if (text == NULL) {
        return msp_fail(error, MSP_INVALID, "cursor_malformed",
                        "The parameter \"cursor\" must be a text.");
    }
    if (text[0] == '\0') {
        pull->at[0] = '\0';
        return MSP_OK;
    }
    if (strcmp(text, cursor.current) == 0 || strcmp(text, cursor.previous) == 0) {
        return MSP_OK;
    }
    return msp_fail(error, MSP_CONFLICT, "cursor_conflict",
                    "The cursor sent is neither the stored one nor the one before it; "
                    "the stored cursor is \"%s\".",
                    cursor.current);
}

/* Waits for the page under way. Another pull that moved the cursor first means: go on from where it
 * is now. */
static enum msp_result receive_page(struct pull *pull, struct msp_error *error)
{
    if (pull->in_flight < 0) {
        return MSP_OK;
    }
    int written = pull->in_flight;
    pull->in_flight = -1;
    enum msp_result result = msp_ticket_batch_receive(
        pull->run->db, pull->batches[written],
        msp_job_run_deadline_in(pull->run, STORE_DEADLINE_MS), &pull->stats, error);
    msp_ticket_batch_clear(pull->batches[written], MSP_EVERY_SHARD);
    if (result == MSP_OK) {
        memcpy(pull->stored, pull->page[written].next_cursor, sizeof pull->stored);
        pull->drained = pull->page[written].drained;
    }
    return result;
}

static enum msp_result send_page(struct pull *pull, int filled, struct msp_error *error)
{
    memcpy(pull->expected[filled], pull->stored, sizeof pull->stored);
    struct msp_cursor_move move = {
        .source = pull->tenant.source,
        .expected = pull->expected[filled],
        .next = pull->page[filled].next_cursor,
        .drained = pull->page[filled].drained,
        .complete_until_us = pull->page[filled].complete_until_us,
    };
    /* The commit of the job's end is behind every page and waits for the disk. */
    enum msp_result result = msp_ticket_batch_send(
        pull->run->db, pull->run->job->tenant_id, pull->batches[filled], &move,
        MSP_BATCH_SAFE_LATER, msp_job_run_deadline_in(pull->run, STORE_DEADLINE_MS), error);
    if (result == MSP_OK) {
        pull->in_flight = filled;
        memcpy(pull->at, pull->page[filled].next_cursor, sizeof pull->at);
        pull->pages++;
    }
    return result;
}

static enum msp_result restart_after_clash(struct pull *pull, enum msp_result clash,
                                           struct msp_error *error)
{
    if (clash != MSP_CONFLICT || strcmp(error->code, "cursor_moved") != 0 ||
        pull->clashes++ >= MAX_CURSOR_CLASHES) {
        return clash;
    }
    pull->drained = false;
    return choose_start(pull, NULL, error);
}

/* Reads a page while the one before it is being written, then takes its place. */
static enum msp_result turn(struct pull *pull, bool *out_done, struct msp_error *error)
{
    int filled = pull->in_flight == 0 ? 1 : 0;
    msp_ticket_batch_clear(pull->batches[filled], MSP_EVERY_SHARD);
    struct msp_source_reader *reader = pull->opened.reader;
    enum msp_result read =
        reader->source->page(reader, pull->at, MSP_TICKET_BATCH_ROWS, pull->batches[filled],
                             pull->read_until_ms, &pull->page[filled], error);
    struct msp_error write_error;
    enum msp_result written = receive_page(pull, &write_error);
    if (written != MSP_OK) {
        *error = write_error;
        return restart_after_clash(pull, written, error);
    }
    bool must_wait = msp_source_is_rate_limited(read, error) || read == MSP_TIMED_OUT;
    if (must_wait && pull->pages > 0) {
        *out_done = true; /* what came is worth telling; who wants more asks again */
        return MSP_OK;
    }
    if (read != MSP_OK) {
        pull->source_failed = !msp_source_is_rate_limited(read, error) && read != MSP_CANCELLED;
        return read;
    }
    enum msp_result result =
        msp_job_run_progress(pull->run, pull->stats.fetched, 0, "pulling", error);
    if (result == MSP_OK) {
        result = send_page(pull, filled, error);
    }
    *out_done = pull->page[filled].drained;
    return result;
}

/* Whether another page, which may take as long as the longest so far and be waited for as long
 * again, would not fit. */
static bool is_spent(const struct pull *pull, int64_t budget_until_ms)
{
    return msp_clock_monotonic_ms() + 2 * pull->longest_turn_ms >= budget_until_ms ||
           pull->pages >= BUDGET_PAGES;
}

static enum msp_result pull_pages(struct pull *pull, struct msp_error *error)
{
    int64_t budget_until_ms = msp_clock_monotonic_ms() + BUDGET_MS;
    pull->read_until_ms = msp_job_run_deadline_in(pull->run, BUDGET_MS + READ_GRACE_MS);
    enum msp_result result = MSP_OK;
    bool done = false;
    while (result == MSP_OK) {
        if (!done && !is_spent(pull, budget_until_ms)) {
            int64_t begun_ms = msp_clock_monotonic_ms();
            result = turn(pull, &done, error);
            int64_t took_ms = msp_clock_monotonic_ms() - begun_ms;
            pull->longest_turn_ms =
                took_ms > pull->longest_turn_ms ? took_ms : pull->longest_turn_ms;
            continue;
        }
        result = receive_page(pull, error);
        if (result == MSP_OK) {
            return MSP_OK;
        }
        done = false;
        result = restart_after_clash(pull, result, error);
    }
    if (pull->in_flight >= 0) {
        struct msp_error ignored;
        (void)!receive_page(pull, &ignored);
    }
    return result;
}

/* Late tickets changed days that were computed: their recompute is a job of its own, not the
 * puller's wait. */
static void queue_recompute(struct pull *pull)
{
    struct msp_job_request request = {
        .kind = "kpi",
        .lane = msp_job_kind_find("kpi")->lane,
        .parameters = "{\"dirty_only\":true}",
        .merges = true,
        .trace = pull->run->job->trace,
    };
    struct msp_job queued;
    struct msp_error error;
    enum msp_result result =
        msp_job_insert(pull->run->db, pull->run->job->tenant_id, &request, pull->run->arena,
                       msp_job_run_deadline_in(pull->run, STORE_DEADLINE_MS), &queued, &error);
    if (result == MSP_OK) {
        pull->run->queued_more = true;
        return;
    }
    /* The days stay marked, so that the next computation of the tenant takes them up. */
    msp_log(MSP_LOG_WARNING, "Cannot queue the recompute of late days", "tenant", pull->tenant.slug,
            "detail", error.detail, "trace", msp_job_trace(pull->run->job), NULL);
}

/* Once a night: what was deleted in the source shows in no pull. */
static void queue_sweep(struct pull *pull)
{
    struct msp_job_run *run = pull->run;
    const struct msp_job_request request = {
        .kind = "sweep",
        .lane = msp_job_kind_find("sweep")->lane,
        .parameters = "{}",
        .merges = true,
        .trace = run->job->trace,
    };
    struct msp_job queued;
    struct msp_error error;
    bool due = false;
    if (!pull->drained || pull->opened.reader->source->ids == NULL) {
        return;
    }
    enum msp_result result =
        msp_sweep_is_due(run->db, pull->tenant.id, pull->tenant.source, run->settings->sweep_hour,
                         msp_job_run_deadline_in(run, STORE_DEADLINE_MS), &due, &error);
    if (result == MSP_OK && due) {
        result = msp_job_insert(run->db, pull->tenant.id, &request, run->arena,
                                msp_job_run_deadline_in(run, STORE_DEADLINE_MS), &queued, &error);
        run->queued_more = run->queued_more || result == MSP_OK;
    }
    if (result != MSP_OK) {
        msp_log(MSP_LOG_WARNING, "Cannot queue the sweep of a source", "tenant", pull->tenant.slug,
                "detail", error.detail, "trace", msp_job_trace(pull->run->job), NULL);
    }
}

static void write_result(const struct pull *pull, struct msp_buffer *result)
{
    struct msp_json_writer writer;
    msp_json_writer_init(&writer, result);
    msp_json_begin_object(&writer);
    msp_json_key_string(&writer, "tenant_id", pull->tenant.slug);
    msp_json_key_string(&writer, "next_cursor", pull->stored);
    msp_json_key_bool(&writer, "has_more", !pull->drained);
    msp_json_key(&writer, "stats");
    msp_json_begin_object(&writer);
    msp_json_key_int(&writer, "fetched", pull->stats.fetched);
    msp_json_key_int(&writer, "inserted", pull->stats.inserted);
    msp_json_key_int(&writer, "updated", pull->stats.updated);
    msp_json_key_int(&writer, "unchanged", pull->stats.unchanged);
    msp_json_key_int(&writer, "rejected", pull->stats.rejected);
    msp_json_end_object(&writer);
    msp_json_end_object(&writer);
}

/* Freshness shows it until a pull goes well. */
static void note_failure(struct pull *pull, const struct msp_error *failure)
{
    struct msp_error error;
    if (!pull->source_failed || pull->tenant.source[0] == '\0' ||
        msp_cursor_note_failure(
            pull->run->db, pull->run->job->tenant_id, pull->tenant.source, failure->detail,
            msp_job_run_deadline_in(pull->run, STORE_DEADLINE_MS), &error) == MSP_OK) {
        return;
    }
    msp_log(MSP_LOG_WARNING, "Cannot note that a source failed", "tenant", pull->tenant.slug,
            "detail", error.detail, "trace", msp_job_trace(pull->run->job), NULL);
}

static enum msp_result pull_tenant(struct pull *pull, const json_t *asked_cursor,
                                   struct msp_buffer *out, struct msp_error *error)
{
    enum msp_result result = msp_job_run_tenant(pull->run, &pull->tenant, error);
    if (result == MSP_OK) {
        result = msp_open_source_open(pull->run, &pull->tenant, &pull->opened, error);
        pull->source_failed = result != MSP_OK && result != MSP_CANCELLED &&
                              !msp_source_is_rate_limited(result, error);
    }
    if (result == MSP_OK) {
        result = choose_start(pull, asked_cursor, error);
    }
    if (result == MSP_OK) {
        pull->batches[0] = msp_ticket_batch_new(MSP_EVERY_SHARD);
        pull->batches[1] = msp_ticket_batch_new(MSP_EVERY_SHARD);
        if (pull->batches[0] == NULL || pull->batches[1] == NULL) {
            result = msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a page.");
        }
    }
    if (result == MSP_OK) {
        result = pull_pages(pull, error);
    }
    /* An earlier attempt may have changed tickets without living to say so. */
    if (pull->stats.inserted + pull->stats.updated > 0 || pull->run->job->claim > 1) {
        queue_recompute(pull);
    }
    if (result == MSP_OK) {
        queue_sweep(pull);
        write_result(pull, out);
    }
    msp_ticket_batch_free(pull->batches[0]);
    msp_ticket_batch_free(pull->batches[1]);
    if (result != MSP_OK) {
        note_failure(pull, error);
    }
    result = msp_open_source_wait(pull->run, &pull->opened, result, error);
    msp_open_source_close(&pull->opened);
    return result;
}

enum msp_result msp_kind_ingest_run(struct msp_job_run *run, struct msp_buffer *result,
                                    struct msp_error *error)
{
    json_t *parameters;
    enum msp_result outcome = msp_job_run_parameters(run, &parameters, error);
    if (outcome != MSP_OK) {
        return outcome;
    }
    struct pull *pull = msp_arena_calloc(run->arena, 1, sizeof *pull);
    if (pull == NULL) {
        outcome = msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a pull.");
    } else {
        pull->run = run;
        pull->in_flight = -1;
        outcome = pull_tenant(pull, json_object_get(parameters, "cursor"), result, error);
    }
    json_decref(parameters);
    return outcome;
}
