/* Numbers, percentages, lengths of time and days in both languages. */
#include "workers/jobs/summaries/number_format.h"

#include "msp/timestamp.h"

#include <criterion/criterion.h>
#include <string.h>

#define NNBSP "\xe2\x80\xaf"

static const char *number(int64_t value, unsigned digits, enum msp_language language)
{
    static char out[MSP_NUMBER_TEXT_BYTES];
    msp_number_format(value, digits, true, language, out);
    return out;
}

static const char *percent(int64_t value, enum msp_language language)
{
    static char out[MSP_NUMBER_TEXT_BYTES];
    msp_percent_format(value, language, out);
    return out;
}

static const char *minutes(double value, enum msp_language language)
{
    static char out[MSP_NUMBER_TEXT_BYTES];
    msp_minutes_format((int64_t)(value * (double)MSP_FACT_ONE), language, out);
    return out;
}

static const char *day(const char *text, enum msp_language language)
{
    static char out[MSP_NUMBER_TEXT_BYTES];
    int32_t unix_day = 0;
    cr_assert(msp_day_parse(text, strlen(text), &unix_day));
    msp_day_write(unix_day, language, out);
    return out;
}

Test(number_format, rounding_is_half_away_from_zero)
{
    cr_assert_eq(msp_number_round(12250000000, 1), 123);
    cr_assert_eq(msp_number_round(12249999999, 1), 122);
    cr_assert_eq(msp_number_round(-500000000, 0), -1);
    cr_assert_eq(msp_number_round(499999999, 0), 0);
    cr_assert_eq(msp_number_round(INT64_MAX, 0), 9223372037);
    cr_assert_eq(msp_number_round(INT64_MIN, 0), -9223372037);
    cr_assert_eq(msp_number_round(7, 9), 7);
}

Test(number_format, thousands_and_decimals_are_those_of_the_language)
{
    cr_assert_str_eq(number(1234567 * MSP_FACT_ONE, 0, MSP_ENGLISH), "1,234,567");
    cr_assert_str_eq(number(1234567 * MSP_FACT_ONE, 0, MSP_FRENCH), "1" NNBSP "234" NNBSP "567");
    cr_assert_str_eq(number(1234500000000, 2, MSP_ENGLISH), "1,234.5");
    cr_assert_str_eq(number(1234500000000, 2, MSP_FRENCH), "1" NNBSP "234,5");
    cr_assert_str_eq(number(-4050000000, 2, MSP_ENGLISH), "-4.05");
    cr_assert_str_eq(number(0, 2, MSP_FRENCH), "0");
}

Test(number_format, a_percentage_has_a_narrow_space_in_french)
{
    cr_assert_str_eq(percent(125000000, MSP_ENGLISH), "12.5%");
    cr_assert_str_eq(percent(125000000, MSP_FRENCH), "12,5" NNBSP "%");
    cr_assert_str_eq(percent(MSP_FACT_ONE, MSP_ENGLISH), "100%");
    cr_assert_str_eq(percent(914, MSP_ENGLISH), "0%");
}

Test(number_format, lengths_of_time_leave_out_what_is_nought)
{
    cr_assert_str_eq(minutes(200, MSP_ENGLISH), "3 h 20 min");
    cr_assert_str_eq(minutes(180, MSP_FRENCH), "3 h");
    cr_assert_str_eq(minutes(45.5, MSP_FRENCH), "46 min");
    cr_assert_str_eq(minutes(59.6, MSP_FRENCH), "1 h");
    cr_assert_str_eq(minutes(0.5, MSP_ENGLISH), "30 s");
    cr_assert_str_eq(minutes(3120, MSP_ENGLISH), "2 days 4 h");
    cr_assert_str_eq(minutes(1440, MSP_FRENCH), "1 jour");
    cr_assert_str_eq(minutes(2879, MSP_FRENCH), "2 jours");
    cr_assert_str_eq(minutes(0, MSP_ENGLISH), "0 s");
}

Test(number_format, days_are_written_out)
{
    cr_assert_str_eq(day("2026-03-01", MSP_ENGLISH), "March 1, 2026");
    cr_assert_str_eq(day("2026-03-01", MSP_FRENCH), "1er mars 2026");
    cr_assert_str_eq(day("2024-02-29", MSP_FRENCH), "29 février 2024");
    cr_assert_str_eq(day("1969-12-31", MSP_ENGLISH), "December 31, 1969");
    cr_assert_str_eq(day("2000-08-02", MSP_FRENCH), "2 août 2000");
}

Test(number_format, french_is_singular_below_two)
{
    cr_assert(msp_number_is_one(0, 0, MSP_FRENCH));
    cr_assert(msp_number_is_one(15, 1, MSP_FRENCH));
    cr_assert_not(msp_number_is_one(2, 0, MSP_FRENCH));
    cr_assert(msp_number_is_one(10, 1, MSP_ENGLISH));
    cr_assert_not(msp_number_is_one(0, 0, MSP_ENGLISH));
    cr_assert_not(msp_number_is_one(15, 1, MSP_ENGLISH));
}
