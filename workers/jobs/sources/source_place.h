/*
 * What a cursor says, in the form most sources share: how far everything is known, how far the
 * round under way has come, and the source's own page state.
 *
 * A round reads every change from `from` (the high-water mark minus the overlap) to its end. Only
 * a drained round moves the mark. Text: "<kind>|<high>|<from>|<until>|<reached>|<page>", times in
 * microseconds since 1970 or "-".
 */
#ifndef MSP_SOURCE_PLACE_H
#define MSP_SOURCE_PLACE_H

#include "sources/source.h"

#define MSP_SOURCE_PAGE_STATE_BYTES 320

struct msp_source_place {
    int64_t high_water_us; /* everything changed before has been read; MSP_NO_TIME: nothing yet */
    int64_t from_us;       /* where the round or its window begins; MSP_NO_TIME: at the start */
    int64_t until_us;      /* where the window ends; MSP_NO_TIME: open */
    int64_t reached_us;    /* the greatest updated_at read in this round; MSP_NO_TIME: none */
    char page[MSP_SOURCE_PAGE_STATE_BYTES]; /* "" = at the beginning of a round */
};

/* `kind` is a short word of the source and its cursor's version ("json1"): a cursor of another
 * source or an older form is MSP_INVALID "cursor_malformed". "" is a fresh place. */
enum msp_result msp_source_place_read(const char *kind, const char *cursor,
                                      struct msp_source_place *out,
                                      struct msp_error *error) MSP_MUST_CHECK;

/* MSP_TOO_LARGE if it does not fit a cursor, MSP_BROKEN "source_answer_malformed" for a page state
 * that is not printable ASCII. */
enum msp_result msp_source_place_write(const char *kind, const struct msp_source_place *place,
                                       char out[MSP_CURSOR_BYTES],
                                       struct msp_error *error) MSP_MUST_CHECK;

/* At the beginning of a round: sets from_us to the high-water mark minus the overlap. */
void msp_source_place_begin(struct msp_source_place *place, int64_t overlap_seconds);

/* A ticket was read. */
void msp_source_place_reach(struct msp_source_place *place, int64_t updated_us);

/*
 * The round is drained: the mark moves to what was reached, never back nor past until_us
 * or, lest one wrong time hide the changes to come, our own clock; the page state is emptied. A
 * round whose pages are not in the order of changes must have an until_us, at the latest when it
 * began by the source's clock (msp_source_clock_us): a ticket read early may have changed again
 * before one read late.
 */
void msp_source_place_end(struct msp_source_place *place);

#endif
