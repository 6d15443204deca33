/* The quick reader of lines says yes only where jansson would say the same. */
#include "common/ticket_line.h"
#include "msp/json_reader.h"

#include <criterion/criterion.h>
#include <string.h>

#define TIMES "\"created_at\":\"2026-01-31T09:30:00Z\",\"updated_at\":\"2026-01-31T10:30:00+01:00\""

static struct msp_arena *arena;

static void make_arena(void)
{
    arena = msp_arena_new(4096);
    cr_assert_not_null(arena);
}

static void free_arena(void)
{
    msp_arena_free(arena);
}

TestSuite(ticket_line, .init = make_arena, .fini = free_arena);

static bool by_jansson(const char *line, struct msp_ticket *out, struct msp_error *error)
{
    json_t *object;
    if (msp_json_parse(line, strlen(line), &msp_json_request_limits, &object, error) != MSP_OK)
        return false;
    bool good = msp_ticket_from_json(object, arena, out, error) == MSP_OK;
    json_decref(object);
    return good;
}

Test(ticket_line, plain_lines_are_read_in_one_pass_and_mean_what_jansson_says)
{
    static const char *const lines[] = {
        "{\"external_id\":\"A\"," TIMES "}",
        " { \"external_id\" : \"A\" ,\t" TIMES " } \r",
        "{\"external_id\":\"A\"," TIMES
        ",\"title\":\"Caf\xc3\xa9 \xf0\x9f\x98\x80\",\"group\":\"\"}",
        "{\"tenant\":\"x\",\"other\":17,\"third\":null,\"external_id\":\"A\"," TIMES "}",
        "{\"external_id\":\"A\"," TIMES
        ",\"status\":\"closed\",\"priority\":\"low\",\"sla_met\":false,"
        "\"reopen_count\":0,\"reassignment_count\":12,\"csat\":5,\"version\":123456789012345678,"
        "\"resolved_at\":null,\"due_at\":\"2026-02-01T00:00:00.123456Z\",\"assignee\":\"B\"}",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct msp_ticket plain;
        struct msp_ticket sure;
        struct msp_error error;
        cr_assert(msp_ticket_read_plainly(lines[i], strlen(lines[i]), arena, &plain), "line %zu",
                  i);
        cr_assert(by_jansson(lines[i], &sure, &error), "line %zu: %s", i, error.detail);
        cr_assert(msp_ticket_same(&plain, &sure), "line %zu", i);
        cr_assert_str_eq(plain.external_id, sure.external_id);
    }
}

Test(ticket_line, the_least_doubt_is_left_to_jansson)
{
    static const char *const lines[] = {
        "",
        "{}",
        "[]",
        "null",
        "{\"external_id\":\"A\"," TIMES,
        "{\"external_id\":\"A\"," TIMES "}}",
        "{\"external_id\":\"A\"," TIMES "} x",
        "{\"external_id\":\"A\"," TIMES ",}",
        "{,\"external_id\":\"A\"," TIMES "}",
        "{\"external_id\":\"A\" " TIMES "}",
        "{\"external_id\":\"A\"}",
        "{\"external_id\":\"\"," TIMES "}",
        "{\"external_id\":\"A\\u0041\"," TIMES "}",
        "{\"external_id\":\"A\x7f\"," TIMES "}",
        "{\"external_id\":\"\xc3\xa9\"," TIMES "}",
        "{\"external_id\":1," TIMES "}",
        "{\"external_id\":\"A\",\"external_id\":\"B\"," TIMES "}",
        "{\"external_id\":\"A\"," TIMES ",\"x\":1,\"x\":2}",
        "{\"external_id\":\"A\"," TIMES ",\"x\":{}}",
        "{\"external_id\":\"A\"," TIMES ",\"x\":[1]}",
        "{\"external_id\":\"A\"," TIMES ",\"x\":-1}",
        "{\"external_id\":\"A\"," TIMES ",\"x\":1.5}",
        "{\"external_id\":\"A\"," TIMES ",\"x\":01}",
        "{\"external_id\":\"A\"," TIMES ",\"x\":tru}",
        "{\"external_id\":\"A\"," TIMES ",\"title\":\"\xff\"}",
        "{\"external_id\":\"A\"," TIMES ",\"title\":\"a\tb\"}",
        "{\"external_id\":\"A\"," TIMES ",\"title\":5}",
        "{\"external_id\":\"A\"," TIMES ",\"status\":\"nope\"}",
        "{\"external_id\":\"A\"," TIMES ",\"csat\":6}",
        "{\"external_id\":\"A\"," TIMES ",\"csat\":\"5\"}",
        "{\"external_id\":\"A\"," TIMES ",\"sla_met\":1}",
        "{\"external_id\":\"A\"," TIMES ",\"version\":1234567890123456789}",
        "{\"external_id\":\"A\"," TIMES ",\"due_at\":\"tomorrow\"}",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct msp_ticket plain;
        cr_assert_not(msp_ticket_read_plainly(lines[i], strlen(lines[i]), arena, &plain), "%s",
                      lines[i]);
        /* And the whole way says what jansson's says. */
        struct msp_ticket whole;
        struct msp_ticket sure;
        struct msp_error error = {0};
        struct msp_error why = {0};
        bool good = by_jansson(lines[i], &sure, &why);
        enum msp_result result =
            msp_ticket_from_line(lines[i], strlen(lines[i]), arena, &whole, &error);
        cr_assert_eq(result == MSP_OK, good, "%s", lines[i]);
        if (good)
            cr_assert(msp_ticket_same(&whole, &sure), "%s", lines[i]);
        else
            cr_assert_str_eq(error.code, why.code, "%s", lines[i]);
    }
}

Test(ticket_line, a_kept_ticket_outlives_the_memory_it_was_read_into)
{
    static const char line[] =
        "{\"external_id\":\"A-1\"," TIMES ",\"title\":\"Printer\",\"status\":\"new\"}";
    struct msp_arena *scratch = msp_arena_new(1024);
    struct msp_ticket ticket;
    struct msp_error error;
    cr_assert_not_null(scratch);
    cr_assert_eq(msp_ticket_from_line(line, sizeof line - 1, scratch, &ticket, &error), MSP_OK);
    cr_assert_eq(msp_ticket_keep(&ticket, arena, &error), MSP_OK);
    msp_arena_free(scratch);
    cr_assert_str_eq(ticket.external_id, "A-1");
    cr_assert_str_eq(ticket.title, "Printer");
    cr_assert_str_eq(ticket.status, "new");
}
