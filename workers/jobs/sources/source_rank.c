/* Keeps the place in a list that moves. Asks nobody. */
#include "sources/source_rank.h"

#include "sources/source_rows.h"

#include <inttypes.h>
#include <stdio.h>

/* Below it, page sizes may all divide the rows read, and no page would begin at the last of them
 * and reach further. */
#define LEAST_PAGE_ROWS 10

bool msp_source_rank_read(const char *text, int64_t page_rows, struct msp_source_rank *out)
{
    struct msp_source_rank rank = {.read = 0, .last_id = -1, .page_rows = page_rows};
    int end = 0;
    if (text[0] != '\0' &&
        (sscanf(text, "%" SCNd64 ":%" SCNd64 ":%" SCNd64 "%n", &rank.read, &rank.last_id,
                &rank.page_rows, &end) != 3 ||
         text[end] != '\0' || rank.read < 0 || rank.page_rows < 1 || rank.page_rows > page_rows)) {
        return false;
    }
    *out = rank;
    return true;
}

void msp_source_rank_write(const struct msp_source_rank *rank, char out[MSP_SOURCE_RANK_BYTES])
{
    (void)snprintf(out, MSP_SOURCE_RANK_BYTES, "%" PRId64 ":%" PRId64 ":%" PRId64, rank->read,
                   rank->last_id, rank->page_rows);
}

struct msp_source_range msp_source_rank_range(const struct msp_source_rank *rank)
{
    return (struct msp_source_range){.offset = rank->read > 0 ? rank->read - 1 : 0,
                                     .rows = rank->page_rows};
}

struct msp_source_range msp_source_rank_page(const struct msp_source_rank *rank)
{
    struct msp_source_range best = {.offset = 0, .rows = rank->page_rows};
    int64_t last = rank->read > 0 ? rank->read - 1 : 0;
    int64_t furthest = 0;
    for (int64_t rows = rank->page_rows; rows > rank->page_rows / 2; rows--) {
        int64_t offset = last / rows * rows;
        if (offset + rows > furthest) {
            furthest = offset + rows;
            best = (struct msp_source_range){.offset = offset, .rows = rows};
        }
    }
    return best;
}

/* The first and last id of the page; rows that have none are not tickets and count as nothing. */
static enum msp_result find_ends(const json_t *rows, const char *id_path, int64_t *out_first,
                                 int64_t *out_last, struct msp_error *error)
{
    size_t i;
    const json_t *row;
    *out_first = -1;
    *out_last = -1;
    json_array_foreach(rows, i, row)
    {
        int64_t id = msp_source_row_id(row, id_path);
        if (id < 0) {
            continue;
        }
        if (id <= *out_last) {
            return msp_fail(error, MSP_BROKEN, "source_answer_malformed",
                            "The source gave ticket %" PRId64 " behind ticket %" PRId64
                            " though asked for them by ascending id; ask its maker whether this "
                            "version sorts lists.",
                            id, *out_last);
        }
        *out_first = *out_first < 0 ? id : *out_first;
        *out_last = id;
    }
    return MSP_OK;
}

enum msp_result msp_source_rank_take(struct msp_source_rank *rank,
                                     const struct msp_source_range *asked, const json_t *rows,
                                     const char *id_path, int64_t total, bool *out_done,
                                     struct msp_error *error)
{
    int64_t given = (int64_t)json_array_size(rows);
    int64_t first;
    int64_t last;
    enum msp_result result = find_ends(rows, id_path, &first, &last, error);
    if (result != MSP_OK) {
        return result;
    }
    /* Rows without any id say nothing of their place; they are refused as tickets one by one. */
    bool connects = asked->offset == 0 || (given > 0 && first <= rank->last_id);
    if (!connects) {
        /* Half a page back: the other half reaches past what was read. */
        int64_t back = rank->page_rows / 2 + 1;
        rank->read = asked->offset > back ? asked->offset - back : 0;
        *out_done = false;
        return MSP_OK;
    }
    bool is_short = given < asked->rows;
    bool advances = last > rank->last_id;
    rank->read = asked->offset + given;
    rank->last_id = advances ? last : rank->last_id;
    /* A first page shorter than asked, of more rows than it holds, is the source's own bound. */
    if (asked->offset == 0 && is_short && given > 0 && total > given) {
        rank->page_rows = given;
        is_short = false;
    }
    *out_done = total < 0 ? is_short : rank->read >= total || (is_short && !advances);
    if (!*out_done && rank->page_rows < LEAST_PAGE_ROWS) {
        return msp_fail(error, MSP_BROKEN, "source_answer_malformed",
                        "The source gives %" PRId64 " rows a page, too few to follow a list that "
                        "changes; raise its limit to 50 or more.",
                        rank->page_rows);
    }
    return MSP_OK;
}
