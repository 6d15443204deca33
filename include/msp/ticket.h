/*
 * A ticket in the one shape that every source is mapped to (the contract's
 * raw_tickets), checked member by member.
 */
#ifndef MSP_TICKET_H
#define MSP_TICKET_H

#include "msp/arena.h"
#include "msp/no_value.h"
#include "msp/result.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum msp_verdict { MSP_VERDICT_UNKNOWN = -1, MSP_VERDICT_MISSED = 0, MSP_VERDICT_MET = 1 };

#define MSP_NO_COUNT   (-1)      /* a counter or score the source did not give */
#define MSP_NO_VERSION INT64_MIN /* no version given: ranks below every given one */

/* Texts live in the arena of the reader, NULL = not given. Times are microseconds UTC or
 * MSP_NO_TIME. */
struct msp_ticket {
    const char *external_id; /* 1 to 128 characters */
    const char *title;
    const char *status;        /* new open pending resolved closed */
    const char *source_status; /* the source's own word */
    const char *priority;      /* critical high medium low none */
    const char *category;
    const char *assignee;
    const char *requester;
    const char *group;
    const char *channel;
    int64_t created_us; /* always given */
    int64_t updated_us; /* always given */
    int64_t first_response_us;
    int64_t resolved_us;
    int64_t closed_us;
    int64_t due_us;
    enum msp_verdict sla_met;
    int32_t reopen_count;       /* >= 0 or MSP_NO_COUNT */
    int32_t reassignment_count; /* >= 0 or MSP_NO_COUNT */
    int32_t csat;               /* 1 to 5 or MSP_NO_COUNT */
    int64_t version;            /* >= 0 or MSP_NO_VERSION */
};

/*
 * Reads a ticket out of a parsed JSON object; unknown members are ignored, null counts as
 * not given. Texts are copied into `arena`. On failure: MSP_INVALID, a code such as
 * "ticket_created_at_missing" or "ticket_status_unknown", `pointer` relative to the ticket
 * ("/created_at"), and nothing usable in *out.
 *
 * Bounds: external_id 1–128 characters; title 4,000; every other text 400; characters
 * are counted as code points; NUL and other control characters besides TAB, LF and CR are
 * refused in external_id. What is missing or null stays not given.
 */
enum msp_result msp_ticket_from_json(const json_t *object, struct msp_arena *arena,
                                     struct msp_ticket *out,
                                     struct msp_error *error) MSP_MUST_CHECK;

/*
 * Reads a ticket out of a line of NDJSON: what msp_json_parse and msp_ticket_from_json would make
 * of it, to the letter, at a tenth of the cost where the line is a plain flat object. MSP_INVALID
 * or MSP_TOO_LARGE say what is wrong with it.
 */
enum msp_result msp_ticket_from_line(const char *line, size_t length, struct msp_arena *arena,
                                     struct msp_ticket *out,
                                     struct msp_error *error) MSP_MUST_CHECK;

/* Copies the ticket's texts into `arena`, so that it outlives the one it was read into.
 * MSP_NO_MEMORY only. */
enum msp_result msp_ticket_keep(struct msp_ticket *ticket, struct msp_arena *arena,
                                struct msp_error *error) MSP_MUST_CHECK;

/* Whether two tickets say the same in every member. */
bool msp_ticket_same(const struct msp_ticket *a, const struct msp_ticket *b);

/*
 * The order "newer": updated_at, then version. < 0 if `a` is older than `b`, 0 on a tie
 * (then the later arrival wins if its content differs), > 0 if newer.
 */
int msp_ticket_compare_age(const struct msp_ticket *a, const struct msp_ticket *b);

#endif
