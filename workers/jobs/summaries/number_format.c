/* Digits, separators and units in two languages. It writes no sentence. */
#include "number_format.h"

#include "msp/no_value.h"
#include "msp/timestamp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NARROW_NO_BREAK_SPACE "\xe2\x80\xaf" /* U+202F */
#define MAX_DIGITS            9
#define HOUR_MINUTES          60
#define DAY_HOURS             24
#define PERCENT               100

struct customs {
    const char *thousands, *decimal, *percent;
    const char *points[2]; /* one, more */
    const char *days[2];
    const char *unknown;
    const char *months[12];
};

static const struct customs customs[MSP_LANGUAGES] = {
    [MSP_ENGLISH] = {.thousands = ",",
                     .decimal = ".",
                     .percent = "%",
                     .points = {"percentage point", "percentage points"},
                     .days = {"day", "days"},
                     .unknown = "no data",
                     .months = {"January", "February", "March", "April", "May", "June", "July",
                                "August", "September", "October", "November", "December"}},
    [MSP_FRENCH] = {.thousands = NARROW_NO_BREAK_SPACE,
                    .decimal = ",",
                    .percent = NARROW_NO_BREAK_SPACE "%",
                    .points = {"point de pourcentage", "points de pourcentage"},
                    .days = {"jour", "jours"},
                    .unknown = "aucune donnée",
                    .months = {"janvier", "février", "mars", "avril", "mai", "juin", "juillet",
                               "août", "septembre", "octobre", "novembre", "décembre"}},
};

static int64_t power_of_ten(unsigned exponent)
{
    int64_t power = 1;
    while (exponent-- > 0)
        power *= 10;
    return power;
}

int64_t msp_number_round(int64_t value, unsigned digits)
{
    int64_t step = power_of_ten(MAX_DIGITS - (digits < MAX_DIGITS ? digits : MAX_DIGITS));
    int64_t whole = value / step;
    int64_t rest = llabs(value % step);
    if (rest >= step - rest)
        whole += value < 0 ? -1 : 1;
    return whole;
}

bool msp_number_is_one(int64_t rounded, unsigned digits, enum msp_language language)
{
    int64_t one = power_of_ten(digits < MAX_DIGITS ? digits : MAX_DIGITS);
    int64_t size = llabs(rounded);
    return language == MSP_FRENCH ? size < 2 * one : size == one;
}

/* A whole number with its thousands apart. */
static void write_whole(uint64_t number, const struct customs *custom,
                        char out[MSP_NUMBER_TEXT_BYTES])
{
    char digits[MSP_NUMBER_TEXT_BYTES];
    int count = snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    size_t used = 0;
    for (int i = 0; i < count; i++) {
        if (i > 0 && (count - i) % 3 == 0) {
            memcpy(out + used, custom->thousands, strlen(custom->thousands));
            used += strlen(custom->thousands);
        }
        out[used++] = digits[i];
    }
    out[used] = '\0';
}

void msp_number_format(int64_t value, unsigned digits, bool trim, enum msp_language language,
                       char out[MSP_NUMBER_TEXT_BYTES])
{
    const struct customs *custom = &customs[language];
    unsigned places = digits < MAX_DIGITS ? digits : MAX_DIGITS;
    int64_t rounded = msp_number_round(value, places);
    uint64_t size = rounded < 0 ? (uint64_t)-rounded : (uint64_t)rounded;
    uint64_t unit = (uint64_t)power_of_ten(places);
    uint64_t fraction = size % unit;
    char whole[MSP_NUMBER_TEXT_BYTES];

    write_whole(size / unit, custom, whole);
    while (trim && places > 0 && fraction % 10 == 0) {
        fraction /= 10;
        places--;
    }
    if (places == 0)
        snprintf(out, MSP_NUMBER_TEXT_BYTES, "%s%.40s", rounded < 0 ? "-" : "", whole);
    else
        snprintf(out, MSP_NUMBER_TEXT_BYTES, "%s%.40s%s%0*llu", rounded < 0 ? "-" : "", whole,
                 custom->decimal, (int)places, (unsigned long long)fraction);
}

/* Of something written in hundredths; past this a ratio would overflow and says nothing. */
static int64_t hundredfold(int64_t ratio)
{
    const int64_t most = INT64_MAX / PERCENT;
    if (ratio > most)
        return INT64_MAX;
    return ratio < -most ? -INT64_MAX : ratio * PERCENT;
}

void msp_percent_format(int64_t ratio, enum msp_language language, char out[MSP_NUMBER_TEXT_BYTES])
{
    char number[MSP_NUMBER_TEXT_BYTES];
    msp_number_format(hundredfold(ratio), 1, true, language, number);
    snprintf(out, MSP_NUMBER_TEXT_BYTES, "%.50s%s", number, customs[language].percent);
}

static void write_hours_and_minutes(int64_t minutes, char out[MSP_NUMBER_TEXT_BYTES])
{
    long long hours = minutes / HOUR_MINUTES;
    long long rest = minutes % HOUR_MINUTES;
    if (rest == 0)
        snprintf(out, MSP_NUMBER_TEXT_BYTES, "%lld h", hours);
    else
        snprintf(out, MSP_NUMBER_TEXT_BYTES, "%lld h %lld min", hours, rest);
}

static void write_days_and_hours(int64_t hours, enum msp_language language,
                                 char out[MSP_NUMBER_TEXT_BYTES])
{
    int64_t days = hours / DAY_HOURS;
    long long rest = hours % DAY_HOURS;
    const char *word = customs[language].days[msp_number_is_one(days, 0, language) ? 0 : 1];
    char number[MSP_NUMBER_TEXT_BYTES];
    msp_number_format(days * MSP_FACT_ONE, 0, true, language, number);
    if (rest == 0)
        snprintf(out, MSP_NUMBER_TEXT_BYTES, "%.40s %s", number, word);
    else
        snprintf(out, MSP_NUMBER_TEXT_BYTES, "%.40s %s %lld h", number, word, rest);
}

void msp_minutes_format(int64_t minutes, enum msp_language language,
                        char out[MSP_NUMBER_TEXT_BYTES])
{
    int64_t size = minutes < 0 ? -minutes : minutes;
    int64_t seconds = msp_number_round(size > INT64_MAX / 60 ? INT64_MAX : size * 60, 0);
    int64_t whole = msp_number_round(size, 0);
    int64_t hours = msp_number_round(size / HOUR_MINUTES, 0);

    if (seconds < 60)
        snprintf(out, MSP_NUMBER_TEXT_BYTES, "%lld s", (long long)seconds);
    else if (whole < HOUR_MINUTES)
        snprintf(out, MSP_NUMBER_TEXT_BYTES, "%lld min", (long long)whole);
    else if (whole < (int64_t)DAY_HOURS * HOUR_MINUTES)
        write_hours_and_minutes(whole, out);
    else
        write_days_and_hours(hours, language, out);
}

/* Howard Hinnant, "chrono-compatible low-level date algorithms" (civil_from_days). */
struct msp_civil_day msp_civil_day_of(int32_t unix_day)
{
    int64_t days = (int64_t)unix_day + 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    unsigned of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted = (5 * of_year + 2) / 153; /* March is 0 */
    unsigned month = shifted < 10 ? shifted + 3 : shifted - 9;
    return (struct msp_civil_day){.year = (int)(era * 400 + year_of_era) + (month <= 2 ? 1 : 0),
                                  .month = (int)month,
                                  .day = (int)(of_year - (153 * shifted + 2) / 5 + 1)};
}

void msp_day_write(int32_t unix_day, enum msp_language language, char out[MSP_NUMBER_TEXT_BYTES])
{
    struct msp_civil_day civil = msp_civil_day_of(unix_day);
    const char *month = customs[language].months[civil.month - 1];
    if (language == MSP_ENGLISH)
        snprintf(out, MSP_NUMBER_TEXT_BYTES, "%s %d, %d", month, civil.day, civil.year);
    else
        snprintf(out, MSP_NUMBER_TEXT_BYTES, "%d%s %s %d", civil.day, civil.day == 1 ? "er" : "",
                 month, civil.year);
}

static void write_points(int64_t ratio, enum msp_language language, char out[MSP_NUMBER_TEXT_BYTES])
{
    char number[MSP_NUMBER_TEXT_BYTES];
    int64_t points = hundredfold(ratio);
    bool one = msp_number_is_one(msp_number_round(points, 1), 1, language);
    msp_number_format(points, 1, true, language, number);
    snprintf(out, MSP_NUMBER_TEXT_BYTES, "%.32s %s", number, customs[language].points[one ? 0 : 1]);
}

void msp_fact_format(const struct msp_fact *fact, enum msp_language language,
                     char out[MSP_NUMBER_TEXT_BYTES])
{
    int64_t size = fact->value < 0 ? -fact->value : fact->value;
    if (!fact->known) {
        snprintf(out, MSP_NUMBER_TEXT_BYTES, "%s", customs[language].unknown);
        return;
    }
    switch (fact->kind) {
    case MSP_FACT_COUNT:
        msp_number_format(size, 0, true, language, out);
        return;
    case MSP_FACT_MINUTES:
        msp_minutes_format(size, language, out);
        return;
    case MSP_FACT_RATIO:
        if (fact->period == MSP_FACT_CHANGE)
            write_points(size, language, out);
        else
            msp_percent_format(size, language, out);
        return;
    case MSP_FACT_SCORE:
        msp_number_format(size, 2, true, language, out);
        return;
    case MSP_FACT_PERCENT:
        msp_percent_format(size, language, out);
        return;
    case MSP_FACT_DAY:
        msp_day_write(fact->day, language, out);
        return;
    }
}
