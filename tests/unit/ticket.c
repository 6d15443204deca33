/* Promises of include/msp/ticket.h. */
#include "msp/ticket.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct msp_arena *arena;

static void start(void)
{
    arena = msp_arena_new(4096);
}

static void stop(void)
{
    msp_arena_free(arena);
}

TestSuite(ticket, .init = start, .fini = stop);

#define NEEDED                                                                                     \
    "\"external_id\":\"T-1\",\"created_at\":\"2020-01-01T00:00:00Z\",\"updated_at\":\"2020-01-"    \
    "02T00:00:00Z\""

/* Read with flags that let through what our reader refuses, so that the ticket's own checks are
 * seen. */
static enum msp_result read(const char *text, struct msp_ticket *out, struct msp_error *error)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    cr_assert_not_null(json, "%s", text);
    enum msp_result result = msp_ticket_from_json(json, arena, out, error);
    json_decref(json);
    return result;
}

Test(ticket, a_whole_ticket_is_read)
{
    static const char text[] =
        "{" NEEDED ",\"title\":\"Printer on fire\",\"status\":\"resolved\","
        "\"source_status\":\"Solved\",\"priority\":\"high\",\"category\":\"Hardware\","
        "\"assignee\":\"Kim\",\"requester\":\"Lee\",\"group\":\"Field\",\"channel\":\"mail\","
        "\"first_response_at\":\"2020-01-01T01:00:00+01:00\","
        "\"resolved_at\":\"2020-01-01T02:00:00.5Z\",\"closed_at\":\"2020-01-01T03:00:00Z\","
        "\"due_at\":\"2020-01-01T04:00:00Z\",\"sla_met\":true,\"reopen_count\":2,"
        "\"reassignment_count\":0,\"csat\":5,\"version\":17,\"unheard_of\":{\"a\":[1]}}";
    struct msp_ticket ticket;
    struct msp_error error;
    const int64_t midnight_us = INT64_C(1577836800000000);
    const int64_t hour_us = INT64_C(3600000000);

    cr_assert_eq(read(text, &ticket, &error), MSP_OK, "%s", error.detail);
    cr_expect_str_eq(ticket.external_id, "T-1");
    cr_expect_str_eq(ticket.title, "Printer on fire");
    cr_expect_str_eq(ticket.status, "resolved");
    cr_expect_str_eq(ticket.source_status, "Solved");
    cr_expect_str_eq(ticket.priority, "high");
    cr_expect_str_eq(ticket.category, "Hardware");
    cr_expect_str_eq(ticket.assignee, "Kim");
    cr_expect_str_eq(ticket.requester, "Lee");
    cr_expect_str_eq(ticket.group, "Field");
    cr_expect_str_eq(ticket.channel, "mail");
    cr_expect_eq(ticket.created_us, midnight_us);
    cr_expect_eq(ticket.updated_us, midnight_us + 24 * hour_us);
    cr_expect_eq(ticket.first_response_us, midnight_us);
    cr_expect_eq(ticket.resolved_us, midnight_us + 2 * hour_us + 500000);
    cr_expect_eq(ticket.closed_us, midnight_us + 3 * hour_us);
    cr_expect_eq(ticket.due_us, midnight_us + 4 * hour_us);
    cr_expect_eq(ticket.sla_met, MSP_VERDICT_MET);
    cr_expect_eq(ticket.reopen_count, 2);
    cr_expect_eq(ticket.reassignment_count, 0);
    cr_expect_eq(ticket.csat, 5);
    cr_expect_eq(ticket.version, 17);
}

static void expect_bare(const struct msp_ticket *ticket)
{
    cr_expect_null(ticket->title);
    cr_expect_null(ticket->status);
    cr_expect_null(ticket->source_status);
    cr_expect_null(ticket->priority);
    cr_expect_null(ticket->category);
    cr_expect_null(ticket->assignee);
    cr_expect_null(ticket->requester);
    cr_expect_null(ticket->group);
    cr_expect_null(ticket->channel);
    cr_expect_eq(ticket->first_response_us, MSP_NO_TIME);
    cr_expect_eq(ticket->resolved_us, MSP_NO_TIME);
    cr_expect_eq(ticket->closed_us, MSP_NO_TIME);
    cr_expect_eq(ticket->due_us, MSP_NO_TIME);
    cr_expect_eq(ticket->sla_met, MSP_VERDICT_UNKNOWN);
    cr_expect_eq(ticket->reopen_count, MSP_NO_COUNT);
    cr_expect_eq(ticket->reassignment_count, MSP_NO_COUNT);
    cr_expect_eq(ticket->csat, MSP_NO_COUNT);
    cr_expect_eq(ticket->version, MSP_NO_VERSION);
}

Test(ticket, what_is_missing_or_null_is_not_given)
{
    struct msp_ticket bare;
    struct msp_ticket nulls;
    cr_assert_eq(read("{" NEEDED "}", &bare, NULL), MSP_OK);
    expect_bare(&bare);
    cr_assert_eq(read("{" NEEDED ",\"title\":null,\"status\":null,\"source_status\":null,"
                      "\"priority\":null,\"category\":null,\"assignee\":null,\"requester\":null,"
                      "\"group\":null,\"channel\":null,\"first_response_at\":null,"
                      "\"resolved_at\":null,\"closed_at\":null,\"due_at\":null,\"sla_met\":null,"
                      "\"reopen_count\":null,\"reassignment_count\":null,\"csat\":null,"
                      "\"version\":null}",
                      &nulls, NULL),
                 MSP_OK);
    expect_bare(&nulls);
    cr_expect(msp_ticket_same(&bare, &nulls));
}

struct refusal {
    const char *members; /* behind the needed ones */
    const char *code;
    const char *pointer;
};

static void expect_refusal(const char *text, const char *code, const char *pointer)
{
    struct msp_ticket ticket;
    struct msp_error error = {0};
    cr_expect_eq(read(text, &ticket, &error), MSP_INVALID, "%s", text);
    cr_expect_str_eq(error.code, code);
    cr_expect_str_eq(error.pointer, pointer);
    cr_expect_eq(error.detail[strlen(error.detail) - 1], '.', "a sentence: %s", error.detail);
}

Test(ticket, a_bad_member_is_refused_by_name)
{
    static const struct refusal table[] = {
        {"\"title\":17", "ticket_title_not_text", "/title"},
        {"\"title\":[\"x\"]", "ticket_title_not_text", "/title"},
        {"\"title\":\"a\\u0000b\"", "ticket_title_control_character", "/title"},
        {"\"status\":\"done\"", "ticket_status_unknown", "/status"},
        {"\"status\":\"\"", "ticket_status_unknown", "/status"},
        {"\"status\":\"Open\"", "ticket_status_unknown", "/status"},
        {"\"status\":\"open\\u0000\"", "ticket_status_control_character", "/status"},
        {"\"status\":1", "ticket_status_not_text", "/status"},
        {"\"priority\":\"urgent\"", "ticket_priority_unknown", "/priority"},
        {"\"assignee\":true", "ticket_assignee_not_text", "/assignee"},
        {"\"group\":{}", "ticket_group_not_text", "/group"},
        {"\"resolved_at\":\"yesterday\"", "ticket_resolved_at_not_time", "/resolved_at"},
        {"\"resolved_at\":\"\"", "ticket_resolved_at_not_time", "/resolved_at"},
        {"\"resolved_at\":\"2020-01-01T00:00:00\"", "ticket_resolved_at_not_time", "/resolved_at"},
        {"\"resolved_at\":\"2020-01-01T00:00:00Z\\u0000\"", "ticket_resolved_at_not_time",
         "/resolved_at"},
        {"\"first_response_at\":1577836800", "ticket_first_response_at_not_text",
         "/first_response_at"},
        {"\"due_at\":\"2020-02-30T00:00:00Z\"", "ticket_due_at_not_time", "/due_at"},
        {"\"sla_met\":1", "ticket_sla_met_not_boolean", "/sla_met"},
        {"\"sla_met\":\"true\"", "ticket_sla_met_not_boolean", "/sla_met"},
        {"\"reopen_count\":\"1\"", "ticket_reopen_count_not_number", "/reopen_count"},
        {"\"reopen_count\":true", "ticket_reopen_count_not_number", "/reopen_count"},
        {"\"reopen_count\":-1", "ticket_reopen_count_out_of_range", "/reopen_count"},
        {"\"reopen_count\":1.5", "ticket_reopen_count_out_of_range", "/reopen_count"},
        {"\"reopen_count\":2147483648", "ticket_reopen_count_out_of_range", "/reopen_count"},
        {"\"reassignment_count\":1e300", "ticket_reassignment_count_out_of_range",
         "/reassignment_count"},
        {"\"csat\":0", "ticket_csat_out_of_range", "/csat"},
        {"\"csat\":6", "ticket_csat_out_of_range", "/csat"},
        {"\"csat\":4.5", "ticket_csat_out_of_range", "/csat"},
        {"\"csat\":\"5\"", "ticket_csat_not_number", "/csat"},
        {"\"version\":-1", "ticket_version_out_of_range", "/version"},
        {"\"version\":0.5", "ticket_version_out_of_range", "/version"},
        {"\"version\":1e19", "ticket_version_out_of_range", "/version"},
        {"\"version\":\"7\"", "ticket_version_not_number", "/version"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        char text[400];
        snprintf(text, sizeof text, "{" NEEDED ",%s}", table[i].members);
        expect_refusal(text, table[i].code, table[i].pointer);
    }
}

Test(ticket, what_every_ticket_needs_must_be_there)
{
    static const struct refusal table[] = {
        {"{}", "ticket_external_id_missing", "/external_id"},
        {"{\"external_id\":null}", "ticket_external_id_missing", "/external_id"},
        {"{\"external_id\":17}", "ticket_external_id_not_text", "/external_id"},
        {"{\"external_id\":\"\"}", "ticket_external_id_empty", "/external_id"},
        {"{\"external_id\":\"a\\u0000\"}", "ticket_external_id_control_character", "/external_id"},
        {"{\"external_id\":\"a\\u001b\"}", "ticket_external_id_control_character", "/external_id"},
        {"{\"external_id\":\"a\\u007f\"}", "ticket_external_id_control_character", "/external_id"},
        {"{\"external_id\":\"a\\u0085\"}", "ticket_external_id_control_character", "/external_id"},
        {"{\"external_id\":\"a\"}", "ticket_created_at_missing", "/created_at"},
        {"{\"external_id\":\"a\",\"created_at\":null}", "ticket_created_at_missing", "/created_at"},
        {"{\"external_id\":\"a\",\"created_at\":5}", "ticket_created_at_not_text", "/created_at"},
        {"{\"external_id\":\"a\",\"created_at\":\"2020-01-01T00:00:00Z\"}",
         "ticket_updated_at_missing", "/updated_at"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        expect_refusal(table[i].members, table[i].code, table[i].pointer);
}

Test(ticket, only_an_object_is_a_ticket)
{
    static const char *const table[] = {"[]", "\"T-1\"", "1", "null", "true"};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        expect_refusal(table[i], "ticket_not_object", "");
    struct msp_ticket ticket;
    cr_expect_eq(msp_ticket_from_json(NULL, arena, &ticket, NULL), MSP_INVALID);
}

/* A ticket whose `member` is `count` times the character `piece`. */
static enum msp_result read_repeated(const char *member, const char *piece, size_t count,
                                     struct msp_error *error)
{
    size_t size = strlen(piece);
    char *text = calloc(1, count * size + 1);
    for (size_t i = 0; i < count * size; i++)
        text[i] = piece[i % size];
    json_t *json = json_pack("{s:s,s:s,s:s}", "external_id", "T-1", "created_at",
                             "2020-01-01T00:00:00Z", "updated_at", "2020-01-01T00:00:00Z");
    json_object_set_new(json, member, json_string(text));
    struct msp_ticket ticket;
    enum msp_result result = msp_ticket_from_json(json, arena, &ticket, error);
    json_decref(json);
    free(text);
    return result;
}

Test(ticket, texts_are_bounded_in_characters_not_bytes)
{
    static const struct {
        const char *member;
        size_t most;
    } table[] = {
        {"external_id", 128}, {"title", 4000},    {"source_status", 400}, {"category", 400},
        {"assignee", 400},    {"requester", 400}, {"group", 400},         {"channel", 400},
    };
    static const char *const pieces[] = {"x", "é", "€", "😀"};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        for (size_t j = 0; j < sizeof pieces / sizeof pieces[0]; j++) {
            struct msp_error error = {0};
            char code[64];
            snprintf(code, sizeof code, "ticket_%s_too_long", table[i].member);
            cr_expect_eq(read_repeated(table[i].member, pieces[j], table[i].most, &error), MSP_OK);
            cr_expect_eq(read_repeated(table[i].member, pieces[j], table[i].most + 1, &error),
                         MSP_INVALID);
            cr_expect_str_eq(error.code, code);
        }
}

Test(ticket, an_empty_optional_text_is_given)
{
    struct msp_ticket ticket;
    cr_assert_eq(read("{" NEEDED ",\"category\":\"\"}", &ticket, NULL), MSP_OK);
    cr_assert_str_eq(ticket.category, "");
}

Test(ticket, whole_numbers_count_however_they_are_written)
{
    struct msp_ticket ticket;
    cr_assert_eq(
        read("{" NEEDED ",\"csat\":5.0,\"reopen_count\":1e1,\"version\":1.5e12}", &ticket, NULL),
        MSP_OK);
    cr_expect_eq(ticket.csat, 5);
    cr_expect_eq(ticket.reopen_count, 10);
    cr_expect_eq(ticket.version, INT64_C(1500000000000));
    cr_assert_eq(read("{" NEEDED ",\"version\":9223372036854775807}", &ticket, NULL), MSP_OK);
    cr_expect_eq(ticket.version, INT64_MAX);
}

Test(ticket, sla_met_is_true_false_or_unknown)
{
    struct msp_ticket ticket;
    cr_assert_eq(read("{" NEEDED ",\"sla_met\":false}", &ticket, NULL), MSP_OK);
    cr_expect_eq(ticket.sla_met, MSP_VERDICT_MISSED);
    cr_assert_eq(read("{" NEEDED ",\"sla_met\":true}", &ticket, NULL), MSP_OK);
    cr_expect_eq(ticket.sla_met, MSP_VERDICT_MET);
}

Test(ticket, texts_outlive_the_json_they_came_from)
{
    struct msp_ticket ticket;
    char text[200];
    snprintf(text, sizeof text, "{" NEEDED ",\"title\":\"kept\",\"status\":\"open\"}");
    cr_assert_eq(read(text, &ticket, NULL), MSP_OK);
    memset(text, 0, sizeof text);
    cr_expect_str_eq(ticket.title, "kept");
    cr_expect_str_eq(ticket.status, "open");
}

Test(ticket, tickets_that_differ_in_any_member_are_not_the_same)
{
    static const char *const table[] = {
        "\"title\":\"x\"",
        "\"title\":\"\"",
        "\"status\":\"open\"",
        "\"source_status\":\"x\"",
        "\"priority\":\"low\"",
        "\"category\":\"x\"",
        "\"assignee\":\"x\"",
        "\"requester\":\"x\"",
        "\"group\":\"x\"",
        "\"channel\":\"x\"",
        "\"first_response_at\":\"2020-01-01T00:00:00Z\"",
        "\"resolved_at\":\"2020-01-01T00:00:00Z\"",
        "\"closed_at\":\"2020-01-01T00:00:00Z\"",
        "\"due_at\":\"2020-01-01T00:00:00Z\"",
        "\"sla_met\":false",
        "\"reopen_count\":0",
        "\"reassignment_count\":0",
        "\"csat\":1",
        "\"version\":0",
    };
    enum { KINDS = sizeof table / sizeof table[0] };
    struct msp_ticket tickets[KINDS + 1];
    struct msp_ticket again[KINDS + 1];
    cr_assert_eq(read("{" NEEDED "}", &tickets[KINDS], NULL), MSP_OK);
    cr_assert_eq(read("{" NEEDED "}", &again[KINDS], NULL), MSP_OK);
    for (size_t i = 0; i < KINDS; i++) {
        char text[400];
        snprintf(text, sizeof text, "{" NEEDED ",%s}", table[i]);
        cr_assert_eq(read(text, &tickets[i], NULL), MSP_OK);
        cr_assert_eq(read(text, &again[i], NULL), MSP_OK);
    }
    for (size_t i = 0; i <= KINDS; i++)
        for (size_t j = 0; j <= KINDS; j++)
            cr_expect_eq(msp_ticket_same(&tickets[i], &again[j]), i == j, "%zu %zu", i, j);

    struct msp_ticket other = tickets[KINDS];
    other.external_id = "T-2";
    cr_expect_not(msp_ticket_same(&other, &tickets[KINDS]));
    other = tickets[KINDS];
    other.created_us++;
    cr_expect_not(msp_ticket_same(&other, &tickets[KINDS]));
    other = tickets[KINDS];
    other.updated_us++;
    cr_expect_not(msp_ticket_same(&other, &tickets[KINDS]));
}

Test(ticket, newer_means_updated_later_then_a_greater_version)
{
    static const struct {
        int64_t updated_us;
        int64_t version;
    } ascending[] = {
        {-5, 9}, {1, MSP_NO_VERSION}, {1, 0}, {1, 7}, {2, MSP_NO_VERSION}, {2, INT64_MAX}, {3, 0},
    };
    enum { COUNT = sizeof ascending / sizeof ascending[0] };
    for (int i = 0; i < COUNT; i++)
        for (int j = 0; j < COUNT; j++) {
            struct msp_ticket a = {.updated_us = ascending[i].updated_us,
                                   .version = ascending[i].version};
            struct msp_ticket b = {.updated_us = ascending[j].updated_us,
                                   .version = ascending[j].version};
            int order = msp_ticket_compare_age(&a, &b);
            cr_expect_eq((order > 0) - (order < 0), (i > j) - (i < j));
        }
}
