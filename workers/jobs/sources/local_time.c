/* Wall time by GLib's GTimeZone, which reads the system's tzdata. Parses no text. */
#include "sources/local_time.h"

#include <glib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define US_A_SECOND INT64_C(1000000)

struct msp_local_zone {
    GTimeZone *rules;
};

/* GLib would take "+05:00", "" and POSIX rules for zones too. */
static bool looks_like_iana(const char *name)
{
    size_t plain = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789_/+-");
    return name[0] != '\0' && name[plain] == '\0' && g_ascii_isalpha(name[0]) &&
           strstr(name, "//") == NULL;
}

enum msp_result msp_local_zone_new(const char *name, struct msp_local_zone **out,
                                   struct msp_error *error)
{
    GTimeZone *rules = looks_like_iana(name) ? g_time_zone_new_identifier(name) : NULL;
    if (rules == NULL) {
        return msp_fail(error, MSP_INVALID, "timezone_unknown",
                        "There is no time zone \"%.64s\"; write one of IANA's names, such as "
                        "Europe/Paris.",
                        name);
    }
    struct msp_local_zone *zone = calloc(1, sizeof *zone);
    if (zone == NULL) {
        g_time_zone_unref(rules);
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a time zone.");
    }
    zone->rules = rules;
    *out = zone;
    return MSP_OK;
}

void msp_local_zone_free(struct msp_local_zone *zone)
{
    if (zone != NULL) {
        g_time_zone_unref(zone->rules);
        free(zone);
    }
}

static int64_t whole_seconds(int64_t us)
{
    return us / US_A_SECOND - (us % US_A_SECOND < 0);
}

static int64_t offset_us(const struct msp_local_zone *zone, GTimeType type, int64_t seconds)
{
    gint interval = g_time_zone_find_interval(zone->rules, type, seconds);
    /* A time that no interval holds was skipped: an hour earlier the old rules still held. */
    for (int hours = 1; interval < 0 && hours <= 24; hours++) {
        interval = g_time_zone_find_interval(zone->rules, type, seconds - hours * 3600);
    }
    return interval < 0 ? 0 : g_time_zone_get_offset(zone->rules, interval) * US_A_SECOND;
}

int64_t msp_local_to_utc(const struct msp_local_zone *zone, int64_t wall_us)
{
    if (zone == NULL) {
        return wall_us;
    }
    /* Of the two comings of a repeated hour the first is by summer time. */
    return wall_us - offset_us(zone, G_TIME_TYPE_DAYLIGHT, whole_seconds(wall_us));
}

int64_t msp_local_from_utc(const struct msp_local_zone *zone, int64_t unix_us)
{
    if (zone == NULL) {
        return unix_us;
    }
    return unix_us + offset_us(zone, G_TIME_TYPE_UNIVERSAL, whole_seconds(unix_us));
}
