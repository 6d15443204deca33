/*
 * Texts of instants and days. Instants are microseconds since 1970 UTC, days
 * are whole days since 1970-01-01. Which day an instant falls in for a tenant
 * is decided in PostgreSQL (msp.local_day), nowhere else.
 */
#ifndef MSP_TIMESTAMP_H
#define MSP_TIMESTAMP_H

#include "msp/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MSP_TIMESTAMP_TEXT_BYTES 40
#define MSP_DAY_TEXT_BYTES       16

/*
 * RFC 3339 section 5.6 date-time with offset ("2016-03-27T01:59:00+01:00", "…Z",
 * lower-case t and z and a space for the T are taken as the RFC allows), years
 * 1900 to 2261, up to 9 fraction digits of which 6 are kept. A leap second (":60")
 * counts as the next second. False if `text` is anything else.
 */
bool msp_timestamp_parse(const char *text, size_t length, int64_t *out_unix_us) MSP_MUST_CHECK;

/* "2016-03-27T00:59:00Z"; with 6 fraction digits only when they are not all zero. */
void msp_timestamp_format(int64_t unix_us, char out[MSP_TIMESTAMP_TEXT_BYTES]);

/* "YYYY-MM-DD" of a real calendar day, years 1900 to 2261. */
bool msp_day_parse(const char *text, size_t length, int32_t *out_unix_day) MSP_MUST_CHECK;
void msp_day_format(int32_t unix_day, char out[MSP_DAY_TEXT_BYTES]);

#endif
