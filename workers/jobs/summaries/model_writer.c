/* The model is asked, its text checked, and asked once more if it does not pass. */
#include "summaries/model_writer.h"

#include "msp/summary_store.h"
#include "summaries/model_client.h"
#include "summaries/prompt.h"
#include "summaries/text_check.h"

#define MODEL_PHASE_MS   150000 /* of a job's 300 s: the template writer must still have its turn */
#define RESERVE_LIMIT_MS 10000
#define ASKS             2 /* a text, and another if it does not pass */
#define TURNS_MOST       (2 * ASKS - 1)

/* A talk with the model. */
struct talk {
    struct msp_job_run *run;
    struct msp_egress *egress;
    const struct msp_facts *facts;
    enum msp_language language;
    int64_t deadline_ms;
    struct msp_buffer rules;
    struct msp_model_turn turns[TURNS_MOST];
    size_t turn_count;
    int64_t tokens; /* used less reserved */
};

/* ---- one call ---- */

static enum msp_result write_request(const struct talk *talk, struct msp_buffer *out,
                                     struct msp_error *error)
{
    struct msp_model_prompt prompt = {
        .model = talk->run->settings->claude_model,
        .rules = talk->rules.data,
        .rules_length = talk->rules.length,
        .turns = talk->turns,
        .turn_count = talk->turn_count,
    };
    msp_model_request_write(&prompt, out);
    return out->failed ? msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a prompt.")
                       : MSP_OK;
}

/* MSP_BUSY "budget_spent" if the month has no room for what this call may take. */
static enum msp_result reserve(const struct talk *talk, int64_t tokens, struct msp_error *error)
{
    struct msp_job_run *run = talk->run;
    int budget = run->settings->summary_tokens_per_month;
    bool granted;
    enum msp_result result =
        msp_summary_reserve_tokens(run->db, run->job->tenant_id, &run->fence, tokens, budget,
                                   msp_job_run_deadline_in(run, RESERVE_LIMIT_MS), &granted, error);
    if (result == MSP_OK && !granted) {
        return msp_fail(error, MSP_BUSY, "budget_spent",
                        "The tenant's %d tokens of this month (SUMMARY_TOKENS_PER_MONTH) do not "
                        "suffice for another text of the model.",
                        budget);
    }
    return result;
}

static enum msp_result ask(struct talk *talk, struct msp_model_reply *reply,
                           struct msp_error *error)
{
    struct msp_buffer request;
    msp_buffer_init(&request, 0);
    enum msp_result result = write_request(talk, &request, error);
    int64_t most = msp_model_tokens_at_most(&request);
    if (result == MSP_OK) {
        result = reserve(talk, most, error);
    }
    if (result == MSP_OK) {
        result = msp_model_ask(talk->run, talk->egress, &request, talk->deadline_ms, reply, error);
        talk->tokens += reply->tokens < 0 ? 0 : reply->tokens - most;
    }
    msp_buffer_done(&request);
    return result;
}

/* ---- the talk ---- */

static enum msp_result say(struct talk *talk, struct msp_buffer *text, struct msp_error *error)
{
    const char *kept =
        text->failed ? NULL : msp_arena_copy(talk->run->arena, text->data, text->length);
    if (kept == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a prompt.");
    }
    talk->turns[talk->turn_count++] = (struct msp_model_turn){kept, text->length};
    return MSP_OK;
}

static enum msp_result show_facts(struct talk *talk, struct msp_error *error)
{
    struct msp_buffer text;
    msp_buffer_init(&text, 0);
    msp_prompt_write_facts(talk->facts, talk->language, &text);
    enum msp_result result = say(talk, &text, error);
    msp_buffer_done(&text);
    return result;
}

static enum msp_result refuse_text(struct talk *talk, const struct msp_model_reply *reply,
                                   const char *reason, struct msp_error *error)
{
    struct msp_buffer text;
    msp_buffer_init(&text, 0);
    msp_prompt_write_refusal(reason, &text);
    talk->turns[talk->turn_count++] = (struct msp_model_turn){reply->text, reply->length};
    enum msp_result result = say(talk, &text, error);
    msp_buffer_done(&text);
    return result;
}

/* On failure `error` says why the model has no text that can be used. */
static enum msp_result talk_it_over(struct talk *talk, struct msp_summary_text *out,
                                    struct msp_error *error)
{
    enum msp_result result = show_facts(talk, error);
    for (int asked = 1; result == MSP_OK; asked++) {
        struct msp_model_reply reply;
        struct msp_error fault;
        result = ask(talk, &reply, error);
        if (result != MSP_OK) {
            return result;
        }
        result = msp_text_check(talk->facts, talk->language, reply.text, reply.length,
                                talk->run->arena, out, &fault);
        if (result != MSP_INVALID || asked == ASKS) {
            if (result != MSP_OK) {
                *error = fault;
            }
            return result;
        }
        result = refuse_text(talk, &reply, fault.detail, error);
    }
    return result;
}

enum msp_result msp_model_write(struct msp_job_run *run, const struct msp_facts *facts,
                                enum msp_language language, struct msp_summary_text *out,
                                int64_t *out_tokens, struct msp_error *error)
{
    struct talk talk = {.run = run,
                        .facts = facts,
                        .language = language,
                        .deadline_ms = msp_job_run_deadline_in(run, MODEL_PHASE_MS),
                        .egress = msp_egress_new(run->settings->egress_allow)};
    msp_buffer_init(&talk.rules, 0);
    msp_prompt_write_rules(&talk.rules);
    if (talk.egress != NULL) {
        msp_egress_trace(talk.egress, run->job->trace);
    }
    enum msp_result result =
        talk.egress == NULL || talk.rules.failed
            ? msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a prompt.")
            : talk_it_over(&talk, out, error);
    *out_tokens = talk.tokens;
    msp_buffer_done(&talk.rules);
    msp_egress_free(talk.egress);
    return result;
}
