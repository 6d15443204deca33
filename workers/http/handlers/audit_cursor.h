/* The opaque text by which an admin asks for the next page of the audit log. It only fits the
 * question it was given out for. */
#ifndef MSP_HTTP_AUDIT_CURSOR_H
#define MSP_HTTP_AUDIT_CURSOR_H

#include "msp/audit_log.h"
#include "opaque_text.h"

#define MSP_AUDIT_CURSOR_PLAIN_BYTES 48
#define MSP_AUDIT_CURSOR_BYTES       MSP_OPAQUE_TEXT_BYTES(MSP_AUDIT_CURSOR_PLAIN_BYTES)

/* Behind the line `last_id`; the place and the limit in `filter` don't matter. */
void msp_audit_cursor_format(const struct msp_audit_filter *filter, int64_t last_id,
                             char out[MSP_AUDIT_CURSOR_BYTES]);

/* False for a text that was not given out for this question. */
bool msp_audit_cursor_parse(const char *text, const struct msp_audit_filter *filter,
                            int64_t *out_last_id) MSP_MUST_CHECK;

#endif
