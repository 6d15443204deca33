/* Notifications: what a caller wants said is checked here and sent by the job worker. This is no
 * open relay: letters go only to whom the settings name. */
#include "handlers.h"

#include "inputs.h"
#include "job_answer.h"
#include "msp/json_reader.h"
#include "msp/mail_address.h"

#include <string.h>

#define LONGEST_TEXT_BYTES    30000 /* Slack cuts a message at 40,000 characters */
#define LONGEST_SUBJECT_BYTES 200

struct wish {
    const char *channel, *subject, *text, *to;
};

static enum msp_result check_slack(const struct msp_settings *settings, const struct wish *wish,
                                   struct msp_error *error)
{
    if (settings->slack_webhook_url[0] == '\0')
        return msp_fail_at(error, MSP_INVALID, "channel_off", "/channel",
                           "This server sends nothing to Slack: SLACK_WEBHOOK_URL is not set.");
    if (wish->to != NULL)
        return msp_fail_at(error, MSP_INVALID, "receiver_fixed", "/to",
                           "Slack's webhook belongs to one channel; leave \"to\" out.");
    return MSP_OK;
}

static enum msp_result check_receivers(const struct msp_settings *settings, const char *list,
                                       struct msp_error *error)
{
    const char *entry;
    size_t length;

    if (!msp_mail_list_is_valid(list, MSP_MAIL_ADDRESSES_MOST))
        return msp_fail_at(error, MSP_INVALID, "receivers_malformed", "/to",
                           "\"to\" must be 1 to %d mail addresses with commas between.",
                           MSP_MAIL_ADDRESSES_MOST);
    for (const char *at = list; msp_mail_next(&at, &entry, &length);) {
        if (!msp_mail_is_allowed(entry, length, settings->notify_to, settings->notify_allow))
            return msp_fail_at(
                error, MSP_INVALID, "receiver_not_allowed", "/to",
                "Letters may not go to %.*s; NOTIFY_ALLOW names whom they may reach.", (int)length,
                entry);
    }
    return MSP_OK;
}

static enum msp_result check_email(const struct msp_settings *settings, const struct wish *wish,
                                   struct msp_error *error)
{
    if (settings->smtp_url[0] == '\0')
        return msp_fail_at(error, MSP_INVALID, "channel_off", "/channel",
                           "This server sends no mail: SMTP_URL is not set.");
    if (wish->to != NULL)
        return check_receivers(settings, wish->to, error);
    if (settings->notify_to[0] == '\0')
        return msp_fail_at(error, MSP_INVALID, "receivers_missing", "/to",
                           "Say in \"to\" whom the letter is for; NOTIFY_TO is not set.");
    return MSP_OK;
}

static bool has_control_bytes(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    }
    return false;
}

static enum msp_result check_subject(const char *subject, struct msp_error *error)
{
    if (subject == NULL)
        return MSP_OK;
    if (strlen(subject) > LONGEST_SUBJECT_BYTES || has_control_bytes(subject))
        return msp_fail_at(error, MSP_INVALID, "subject_malformed", "/subject",
                           "\"subject\" must be one line of at most %d bytes.",
                           LONGEST_SUBJECT_BYTES);
    return MSP_OK;
}

static enum msp_result check_text(const char *text, struct msp_error *error)
{
    if (text == NULL || text[0] == '\0')
        return msp_fail_at(error, MSP_INVALID, "text_missing", "/text",
                           "Say in \"text\" what is to be sent.");
    if (strlen(text) > LONGEST_TEXT_BYTES)
        return msp_fail_at(error, MSP_INVALID, "text_too_long", "/text",
                           "\"text\" has %zu bytes but may have %d; link to the rest.",
                           strlen(text), LONGEST_TEXT_BYTES);
    return MSP_OK;
}

static enum msp_result check_channel(const struct msp_settings *settings, const struct wish *wish,
                                     struct msp_error *error)
{
    if (wish->channel != NULL && strcmp(wish->channel, "slack") == 0)
        return check_slack(settings, wish, error);
    if (wish->channel != NULL && strcmp(wish->channel, "email") == 0)
        return check_email(settings, wish, error);
    return msp_fail_at(error, MSP_INVALID, "channel_unknown", "/channel",
                       "\"channel\" must be \"slack\" or \"email\".");
}

static enum msp_result read_wish(const struct msp_request *request, const json_t *body,
                                 struct wish *wish, struct msp_error *error)
{
    static const char *const known[] = {"channel", "subject", "text", "to", NULL};
    const struct {
        const char *name;
        const char **out;
    } members[] = {{"channel", &wish->channel},
                   {"subject", &wish->subject},
                   {"text", &wish->text},
                   {"to", &wish->to}};
    enum msp_result result = msp_json_only_members(body, known, error);

    for (size_t i = 0; i < sizeof members / sizeof members[0] && result == MSP_OK; i++)
        result = msp_input_text(body, members[i].name, members[i].out, error);
    if (result == MSP_OK)
        result = check_channel(request->settings, wish, error);
    if (result == MSP_OK)
        result = check_subject(wish->subject, error);
    if (result == MSP_OK)
        result = check_text(wish->text, error);
    return result;
}

static void write_parameters(struct msp_buffer *out, const struct wish *wish)
{
    struct msp_json_writer writer;

    msp_json_writer_init(&writer, out);
    msp_json_begin_object(&writer);
    msp_json_key_string(&writer, "channel", wish->channel);
    msp_json_key_string(&writer, "subject", wish->subject);
    msp_json_key_string(&writer, "text", wish->text);
    msp_json_key_string(&writer, "to", wish->to);
    msp_json_end_object(&writer);
    msp_buffer_append(out, "", 1); /* closes the text */
}

/* The same words twice are two notifications, so that jobs of this kind never merge. */
static int start(const struct msp_request *request, struct msp_response *response,
                 const struct wish *wish)
{
    struct msp_buffer parameters;
    struct msp_job_request wanted = {.kind = "notification", .lane = MSP_LANE_SHORT};
    int status;

    msp_buffer_init(&parameters, 0);
    write_parameters(&parameters, wish);
    wanted.parameters = parameters.data;
    status = parameters.failed
                 ? msp_problem_no_memory(request, response)
                 : msp_job_answer_start(request, response, 0, &wanted, "/internal/jobs/");
    msp_buffer_done(&parameters);
    return status;
}

int msp_handle_notification(const struct msp_request *request, struct msp_response *response)
{
    struct wish wish = {.channel = NULL};
    struct msp_error error;
    json_t *body = NULL;
    enum msp_result result = msp_input_body(request, &body, &error);
    int status;

    if (result == MSP_OK)
        result = read_wish(request, body, &wish, &error);
    status = result == MSP_OK ? start(request, response, &wish)
                              : msp_problem_from_error(request, response, &error);
    json_decref(body);
    return status;
}
