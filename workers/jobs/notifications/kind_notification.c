/*
 * Sends one notification, to Slack or by mail. The door has checked what was asked; whom a letter
 * may reach is checked again here, since it is the settings of now that hold.
 */
#include "egress/egress.h"
#include "job_kinds.h"
#include "msp/clock.h"
#include "msp/json_writer.h"
#include "msp/mail_address.h"
#include "notifications/mail_message.h"
#include "notifications/slack.h"
#include "retry_after.h"

#include <string.h>

#define SEND_TIMEOUT_MS 30000

struct notification {
    struct msp_job_run *run;
    struct msp_egress *egress;
    const char *subject, *text, *to;
};

static bool should_stop(void *context)
{
    return msp_job_run_should_stop(context);
}

static const char *text_of(const json_t *parameters, const char *name)
{
    const char *text = json_string_value(json_object_get(parameters, name));
    return text != NULL ? text : "";
}

/* ---- Slack ---- */

/* 429 says when to come back; other refusals mean that this message or this webhook is wrong. */
static enum msp_result judge_slack(struct msp_job_run *run,
                                   const struct msp_egress_response *response,
                                   const char *retry_after, struct msp_error *error)
{
    if (response->status >= 200 && response->status < 300) {
        return MSP_OK;
    }
    if (response->status == 429) {
        return msp_job_run_slow_down(
            run, msp_retry_after_seconds(retry_after, msp_clock_unix_us() / 1000000), error,
            "Slack takes no more messages for now (429).");
    }
    if (response->status >= 500 || response->status == 408) {
        return msp_fail(error, MSP_UNAVAILABLE, "slack_unavailable",
                        "Slack cannot take the message now (%d).", response->status);
    }
    /* Slack names the fault in a word such as no_service or invalid_payload. */
    size_t word = response->body.length == 0 ? 0 : 60;
    word = word < response->body.length ? word : response->body.length;
    return msp_fail(error, MSP_INVALID, "slack_refused",
                    "Slack refused the message (%d %.*s); look at SLACK_WEBHOOK_URL.",
                    response->status, (int)word, word > 0 ? response->body.data : "");
}

static enum msp_result post_to_slack(const struct notification *notification,
                                     const struct msp_buffer *body, struct msp_error *error)
{
    static const char *const fields[] = {"Content-Type: application/json", NULL};
    struct msp_job_run *run = notification->run;
    struct msp_egress_field retry_after = {.name = "Retry-After"};
    struct msp_egress_request request = {
        .owner = MSP_EGRESS_OURS,
        .purpose = "slack",
        .method = "POST",
        .url = run->settings->slack_webhook_url,
        .fields = fields,
        .body = body->data,
        .body_bytes = (int64_t)body->length,
        .wanted = &retry_after,
        .wanted_count = 1,
        .deadline_ms = msp_job_run_deadline_in(run, SEND_TIMEOUT_MS),
        .should_stop = should_stop,
        .context = run,
    };
    struct msp_egress_response response;
    enum msp_result result = msp_egress_call(notification->egress, &request, &response, error);
    if (result == MSP_OK) {
        result = judge_slack(run, &response, retry_after.value, error);
        msp_egress_response_done(&response);
    }
    return result;
}

static enum msp_result send_to_slack(const struct notification *notification,
                                     struct msp_error *error)
{
    if (notification->run->settings->slack_webhook_url[0] == '\0') {
        return msp_fail(error, MSP_INVALID, "channel_off",
                        "SLACK_WEBHOOK_URL is empty; set it to send to Slack.");
    }
    struct msp_buffer body;
    msp_buffer_init(&body, 0);
    msp_slack_message_write(notification->subject, notification->text, &body);
    enum msp_result result =
        body.failed ? msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a message.")
                    : post_to_slack(notification, &body, error);
    msp_buffer_done(&body);
    return result;
}

/* ---- mail ---- */

/* The receivers as texts of the arena, closed by NULL. */
static enum msp_result read_receivers(const struct notification *notification, const char **out,
                                      struct msp_error *error)
{
    const struct msp_settings *settings = notification->run->settings;
    const char *list = notification->to[0] != '\0' ? notification->to : settings->notify_to;
    const char *entry;
    size_t length;
    size_t count = 0;
    if (!msp_mail_list_is_valid(list, MSP_MAIL_ADDRESSES_MOST)) {
        return msp_fail(error, MSP_INVALID, "receivers_malformed",
                        "The letter has no receivers, or what it has are not addresses.");
    }
    for (const char *at = list; msp_mail_next(&at, &entry, &length); count++) {
        if (!msp_mail_is_allowed(entry, length, settings->notify_to, settings->notify_allow)) {
            return msp_fail(error, MSP_INVALID, "receiver_not_allowed",
                            "NOTIFY_ALLOW does not let letters go to %.*s.", (int)length, entry);
        }
        out[count] = msp_arena_copy(notification->run->arena, entry, length);
        if (out[count] == NULL) {
            return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a letter.");
        }
    }
    out[count] = NULL;
    return MSP_OK;
}

static enum msp_result post_letter(const struct notification *notification,
                                   const char *const *receivers, const char *message,
                                   struct msp_error *error)
{
    const struct msp_settings *settings = notification->run->settings;
    struct msp_egress_mail mail = {
        .url = settings->smtp_url,
        .user = settings->smtp_user,
        .password = settings->smtp_password,
        .require_tls = settings->smtp_starttls,
        .from = settings->smtp_from,
        .to = receivers,
        .message = message,
        .deadline_ms = msp_job_run_deadline_in(notification->run, SEND_TIMEOUT_MS),
        .should_stop = should_stop,
        .context = notification->run,
    };
    return msp_egress_send_mail(notification->egress, &mail, error);
}

static enum msp_result send_letter(const struct notification *notification, struct msp_error *error)
{
    const struct msp_settings *settings = notification->run->settings;
    const char *receivers[MSP_MAIL_ADDRESSES_MOST + 1];
    if (settings->smtp_url[0] == '\0') {
        return msp_fail(error, MSP_INVALID, "channel_off",
                        "SMTP_URL is empty; set it to send mail.");
    }
    enum msp_result result = read_receivers(notification, receivers, error);
    if (result != MSP_OK) {
        return result;
    }
    struct msp_mail_letter letter = {
        .id = notification->run->job->id,
        .from = settings->smtp_from,
        .to = receivers,
        .subject = notification->subject[0] != '\0' ? notification->subject : "MSP Analytics",
        .text = notification->text,
        .unix_seconds = msp_clock_unix_us() / 1000000,
    };
    struct msp_buffer message;
    msp_buffer_init(&message, 0);
    msp_mail_message_write(&letter, &message);
    msp_buffer_append(&message, "", 1);
    result = message.failed ? msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a letter.")
                            : post_letter(notification, receivers, message.data, error);
    msp_buffer_done(&message);
    return result;
}

/* ---- either ---- */

static enum msp_result deliver(struct notification *notification, const char *channel,
                               struct msp_error *error)
{
    notification->egress = msp_egress_new(notification->run->settings->egress_allow);
    if (notification->egress == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a notification.");
    }
    msp_egress_trace(notification->egress, notification->run->job->trace);
    enum msp_result result = strcmp(channel, "slack") == 0 ? send_to_slack(notification, error)
                             : strcmp(channel, "email") == 0
                                 ? send_letter(notification, error)
                                 : msp_fail(error, MSP_INVALID, "channel_unknown",
                                            "A channel is \"slack\" or \"email\".");
    msp_egress_free(notification->egress);
    return result;
}

enum msp_result msp_kind_notification_run(struct msp_job_run *run, struct msp_buffer *result,
                                          struct msp_error *error)
{
    json_t *parameters;
    enum msp_result outcome = msp_job_run_parameters(run, &parameters, error);
    if (outcome != MSP_OK) {
        return outcome;
    }
    const char *channel = text_of(parameters, "channel");
    struct notification notification = {
        .run = run,
        .subject = text_of(parameters, "subject"),
        .text = text_of(parameters, "text"),
        .to = text_of(parameters, "to"),
    };
    outcome = deliver(&notification, channel, error);
    if (outcome == MSP_OK) {
        struct msp_json_writer writer;
        msp_json_writer_init(&writer, result);
        msp_json_begin_object(&writer);
        msp_json_key_string(&writer, "channel", channel);
        msp_json_end_object(&writer);
    }
    json_decref(parameters);
    return outcome;
}
