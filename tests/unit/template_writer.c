/* The summary that needs no model, word for word in both languages. */
#include "tests/support/summary_facts.h"

#include "workers/jobs/summaries/template_writer.h"

#define NNBSP "\xe2\x80\xaf"

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

TestSuite(template_writer, .init = set_up, .fini = tear_down);

static struct msp_summary_text text_in(enum msp_language language)
{
    struct msp_facts *facts = msp_arena_calloc(arena, 1, sizeof *facts);
    struct msp_summary_text text;
    struct msp_error error;
    cr_assert_not_null(facts);
    *facts = sample_facts(&sample, arena);
    cr_assert_eq(msp_template_write(facts, language, arena, &text, &error), MSP_OK);
    return text;
}

static void expect(const struct msp_summary_text *text, const char *sentence)
{
    cr_assert_not_null(strstr(text->text, sentence), "\"%s\" is not in:\n%s", sentence, text->text);
}

Test(template_writer, english_reads_as_english)
{
    struct msp_summary_text text = text_in(MSP_ENGLISH);
    expect(&text,
           "This summary for Acme 24 covers the period from March 1, 2026 to March 31, 2026. "
           "It is compared with the previous period, from February 1, 2026 to February 28, "
           "2026.\n\n");
    expect(&text, "1,240 tickets were created, 12.7% more than in the previous period (1,100).");
    expect(&text, "1,187 tickets were resolved, the same as in the previous period.");
    expect(&text, "1 resolved ticket had been reopened, 91.7% fewer than in the previous period "
                  "(12).");
    expect(&text, "SLA compliance was 91.4%, 1.5 percentage points higher than in the previous "
                  "period (89.9%).");
    expect(&text, "The median resolution time was 3 h 20 min, 23 min shorter than in the previous "
                  "period (3 h 43 min).");
    expect(&text, "The average satisfaction score was 4.25 out of 5, 0.15 lower than");
    expect(&text, "High priority: 124 tickets created, 10% of the total.");
    expect(&text, "Category “Printing 2”: 124 tickets created, 10% of the total.");
    expect(&text, "Without a category: 124 tickets created, 10% of the total.");
    cr_assert_null(strstr(text.text, "not final"));
    cr_assert_null(strstr(text.text, "{"));
}

Test(template_writer, french_reads_as_french)
{
    struct msp_summary_text text = text_in(MSP_FRENCH);
    expect(&text, "Ce bilan pour Acme 24 porte sur la période du 1er mars 2026 au 31 mars 2026.");
    expect(&text, "1" NNBSP "240 tickets ont été créés, soit 12,7" NNBSP
                  "% de plus que sur la période précédente (1" NNBSP "100).");
    expect(&text, "1 ticket résolu avait été rouvert, soit 91,7" NNBSP "% de moins");
    expect(&text, "soit 1,5 point de pourcentage de plus");
    expect(&text, "Le délai médian de résolution était de 3 h 20 min, soit 23 min de moins");
    expect(&text, "La note moyenne de satisfaction était de 4,25 sur 5");
    expect(&text, "Priorité haute" NNBSP ": 124 tickets créés");
    cr_assert_null(strstr(text.text, "{"));
}

Test(template_writer, nought_is_singular_in_french_and_plural_in_english)
{
    sample.march.tickets_created = 0;
    sample.input.previous = NULL;
    struct msp_summary_text french = text_in(MSP_FRENCH);
    struct msp_summary_text english = text_in(MSP_ENGLISH);
    expect(&french, "0 ticket a été créé.");
    expect(&english, "0 tickets were created.");
}

Test(template_writer, what_is_not_known_is_said_to_be_so)
{
    sample.march.sla_known = 0;
    sample.march.csat_count = 0;
    struct msp_summary_text french = text_in(MSP_FRENCH);
    struct msp_summary_text english = text_in(MSP_ENGLISH);
    expect(&french, "Il n’y a aucune donnée sur le respect du SLA pour cette période.");
    expect(&english, "There is no data on satisfaction in this period.");

    sample.input.current = NULL;
    english = text_in(MSP_ENGLISH);
    expect(&english, "There is no data for this period.");
    cr_assert_null(strstr(english.text, "1,240"));
}

Test(template_writer, days_that_are_not_complete_are_named)
{
    sample.input.complete_through = sample_day("2026-03-29");
    struct msp_summary_text french = text_in(MSP_FRENCH);
    struct msp_summary_text english = text_in(MSP_ENGLISH);
    expect(&english, "the data are complete through March 29, 2026, and 2 of the 31 days of the "
                     "period are not complete yet.");
    expect(&french, "les données sont complètes jusqu’au 29 mars 2026, et 2 des 31 jours de la "
                    "période ne sont pas encore complets.");
    sample.input.complete_through = MSP_NO_DAY;
    english = text_in(MSP_ENGLISH);
    expect(&english, "none of the 31 days of the period is complete yet.");
}

Test(template_writer, each_sentence_with_a_number_stands_on_facts)
{
    struct msp_summary_text text = text_in(MSP_ENGLISH);
    for (size_t i = 0; i < text.sentence_count; i++) {
        const struct msp_summary_sentence *sentence = &text.sentences[i];
        cr_assert_gt(sentence->fact_count, 0, "%s", sentence->text);
        cr_assert_null(strchr(sentence->text, '\n'));
    }
}

Test(template_writer, names_from_outside_stay_on_their_line_and_are_cut_between_characters)
{
    char name[400];
    memset(name, 'n', sizeof name);
    memcpy(name + 119, "é", 2);
    name[sizeof name - 1] = '\0';
    name[3] = '\n';
    sample.input.tenant_name = name;
    struct msp_summary_text text = text_in(MSP_ENGLISH);
    cr_assert_null(strchr(text.sentences[0].text, '\n'));
    cr_assert_null(strstr(text.text, "\xc3 "));
}
