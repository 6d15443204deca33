/* A letter as text: RFC 5322 header, RFC 2047 subject, MIME body in base64. Nothing that the text
 * or the subject holds can become a header. */
#ifndef MSP_MAIL_MESSAGE_H
#define MSP_MAIL_MESSAGE_H

#include "msp/buffer.h"

#include <stdint.h>

struct msp_mail_letter {
    const char *id; /* of its kind: letters, digits and "-"; the same when it is sent again */
    const char *from;
    const char *const *to; /* closed by NULL; like `from` addresses that msp_mail_address took */
    const char *subject;   /* UTF-8 */
    const char *text;      /* UTF-8, lines end with LF or CRLF */
    int64_t unix_seconds;
};

/* Appends the whole message, lines ended by CRLF; `failed` when memory is short. */
void msp_mail_message_write(const struct msp_mail_letter *letter, struct msp_buffer *out);

#endif
