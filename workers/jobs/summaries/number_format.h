/*
 * Numbers, lengths of time and days as French and English write them.
 *
 * Rounding, here and wherever a summary's numbers are compared: half away from zero on the decimal
 * that is written (12.25 % with one digit is 12.3 %, -0.5 with none is -1).
 */
#ifndef MSP_JOBS_SUMMARIES_NUMBER_FORMAT_H
#define MSP_JOBS_SUMMARIES_NUMBER_FORMAT_H

#include "facts.h"

#define MSP_NUMBER_TEXT_BYTES 64

/* `value` is in units of 1 / MSP_FACT_ONE. Rounded to `digits` (0 to 9) after the point, in units
 * of 10^-digits: 12.25 (12250000000) with 1 digit is 123. */
int64_t msp_number_round(int64_t value, unsigned digits);

/* Whether a rounded number takes the singular: 1 in English, everything under 2 in French. */
bool msp_number_is_one(int64_t rounded, unsigned digits, enum msp_language language);

/* "1,234.5" and "1 234,5" (U+202F between thousands; a minus is "-"); digits that end in zeros are
 * left out when `trim`. */
void msp_number_format(int64_t value, unsigned digits, bool trim, enum msp_language language,
                       char out[MSP_NUMBER_TEXT_BYTES]);

/* A ratio: 0.125 is "12.5%", or "12,5 %" with U+202F. One digit at most, none when it is 0. */
void msp_percent_format(int64_t ratio, enum msp_language language, char out[MSP_NUMBER_TEXT_BYTES]);

/*
 * Minutes. From one hour on in whole minutes ("3 h 20 min"), from one day on in whole hours ("2
 * days 4 h", "2 jours 4 h"), below an hour in whole minutes ("45 min"), below one minute in seconds
 * ("30 s"). A part that is 0 is left out.
 */
void msp_minutes_format(int64_t minutes, enum msp_language language,
                        char out[MSP_NUMBER_TEXT_BYTES]);

struct msp_civil_day {
    int year, month, day; /* Gregorian; month and day from 1 */
};
struct msp_civil_day msp_civil_day_of(int32_t unix_day);

/* "March 1, 2026" and "1er mars 2026". */
void msp_day_write(int32_t unix_day, enum msp_language language, char out[MSP_NUMBER_TEXT_BYTES]);

/* The value of any fact as a sentence would write it, a change without its sign ("4", "12,5 %",
 * "1.5 percentage points"), "no data" or "aucune donnée" where it is not known. */
void msp_fact_format(const struct msp_fact *fact, enum msp_language language,
                     char out[MSP_NUMBER_TEXT_BYTES]);

#endif
