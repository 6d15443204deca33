/*
 * Turns a row of a ticket system into the contract's ticket, by a table: which member of the row
 * becomes which member of the ticket, and how. The table of the generic JSON source is made of its
 * settings; the others are constant.
 */
#ifndef MSP_SOURCE_MAP_H
#define MSP_SOURCE_MAP_H

#include "sources/local_time.h"
#include "sources/source.h"

enum msp_source_value {
    MSP_SOURCE_AS_TEXT,       /* a text, or a number as its digits; "" is none; cut where the
                                 contract's ticket is shorter */
    MSP_SOURCE_AS_TIME,       /* RFC 3339; without an offset it is UTC */
    MSP_SOURCE_AS_LOCAL_TIME, /* without an offset: a time of the map's zone ("2026-11-22 10:04") */
    MSP_SOURCE_AS_UNIX_TIME,  /* seconds since 1970 */
    MSP_SOURCE_AS_STATUS,     /* by the status words; also kept as source_status */
    MSP_SOURCE_AS_PRIORITY,   /* by the priority words */
    MSP_SOURCE_AS_COUNT,      /* an integer from 0 on, else nothing */
    MSP_SOURCE_AS_SCORE,      /* 1 to 5, else nothing */
    MSP_SOURCE_AS_VERDICT,    /* true, false; anything else is unknown */
    MSP_SOURCE_AS_NOT_VERDICT, /* the row says "breached" or "late" */
};

struct msp_source_member {
    const char *member; /* of the contract's ticket: "created_at" */
    const char *path;   /* into the row, by dots, of objects and array positions: "status.name",
                           "sla.0.breached". Several separated by "|": the first that is there and
                           not null */
    enum msp_source_value value;
};

/* A word of the source and ours. Compared without case; numbers as their digits. */
struct msp_source_word {
    const char *theirs, *ours;
};

struct msp_source_map {
    const struct msp_source_member *members;             /* closed by a row without member */
    const struct msp_source_word *statuses, *priorities; /* the source's defaults, closed by NULL */
    const json_t *status_map, *priority_map; /* settings: objects of texts that win; may be NULL */
    const struct msp_local_zone *zone;       /* for local times; NULL: UTC */
};

/*
 * A time other than created_at and updated_at that lies before 1971 is how some systems write
 * "never" (0001-01-01, 0000-00-00) and counts as not given.
 *
 * Adds the ticket to the batch, or what is wrong with it to the batch's rejects with the row's
 * text. A status that no word knows becomes "open" and a priority "none", the source's own word
 * standing in source_status. *out_updated_us is the ticket's updated_at, MSP_NO_TIME for a refused
 * one whose time cannot be read. MSP_NO_MEMORY only.
 */
enum msp_result msp_source_take(const struct msp_source_map *map, const json_t *row,
                                struct msp_ticket_batch *batch, int64_t *out_updated_us,
                                struct msp_error *error) MSP_MUST_CHECK;

/* The value at a path of a row as msp_source_member has it; NULL if it is not there. Borrowed. */
const json_t *msp_source_at(const json_t *row, const char *path);

/*
 * A time of a row by one of the three forms; false if it is none. Taken besides RFC 3339: offsets
 * "+0200" and "+02", times without seconds ("2026-11-22 10:04"), days alone (their beginning).
 */
bool msp_source_time(const json_t *value, enum msp_source_value form,
                     const struct msp_local_zone *zone, int64_t *out_us);

#endif
