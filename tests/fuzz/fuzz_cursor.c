/* Cursors from strangers: only texts that this server writes are taken, and a cursor of tickets
 * or of the audit log fits its own question alone. Input in two lines (instant, id) is also written
 * as a cursor. */
#include "handlers/audit_cursor.h"
#include "handlers/page_cursor.h"
#include "handlers/ticket_cursor.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TENANT 7

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void read_page_cursor(const char *text)
{
    struct msp_page_cursor cursor;
    char again[MSP_PAGE_CURSOR_BYTES];
    if (!msp_page_cursor_parse(text, &cursor))
        return;
    msp_page_cursor_format(&cursor, again);
    require(strcmp(again, text) == 0);
}

static struct msp_drill_down a_question(void)
{
    return (struct msp_drill_down){.metric = msp_counted_metric_find("tickets_created"),
                                   .from = 19000,
                                   .to = 19030,
                                   .dimension = "priority",
                                   .member = "high"};
}

static void read_ticket_cursor(const char *text)
{
    struct msp_drill_down question = a_question();
    struct msp_drill_down other = a_question();
    struct msp_ticket_cursor cursor;
    if (!msp_ticket_cursor_parse(text, TENANT, &question, &cursor))
        return;
    require(memchr(cursor.external_id, '\0', sizeof cursor.external_id) != NULL);
    other.to++;
    require(!msp_ticket_cursor_parse(text, TENANT, &other, &cursor));
    require(!msp_ticket_cursor_parse(text, TENANT + 1, &question, &cursor));
}

static void read_audit_cursor(const char *text)
{
    const struct msp_audit_filter question = {.tenant_id = TENANT, .action = "sign_in"};
    const struct msp_audit_filter other = {.tenant_id = TENANT};
    char again[MSP_AUDIT_CURSOR_BYTES];
    int64_t last_id;
    if (!msp_audit_cursor_parse(text, &question, &last_id))
        return;
    msp_audit_cursor_format(&question, last_id, again);
    require(strcmp(again, text) == 0);
    require(!msp_audit_cursor_parse(text, &other, &last_id));
}

static void write_ticket_cursor(const char *text)
{
    struct msp_drill_down question = a_question();
    struct msp_counted_ticket last = {.counted_us = 0};
    struct msp_ticket_cursor back;
    char written[MSP_TICKET_CURSOR_BYTES];
    char *line = NULL;
    last.counted_us = strtoll(text, &line, 10);
    /* A ticket's id has 1 to 128 characters. */
    if (*line != '\n' || line[1] == '\0' || strlen(line + 1) > (size_t)128 * 4)
        return;
    last.ticket.external_id = line + 1;
    msp_ticket_cursor_format(TENANT, &question, &last, written);
    require(msp_ticket_cursor_parse(written, TENANT, &question, &back));
    require(back.counted_us == last.counted_us && strcmp(back.external_id, line + 1) == 0);
    read_ticket_cursor(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    require(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    read_page_cursor(text);
    read_ticket_cursor(text);
    read_audit_cursor(text);
    write_ticket_cursor(text);
    free(text);
    return 0;
}
