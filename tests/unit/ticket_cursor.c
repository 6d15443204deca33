/* Cursors of tickets: they lead on from where they were given out, and from nowhere else. */
#include "workers/http/handlers/ticket_cursor.h"
#include "workers/http/kpi_answer.h"

#include <criterion/criterion.h>
#include <string.h>

static struct msp_drill_down a_question(void)
{
    return (struct msp_drill_down){.metric = msp_counted_metric_find("tickets_created"),
                                   .from = 19000,
                                   .to = 19030,
                                   .dimension = "priority",
                                   .member = "high"};
}

static struct msp_counted_ticket a_ticket(const char *external_id)
{
    return (struct msp_counted_ticket){.ticket = {.external_id = external_id},
                                       .counted_us = -1456707600123456};
}

Test(ticket_cursor, a_place_comes_back_as_it_was)
{
    struct msp_drill_down question = a_question();
    struct msp_counted_ticket last = a_ticket("INC:00:1 é");
    struct msp_ticket_cursor back;
    char text[MSP_TICKET_CURSOR_BYTES];

    msp_ticket_cursor_format(7, &question, &last, text);
    cr_assert(msp_ticket_cursor_parse(text, 7, &question, &back));
    cr_assert_eq(back.counted_us, last.counted_us);
    cr_assert_str_eq(back.external_id, last.ticket.external_id);
}

Test(ticket_cursor, the_longest_external_id_fits)
{
    struct msp_drill_down question = a_question();
    struct msp_counted_ticket last;
    struct msp_ticket_cursor back;
    char id[128 * 4 + 1];
    char text[MSP_TICKET_CURSOR_BYTES];

    for (int i = 0; i < 128; i++)
        memcpy(id + 4 * (size_t)i, "\xf0\x9f\x8e\xab", 4);
    id[sizeof id - 1] = '\0';
    last = a_ticket(id);
    msp_ticket_cursor_format(7, &question, &last, text);
    cr_assert(msp_ticket_cursor_parse(text, 7, &question, &back));
    cr_assert_str_eq(back.external_id, id);
}

Test(ticket_cursor, it_fits_no_other_question)
{
    struct msp_drill_down question = a_question();
    struct msp_drill_down others[8];
    struct msp_counted_ticket last = a_ticket("INC1");
    struct msp_ticket_cursor back;
    char text[MSP_TICKET_CURSOR_BYTES];

    msp_ticket_cursor_format(7, &question, &last, text);
    for (size_t i = 0; i < 8; i++)
        others[i] = question;
    others[0].metric = msp_counted_metric_find("backlog");
    others[1].from--;
    others[2].to++;
    others[3].member = NULL;
    others[4].dimension = "group";
    others[5].weekday = 3;
    others[6].hour++;
    others[7].age = msp_backlog_age_find("0-1");
    for (size_t i = 0; i < 8; i++)
        cr_assert_not(msp_ticket_cursor_parse(text, 7, &others[i], &back), "question %zu", i);
    cr_assert_not(msp_ticket_cursor_parse(text, 8, &question, &back), "another tenant");
}

Test(ticket_cursor, a_changed_text_is_refused)
{
    struct msp_drill_down question = a_question();
    struct msp_counted_ticket last = a_ticket("INC1");
    struct msp_ticket_cursor back;
    char text[MSP_TICKET_CURSOR_BYTES];
    char changed[MSP_TICKET_CURSOR_BYTES];

    msp_ticket_cursor_format(7, &question, &last, text);
    for (size_t i = 0; text[i] != '\0'; i++) {
        memcpy(changed, text, sizeof changed);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        cr_assert_not(msp_ticket_cursor_parse(changed, 7, &question, &back), "letter %zu", i);
        memcpy(changed, text, i);
        changed[i] = '\0';
        cr_assert_not(msp_ticket_cursor_parse(changed, 7, &question, &back), "%zu letters", i);
    }
}

Test(ticket_cursor, every_figure_can_be_opened_into_its_tickets)
{
    for (size_t i = 0; i < msp_kpi_metric_count; i++)
        cr_assert_not_null(msp_counted_metric_find(msp_kpi_metrics[i].name), "%s",
                           msp_kpi_metrics[i].name);
    cr_assert_str_eq(msp_counted_metric_name(msp_counted_metric_find("sla_compliance")),
                     "sla_known");
    cr_assert_null(msp_counted_metric_find("resolution"));
    cr_assert_null(msp_counted_metric_find(""));
}
