/* Calendar arithmetic in whole numbers, proleptic Gregorian. Knows no time zones. */
#include "msp/timestamp.h"

#include <stdio.h>
#include <string.h>

#define FIRST_YEAR     1900
#define LAST_YEAR      2261
#define SECONDS_A_DAY  INT64_C(86400)
#define US_A_SECOND    INT64_C(1000000)
#define DAYS_400_YEARS 146097

/* Days of a common year before each month. */
static const int16_t month_start[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};

struct cursor {
    const char *at;
    const char *end;
};

struct date {
    int32_t year;
    int month;
    int day;
};

static bool is_leap(int32_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int64_t divide_down(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

static int64_t year_start_day(int32_t year)
{
    const int64_t leap_days_before_1970 = 477;
    int64_t past = (int64_t)year - 1;
    int64_t leap_days = divide_down(past, 4) - divide_down(past, 100) + divide_down(past, 400);
    return ((int64_t)year - 1970) * 365 + leap_days - leap_days_before_1970;
}

static int month_days(int32_t year, int month)
{
    return month_start[month] - month_start[month - 1] + (month == 2 && is_leap(year));
}

static bool date_to_day(const struct date *date, int32_t *out_day)
{
    if (date->year < FIRST_YEAR || date->year > LAST_YEAR || date->month < 1 || date->month > 12)
        return false;
    if (date->day < 1 || date->day > month_days(date->year, date->month))
        return false;
    *out_day = (int32_t)(year_start_day(date->year) + month_start[date->month - 1] +
                         (date->month > 2 && is_leap(date->year)) + date->day - 1);
    return true;
}

/*
 * Without a loop or a table, after Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms":
 * years are taken to begin in March, so that a leap day is the last of its year, and months then
 * have 153 days in five.
 */
static struct date day_to_date(int64_t day)
{
    int64_t from_march_0000 = day + 719468;
    int64_t era = divide_down(from_march_0000, DAYS_400_YEARS);
    uint32_t day_of_era = (uint32_t)(from_march_0000 - era * DAYS_400_YEARS);
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t month_from_march = (5 * day_of_year + 2) / 153;
    bool next_year = month_from_march >= 10; /* January and February */
    return (struct date){
        .year = (int32_t)(era * 400 + year_of_era + next_year),
        .month = (int)month_from_march + (next_year ? -9 : 3),
        .day = (int)(day_of_year - (153 * month_from_march + 2) / 5 + 1),
    };
}

static bool take_char(struct cursor *cursor, char wanted)
{
    if (cursor->at == cursor->end || *cursor->at != wanted)
        return false;
    cursor->at++;
    return true;
}

static bool take_one_of(struct cursor *cursor, const char *wanted, char *out_taken)
{
    if (cursor->at == cursor->end || *cursor->at == '\0' || !strchr(wanted, *cursor->at))
        return false;
    *out_taken = *cursor->at++;
    return true;
}

static bool take_digit(struct cursor *cursor, int *out_value)
{
    if (cursor->at == cursor->end || *cursor->at < '0' || *cursor->at > '9')
        return false;
    *out_value = *cursor->at++ - '0';
    return true;
}

/* Exactly `digits` digits with a value of at most `most`. */
static bool take_number(struct cursor *cursor, int digits, int most, int *out_value)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        int digit;
        if (!take_digit(cursor, &digit))
            return false;
        value = value * 10 + digit;
    }
    *out_value = value;
    return value <= most;
}

static bool take_day(struct cursor *cursor, int32_t *out_day)
{
    struct date date;
    int year;
    if (!take_number(cursor, 4, LAST_YEAR, &year) || !take_char(cursor, '-') ||
        !take_number(cursor, 2, 12, &date.month) || !take_char(cursor, '-') ||
        !take_number(cursor, 2, 31, &date.day))
        return false;
    date.year = year;
    return date_to_day(&date, out_day);
}

static bool take_fraction(struct cursor *cursor, int64_t *out_us)
{
    int64_t us = 0;
    int digits = 0;
    int digit;

    while (take_digit(cursor, &digit)) {
        if (digits < 6)
            us = us * 10 + digit;
        digits++;
    }
    for (int i = digits; i < 6; i++)
        us *= 10;
    *out_us = us;
    return digits >= 1 && digits <= 9;
}

/* Seconds that the local time is ahead of UTC. */
static bool take_offset(struct cursor *cursor, int *out_seconds)
{
    char sign;
    int hours;
    int minutes;
    if (!take_one_of(cursor, "Zz+-", &sign))
        return false;
    if (sign == 'Z' || sign == 'z') {
        *out_seconds = 0;
        return true;
    }
    if (!take_number(cursor, 2, 23, &hours) || !take_char(cursor, ':') ||
        !take_number(cursor, 2, 59, &minutes))
        return false;
    *out_seconds = (hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
    return true;
}

/* The instant must lie in the years we take too, so that what we format can be parsed again. */
static bool is_in_range(int64_t unix_seconds)
{
    return unix_seconds >= year_start_day(FIRST_YEAR) * SECONDS_A_DAY &&
           unix_seconds < year_start_day(LAST_YEAR + 1) * SECONDS_A_DAY;
}

bool msp_timestamp_parse(const char *text, size_t length, int64_t *out_unix_us)
{
    struct cursor cursor = {text, text + length};
    int32_t day;
    int hours;
    int minutes;
    int seconds;
    int offset_seconds;
    int64_t fraction_us = 0;
    char separator;

    if (!take_day(&cursor, &day) || !take_one_of(&cursor, "Tt ", &separator) ||
        !take_number(&cursor, 2, 23, &hours) || !take_char(&cursor, ':') ||
        !take_number(&cursor, 2, 59, &minutes) || !take_char(&cursor, ':') ||
        !take_number(&cursor, 2, 60, &seconds))
        return false;
    if (take_char(&cursor, '.') && !take_fraction(&cursor, &fraction_us))
        return false;
    if (!take_offset(&cursor, &offset_seconds) || cursor.at != cursor.end)
        return false;

    int64_t unix_seconds =
        day * SECONDS_A_DAY + hours * 3600 + minutes * 60 + seconds - offset_seconds;
    /* A leap second is the 61st of 23:59 UTC: the second after it opens a UTC day. */
    if (seconds == 60 && unix_seconds % SECONDS_A_DAY != 0)
        return false;
    if (!is_in_range(unix_seconds))
        return false;
    *out_unix_us = unix_seconds * US_A_SECOND + fraction_us;
    return true;
}

static char *put_two(char *at, unsigned value)
{
    at[0] = (char)('0' + value / 10);
    at[1] = (char)('0' + value % 10);
    return at + 2;
}

static char *put_date(char *at, size_t room, int64_t day)
{
    struct date date = day_to_date(day);
    if (date.year < 0 || date.year > 9999)
        return at + snprintf(at, room, "%d-%02d-%02d", date.year, date.month, date.day);
    at = put_two(at, (unsigned)date.year / 100);
    at = put_two(at, (unsigned)date.year % 100);
    *at++ = '-';
    at = put_two(at, (unsigned)date.month);
    *at++ = '-';
    return put_two(at, (unsigned)date.day);
}

void msp_timestamp_format(int64_t unix_us, char out[MSP_TIMESTAMP_TEXT_BYTES])
{
    int64_t unix_seconds = divide_down(unix_us, US_A_SECOND);
    int64_t day = divide_down(unix_seconds, SECONDS_A_DAY);
    unsigned second_of_day = (unsigned)(unix_seconds - day * SECONDS_A_DAY);
    unsigned fraction_us =
        (unsigned)(unix_us % US_A_SECOND + (unix_us % US_A_SECOND < 0 ? US_A_SECOND : 0));

    char *at = put_date(out, MSP_DAY_TEXT_BYTES, day);
    *at++ = 'T';
    at = put_two(at, second_of_day / 3600);
    *at++ = ':';
    at = put_two(at, second_of_day / 60 % 60);
    *at++ = ':';
    at = put_two(at, second_of_day % 60);
    if (fraction_us != 0) {
        *at++ = '.';
        at = put_two(at, fraction_us / 10000);
        at = put_two(at, fraction_us / 100 % 100);
        at = put_two(at, fraction_us % 100);
    }
    *at++ = 'Z';
    *at = '\0';
}

bool msp_day_parse(const char *text, size_t length, int32_t *out_unix_day)
{
    struct cursor cursor = {text, text + length};
    int32_t day;
    if (!take_day(&cursor, &day) || cursor.at != cursor.end)
        return false;
    *out_unix_day = day;
    return true;
}

void msp_day_format(int32_t unix_day, char out[MSP_DAY_TEXT_BYTES])
{
    *put_date(out, MSP_DAY_TEXT_BYTES, unix_day) = '\0';
}
