/* The facts a summary may speak of, against values worked out by hand. */
#include "tests/support/summary_facts.h"

#include "workers/jobs/summaries/number_format.h"

#include "msp/buffer.h"

static struct msp_arena *arena;
static struct sample sample;

static void set_up(void)
{
    arena = msp_arena_new(65536);
    sample_fill(&sample);
}

static void tear_down(void)
{
    msp_arena_free(arena);
}

TestSuite(summary_facts, .init = set_up, .fini = tear_down);

static void expect(const struct msp_facts *facts, const char *metric, enum msp_fact_period period,
                   enum msp_fact_kind kind, int64_t value)
{
    const struct msp_fact *fact = msp_facts_find(facts, metric, "all", NULL, period, kind);
    cr_assert_not_null(fact, "%s", metric);
    cr_assert(fact->known, "%s", metric);
    cr_assert_eq(fact->value, value, "%s is %lld", metric, (long long)fact->value);
}

Test(summary_facts, values_and_changes_are_exact)
{
    struct msp_facts facts = sample_facts(&sample, arena);

    expect(&facts, "tickets_created", MSP_FACT_CURRENT, MSP_FACT_COUNT, 1240 * MSP_FACT_ONE);
    expect(&facts, "tickets_created", MSP_FACT_PREVIOUS, MSP_FACT_COUNT, 1100 * MSP_FACT_ONE);
    expect(&facts, "tickets_created", MSP_FACT_CHANGE, MSP_FACT_COUNT, 140 * MSP_FACT_ONE);
    expect(&facts, "tickets_created", MSP_FACT_CHANGE, MSP_FACT_PERCENT, 127272727);
    expect(&facts, "tickets_reopened", MSP_FACT_CHANGE, MSP_FACT_PERCENT, -916666667);
    expect(&facts, "sla_compliance", MSP_FACT_CHANGE, MSP_FACT_RATIO, 15000000);
    expect(&facts, "resolution_minutes_mean", MSP_FACT_CURRENT, MSP_FACT_MINUTES,
           250 * MSP_FACT_ONE);
    expect(&facts, "resolution_minutes_p50", MSP_FACT_CHANGE, MSP_FACT_MINUTES, -23 * MSP_FACT_ONE);
    expect(&facts, "csat_mean", MSP_FACT_CURRENT, MSP_FACT_SCORE, 4250000000);
    expect(&facts, "period_days", MSP_FACT_PREVIOUS, MSP_FACT_COUNT, 28 * MSP_FACT_ONE);
    expect(&facts, "incomplete_days", MSP_FACT_CURRENT, MSP_FACT_COUNT, 0);
    cr_assert_eq(msp_facts_total(&facts, "period_from", MSP_FACT_PREVIOUS)->day,
                 sample_day("2026-02-01"));
    cr_assert(msp_facts_complete(&facts));
    cr_assert_null(
        msp_facts_find(&facts, "sla_compliance", "all", NULL, MSP_FACT_CHANGE, MSP_FACT_PERCENT));
    cr_assert_eq(msp_facts_find(&facts, "tickets_created_share", "category", "Network",
                                MSP_FACT_CURRENT, MSP_FACT_RATIO)
                     ->value,
                 400000000);
}

Test(summary_facts, ids_count_from_one_and_are_the_same_each_time)
{
    struct msp_facts facts = sample_facts(&sample, arena);
    struct msp_facts again = sample_facts(&sample, arena);

    cr_assert_eq(facts.count, again.count);
    for (size_t i = 0; i < facts.count; i++) {
        cr_assert_str_eq(facts.list[i].id, again.list[i].id);
        cr_assert_eq(msp_facts_by_id(&facts, facts.list[i].id, strlen(facts.list[i].id)),
                     &facts.list[i]);
    }
    cr_assert_str_eq(facts.list[0].id, "f1");
    cr_assert_str_eq(msp_facts_total(&facts, "tickets_created", MSP_FACT_CURRENT)->id, "f9");
    cr_assert_null(msp_facts_by_id(&facts, "f0", 2));
    cr_assert_null(msp_facts_by_id(&facts, "f1", 1));
}

Test(summary_facts, what_has_no_denominator_or_was_never_computed_is_unknown)
{
    sample.march.sla_known = 0;
    sample.february.tickets_created = 0;
    sample.input.complete_through = MSP_NO_DAY;
    struct msp_facts facts = sample_facts(&sample, arena);
    cr_assert_not(msp_facts_total(&facts, "sla_compliance", MSP_FACT_CURRENT)->known);
    cr_assert_not(msp_facts_total(&facts, "sla_compliance", MSP_FACT_CHANGE)->known);
    cr_assert_not(
        msp_facts_find(&facts, "tickets_created", "all", NULL, MSP_FACT_CHANGE, MSP_FACT_PERCENT)
            ->known);
    expect(&facts, "incomplete_days", MSP_FACT_CURRENT, MSP_FACT_COUNT, 31 * MSP_FACT_ONE);

    sample.input.current = NULL;
    facts = sample_facts(&sample, arena);
    cr_assert_not(msp_facts_total(&facts, "tickets_created", MSP_FACT_CURRENT)->known);
    cr_assert(msp_facts_total(&facts, "tickets_created", MSP_FACT_PREVIOUS)->known);
}

Test(summary_facts, numbers_past_what_billionths_hold_are_unknown)
{
    sample.march.tickets_created = INT64_MAX;
    sample.march.resolution.p50_seconds = 1e300;
    sample.march.resolution.count = INT64_MAX;
    struct msp_facts facts = sample_facts(&sample, arena);
    cr_assert_not(msp_facts_total(&facts, "tickets_created", MSP_FACT_CURRENT)->known);
    cr_assert_not(msp_facts_total(&facts, "resolution_minutes_p50", MSP_FACT_CURRENT)->known);
    cr_assert_not(msp_facts_total(&facts, "resolution_minutes_mean", MSP_FACT_CURRENT)->known);
}

Test(summary_facts, no_technician_is_spoken_of)
{
    struct msp_error error;
    struct msp_facts facts;
    sample.members[0].dimension = "assignee";
    cr_assert_eq(msp_facts_build(&sample.input, arena, &facts, &error), MSP_INVALID);
    cr_assert_str_eq(error.code, "facts_member");
}

Test(summary_facts, a_period_that_is_none_and_too_many_members_are_refused)
{
    struct msp_error error;
    struct msp_facts facts;
    sample.input.member_count = MSP_FACT_MAX_MEMBERS + 1;
    cr_assert_eq(msp_facts_build(&sample.input, arena, &facts, &error), MSP_TOO_LARGE);
    sample.input.member_count = 0;
    sample.input.to = sample.input.from - 1;
    cr_assert_eq(msp_facts_build(&sample.input, arena, &facts, &error), MSP_INVALID);
    cr_assert_str_eq(error.code, "facts_period");
}

Test(summary_facts, json_holds_null_where_nothing_is_known_and_the_written_form_for_a_prompt)
{
    struct msp_buffer buffer;
    struct msp_json_writer writer;
    sample.march.sla_known = 0;
    struct msp_facts facts = sample_facts(&sample, arena);

    msp_buffer_init(&buffer, 0);
    msp_json_writer_init(&writer, &buffer);
    msp_facts_write_json(&writer, &facts);
    msp_buffer_append(&buffer, "", 1);
    cr_assert_not_null(strstr(buffer.data,
                              "{\"id\":\"f9\",\"metric\":\"tickets_created\",\"dimension\":\"all\","
                              "\"member\":null,\"period\":\"current\",\"kind\":\"count\","
                              "\"value\":1240}"));
    cr_assert_not_null(strstr(buffer.data, "\"metric\":\"sla_compliance\",\"dimension\":\"all\","
                                           "\"member\":null,\"period\":\"current\",\"kind\":"
                                           "\"ratio\",\"value\":null}"));
    cr_assert_null(strstr(buffer.data, "\"written\""));
    msp_buffer_clear(&buffer);
    msp_json_writer_init(&writer, &buffer);
    msp_facts_write_prompt_json(&writer, &facts, MSP_FRENCH);
    msp_buffer_append(&buffer, "", 1);
    cr_assert_not_null(strstr(buffer.data, "\"written\":\"1er mars 2026\""));
    cr_assert_not_null(strstr(buffer.data, "\"written\":\"12,7\xe2\x80\xaf%\""));
    msp_buffer_done(&buffer);
}
