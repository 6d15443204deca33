/* Writes messages for Slack. Sends nothing. */
#include "notifications/slack.h"

#include "msp/json_writer.h"

#include <string.h>

/* The three bytes that control Slack's own markup. */
static const char *escape_of(char byte)
{
    return byte == '&' ? "&amp;" : byte == '<' ? "&lt;" : byte == '>' ? "&gt;" : NULL;
}

static void append_escaped(const char *text, struct msp_buffer *out)
{
    while (*text != '\0') {
        size_t plain = strcspn(text, "&<>");
        msp_buffer_append(out, text, plain);
        text += plain;
        if (*text != '\0') {
            msp_buffer_append_text(out, escape_of(*text));
            text++;
        }
    }
}

void msp_slack_message_write(const char *subject, const char *text, struct msp_buffer *out)
{
    struct msp_buffer message;
    msp_buffer_init(&message, 0);
    if (subject[0] != '\0') {
        msp_buffer_append_text(&message, "*");
        append_escaped(subject, &message);
        msp_buffer_append_text(&message, "*\n");
    }
    append_escaped(text, &message);
    struct msp_json_writer writer;
    msp_json_writer_init(&writer, out);
    msp_json_begin_object(&writer);
    msp_json_key(&writer, "text");
    msp_json_string_n(&writer, message.data != NULL ? message.data : "", message.length);
    msp_json_end_object(&writer);
    out->failed = out->failed || message.failed;
    msp_buffer_done(&message);
}
