/* Leads a round from page to page. What a page is and how it is asked for is the source's. */
#include "sources/source_round.h"

#include "msp/clock.h"
#include "sources/source_rows.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define US_A_SECOND INT64_C(1000000)

/* The one form of RFC 9110, 5.6.7 that servers write; MSP_NO_TIME for anything else. */
static int64_t read_date(const char *field)
{
    struct tm parts = {.tm_sec = 0};
    const char *end = strptime(field, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return end != NULL && *end == '\0' ? (int64_t)timegm(&parts) * US_A_SECOND : MSP_NO_TIME;
}

/* When the round began: by the clock of the source, whose times the mark is of, if ours is ahead.
 */
static int64_t began_us(const char *date_field)
{
    int64_t now_us = msp_clock_unix_us();
    int64_t date_us = read_date(date_field);
    return date_us != MSP_NO_TIME && date_us < now_us ? date_us : now_us;
}

static enum msp_result take_rows(const struct msp_source_map *map, const json_t *rows,
                                 struct msp_source_place *place, struct msp_ticket_batch *batch,
                                 struct msp_error *error)
{
    size_t i;
    const json_t *row;
    json_array_foreach(rows, i, row)
    {
        int64_t updated_us = MSP_NO_TIME;
        enum msp_result result = msp_source_take(map, row, batch, &updated_us, error);
        if (result != MSP_OK) {
            return result;
        }
        if (updated_us != MSP_NO_TIME) {
            msp_source_place_reach(place, updated_us);
        }
    }
    return MSP_OK;
}

static void end_round(struct msp_source_place *place, struct msp_source_page *page)
{
    page->drained = true;
    page->complete_until_us = place->until_us;
    if (place->reached_us > place->until_us) {
        place->reached_us = place->until_us;
    }
    msp_source_place_end(place);
}

enum msp_result msp_source_round_page(struct msp_source_reader *reader, const char *cursor,
                                      int max_tickets, struct msp_ticket_batch *batch,
                                      int64_t deadline_ms, struct msp_source_page *out,
                                      struct msp_error *error)
{
    const struct msp_source_round *round = (const struct msp_source_round *)reader;
    struct msp_source_place place;
    struct msp_source_page page = {.complete_until_us = MSP_NO_TIME};
    struct msp_source_answer answer = {.document = NULL};
    enum msp_result result = msp_source_place_read(round->kind, cursor, &place, error);
    if (result != MSP_OK) {
        return result;
    }
    bool begins = place.page[0] == '\0';
    if (begins) {
        msp_source_place_begin(&place, round->overlap_seconds);
    }
    const struct msp_source_question question = {
        .since_us = place.from_us, .page = place.page, .max_rows = max_tickets};
    result = round->ask(reader, &question, deadline_ms, &answer, error);
    if (result == MSP_OK && begins) {
        place.until_us = began_us(answer.date);
    }
    if (result == MSP_OK) {
        result = take_rows(&round->map, answer.rows, &place, batch, error);
    }
    json_decref(answer.document);
    if (result == MSP_OK) {
        memcpy(place.page, answer.next, sizeof place.page);
        if (place.page[0] == '\0') {
            end_round(&place, &page);
        }
        result = msp_source_place_write(round->kind, &place, page.next_cursor, error);
    }
    if (result == MSP_OK) {
        *out = page;
    }
    return result;
}

enum msp_result msp_source_round_ids(struct msp_source_reader *reader, char place[MSP_CURSOR_BYTES],
                                     msp_source_id_sink *sink, void *context, int64_t deadline_ms,
                                     bool *out_done, struct msp_error *error)
{
    const struct msp_source_round *round = (const struct msp_source_round *)reader;
    struct msp_source_answer answer = {.document = NULL};
    const struct msp_source_question question = {.since_us = MSP_NO_TIME,
                                                 .page = place,
                                                 .max_rows = MSP_TICKET_BATCH_ROWS,
                                                 .ids_only = true};
    enum msp_result result = round->ask(reader, &question, deadline_ms, &answer, error);
    if (result == MSP_OK) {
        result = msp_source_sink_rows(answer.rows, round->id_path, sink, context, error);
    }
    json_decref(answer.document);
    if (result == MSP_OK) {
        (void)snprintf(place, MSP_CURSOR_BYTES, "%s", answer.next);
        *out_done = answer.next[0] == '\0';
    }
    return result;
}
