/* Rounds: the mark moves when a round is drained, and never past the moment it began. */
#include "sources/source_round.h"
#include "msp/clock.h"
#include "msp/timestamp.h"
#include "sources/source_rows.h"

#include <criterion/criterion.h>
#include <string.h>

#define US_A_SECOND INT64_C(1000000)

/* A source whose answers are given beforehand. */
struct scripted {
    struct msp_source_round round; /* must be first */
    const char *rows, *date, *next;
    int64_t since_us; /* as it was asked */
    char page[MSP_SOURCE_PAGE_STATE_BYTES];
};

static enum msp_result ask(struct msp_source_reader *base,
                           const struct msp_source_question *question, int64_t deadline_ms,
                           struct msp_source_answer *out, struct msp_error *error)
{
    struct scripted *reader = (struct scripted *)base;
    (void)deadline_ms;
    (void)error;
    reader->since_us = question->since_us;
    (void)snprintf(reader->page, sizeof reader->page, "%s", question->page);
    out->document = json_loads(reader->rows, 0, NULL);
    out->rows = out->document;
    (void)snprintf(out->date, sizeof out->date, "%s", reader->date);
    (void)snprintf(out->next, sizeof out->next, "%s", reader->next);
    return MSP_OK;
}

static const struct msp_source_member members[] = {
    {"external_id", "id", MSP_SOURCE_AS_TEXT}, {"status", "status", MSP_SOURCE_AS_STATUS},
    {"created_at", "at", MSP_SOURCE_AS_TIME},  {"updated_at", "at", MSP_SOURCE_AS_TIME},
    {NULL, NULL, MSP_SOURCE_AS_TEXT},
};
static const struct msp_source_round a_round = {.kind = "test1",
                                                .id_path = "id",
                                                .ask = ask,
                                                .map = {.members = members},
                                                .overlap_seconds = 300};

static void read_page(struct scripted *reader, const char *cursor, struct msp_source_page *page)
{
    struct msp_error error;
    struct msp_ticket_batch *batch = msp_ticket_batch_new(MSP_EVERY_SHARD);
    reader->round = a_round;
    cr_assert_eq(msp_source_round_page(&reader->round.base, cursor, 100, batch,
                                       msp_clock_monotonic_ms() + 1000, page, &error),
                 MSP_OK);
    msp_ticket_batch_free(batch);
}

static int64_t at(const char *text)
{
    int64_t us;
    cr_assert(msp_timestamp_parse(text, strlen(text), &us));
    return us;
}

Test(source_round, the_mark_waits_until_the_round_is_drained)
{
    struct scripted reader = {.rows =
                                  "[{\"id\":1,\"status\":\"x\",\"at\":\"2026-03-01T10:00:00Z\"}]",
                              .date = "Sun, 01 Mar 2026 12:00:00 GMT",
                              .next = "behind 1"};
    struct msp_source_page page;
    struct msp_source_page last;
    read_page(&reader, "", &page);
    cr_assert_not(page.drained);
    cr_assert_eq(reader.since_us, MSP_NO_TIME);
    cr_assert_not_null(strstr(page.next_cursor, "test1|-|"), "the mark moved: %s",
                       page.next_cursor);
    reader.next = "";
    reader.date = "Sun, 01 Mar 2026 14:00:00 GMT";
    read_page(&reader, page.next_cursor, &last);
    cr_assert(last.drained);
    cr_assert_str_eq(reader.page, "behind 1");
    cr_assert_eq(last.complete_until_us, at("2026-03-01T12:00:00Z"), "not when the round began");
    read_page(&reader, last.next_cursor, &page);
    cr_assert_eq(reader.since_us, at("2026-03-01T10:00:00Z") - 300 * US_A_SECOND);
    cr_assert_str_eq(reader.page, "");
}

Test(source_round, the_mark_goes_no_further_than_the_moment_the_round_began)
{
    struct scripted reader = {.rows = "[]", .date = "Sun, 01 Mar 2026 12:00:00 GMT", .next = "2"};
    struct msp_source_page page;
    struct msp_source_page last;
    read_page(&reader, "", &page);
    /* Changed while the round was under way: so may others have been, at ids already passed. */
    reader.rows = "[{\"id\":9,\"status\":\"x\",\"at\":\"2026-03-01T13:30:00Z\"}]";
    reader.next = "";
    read_page(&reader, page.next_cursor, &last);
    read_page(&reader, last.next_cursor, &page);
    cr_assert_eq(reader.since_us, at("2026-03-01T12:00:00Z") - 300 * US_A_SECOND);
}

Test(source_round, without_a_date_our_own_clock_says_when_it_began)
{
    static const char *const dates[] = {"", "yesterday", "Sun, 01 Mar 2099 12:00:00 GMT"};
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        struct scripted reader = {.rows = "[]", .date = dates[i], .next = ""};
        struct msp_source_page page;
        int64_t before_us = msp_clock_unix_us();
        read_page(&reader, "", &page);
        cr_assert(page.complete_until_us >= before_us);
        cr_assert(page.complete_until_us <= msp_clock_unix_us());
    }
}

Test(source_round, a_round_without_changes_leaves_the_mark_where_it_was)
{
    struct scripted reader = {.rows =
                                  "[{\"id\":1,\"status\":\"x\",\"at\":\"2026-03-01T10:00:00Z\"}]",
                              .date = "Sun, 01 Mar 2026 12:00:00 GMT",
                              .next = ""};
    struct msp_source_page first;
    struct msp_source_page second;
    read_page(&reader, "", &first);
    reader.rows = "[]";
    read_page(&reader, first.next_cursor, &second);
    cr_assert_str_eq(second.next_cursor, first.next_cursor);
}

static bool refuse_none(void *context, const char *external_id)
{
    (void)external_id;
    ++*(int *)context;
    return true;
}

Test(source_round, a_list_of_ids_that_lacks_one_is_not_believed)
{
    struct scripted reader = {
        .round = a_round, .rows = "[{\"id\":1},{\"name\":\"x\"}]", .date = "", .next = ""};
    struct msp_error error;
    char place[MSP_CURSOR_BYTES] = "";
    int given = 0;
    bool done = false;
    cr_assert_eq(msp_source_round_ids(&reader.round.base, place, refuse_none, &given,
                                      msp_clock_monotonic_ms() + 1000, &done, &error),
                 MSP_BROKEN);
    cr_assert_not(done);
}

Test(source_rows, a_question_for_the_hour_that_comes_twice_begins_at_its_first_coming)
{
    static const struct {
        const char *moment, *wall;
    } cases[] = {
        {"2026-07-01T10:00:00Z", "2026-07-01 12:00:00"},
        {"2026-10-24T23:59:00Z", "2026-10-25 01:59:00"},
        /* Clocks go from 03:00 back to 02:00 at 01:00Z. */
        {"2026-10-25T00:30:00Z", "2026-10-25 01:30:00"},
        {"2026-10-25T00:59:59Z", "2026-10-25 01:59:59"},
        {"2026-10-25T01:00:00Z", "2026-10-25 02:00:00"},
        {"2026-10-25T02:00:00Z", "2026-10-25 03:00:00"},
    };
    struct msp_local_zone *zone;
    struct msp_error error;
    cr_assert_eq(msp_local_zone_new("Europe/Paris", &zone, &error), MSP_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char wall[MSP_SOURCE_WALL_BYTES];
        msp_source_wall_since(zone, at(cases[i].moment), ' ', wall);
        cr_assert_str_eq(wall, cases[i].wall, "%s became %s", cases[i].moment, wall);
    }
    msp_local_zone_free(zone);
}

Test(source_rows, a_change_in_the_second_coming_of_an_hour_looks_newer_than_one_in_the_first)
{
    static const struct {
        const char *wall, *moment;
    } cases[] = {
        {"2025-07-01 12:00:00", "2025-07-01T10:00:00Z"},
        {"2025-10-26 01:59:59", "2025-10-25T23:59:59Z"},
        {"2025-10-26 02:00:00", "2025-10-26T01:00:00Z"},
        {"2025-10-26 02:59:59", "2025-10-26T01:59:59Z"},
        {"2025-10-26 03:00:00", "2025-10-26T02:00:00Z"},
        {"2025-03-30 03:00:00", "2025-03-30T01:00:00Z"},
        /* Still to come by our clock: then only its first coming can have been. */
        {"2199-10-27 02:30:00", "2199-10-27T00:30:00Z"},
        {"no time", "no time"},
    };
    struct msp_local_zone *zone;
    struct msp_error error;
    cr_assert_eq(msp_local_zone_new("Europe/Paris", &zone, &error), MSP_OK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *row = json_pack("{ss}", "19", cases[i].wall);
        cr_assert_eq(msp_source_settle_change(zone, row, "19", &error), MSP_OK);
        cr_assert_str_eq(json_string_value(json_object_get(row, "19")), cases[i].moment, "%s",
                         cases[i].wall);
        json_decref(row);
    }
    msp_local_zone_free(zone);
}

Test(source_rows, ids_become_names_and_those_without_one_stay)
{
    struct msp_error error;
    json_t *names = json_object();
    json_t *list = json_pack("[{siss},{ssss},{ss}]", "id", 7, "name", "Ann", "id", "8", "name",
                             "Bob", "name", "Nobody");
    json_t *row = json_pack("{sissso}", "a", 7, "b", "8", "c", json_null());
    json_t *other = json_pack("{si}", "a", 9);
    cr_assert_eq(msp_source_names_add(names, list, "id", "name", &error), MSP_OK);
    cr_assert_eq(msp_source_name(row, "a", names, &error), MSP_OK);
    cr_assert_eq(msp_source_name(row, "b", names, &error), MSP_OK);
    cr_assert_eq(msp_source_name(row, "c", names, &error), MSP_OK);
    cr_assert_eq(msp_source_name(other, "a", names, &error), MSP_OK);
    cr_assert_str_eq(json_string_value(json_object_get(row, "a")), "Ann");
    cr_assert_str_eq(json_string_value(json_object_get(row, "b")), "Bob");
    cr_assert(json_is_null(json_object_get(row, "c")));
    cr_assert_eq(json_integer_value(json_object_get(other, "a")), 9);
    json_decref(names);
    json_decref(list);
    json_decref(row);
    json_decref(other);
}
