/* Tries a tenant's source as a pull would and says in one line what came of it. Stores nothing and
 * moves no cursor. */
#include "job_kinds.h"
#include "msp/egress_allow.h"
#include "msp/json_writer.h"
#include "msp/source_kinds.h"
#include "msp/ticket_store.h"
#include "msp/timestamp.h"
#include "sources/source_open.h"

#include <stdio.h>
#include <string.h>

/* Enough to see that signing in, reading and mapping work; few enough for any budget. */
#define TICKETS        50
#define PATIENCE_MS    30000
#define SENTENCE_BYTES 512

struct trial {
    struct msp_job_run *run;
    struct msp_tenant tenant;
    struct msp_open_source opened;
    struct msp_ticket_batch *batch;
    struct msp_source_page page;
    char host[MSP_EGRESS_HOST_BYTES]; /* "" = its kind's own */
};

/* The host of the first address among the options. */
static void find_host(struct trial *trial)
{
    const struct msp_source_kind *kind = msp_source_kind_find(trial->tenant.source);
    for (size_t i = 0; kind != NULL && kind->options[i].name != NULL; i++) {
        struct msp_egress_url url;
        struct msp_error unheard;
        const char *text =
            json_string_value(json_object_get(trial->opened.options, kind->options[i].name));
        if (kind->options[i].type == MSP_SOURCE_URL && text != NULL &&
            msp_egress_url_parse(text, &url, &unheard) == MSP_OK) {
            memcpy(trial->host, url.host, sizeof trial->host);
            return;
        }
    }
}

static enum msp_result read_page(struct trial *trial, struct msp_error *error)
{
    struct msp_source_reader *reader = trial->opened.reader;
    trial->batch = msp_ticket_batch_new(MSP_EVERY_SHARD);
    if (trial->batch == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a page.");
    }
    return reader->source->page(reader, "", TICKETS, trial->batch,
                                msp_job_run_deadline_in(trial->run, PATIENCE_MS), &trial->page,
                                error);
}

static bool reads_mock(const struct trial *trial)
{
    return trial->opened.reader->source == &msp_mock_source &&
           strcmp(trial->tenant.source, msp_mock_source.name) != 0;
}

/* For those who say it in other words than the sentence's. */
static const char *outcome_of(const struct trial *trial,
                              const struct msp_ticket_batch_figures *found)
{
    if (reads_mock(trial)) {
        return "mocked";
    }
    return found->newest_us == MSP_NO_TIME ? "empty" : "works";
}

static void write_sentence(const struct trial *trial, const struct msp_ticket_batch_figures *found,
                           char out[SENTENCE_BYTES])
{
    const char *kind = trial->tenant.source;
    const char *joint = trial->host[0] != '\0' ? " at " : "";
    char newest[MSP_TIMESTAMP_TEXT_BYTES] = "";
    char refused[80] = "";
    if (reads_mock(trial)) {
        (void)snprintf(out, SENTENCE_BYTES,
                       "MOCK_MODE is on: invented tickets were read instead of %s%s%s, which was "
                       "not called.",
                       kind, joint, trial->host);
        return;
    }
    if (found->rejects > 0) {
        (void)snprintf(refused, sizeof refused, ", %zu refused (a pull keeps them with the reason)",
                       found->rejects);
    }
    if (found->newest_us == MSP_NO_TIME) {
        (void)snprintf(out, SENTENCE_BYTES, "%s%s%s answers, but its first page has no tickets%s.",
                       kind, joint, trial->host, refused);
        return;
    }
    msp_timestamp_format(found->newest_us / 1000000 * 1000000, newest);
    (void)snprintf(out, SENTENCE_BYTES,
                   "%s%s%s works: %zu tickets read from the start%s, the newest of them changed at "
                   "%s.",
                   kind, joint, trial->host, found->tickets, refused, newest);
}

static void write_result(const struct trial *trial, struct msp_buffer *out)
{
    const struct msp_ticket_batch_figures found = msp_ticket_batch_look(trial->batch);
    struct msp_json_writer writer;
    char sentence[SENTENCE_BYTES];
    write_sentence(trial, &found, sentence);
    msp_json_writer_init(&writer, out);
    msp_json_begin_object(&writer);
    msp_json_key_string(&writer, "tenant_id", trial->tenant.slug);
    msp_json_key_string(&writer, "kind", trial->tenant.source);
    msp_json_key_string(&writer, "host", trial->host[0] != '\0' ? trial->host : NULL);
    msp_json_key_string(&writer, "outcome", outcome_of(trial, &found));
    msp_json_key_int(&writer, "tickets", (int64_t)found.tickets);
    msp_json_key_int(&writer, "rejected", (int64_t)found.rejects);
    msp_json_key_time(&writer, "newest_updated_at", found.newest_us);
    msp_json_key_string(&writer, "summary", sentence);
    msp_json_end_object(&writer);
}

/* Whose words they are: a sysadmin has several of them. */
static enum msp_result name_source(const struct trial *trial, enum msp_result result,
                                   struct msp_error *error)
{
    const struct msp_error said = *error;
    if (trial->tenant.source[0] == '\0' || result == MSP_CANCELLED) {
        return result;
    }
    return msp_fail(error, result, said.code, "%s: %.400s", trial->tenant.source, said.detail);
}

static enum msp_result try_source(struct trial *trial, struct msp_buffer *out,
                                  struct msp_error *error)
{
    enum msp_result result = msp_job_run_tenant(trial->run, &trial->tenant, error);
    if (result == MSP_OK) {
        result = msp_open_source_open(trial->run, &trial->tenant, &trial->opened, error);
        find_host(trial);
    }
    if (result == MSP_OK) {
        result = msp_job_run_progress(trial->run, 0, 0, "asking the source", error);
    }
    if (result == MSP_OK) {
        result = read_page(trial, error);
    }
    if (result == MSP_OK) {
        write_result(trial, out);
    } else {
        result = name_source(trial, result, error);
    }
    msp_ticket_batch_free(trial->batch);
    msp_open_source_close(&trial->opened);
    return result;
}

enum msp_result msp_kind_source_test_run(struct msp_job_run *run, struct msp_buffer *result,
                                         struct msp_error *error)
{
    struct trial *trial = msp_arena_calloc(run->arena, 1, sizeof *trial);
    if (trial == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to try a source.");
    }
    trial->run = run;
    return try_source(trial, result, error);
}
