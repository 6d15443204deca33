/* Wall clocks of zones, over both changes of the clocks, and the ways systems write times. */
#include "msp/timestamp.h"
#include "sources/source_map.h"

#include <criterion/criterion.h>
#include <string.h>

static struct msp_local_zone *paris;
static struct msp_error error;

static void make(void)
{
    cr_assert_eq(msp_local_zone_new("Europe/Paris", &paris, &error), MSP_OK);
}

static void drop(void)
{
    msp_local_zone_free(paris);
}

TestSuite(local_time, .init = make, .fini = drop);

static int64_t at(const char *text)
{
    int64_t us = 0;
    cr_assert(msp_timestamp_parse(text, strlen(text), &us), "%s", text);
    return us;
}

static void is_time(const char *text, enum msp_source_value form, const char *expected)
{
    int64_t us = 0;
    char shown[MSP_TIMESTAMP_TEXT_BYTES] = "none";
    json_t *value = json_string(text);
    if (msp_source_time(value, form, paris, &us)) {
        msp_timestamp_format(us, shown);
    }
    json_decref(value);
    cr_assert_str_eq(shown, expected, "%s gave %s, not %s", text, shown, expected);
}

Test(local_time, goes_to_utc_and_back_in_summer_and_winter)
{
    cr_assert_eq(msp_local_to_utc(paris, at("2026-01-15T12:00:00Z")), at("2026-01-15T11:00:00Z"));
    cr_assert_eq(msp_local_to_utc(paris, at("2026-07-15T12:00:00Z")), at("2026-07-15T10:00:00Z"));
    cr_assert_eq(msp_local_from_utc(paris, at("2026-01-15T11:00:00Z")), at("2026-01-15T12:00:00Z"));
    cr_assert_eq(msp_local_from_utc(paris, at("2026-07-15T10:00:00Z")), at("2026-07-15T12:00:00Z"));
}

Test(local_time, keeps_fractions_of_a_second_and_times_before_1970)
{
    cr_assert_eq(msp_local_to_utc(paris, at("2026-01-15T12:00:00.25Z")),
                 at("2026-01-15T11:00:00.25Z"));
    cr_assert_eq(msp_local_to_utc(paris, at("1969-12-31T23:59:59.5Z")),
                 at("1969-12-31T22:59:59.5Z"));
}

Test(local_time, takes_a_repeated_hour_for_its_first_coming)
{
    cr_assert_eq(msp_local_to_utc(paris, at("2026-10-25T02:30:00Z")), at("2026-10-25T00:30:00Z"));
    cr_assert_eq(msp_local_to_utc(paris, at("2026-10-25T03:00:00Z")), at("2026-10-25T02:00:00Z"));
}

Test(local_time, takes_a_skipped_hour_by_the_rules_before)
{
    cr_assert_eq(msp_local_to_utc(paris, at("2026-03-29T02:30:00Z")), at("2026-03-29T01:30:00Z"));
    cr_assert_eq(msp_local_to_utc(paris, at("2026-03-29T03:00:00Z")), at("2026-03-29T01:00:00Z"));
}

Test(local_time, is_utc_without_a_zone)
{
    cr_assert_eq(msp_local_to_utc(NULL, 42), 42);
    cr_assert_eq(msp_local_from_utc(NULL, 42), 42);
}

Test(local_time, knows_zones_by_their_iana_names_only)
{
    static const char *const wrong[] = {"",
                                        "+05:00",
                                        "Mars/Base",
                                        "../etc/passwd",
                                        "/etc/passwd",
                                        "Europe/Paris/",
                                        "Europe//Paris",
                                        "Europe/Pari"};
    static const char *const right[] = {"UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+5",
                                        "Asia/Kolkata", "Australia/Lord_Howe"};
    struct msp_local_zone *zone;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cr_assert_eq(msp_local_zone_new(wrong[i], &zone, &error), MSP_INVALID, "%s", wrong[i]);
        cr_assert_str_eq(error.code, "timezone_unknown");
    }
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        cr_assert_eq(msp_local_zone_new(right[i], &zone, &error), MSP_OK, "%s", right[i]);
        msp_local_zone_free(zone);
    }
}

Test(local_time, reads_offsets_however_they_are_written)
{
    is_time("2026-11-22T10:04:05Z", MSP_SOURCE_AS_TIME, "2026-11-22T10:04:05Z");
    is_time("2026-11-22T10:04:05.123+0200", MSP_SOURCE_AS_TIME, "2026-11-22T08:04:05.123000Z");
    is_time("2026-11-22T10:04:05+02", MSP_SOURCE_AS_TIME, "2026-11-22T08:04:05Z");
    is_time("2026-11-22T10:04:05-03:30", MSP_SOURCE_AS_TIME, "2026-11-22T13:34:05Z");
    is_time("2026-11-22 10:04:05.1234567Z", MSP_SOURCE_AS_TIME, "2026-11-22T10:04:05.123456Z");
}

Test(local_time, takes_a_time_without_offset_as_it_is_told)
{
    is_time("2026-11-22T10:04:05", MSP_SOURCE_AS_TIME, "2026-11-22T10:04:05Z");
    is_time("2026-11-22 10:04:05", MSP_SOURCE_AS_LOCAL_TIME, "2026-11-22T09:04:05Z");
    is_time("2026-07-22 10:04", MSP_SOURCE_AS_LOCAL_TIME, "2026-07-22T08:04:00Z");
    is_time("2026-07-22", MSP_SOURCE_AS_LOCAL_TIME, "2026-07-21T22:00:00Z");
    is_time("2026-07-22T10:04:05Z", MSP_SOURCE_AS_LOCAL_TIME, "2026-07-22T10:04:05Z");
}

Test(local_time, reads_seconds_since_1970)
{
    int64_t us = 0;
    json_t *number = json_integer(1700000000);
    json_t *real = json_real(1700000000.5);
    cr_assert(msp_source_time(number, MSP_SOURCE_AS_UNIX_TIME, NULL, &us));
    cr_assert_eq(us, INT64_C(1700000000000000));
    cr_assert(msp_source_time(real, MSP_SOURCE_AS_UNIX_TIME, NULL, &us));
    cr_assert_eq(us, INT64_C(1700000000500000));
    json_decref(number);
    json_decref(real);
    is_time("1700000000", MSP_SOURCE_AS_UNIX_TIME, "2023-11-14T22:13:20Z");
}

Test(local_time, guesses_at_nothing_else)
{
    static const char *const wrong[] = {
        "",
        "2026",
        "22.11.2026",
        "11/22/2026 10:04",
        "2026-13-01",
        "2026-02-30",
        "yesterday",
        "2026-11-22T10",
        "2026-11-22T10:04:05+2",
        "2026-11-22T10:04:05 PM",
        "2026-11-22Z10:04:05",
        "0000-00-00 00:00:00",
        "2026-11-22T10:04:05+02:00:00",
        "2026-11-22T10:04:05.1234567890123456789Z",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        is_time(wrong[i], MSP_SOURCE_AS_TIME, "none");
    }
    is_time("-5", MSP_SOURCE_AS_UNIX_TIME, "none");
    is_time("1e99", MSP_SOURCE_AS_UNIX_TIME, "none");
    is_time("nan", MSP_SOURCE_AS_UNIX_TIME, "none");
}
