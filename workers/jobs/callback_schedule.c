/* The steps of telling a job's end. A receiver's word is believed, but never for longer than a day.
 */
#include "callback_schedule.h"

#define GIVE_UP_AFTER_MS (INT64_C(24) * 3600 * 1000)

/* Milliseconds to the next try behind the first, second, … failure; the last one stays. */
static const int64_t steps_ms[] = {500, 2000, 5000, 15000, 30000, 60000};
/* Behind each 409: together a minute. n8n says so until its workflow waits, mostly for less than a
 * second, and for ever once it went on. */
static const int64_t conflict_steps_ms[] = {500,  500,  1000, 1000,  2000,  2000,
                                            5000, 5000, 8000, 10000, 12000, 13000};

static bool is_to_be_repeated(const struct msp_callback_try *tried)
{
    if (tried->result != MSP_OK) {
        return tried->result != MSP_FORBIDDEN && tried->result != MSP_INVALID;
    }
    return tried->status == 404 || tried->status == 408 || tried->status == 429 ||
           tried->status >= 500;
}

static enum msp_callback_verdict judge_conflict(const struct msp_callback_try *tried,
                                                struct msp_callback_outcome *out)
{
    size_t steps = sizeof conflict_steps_ms / sizeof conflict_steps_ms[0];
    if ((size_t)tried->conflicts >= steps) {
        out->reason = "The receiver answered 409 for a minute: it has the callback already.";
        return out->verdict = MSP_CALLBACK_TAKEN;
    }
    out->conflict = true;
    out->delay_ms = conflict_steps_ms[tried->conflicts];
    out->reason = "The receiver answered 409: it does not wait yet, or no longer.";
    return out->verdict = MSP_CALLBACK_AGAIN;
}

static enum msp_callback_verdict judge_failure(const struct msp_callback_try *tried,
                                               struct msp_callback_outcome *out)
{
    size_t last = sizeof steps_ms / sizeof steps_ms[0] - 1;
    size_t step = (size_t)tried->failures < last ? (size_t)tried->failures : last;
    int64_t asked_ms = tried->retry_after_seconds * 1000;
    int64_t left_ms = GIVE_UP_AFTER_MS - tried->age_ms;
    if (left_ms <= 0) {
        out->reason = "The receiver did not take it for 24 hours.";
        return out->verdict = MSP_CALLBACK_FAILED;
    }
    out->delay_ms = asked_ms > steps_ms[step] ? asked_ms : steps_ms[step];
    out->delay_ms = out->delay_ms < left_ms ? out->delay_ms : left_ms;
    out->reason = tried->result == MSP_OK ? "The receiver did not take it." : NULL;
    return out->verdict = MSP_CALLBACK_AGAIN;
}

enum msp_callback_verdict msp_callback_judge(const struct msp_callback_try *tried,
                                             struct msp_callback_outcome *out)
{
    bool answered = tried->result == MSP_OK;
    *out = (struct msp_callback_outcome){.status = answered ? tried->status : 0};
    if (tried->result == MSP_CANCELLED) {
        return out->verdict = MSP_CALLBACK_GIVEN_BACK;
    }
    if (answered && tried->status >= 200 && tried->status < 300) {
        out->accepted = true;
        return out->verdict = MSP_CALLBACK_TAKEN;
    }
    if (answered && tried->status == 410) {
        out->reason = "The receiver is gone for good (410).";
        return out->verdict = MSP_CALLBACK_TAKEN;
    }
    if (answered && tried->status == 409) {
        return judge_conflict(tried, out);
    }
    if (is_to_be_repeated(tried)) {
        return judge_failure(tried, out);
    }
    out->reason = answered ? "The receiver refused it for good." : NULL;
    return out->verdict = MSP_CALLBACK_FAILED;
}
