/*
 * Times as clocks on a wall show them, for systems that write them without an offset. Knows the
 * rules of IANA's zones, by GLib; which day a ticket counts in is PostgreSQL's to say.
 */
#ifndef MSP_LOCAL_TIME_H
#define MSP_LOCAL_TIME_H

#include "msp/result.h"

#include <stdint.h>

/* A zone's rules. May be read by several threads. */
struct msp_local_zone;

/* MSP_INVALID "timezone_unknown" for a name that is none of IANA's. */
enum msp_result msp_local_zone_new(const char *name, struct msp_local_zone **out,
                                   struct msp_error *error) MSP_MUST_CHECK;
void msp_local_zone_free(struct msp_local_zone *zone); /* NULL is fine */

/*
 * `wall_us` is what the clock shows, counted as if it were UTC. A time that comes twice when clocks
 * go back is taken for its first coming, one that is skipped when they go forward for what the
 * clock would have shown by the rules before. NULL is UTC.
 */
int64_t msp_local_to_utc(const struct msp_local_zone *zone, int64_t wall_us);
int64_t msp_local_from_utc(const struct msp_local_zone *zone, int64_t unix_us);

#endif
