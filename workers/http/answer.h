/* The bytes of an answer's head, and the words of its status. For the router alone. */
#ifndef MSP_HTTP_ANSWER_H
#define MSP_HTTP_ANSWER_H

#include "response.h"

enum msp_answer_connection { MSP_ANSWER_CLOSE, MSP_ANSWER_KEEP, MSP_ANSWER_KEEP_HTTP_1_0 };

struct msp_answer_head {
    int status;
    const char *request_id;
    const char *date;
    enum msp_answer_connection connection;
};

/* Appends status line and fields, the blank line included; Content-Length is that of
 * response->body. */
void msp_answer_write_head(const struct msp_answer_head *head, const struct msp_response *response,
                           struct msp_buffer *out);

/* "Not Found"; "Unknown" for a status that we never send. */
const char *msp_status_phrase(int status);

/* The problem of msp_problem for an answer that has no request yet. */
void msp_problem_body(struct msp_buffer *out, int status, const char *code, const char *detail,
                      const char *instance, const char *request_id, const struct msp_error *member);

#endif
