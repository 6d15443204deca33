/* The opaque text by which a caller asks for the next page of jobs: where the last one ended. */
#ifndef MSP_HTTP_PAGE_CURSOR_H
#define MSP_HTTP_PAGE_CURSOR_H

#include "msp/job_message.h"

#include <stdbool.h>
#include <stdint.h>

#define MSP_PAGE_CURSOR_BYTES 96

struct msp_page_cursor {
    int64_t created_us;
    char id[MSP_JOB_ID_BYTES];
};

/* base64url (RFC 4648 section 5, no padding) of "created_us:id". */
void msp_page_cursor_format(const struct msp_page_cursor *cursor, char out[MSP_PAGE_CURSOR_BYTES]);

/* False for every text that msp_page_cursor_format does not write. */
bool msp_page_cursor_parse(const char *text, struct msp_page_cursor *out) MSP_MUST_CHECK;

#endif
