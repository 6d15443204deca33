/* Writes a tenant's summary of a period. The same job writes the same one, however often it is
 * tried. */
#include "job_kinds.h"
#include "msp/json_writer.h"
#include "msp/summary_store.h"
#include "summaries/gather.h"
#include "summaries/summary_writer.h"

#include <string.h>

#define STORE_LIMIT_MS 30000

struct wish {
    int32_t from, to;
    enum msp_language language;
};

static enum msp_result read_wish(const json_t *parameters, struct wish *out,
                                 struct msp_error *error)
{
    const char *language = json_string_value(json_object_get(parameters, "language"));
    enum msp_result result = msp_job_parameter_day(parameters, "from", &out->from, error);
    if (result == MSP_OK) {
        result = msp_job_parameter_day(parameters, "to", &out->to, error);
    }
    if (result != MSP_OK) {
        return result;
    }
    if (out->from == MSP_NO_DAY || out->to == MSP_NO_DAY || out->from > out->to) {
        return msp_fail(error, MSP_INVALID, "range_malformed",
                        "A summary needs \"from\" and \"to\", the earlier day first.");
    }
    if (!msp_language_parse(language, &out->language)) {
        return msp_fail(error, MSP_INVALID, "language_unknown",
                        "Summaries are written in \"en\" or \"fr\".");
    }
    return MSP_OK;
}

static enum msp_result load_wish(const struct msp_job_run *run, struct wish *out,
                                 struct msp_error *error)
{
    json_t *parameters;
    enum msp_result result = msp_job_run_parameters(run, &parameters, error);
    if (result == MSP_OK) {
        result = read_wish(parameters, out, error);
        json_decref(parameters);
    }
    return result;
}

static void write_result(const char *tenant, const char *id, struct msp_buffer *result)
{
    struct msp_json_writer writer;
    msp_json_writer_init(&writer, result);
    msp_json_begin_object(&writer);
    msp_json_key(&writer, "summaries");
    msp_json_begin_array(&writer);
    msp_json_begin_object(&writer);
    msp_json_key_string(&writer, "tenant_id", tenant);
    msp_json_key_string(&writer, "id", id);
    msp_json_end_object(&writer);
    msp_json_end_array(&writer);
    msp_json_end_object(&writer);
}

/* ---- keeping it ---- */

/* Sentences and facts as JSON texts that end. */
struct papers {
    struct msp_buffer sentences, facts;
};

static enum msp_result write_papers(const struct msp_gathered *gathered,
                                    const struct msp_written *written, struct papers *out,
                                    struct msp_error *error)
{
    struct msp_json_writer writer;
    msp_json_writer_init(&writer, &out->sentences);
    msp_summary_text_write_json(&writer, &written->text);
    msp_buffer_append(&out->sentences, "", 1);
    msp_json_writer_init(&writer, &out->facts);
    msp_facts_write_list(&writer, &gathered->facts);
    msp_buffer_append(&out->facts, "", 1);
    return out->sentences.failed || out->facts.failed
               ? msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a summary.")
               : MSP_OK;
}

static enum msp_result save(const struct msp_job_run *run, const struct wish *wish,
                            const struct msp_gathered *gathered, const struct msp_written *written,
                            const struct papers *papers, char out_id[MSP_JOB_ID_BYTES],
                            struct msp_error *error)
{
    bool by_model = written->model != NULL;
    struct msp_summary summary = {
        .from = wish->from,
        .to = wish->to,
        .previous_from = wish->from - (wish->to - wish->from + 1),
        .previous_to = wish->from - 1,
        .language = msp_language_code(wish->language),
        .text = written->text.text,
        .sentences = papers->sentences.data,
        .facts = papers->facts.data,
        .model = written->model,
        .not_by_model = by_model ? NULL : written->reason.code,
        .not_by_model_detail = by_model ? NULL : written->reason.detail,
        .complete_through = gathered->facts.complete_through,
        .data_as_of_us = gathered->data_as_of_us,
    };
    return msp_summary_save(run->db, run->job->tenant_id, &run->fence, &summary, written->tokens,
                            msp_job_run_deadline_in(run, STORE_LIMIT_MS), out_id, error);
}

static enum msp_result keep(const struct msp_job_run *run, const struct wish *wish,
                            const struct msp_gathered *gathered, const struct msp_written *written,
                            char out_id[MSP_JOB_ID_BYTES], struct msp_error *error)
{
    struct papers papers;
    msp_buffer_init(&papers.sentences, 0);
    msp_buffer_init(&papers.facts, 0);
    enum msp_result result = write_papers(gathered, written, &papers, error);
    if (result == MSP_OK) {
        result = save(run, wish, gathered, written, &papers, out_id, error);
    }
    msp_buffer_done(&papers.sentences);
    msp_buffer_done(&papers.facts);
    return result;
}

/* ---- the job ---- */

static enum msp_result summarise(struct msp_job_run *run, const struct wish *wish,
                                 char out_id[MSP_JOB_ID_BYTES], struct msp_error *error)
{
    struct msp_gathered gathered;
    struct msp_written written;
    enum msp_result result = msp_job_run_progress(run, 0, 3, "gathering figures", error);
    if (result == MSP_OK) {
        result = msp_facts_gather(run, wish->from, wish->to, &gathered, error);
    }
    if (result == MSP_OK) {
        result = msp_job_run_progress(run, 1, 3, "writing", error);
    }
    if (result == MSP_OK) {
        result = msp_summary_write(run, &gathered.facts, wish->language, &written, error);
    }
    if (result == MSP_OK) {
        result = keep(run, wish, &gathered, &written, out_id, error);
    }
    return result;
}

enum msp_result msp_kind_summary_run(struct msp_job_run *run, struct msp_buffer *result,
                                     struct msp_error *error)
{
    struct wish wish;
    char id[MSP_JOB_ID_BYTES];
    bool found = false;
    enum msp_result outcome = load_wish(run, &wish, error);
    if (outcome == MSP_OK) {
        outcome =
            msp_summary_of_job(run->db, run->job->tenant_id, run->job->id,
                               msp_job_run_deadline_in(run, STORE_LIMIT_MS), &found, id, error);
    }
    if (outcome == MSP_OK && !found) {
        outcome = summarise(run, &wish, id, error);
    }
    if (outcome == MSP_OK) {
        write_result(run->job->tenant, id, result);
    }
    return outcome;
}

static enum msp_result append_summaries(const struct msp_job *child, json_t *all,
                                        struct msp_error *error)
{
    json_t *one;
    enum msp_result result =
        msp_json_parse(child->result, strlen(child->result), &msp_job_json_limits, &one, error);
    if (result != MSP_OK) {
        return result;
    }
    int failed = json_array_extend(all, json_object_get(one, "summaries"));
    json_decref(one);
    return failed == 0 ? MSP_OK
                       : msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a result.");
}

enum msp_result msp_kind_summary_collect(const struct msp_job *children, size_t count,
                                         struct msp_buffer *result, struct msp_error *error)
{
    json_t *all = json_array();
    enum msp_result outcome = MSP_OK;
    for (size_t i = 0; i < count && outcome == MSP_OK; i++) {
        if (children[i].state == MSP_JOB_SUCCEEDED && children[i].result != NULL) {
            outcome = append_summaries(&children[i], all, error);
        }
    }
    char *text = outcome == MSP_OK ? json_dumps(all, JSON_COMPACT) : NULL;
    if (text != NULL) {
        msp_buffer_append_text(result, "{\"summaries\":");
        msp_buffer_append_text(result, text);
        msp_buffer_append_text(result, "}");
    } else if (outcome == MSP_OK) {
        outcome = msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a result.");
    }
    free(text);
    json_decref(all);
    return outcome;
}
