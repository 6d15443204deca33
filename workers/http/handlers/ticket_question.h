/* Which tickets a caller asks for: a figure and what part of it, as query names say it. */
#ifndef MSP_HTTP_TICKET_QUESTION_H
#define MSP_HTTP_TICKET_QUESTION_H

#include "../request.h"
#include "msp/drill_down_store.h"

struct msp_ticket_question {
    const char *metric; /* as it was asked for: a derived one opens the count it is made of */
    struct msp_drill_down tickets; /* no place and no limit yet */
};

/* `metric`, `day` or `from` and `to`, `by`, `member`, `age`, `weekday`, `hour`. Texts are borrowed.
 */
enum msp_result msp_ticket_question_read(const struct msp_request *request,
                                         struct msp_ticket_question *out,
                                         struct msp_error *error) MSP_MUST_CHECK;

#endif
