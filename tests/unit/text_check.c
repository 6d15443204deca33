/* What a model may say of the facts, sentence by sentence, and what it may not. */
#include "tests/support/summary_facts.h"
#include "tests/support/summary_sentences.h"

#include "workers/jobs/summaries/template_writer.h"
#include "workers/jobs/summaries/text_check.h"

#include "msp/buffer.h"

#include <stdlib.h>

static struct msp_arena *arena;
static struct sample sample;

static void set_up(void)
{
    arena = msp_arena_new((size_t)1 << 20);
    sample_fill(&sample);
}

static void tear_down(void)
{
    msp_arena_free(arena);
}

TestSuite(text_check, .init = set_up, .fini = tear_down);

static struct msp_error error;
static struct msp_summary_text checked;

static enum msp_result check(enum msp_language language, const char *text)
{
    struct msp_facts *facts = msp_arena_calloc(arena, 1, sizeof *facts);
    cr_assert_not_null(facts);
    *facts = sample_facts(&sample, arena);
    return msp_text_check(facts, language, text, strlen(text), arena, &checked, &error);
}

static void expect_true(enum msp_language language, const char *const *texts)
{
    for (; *texts != NULL; texts++)
        cr_expect_eq(check(language, *texts), MSP_OK, "%s\n%s", *texts, error.detail);
}

static void expect_false(enum msp_language language, const char *const *texts)
{
    for (; *texts != NULL; texts++)
        cr_expect_eq(check(language, *texts), MSP_INVALID, "this passed: %s", *texts);
}

Test(text_check, what_is_true_passes_in_english)
{
    expect_true(MSP_ENGLISH, true_in_english);
}

Test(text_check, what_is_true_passes_in_french)
{
    expect_true(MSP_FRENCH, true_in_french);
}

Test(text_check, what_is_not_is_refused_in_english)
{
    expect_false(MSP_ENGLISH, false_in_english);
}

Test(text_check, what_is_not_is_refused_in_french)
{
    expect_false(MSP_FRENCH, false_in_french);
}

Test(text_check, the_reason_names_the_words_and_what_to_do)
{
    cr_assert_eq(check(MSP_ENGLISH, "Hello. 1,241 tickets were created [f9]."), MSP_INVALID);
    cr_assert_str_eq(error.code, "text_number");
    cr_assert_not_null(strstr(error.detail, "“1,241” in “1,241 tickets were created [f9].”: "),
                       "%s", error.detail);
    cr_assert_eq(check(MSP_ENGLISH, "Ticket volume fell 12.7% [f12]."), MSP_INVALID);
    cr_assert_str_eq(error.code, "text_direction");
    cr_assert_not_null(strstr(error.detail, "“fell”"), "%s", error.detail);
    cr_assert_eq(check(MSP_ENGLISH, "In April, 1,240 tickets were created [f9]."), MSP_INVALID);
    cr_assert_str_eq(error.code, "text_date");
    cr_assert_eq(check(MSP_ENGLISH, "1,240 tickets were resolved [f9]."), MSP_INVALID);
    cr_assert_str_eq(error.code, "text_metric");
    cr_assert_eq(check(MSP_ENGLISH, "1,240 tickets were created [f1234]."), MSP_INVALID);
    cr_assert_str_eq(error.code, "text_citation");
    cr_assert_eq(check(MSP_ENGLISH, "1,240 tickets were created."), MSP_INVALID);
    cr_assert_str_eq(error.code, "text_uncited");
}

Test(text_check, citations_are_taken_out_and_kept_beside_each_sentence)
{
    cr_assert_eq(check(MSP_ENGLISH, "Here are the facts. 1,240 tickets were created [f9], 12.7% "
                                    "more than in February [f12].\n\n93 remained open. [f25]\n"),
                 MSP_OK, "%s", error.detail);
    cr_assert_str_eq(checked.text,
                     "Here are the facts. 1,240 tickets were created, 12.7% more than "
                     "in February.\n\n93 remained open.");
    cr_assert_eq(checked.sentence_count, 3);
    cr_assert_eq(checked.sentences[0].fact_count, 0);
    cr_assert_eq(checked.sentences[1].fact_count, 2);
    cr_assert_str_eq(checked.sentences[1].facts[0]->id, "f9");
    cr_assert_str_eq(checked.sentences[1].facts[1]->id, "f12");
    cr_assert_eq(checked.sentences[2].paragraph, 1);
    cr_assert_str_eq(checked.sentences[2].text, "93 remained open.");
}

Test(text_check, what_is_unknown_is_said_to_be_so_and_nothing_else_is)
{
    sample.march.sla_known = 0;
    cr_assert_eq(check(MSP_ENGLISH, "There is no data on SLA compliance [f37]."), MSP_OK, "%s",
                 error.detail);
    cr_assert_eq(check(MSP_FRENCH, "Aucune donnée n’est disponible sur le respect du SLA [f37]."),
                 MSP_OK, "%s", error.detail);
    cr_assert_eq(check(MSP_ENGLISH, "SLA compliance was 0% [f37]."), MSP_INVALID);
    cr_assert_eq(check(MSP_ENGLISH, "SLA compliance was good [f37]."), MSP_INVALID);
    cr_assert_eq(check(MSP_ENGLISH, "There is no data on tickets created [f9]."), MSP_INVALID);
}

Test(text_check, an_incomplete_period_is_never_called_complete)
{
    sample.input.complete_through = sample_day("2026-03-29");
    cr_assert_eq(check(MSP_ENGLISH, "The data are complete through March 29, 2026 [f7]."), MSP_OK,
                 "%s", error.detail);
    cr_assert_eq(check(MSP_ENGLISH,
                       "The figures are provisional: 2 of the 31 days are not complete "
                       "[f8,f5]."),
                 MSP_OK, "%s", error.detail);
    cr_assert_eq(check(MSP_ENGLISH, "The data are complete [f8]."), MSP_INVALID);
    cr_assert_eq(check(MSP_ENGLISH, "The data are complete through March 31, 2026 [f2]."),
                 MSP_INVALID);
    cr_assert_eq(check(MSP_FRENCH, "Les chiffres sont définitifs [f8]."), MSP_INVALID);
    cr_assert_eq(check(MSP_ENGLISH, "All 31 days of the period are complete [f5,f8]."),
                 MSP_INVALID);
}

Test(text_check, names_with_digits_are_names_and_not_numbers)
{
    cr_assert_eq(check(MSP_ENGLISH, "Acme 24 thanks its team."), MSP_OK, "%s", error.detail);
    cr_assert_eq(check(MSP_ENGLISH, "Printing 2 saw 124 new tickets [f124]."), MSP_OK, "%s",
                 error.detail);
    cr_assert_eq(check(MSP_ENGLISH, "Printing 2 is a category."), MSP_INVALID);
    cr_assert_eq(check(MSP_ENGLISH, "Acme 25 thanks its team."), MSP_INVALID);
}

Test(text_check, texts_out_of_bounds_are_refused)
{
    static char text[MSP_TEXT_CHECK_MAX_BYTES + 2];
    memset(text, 'a', sizeof text - 1);
    cr_assert_eq(check(MSP_ENGLISH, text), MSP_INVALID);
    cr_assert_str_eq(error.code, "text_length");
    for (size_t i = 0; i + 3 < sizeof text; i += 3)
        memcpy(text + i, "A. ", 3);
    text[1200] = '\0';
    cr_assert_eq(check(MSP_ENGLISH, text), MSP_INVALID);
    cr_assert_str_eq(error.code, "text_length");
    cr_assert_eq(check(MSP_ENGLISH, " \n "), MSP_INVALID);
    cr_assert_str_eq(error.code, "text_empty");
    cr_assert_eq(check(MSP_ENGLISH, "caf\xe9"), MSP_INVALID);
    cr_assert_str_eq(error.code, "text_character");
}

/* Each sentence of the template writer, cited as a model would. */
static void expect_template(enum msp_language language)
{
    struct msp_facts *facts = msp_arena_calloc(arena, 1, sizeof *facts);
    struct msp_summary_text text;
    struct msp_buffer cited;
    cr_assert_not_null(facts);
    *facts = sample_facts(&sample, arena);
    cr_assert_eq(msp_template_write(facts, language, arena, &text, &error), MSP_OK);
    msp_buffer_init(&cited, 0);
    for (size_t i = 0; i < text.sentence_count; i++) {
        const struct msp_summary_sentence *sentence = &text.sentences[i];
        msp_buffer_append(&cited, sentence->text, strlen(sentence->text) - 1);
        for (size_t f = 0; f < sentence->fact_count; f++)
            msp_buffer_printf(&cited, "%s%s", f == 0 ? " [" : ",", sentence->facts[f]->id);
        msp_buffer_append_text(&cited, "]. ");
    }
    cr_expect_eq(msp_text_check(facts, language, cited.data, cited.length, arena, &checked, &error),
                 MSP_OK, "%s", error.detail);
    if (checked.text != NULL)
        cr_expect_eq(checked.sentence_count, text.sentence_count);
    msp_buffer_done(&cited);
}

Test(text_check, what_the_template_writer_says_passes)
{
    expect_template(MSP_ENGLISH);
    expect_template(MSP_FRENCH);
    sample.input.complete_through = sample_day("2026-03-29");
    expect_template(MSP_ENGLISH);
    expect_template(MSP_FRENCH);
}

Test(text_check, a_text_is_read_no_further_than_its_length)
{
    static const char *const endings[] = {"Tickets XIV", "Tickets [f1", "Open in 12", "Up by 3 h",
                                          "the"};
    struct msp_facts *facts = msp_arena_calloc(arena, 1, sizeof *facts);
    cr_assert_not_null(facts);
    *facts = sample_facts(&sample, arena);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        size_t length = strlen(endings[i]);
        char *exact = malloc(length); /* no NUL behind it: a sanitizer sees what reads on */
        cr_assert_not_null(exact);
        memcpy(exact, endings[i], length);
        (void)!msp_text_check(facts, MSP_ENGLISH, exact, length, arena, &checked, &error);
        free(exact);
    }
}

Test(text_check, the_rules_for_the_model_fit_in_a_prompt)
{
    cr_assert_gt(strlen(msp_text_check_rules), 500);
    cr_assert_lt(strlen(msp_text_check_rules), 4000);
}
