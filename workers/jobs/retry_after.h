/* The field by which a server says when to come back (RFC 9110, 10.2.3). */
#ifndef MSP_RETRY_AFTER_H
#define MSP_RETRY_AFTER_H

#include <stdint.h>

/* Seconds from `unix_seconds` on, of either of its forms; 0 if it is empty, neither or past. */
int64_t msp_retry_after_seconds(const char *field, int64_t unix_seconds);

#endif
