/* The quick half of msp_ticket_from_line, for its tests. */
#ifndef MSP_TICKET_LINE_H
#define MSP_TICKET_LINE_H

#include "msp/ticket.h"

/* True and *out filled if the line is so plain that there can be no doubt about it. */
bool msp_ticket_read_plainly(const char *line, size_t length, struct msp_arena *arena,
                             struct msp_ticket *out) MSP_MUST_CHECK;

#endif
