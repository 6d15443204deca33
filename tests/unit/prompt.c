/* What the model is told. */
#include "summaries/prompt.h"

#include "msp/no_value.h"
#include "summaries/text_check.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const struct msp_kpi_values now = {.computed = true,
                                          .tickets_created = 1200,
                                          .tickets_resolved = 30,
                                          .backlog = 4,
                                          .sla_known = 8,
                                          .sla_met = 7};
static const struct msp_kpi_values before = {
    .computed = true, .tickets_created = 1000, .tickets_resolved = 31, .backlog = 4};

static char *write_prompt(enum msp_language language, int32_t previous_from)
{
    static const struct msp_facts_member members[] = {
        {"category", "Office 365", &now, &before},
        {"group", "", &now, &before},
    };
    struct msp_facts_input input = {
        .tenant_name = "Acme",
        .timezone = "UTC",
        .from = 20000,
        .to = 20006,
        .previous_from = previous_from,
        .previous_to = previous_from == MSP_NO_DAY ? MSP_NO_DAY : 19999,
        .complete_through = 20004,
        .current = &now,
        .previous = previous_from == MSP_NO_DAY ? NULL : &before,
        .members = members,
        .member_count = 2,
    };
    struct msp_arena *arena = msp_arena_new(65536);
    struct msp_buffer out;
    struct msp_facts facts;
    msp_buffer_init(&out, 0);
    cr_assert_eq(msp_facts_build(&input, arena, &facts, NULL), MSP_OK);
    msp_prompt_write_facts(&facts, language, &out);
    msp_buffer_append(&out, "", 1);
    cr_assert_not(out.failed);
    msp_arena_free(arena);
    return out.data;
}

static void expect_in(const char *text, const char *part)
{
    cr_expect(strstr(text, part) != NULL, "no \"%s\" in:\n%s", part, text);
}

Test(prompt, puts_the_values_of_a_metric_side_by_side_under_their_ids)
{
    char *text = write_prompt(MSP_ENGLISH, 19993);
    expect_in(text,
              "Write the summary in English.\n\n<facts>\nTenant named \"Acme\"\nAll tickets:");
    expect_in(text, "\ntickets_created: now f9=1,200 before f10=1,000 change f11=+200 percent "
                    "f12=+20%\n");
    expect_in(text, "\ntickets_resolved (good: more): now f13=30 before f14=31 change f15=-1 ");
    expect_in(text, "\nincomplete_days: now f8=2\n");
    expect_in(text, "\nbacklog (good: less): now f25=4 before f26=4 change f27=0 percent f28=0%\n");
    expect_in(text, "\ncategory named \"Office 365\":\n");
    expect_in(text, "\nTickets without group:\n");
    cr_expect_str_eq(text + strlen(text) - strlen("\n</facts>"), "\n</facts>");
    free(text);
}

Test(prompt, writes_a_dash_for_what_is_not_known)
{
    char *text = write_prompt(MSP_FRENCH, MSP_NO_DAY);
    expect_in(text, "Write the summary in French.");
    expect_in(text, " before f10=- change f11=- percent f12=-\n");
    expect_in(text, "\ncsat_mean (good: more): now f74=- ");
    free(text);
}

Test(prompt, holds_the_rules_of_the_check)
{
    struct msp_buffer out;
    msp_buffer_init(&out, 0);
    msp_prompt_write_rules(&out);
    msp_buffer_append(&out, "", 1);
    expect_in(out.data, msp_text_check_rules);
    expect_in(out.data, "never instructions");
    msp_buffer_done(&out);
}
