/* One text from the Claude API, in at most TRIES calls. */
#include "summaries/model_client.h"

#include "msp/clock.h"
#include "retry_after.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ENDPOINT        "/v1/messages"
#define TRIES           4
#define CALL_TIMEOUT_MS 60000 /* 1,500 tokens take some twenty seconds */
#define FIRST_PAUSE_MS  1000
#define SLICE_MS        100

const char *msp_model_url(struct msp_arena *arena, const char *base)
{
    size_t length = strlen(base);
    size_t tail = strlen(ENDPOINT);
    while (length > 0 && base[length - 1] == '/') {
        length--;
    }
    bool whole = length > tail && memcmp(base + length - tail, ENDPOINT, tail) == 0;
    return msp_arena_printf(arena, "%.*s%s", (int)length, base, whole ? "" : ENDPOINT);
}

static bool should_stop(void *context)
{
    return msp_job_run_should_stop(context);
}

/* What a call came to. */
struct verdict {
    bool again;       /* another call may end better */
    int64_t pause_ms; /* what the other side asked us to wait, 0 = did not say */
};

/* Statuses that are worth another call, and what is said if none ends better. */
static const struct fault {
    int first, last;
    bool again;
    const char *code;
    const char *sentence;
} faults[] = {
    {408, 408, true, "model_unavailable", "The Claude API did not get the request in time"},
    {429, 429, true, "model_rate_limited", "The Claude API takes no more requests for now"},
    {529, 529, true, "model_overloaded", "The Claude API is overloaded"},
    {500, 599, true, "model_unavailable", "The Claude API failed"},
    {0, 999, false, "model_refused",
     "The Claude API refused the request; look at CLAUDE_API_KEY, CLAUDE_MODEL and CLAUDE_API_URL"},
};

static enum msp_result judge_status(const struct msp_egress_response *response,
                                    const char *retry_after, struct verdict *verdict,
                                    struct msp_error *error)
{
    const struct fault *fault = faults;
    char type[48];
    while (response->status < fault->first || response->status > fault->last) {
        fault++;
    }
    verdict->again = fault->again;
    verdict->pause_ms = 1000 * msp_retry_after_seconds(retry_after, msp_clock_unix_us() / 1000000);
    msp_model_error_type(response->body.data, response->body.length, type);
    return msp_fail(error, MSP_UNAVAILABLE, fault->code, "%s (%d%s%s).", fault->sentence,
                    response->status, type[0] != '\0' ? " " : "", type);
}

static enum msp_result judge_answer(struct msp_job_run *run,
                                    const struct msp_egress_response *response,
                                    const char *retry_after, struct msp_model_reply *out,
                                    struct verdict *verdict, struct msp_error *error)
{
    if (response->status == 200) {
        return msp_model_reply_read(response->body.data, response->body.length, run->arena, out,
                                    error);
    }
    out->tokens = 0;
    return judge_status(response, retry_after, verdict, error);
}

/* No answer came. Where one was on its way, the text may have been written and be paid for. */
static enum msp_result judge_silence(enum msp_result outcome, struct msp_model_reply *out,
                                     struct verdict *verdict, struct msp_error *error)
{
    if (outcome == MSP_TIMED_OUT) {
        return msp_fail(error, MSP_UNAVAILABLE, "model_timed_out",
                        "The Claude API did not answer in time.");
    }
    if (outcome == MSP_TOO_LARGE) {
        return msp_fail(error, MSP_INVALID, "model_reply_malformed",
                        "The model's answer is far longer than was asked for.");
    }
    if (outcome == MSP_CANCELLED || outcome == MSP_NO_MEMORY) {
        return outcome;
    }
    out->tokens = 0;
    verdict->again = outcome == MSP_UNAVAILABLE;
    return msp_fail(error, MSP_UNAVAILABLE, "model_unavailable",
                    "The Claude API cannot be reached; look at CLAUDE_API_URL.");
}

static enum msp_result call_once(struct msp_job_run *run, struct msp_egress *egress,
                                 const struct msp_buffer *request, int64_t deadline_ms,
                                 struct msp_model_reply *out, struct verdict *verdict,
                                 struct msp_error *error)
{
    const struct msp_settings *settings = run->settings;
    int64_t call_ms = msp_clock_monotonic_ms() + CALL_TIMEOUT_MS;
    const char *fields[] = {"Content-Type: application/json", "anthropic-version: 2023-06-01",
                            msp_arena_printf(run->arena, "x-api-key: %s", settings->claude_api_key),
                            NULL};
    struct msp_egress_field retry_after = {.name = "Retry-After"};
    struct msp_egress_request call = {
        .owner = MSP_EGRESS_OURS,
        .purpose = "model",
        .method = "POST",
        .url = msp_model_url(run->arena, settings->claude_api_url),
        .fields = fields,
        .body = request->data,
        .body_bytes = (int64_t)request->length,
        .limit_bytes = MSP_MODEL_REPLY_BYTES,
        .wanted = &retry_after,
        .wanted_count = 1,
        .deadline_ms = call_ms < deadline_ms ? call_ms : deadline_ms,
        .is_patient = true,
        .should_stop = should_stop,
        .context = run,
    };
    struct msp_egress_response response;
    out->tokens = -1;
    if (fields[2] == NULL || call.url == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to call the Claude API.");
    }
    enum msp_result result = msp_egress_call(egress, &call, &response, error);
    if (result != MSP_OK) {
        return judge_silence(result, out, verdict, error);
    }
    result = judge_answer(run, &response, retry_after.value, out, verdict, error);
    msp_egress_response_done(&response);
    return result;
}

/* What was asked for, or 1, 2, 4 s; up to a quarter more, so that many who wait do not come at
 * once. */
static int64_t pause_before(int try, int64_t asked_ms)
{
    int64_t ms = asked_ms > 0 ? asked_ms : (int64_t)FIRST_PAUSE_MS << (try - 1);
    return ms + (int64_t)arc4random_uniform((uint32_t)(ms < 60000 ? ms / 4 : 15000) + 1);
}

static void sleep_until(const struct msp_job_run *run, int64_t until_ms)
{
    struct timespec slice = {.tv_nsec = SLICE_MS * 1000000L};
    while (msp_clock_monotonic_ms() < until_ms && !msp_job_run_should_stop(run)) {
        (void)nanosleep(&slice, NULL);
    }
}

enum msp_result msp_model_ask(struct msp_job_run *run, struct msp_egress *egress,
                              const struct msp_buffer *request, int64_t deadline_ms,
                              struct msp_model_reply *out, struct msp_error *error)
{
    for (int try = 1;; try++) {
        struct verdict verdict = {.again = false};
        struct msp_error stopped;
        enum msp_result result = call_once(run, egress, request, deadline_ms, out, &verdict, error);
        if (result == MSP_OK || !verdict.again || try == TRIES) {
            return result;
        }
        int64_t until_ms = msp_clock_monotonic_ms() + pause_before(try, verdict.pause_ms);
        if (until_ms >= deadline_ms) {
            return result;
        }
        sleep_until(run, until_ms);
        result = msp_job_run_check(run, &stopped);
        if (result != MSP_OK) {
            *error = stopped;
            return result;
        }
    }
}
