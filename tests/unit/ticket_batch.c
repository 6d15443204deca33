/* A batch keeps the newest arrival of each ticket, and what it could not keep it notes. */
#include "db/ticket_batch.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct msp_ticket_batch *batch;

static void make_batch(void)
{
    batch = msp_ticket_batch_new(MSP_EVERY_SHARD);
    cr_assert_not_null(batch);
}

static void free_batch(void)
{
    msp_ticket_batch_free(batch);
}

TestSuite(ticket_batch, .init = make_batch, .fini = free_batch);

static void add(const char *id, int64_t updated_us, int64_t version, const char *title)
{
    struct msp_ticket ticket = {
        .external_id = id,
        .title = title,
        .created_us = 1,
        .updated_us = updated_us,
        .first_response_us = MSP_NO_TIME,
        .resolved_us = MSP_NO_TIME,
        .closed_us = MSP_NO_TIME,
        .due_us = MSP_NO_TIME,
        .sla_met = MSP_VERDICT_UNKNOWN,
        .reopen_count = MSP_NO_COUNT,
        .reassignment_count = MSP_NO_COUNT,
        .csat = MSP_NO_COUNT,
        .version = version,
    };
    struct msp_error error;
    cr_assert_eq(msp_ticket_batch_add(batch, &ticket, &error), MSP_OK);
}

Test(ticket_batch, a_newer_arrival_replaces_an_older_one_and_not_the_other_way_round)
{
    add("A", 10, MSP_NO_VERSION, "first");
    add("A", 30, MSP_NO_VERSION, "third");
    add("A", 20, MSP_NO_VERSION, "second");
    cr_assert_eq(batch->ticket_count, 1);
    cr_assert_str_eq(batch->tickets[0].ticket.title, "third");
    cr_assert_eq(batch->tickets[0].arrivals, 2, "the late second one replaced nothing");
    cr_assert_eq(batch->fetched, 3);
}

Test(ticket_batch, on_equal_times_the_greater_version_wins_then_the_later_arrival_if_it_differs)
{
    add("A", 10, 2, "two");
    add("A", 10, 1, "one");
    cr_assert_str_eq(batch->tickets[0].ticket.title, "two");
    add("A", 10, 2, "two again, otherwise");
    cr_assert_str_eq(batch->tickets[0].ticket.title, "two again, otherwise");
    add("A", 10, 2, "two again, otherwise");
    cr_assert_eq(batch->tickets[0].arrivals, 2, "the same content replaces nothing");
    add("A", 10, MSP_NO_VERSION, "none");
    cr_assert_str_eq(batch->tickets[0].ticket.title, "two again, otherwise",
                     "no version ranks below any");
}

Test(ticket_batch, many_tickets_stay_apart_until_the_batch_is_full)
{
    static char ids[MSP_TICKET_BATCH_ROWS][16];
    for (int i = 0; i < MSP_TICKET_BATCH_ROWS; i++) {
        cr_assert_not(msp_ticket_batch_full(batch));
        snprintf(ids[i], sizeof ids[i], "T-%d", i);
        add(ids[i], i, MSP_NO_VERSION, NULL);
    }
    cr_assert(msp_ticket_batch_full(batch));
    for (int i = 0; i < MSP_TICKET_BATCH_ROWS; i++)
        cr_assert_str_eq(batch->tickets[i].ticket.external_id, ids[i]);
    /* A full batch still takes what it has a place for, and refuses what is new. */
    add("T-7", 1000000, MSP_NO_VERSION, NULL);
    struct msp_ticket stranger = {.external_id = "T-new"};
    struct msp_error error;
    cr_assert_neq(msp_ticket_batch_add(batch, &stranger, &error), MSP_OK);
}

Test(ticket_batch, a_cleared_batch_is_empty)
{
    add("A", 10, MSP_NO_VERSION, "one");
    cr_assert_not(msp_ticket_batch_empty(batch));
    msp_ticket_batch_clear(batch, MSP_EVERY_SHARD);
    cr_assert(msp_ticket_batch_empty(batch));
    add("A", 5, MSP_NO_VERSION, "older, but nothing is there any more");
    cr_assert_eq(batch->ticket_count, 1);
    cr_assert_eq(batch->tickets[0].ticket.updated_us, 5);
}

Test(ticket_batch, a_reject_is_kept_as_text_that_postgresql_takes)
{
    struct msp_error reason;
    struct msp_error error;
    msp_fail_at(&reason, MSP_INVALID, "ticket_status_unknown", "/status",
                "There is no such status.");
    static const char payload[] = "{\"a\":\"\xff\0\xc3\xa9\"}";
    cr_assert_eq(msp_ticket_batch_reject(batch, &reason, payload, sizeof payload - 1, &error),
                 MSP_OK);
    cr_assert_eq(batch->reject_count, 1);
    cr_assert_str_eq(batch->rejects[0].code, "ticket_status_unknown");
    cr_assert_str_eq(batch->rejects[0].pointer, "/status");
    cr_assert_str_eq(batch->rejects[0].payload, "{\"a\":\"??\xc3\xa9\"}");
}

Test(ticket_batch, of_a_long_reject_the_first_8_KiB_are_kept)
{
    static char payload[100000];
    struct msp_error reason = {.result = MSP_INVALID, .code = "too_long"};
    struct msp_error error;
    memset(payload, 'x', sizeof payload);
    cr_assert_eq(msp_ticket_batch_reject(batch, &reason, payload, sizeof payload, &error), MSP_OK);
    cr_assert_eq(strlen(batch->rejects[0].payload), 8192);
}
