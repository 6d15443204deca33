/* Promises of include/msp/timestamp.h. Numbers of known instants are from date(1). */
#include "msp/timestamp.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct known {
    const char *text;
    int64_t unix_us;
};

#define S(seconds) (INT64_C(seconds) * 1000000)

Test(timestamp, known_instants_are_read)
{
    static const struct known table[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2016-03-27T01:59:00+01:00", S(1459040340)},
        {"2016-03-27t00:59:00z", S(1459040340)},
        {"2016-03-27 00:59:00Z", S(1459040340)},
        {"1985-04-12T23:20:50.52Z", S(482196050) + 520000},
        {"1996-12-19T16:39:57-08:00", S(851042397)},
        {"1937-01-01T12:00:27.87+00:20", -S(1041337173) + 870000},
        {"1969-12-31T23:59:59.999999Z", -1},
        {"2024-02-29T12:00:00Z", S(1709208000)},
        {"2000-02-29T00:00:00Z", S(951782400)},
        {"2020-01-01T00:00:00+14:00", S(1577786400)},
        {"2020-01-01T00:00:00-12:00", S(1577880000)},
        {"2020-01-01T00:00:00+23:59", S(1577836800) - S(86340)},
        {"2020-01-01T00:00:00-00:00", S(1577836800)},
        {"2020-01-01T00:00:00.1Z", S(1577836800) + 100000},
        {"2020-01-01T00:00:00.123456789Z", S(1577836800) + 123456},
        {"2020-01-01T00:00:00.999999999Z", S(1577836800) + 999999},
        {"1900-01-01T00:00:00Z", -S(2208988800)},
        {"2261-12-31T23:59:59.999999Z", S(9214646399) + 999999},
        {"2016-12-31T23:59:60Z", S(1483228800)},
        {"1990-12-31T15:59:60-08:00", S(662688000)},
        {"2016-12-31T23:59:60.5Z", S(1483228800) + 500000},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int64_t unix_us = 7;
        cr_assert(msp_timestamp_parse(table[i].text, strlen(table[i].text), &unix_us), "%s",
                  table[i].text);
        cr_expect_eq(unix_us, table[i].unix_us, "%s gave %lld", table[i].text, (long long)unix_us);
    }
}

Test(timestamp, anything_else_is_refused_and_leaves_the_result_alone)
{
    static const char *const table[] = {
        "",
        "2",
        "2016-03-27",
        "2016-03-27T00:59:00",
        "2016-03-27T00:59Z",
        "2016-03-27T00:59:00 Z",
        " 2016-03-27T00:59:00Z",
        "2016-03-27T00:59:00Z ",
        "2016-03-27T00:59:00ZZ",
        "2016-3-27T00:59:00Z",
        "2016-03-27_00:59:00Z",
        "2016-03-27  00:59:00Z",
        "2016/03/27T00:59:00Z",
        "20160327T005900Z",
        "2016-W12-7T00:59:00Z",
        "+2016-03-27T00:59:00Z",
        "-016-03-27T00:59:00Z",
        "12016-03-27T00:59:00Z",
        "2016-00-27T00:59:00Z",
        "2016-13-27T00:59:00Z",
        "2016-03-00T00:59:00Z",
        "2016-03-32T00:59:00Z",
        "2016-04-31T00:59:00Z",
        "2015-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2016-03-27T24:00:00Z",
        "2016-03-27T23:60:00Z",
        "2016-03-27T23:59:61Z",
        "2016-03-27T12:00:60Z",
        "1998-12-31T23:58:60Z",
        "1998-12-31T22:59:60Z",
        "2016-12-31T23:59:60+01:00",
        "2016-03-27T00:59:00.Z",
        "2016-03-27T00:59:00,5Z",
        "2016-03-27T00:59:00.1234567890Z",
        "2016-03-27T00:59:00.-1Z",
        "2016-03-27T00:59:00+1:00",
        "2016-03-27T00:59:00+0100",
        "2016-03-27T00:59:00+01",
        "2016-03-27T00:59:00+24:00",
        "2016-03-27T00:59:00+01:60",
        "2016-03-27T00:59:00UTC",
        "2016-03-27T00:59:00\xe2\x88\x92\x30\x31:00", /* U+2212 for a minus */
        "\xef\xbc\x92\x30\x31\x36-03-27T00:59:00Z",
        "1899-12-31T23:59:59Z",
        "2262-01-01T00:00:00Z",
        "1900-01-01T00:00:00+00:01",
        "2261-12-31T23:59:59-00:01",
        "2261-12-31T23:59:60Z",
        "1459040340",
        "now",
        "infinity",
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int64_t unix_us = 7;
        cr_expect_not(msp_timestamp_parse(table[i], strlen(table[i]), &unix_us), "%s", table[i]);
        cr_expect_eq(unix_us, 7);
    }
}

Test(timestamp, NUL_bytes_are_refused)
{
    static const char inside[] = "2016-03-27\0"
                                 "00:59:00Z";
    static const char behind[] = "2016-03-27T00:59:00Z";
    int64_t unix_us;
    cr_assert_not(msp_timestamp_parse(inside, sizeof inside - 1, &unix_us));
    cr_assert_not(msp_timestamp_parse(behind, sizeof behind, &unix_us));
}

Test(timestamp, every_prefix_of_a_good_text_is_refused)
{
    static const char text[] = "2016-03-27T01:59:00.123456+01:00";
    int64_t unix_us;
    for (size_t length = 0; length < sizeof text - 1; length++)
        cr_assert_not(msp_timestamp_parse(text, length, &unix_us), "%zu", length);
    cr_assert(msp_timestamp_parse(text, sizeof text - 1, &unix_us));
}

Test(timestamp, instants_are_written_in_utc_with_a_fraction_only_when_there_is_one)
{
    static const struct known table[] = {
        {"2016-03-27T00:59:00Z", S(1459040340)},
        {"2016-03-27T00:59:00.000001Z", S(1459040340) + 1},
        {"2016-03-27T00:59:00.520000Z", S(1459040340) + 520000},
        {"1969-12-31T23:59:59.999999Z", -1},
        {"1900-01-01T00:00:00Z", -S(2208988800)},
        {"2261-12-31T23:59:59.999999Z", S(9214646399) + 999999},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char text[MSP_TIMESTAMP_TEXT_BYTES];
        msp_timestamp_format(table[i].unix_us, text);
        cr_expect_str_eq(text, table[i].text);
    }
}

Test(timestamp, any_number_can_be_written)
{
    static const int64_t table[] = {INT64_MIN, INT64_MIN + 1, INT64_MAX, -S(62135596801)};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char text[MSP_TIMESTAMP_TEXT_BYTES];
        memset(text, 'x', sizeof text);
        msp_timestamp_format(table[i], text);
        cr_expect_not_null(memchr(text, '\0', sizeof text));
    }
    char day[MSP_DAY_TEXT_BYTES];
    msp_day_format(INT32_MIN + 1, day);
    cr_expect_str_eq(day, "-5877641-06-24");
    msp_day_format(INT32_MAX, day);
    cr_expect_str_eq(day, "5881580-07-11");
}

Test(timestamp, what_is_written_is_read_back)
{
    const int64_t step = S(86400) * 13 + S(3607) + 700001;
    for (int64_t unix_us = -S(2208988800); unix_us < S(9214646400); unix_us += step) {
        char text[MSP_TIMESTAMP_TEXT_BYTES];
        int64_t back;
        msp_timestamp_format(unix_us, text);
        cr_assert(msp_timestamp_parse(text, strlen(text), &back), "%s", text);
        cr_assert_eq(back, unix_us, "%s", text);
    }
}

Test(day, every_day_of_all_years_agrees_with_libc)
{
    for (int32_t day = -25567; day < 106651; day++) {
        time_t seconds = (time_t)day * 86400;
        struct tm utc;
        char expected[MSP_DAY_TEXT_BYTES];
        char text[MSP_DAY_TEXT_BYTES];
        int32_t back;
        gmtime_r(&seconds, &utc);
        strftime(expected, sizeof expected, "%Y-%m-%d", &utc);
        msp_day_format(day, text);
        cr_assert_str_eq(text, expected);
        cr_assert(msp_day_parse(text, strlen(text), &back));
        cr_assert_eq(back, day);
    }
}

Test(day, only_real_days_of_known_years_are_read)
{
    static const char *const table[] = {
        "",           "2016-03-2", "2016-03-277", "2016-02-30", "2015-02-29",  "1899-12-31",
        "2262-01-01", "2016-3-27", "2016-03-27 ", "2016-03-1x", "2016-03-27T", "0000-00-00",
        "2016-1a-01", "20160327",  "2016-03-00",  "2016-00-01", "2016-13-01",  "today",
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int32_t day = 7;
        cr_expect_not(msp_day_parse(table[i], strlen(table[i]), &day), "%s", table[i]);
        cr_expect_eq(day, 7);
    }
}
