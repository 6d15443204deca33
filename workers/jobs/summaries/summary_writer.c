/* Chooses who writes: the model, or, where there is none or its text cannot be used, the template
 * writer. */
#include "summaries/summary_writer.h"

#include "msp/log.h"
#include "summaries/model_writer.h"
#include "summaries/template_writer.h"

#include <stdio.h>
#include <string.h>

static enum msp_result check_model_is_on(const struct msp_settings *settings,
                                         struct msp_error *error)
{
    if (settings->mock_mode) {
        return msp_fail(error, MSP_FORBIDDEN, "mock_mode",
                        "MOCK_MODE is on, in which no model is asked.");
    }
    if (settings->claude_api_key[0] == '\0') {
        return msp_fail(error, MSP_FORBIDDEN, "no_key",
                        "CLAUDE_API_KEY is empty; set it to have summaries written by a model.");
    }
    return MSP_OK;
}

/* Whether the failure is the model's alone. Any other is the job's own, and of what the template
 * writer needs too. */
static bool is_of_model(const struct msp_error *error)
{
    static const char *const beginnings[] = {"mock_mode", "no_key", "budget_spent", "model_",
                                             "text_"};
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        if (strncmp(error->code, beginnings[i], strlen(beginnings[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* What the check says quotes the model, and what it wrote is not for readers. */
static struct msp_error reason_for_readers(const struct msp_error *error)
{
    struct msp_error reason = *error;
    if (strncmp(error->code, "text_", 5) == 0) {
        (void)snprintf(reason.detail, sizeof reason.detail,
                       "What the model wrote is not borne out by the facts, even after it was told "
                       "so; the log says where.");
    }
    return reason;
}

enum msp_result msp_summary_write(struct msp_job_run *run, const struct msp_facts *facts,
                                  enum msp_language language, struct msp_written *out,
                                  struct msp_error *error)
{
    struct msp_written written = {.model = run->settings->claude_model};
    enum msp_result result = check_model_is_on(run->settings, error);
    bool is_on = result == MSP_OK;
    if (is_on) {
        result = msp_model_write(run, facts, language, &written.text, &written.tokens, error);
    }
    if (result != MSP_OK && !is_of_model(error)) {
        return result;
    }
    if (result != MSP_OK) {
        written.model = NULL;
        written.reason = reason_for_readers(error);
        if (is_on) {
            msp_log(MSP_LOG_WARNING, "A summary is written by template, not by the model", "job",
                    run->job->id, "tenant", run->job->tenant, "code", error->code, "detail",
                    error->detail, "trace", msp_job_trace(run->job), NULL);
        }
        result = msp_template_write(facts, language, run->arena, &written.text, error);
    }
    if (result == MSP_OK) {
        *out = written;
    }
    return result;
}
