/* Messages as an incoming webhook of Slack takes them
 * (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks). */
#ifndef MSP_SLACK_H
#define MSP_SLACK_H

#include "msp/buffer.h"

/* Appends the JSON body: the subject, if it is not "", in bold above the text. "&", "<" and ">" are
 * escaped, so that no text can name a channel or a person, or hide where a link leads. */
void msp_slack_message_write(const char *subject, const char *text, struct msp_buffer *out);

#endif
