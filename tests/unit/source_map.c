/* Rows become tickets by a table; what cannot be read is refused alone, with its reason. */
#include "sources/source_map.h"

#include "ticket_batch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct msp_source_member members[] = {
    {"external_id", "id", MSP_SOURCE_AS_TEXT},
    {"title", "subject|name", MSP_SOURCE_AS_TEXT},
    {"status", "status.name|status", MSP_SOURCE_AS_STATUS},
    {"priority", "priority", MSP_SOURCE_AS_PRIORITY},
    {"assignee", "people.0.name", MSP_SOURCE_AS_TEXT},
    {"created_at", "created", MSP_SOURCE_AS_TIME},
    {"updated_at", "updated", MSP_SOURCE_AS_TIME},
    {"resolved_at", "resolved", MSP_SOURCE_AS_TIME},
    {"sla_met", "late", MSP_SOURCE_AS_NOT_VERDICT},
    {"reopen_count", "reopened", MSP_SOURCE_AS_COUNT},
    {"csat", "stars", MSP_SOURCE_AS_SCORE},
    {NULL, NULL, MSP_SOURCE_AS_TEXT},
};
static const struct msp_source_word statuses[] = {
    {"Neu", "new"}, {"5", "resolved"}, {"Waiting", "open"}, {NULL, NULL}};
static const struct msp_source_word priorities[] = {{"1", "critical"}, {NULL, NULL}};

static struct msp_source_map map;
static struct msp_ticket_batch *batch;
static struct msp_error error;

static void make(void)
{
    map =
        (struct msp_source_map){.members = members, .statuses = statuses, .priorities = priorities};
    batch = msp_ticket_batch_new(MSP_EVERY_SHARD);
}

static void drop(void)
{
    msp_ticket_batch_free(batch);
}

TestSuite(source_map, .init = make, .fini = drop);

#define TIMES "\"created\":\"2026-01-01T00:00:00Z\",\"updated\":\"2026-01-02T00:00:00Z\""

/* Takes {"id": 7, times, `more`}. */
static int64_t take(const char *more)
{
    char text[16384];
    int64_t updated_us = 0;
    (void)snprintf(text, sizeof text, "{\"id\":7," TIMES "%s%s}", more[0] != '\0' ? "," : "", more);
    json_t *row = json_loads(text, 0, NULL);
    cr_assert(row != NULL, "%s", text);
    cr_assert_eq(msp_source_take(&map, row, batch, &updated_us, &error), MSP_OK);
    json_decref(row);
    return updated_us;
}

static const struct msp_ticket *taken(void)
{
    cr_assert_eq(batch->reject_count, 0, "%s", batch->rejects[0].reason);
    cr_assert_eq(batch->ticket_count, 1);
    return &batch->tickets[0].ticket;
}

Test(source_map, finds_values_by_paths_and_alternatives)
{
    json_t *row =
        json_loads("{\"a\":{\"b\":[{\"c\":1},{\"c\":2}]},\"n\":null,\"z\":\"last\"}", 0, NULL);
    cr_assert_eq(json_integer_value(msp_source_at(row, "a.b.1.c")), 2);
    cr_assert_str_eq(json_string_value(msp_source_at(row, "n|a.x|z")), "last");
    cr_assert_null(msp_source_at(row, "a.b.2.c"));
    cr_assert_null(msp_source_at(row, "a.b.-1"));
    cr_assert_null(msp_source_at(row, "a.b.c"));
    cr_assert_null(msp_source_at(row, "z.y"));
    cr_assert_null(msp_source_at(row, "n"));
    cr_assert_null(msp_source_at(row, "."));
    json_decref(row);
}

Test(source_map, makes_a_ticket_of_a_row)
{
    int64_t updated_us = take("\"subject\":null,\"name\":\"Broken\",\"status\":{\"name\":\"neu\"},"
                              "\"priority\":1,\"people\":[{\"name\":\"Ann\"}],\"late\":true,"
                              "\"reopened\":\"2\",\"stars\":4.0");
    const struct msp_ticket *ticket = taken();
    cr_assert_str_eq(ticket->external_id, "7");
    cr_assert_str_eq(ticket->title, "Broken");
    cr_assert_str_eq(ticket->status, "new");
    cr_assert_str_eq(ticket->source_status, "neu");
    cr_assert_str_eq(ticket->priority, "critical");
    cr_assert_str_eq(ticket->assignee, "Ann");
    cr_assert_eq(ticket->sla_met, MSP_VERDICT_MISSED);
    cr_assert_eq(ticket->reopen_count, 2);
    cr_assert_eq(ticket->csat, 4);
    cr_assert_eq(updated_us, ticket->updated_us);
}

Test(source_map, lets_a_tenants_words_win)
{
    json_t *words = json_loads("{\"waiting\":\"pending\"}", 0, NULL);
    map.status_map = words;
    (void)take("\"status\":\"WAITING\"");
    cr_assert_str_eq(taken()->status, "pending");
    cr_assert_str_eq(taken()->source_status, "WAITING");
    json_decref(words);
}

Test(source_map, takes_a_status_that_no_word_knows_as_open_and_a_priority_as_none)
{
    (void)take("\"status\":99,\"priority\":\"Sometime\"");
    cr_assert_str_eq(taken()->status, "open");
    cr_assert_str_eq(taken()->source_status, "99");
    cr_assert_str_eq(taken()->priority, "none");
}

Test(source_map, gives_nothing_for_what_makes_no_sense)
{
    (void)take("\"subject\":{\"x\":1},\"name\":\"\",\"status\":[],\"priority\":true,\"people\":{},"
               "\"late\":\"perhaps\",\"reopened\":-1,\"stars\":6,\"resolved\":null");
    const struct msp_ticket *ticket = taken();
    cr_assert_null(ticket->title);
    cr_assert_null(ticket->status);
    cr_assert_null(ticket->priority);
    cr_assert_null(ticket->assignee);
    cr_assert_eq(ticket->sla_met, MSP_VERDICT_UNKNOWN);
    cr_assert_eq(ticket->reopen_count, MSP_NO_COUNT);
    cr_assert_eq(ticket->csat, MSP_NO_COUNT);
    cr_assert_eq(ticket->resolved_us, MSP_NO_TIME);
}

Test(source_map, takes_times_that_mean_never_as_not_given)
{
    static const char *const never[] = {"\"resolved\":\"\"", "\"resolved\":\"0001-01-01T00:00:00\"",
                                        "\"resolved\":\"1900-01-01T00:00:00Z\"",
                                        "\"resolved\":\"0000-00-00 00:00:00\"",
                                        "\"resolved\":\"1970-01-01T00:00:00Z\""};
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        msp_ticket_batch_clear(batch, MSP_EVERY_SHARD);
        (void)take(never[i]);
        cr_assert_eq(taken()->resolved_us, MSP_NO_TIME, "%s", never[i]);
    }
}

Test(source_map, refuses_a_ticket_whose_time_cannot_be_read_and_says_which)
{
    int64_t updated_us = take("\"resolved\":\"soon\"");
    cr_assert_eq(batch->ticket_count, 0);
    cr_assert_eq(batch->reject_count, 1);
    cr_assert_str_eq(batch->rejects[0].pointer, "/resolved_at");
    cr_assert(strstr(batch->rejects[0].payload, "\"soon\"") != NULL);
    cr_assert_neq(updated_us, MSP_NO_TIME); /* the page goes on by it all the same */
}

Test(source_map, refuses_rows_that_are_no_objects)
{
    static const char *const rows[] = {"[]", "[1]", "[[]]"};
    int64_t updated_us;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *row = json_loads(rows[i], 0, NULL);
        cr_assert_eq(msp_source_take(&map, row, batch, &updated_us, &error), MSP_OK);
        cr_assert_eq(updated_us, MSP_NO_TIME);
        json_decref(row);
    }
    cr_assert_eq(batch->reject_count, 3);
}

Test(source_map, cuts_long_texts_between_characters_but_never_an_id)
{
    char more[8192] = "\"people\":[{\"name\":\"";
    for (int i = 0; i < 500; i++) {
        (void)strcat(more, "\xc3\xa9");
    }
    (void)strcat(more, "\"}]");
    (void)take(more);
    cr_assert_eq(strlen(taken()->assignee), 800);
    msp_ticket_batch_clear(batch, MSP_EVERY_SHARD);
    json_t *row = json_loads("{" TIMES "}", 0, NULL);
    char id[200] = "";
    int64_t updated_us;
    memset(id, 'x', sizeof id - 1);
    json_object_set_new(row, "id", json_string(id));
    cr_assert_eq(msp_source_take(&map, row, batch, &updated_us, &error), MSP_OK);
    cr_assert_str_eq(batch->rejects[0].pointer, "/external_id");
    json_decref(row);
}

Test(source_map, keeps_a_part_of_a_huge_row_it_refuses)
{
    json_t *row = json_object();
    char *text = malloc(300001);
    int64_t updated_us;
    memset(text, 'x', 300000);
    text[300000] = '\0';
    json_object_set_new(row, "noise", json_string(text));
    cr_assert_eq(msp_source_take(&map, row, batch, &updated_us, &error), MSP_OK);
    cr_assert_eq(batch->reject_count, 1);
    cr_assert_eq(strlen(batch->rejects[0].payload), 8192);
    json_decref(row);
    free(text);
}

Test(source_map, gives_up_a_page_that_holds_hardly_anything_else_than_bad_rows)
{
    json_t *row = json_object();
    int64_t updated_us;
    enum msp_result result = MSP_OK;
    for (int i = 0; i < 2000 && result == MSP_OK; i++) {
        result = msp_source_take(&map, row, batch, &updated_us, &error);
    }
    cr_assert_eq(result, MSP_BROKEN);
    cr_assert_str_eq(error.code, "source_rows_unusable");
    json_decref(row);
}
