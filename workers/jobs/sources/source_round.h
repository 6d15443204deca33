/*
 * A round for sources that are read by id: everything changed since the mark, page after page. What
 * changes while a round is under way may lie at an id already passed, so the mark goes no further
 * than the moment at which the round began, by the source's own clock, and moves only when the
 * round is drained.
 */
#ifndef MSP_SOURCE_ROUND_H
#define MSP_SOURCE_ROUND_H

#include "sources/source_map.h"
#include "sources/source_place.h"

struct msp_source_question {
    int64_t since_us; /* what changed from then on is wanted; MSP_NO_TIME: all */
    const char *page; /* as the answer before named it; "" = the first */
    int max_rows;
    bool ids_only; /* nothing but the ids is wanted */
};

struct msp_source_answer {
    json_t *document;                       /* owned */
    json_t *rows;                           /* the list inside it */
    char date[64];                          /* the answer's Date field */
    char next[MSP_SOURCE_PAGE_STATE_BYTES]; /* the next page's state; "" = this was the last */
};

/* Asks for one page. On failure *out may hold a document. */
typedef enum msp_result msp_source_ask(struct msp_source_reader *reader,
                                       const struct msp_source_question *question,
                                       int64_t deadline_ms, struct msp_source_answer *out,
                                       struct msp_error *error);

/* A source that is read in rounds. Its own struct begins with this, which its open fills. */
struct msp_source_round {
    struct msp_source_reader base; /* must be first */
    const char *kind;              /* as msp_source_place_read has it */
    const char *id_path;           /* where a row's id lies */
    msp_source_ask *ask;
    struct msp_source_map map;
    int64_t overlap_seconds;
};

/* Its msp_source.page and msp_source.ids. `reader` is a struct msp_source_round. */
enum msp_result msp_source_round_page(struct msp_source_reader *reader, const char *cursor,
                                      int max_tickets, struct msp_ticket_batch *batch,
                                      int64_t deadline_ms, struct msp_source_page *out,
                                      struct msp_error *error) MSP_MUST_CHECK;
enum msp_result msp_source_round_ids(struct msp_source_reader *reader, char place[MSP_CURSOR_BYTES],
                                     msp_source_id_sink *sink, void *context, int64_t deadline_ms,
                                     bool *out_done, struct msp_error *error) MSP_MUST_CHECK;

#endif
