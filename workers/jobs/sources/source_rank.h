/*
 * Reading by id where a source knows only offsets. Rows come by ascending id. While they are being
 * read some leave the list and others come in, and either moves every row behind it, so that the
 * next offset may lie past rows that were never read.
 *
 * Hence each page is asked to begin at the last row read or before, and counts only if its first
 * id is not past the last one read: then, however the list has moved, the page holds the very next
 * rows. If it is past it, rows have left, and an earlier page is asked. What comes in at an id
 * already passed was changed after the round began and belongs to the next one.
 */
#ifndef MSP_SOURCE_RANK_H
#define MSP_SOURCE_RANK_H

#include "msp/result.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MSP_SOURCE_RANK_BYTES 64

struct msp_source_rank {
    int64_t read;      /* rows up to last_id there were, when last looked */
    int64_t last_id;   /* every row up to it has been read; -1: none yet */
    int64_t page_rows; /* the largest page the source gives */
};

/* What to ask for: rows from an offset on. */
struct msp_source_range {
    int64_t offset, rows;
};

/* "" is a beginning. False for what msp_source_rank_write did not write. */
bool msp_source_rank_read(const char *text, int64_t page_rows, struct msp_source_rank *out);
void msp_source_rank_write(const struct msp_source_rank *rank, char out[MSP_SOURCE_RANK_BYTES]);

/* For a source that takes any offset. */
struct msp_source_range msp_source_rank_range(const struct msp_source_rank *rank);

/* For one that numbers its pages: an offset that is a multiple of the rows, so that the page's
 * number is offset / rows + 1. */
struct msp_source_range msp_source_rank_page(const struct msp_source_rank *rank);

/*
 * An answer came: `rows` with their ids at `id_path`, of `total` rows there are (-1: not said).
 * *out_done when every row of the list has been read. MSP_BROKEN "source_answer_malformed" if they
 * are out of order.
 */
enum msp_result msp_source_rank_take(struct msp_source_rank *rank,
                                     const struct msp_source_range *asked, const json_t *rows,
                                     const char *id_path, int64_t total, bool *out_done,
                                     struct msp_error *error) MSP_MUST_CHECK;

#endif
