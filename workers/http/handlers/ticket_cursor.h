/* The opaque text by which a caller asks for the next page of tickets. It only fits the question it
 * was given out for: another tenant, metric, range or member is another question. */
#ifndef MSP_HTTP_TICKET_CURSOR_H
#define MSP_HTTP_TICKET_CURSOR_H

#include "msp/drill_down_store.h"
#include "opaque_text.h"

/* An external id may have 128 characters of four bytes. */
#define MSP_TICKET_CURSOR_PLAIN_BYTES 576
#define MSP_TICKET_CURSOR_BYTES       MSP_OPAQUE_TEXT_BYTES(MSP_TICKET_CURSOR_PLAIN_BYTES)

struct msp_ticket_cursor {
    int64_t counted_us;
    char external_id[MSP_TICKET_CURSOR_PLAIN_BYTES];
};

/* `question` without its place, of the tenant. */
void msp_ticket_cursor_format(int64_t tenant_id, const struct msp_drill_down *question,
                              const struct msp_counted_ticket *last,
                              char out[MSP_TICKET_CURSOR_BYTES]);

/* False for a text that was not given out for this question. */
bool msp_ticket_cursor_parse(const char *text, int64_t tenant_id,
                             const struct msp_drill_down *question,
                             struct msp_ticket_cursor *out) MSP_MUST_CHECK;

#endif
