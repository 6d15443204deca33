/* Texts of a model from anywhere, in both languages: the check ends, what it lets through holds no
 * citation, and its sentences are the text. */
#include "summaries/text_check.h"

#include "msp/no_value.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static struct msp_facts some_facts(struct msp_arena *arena)
{
    static const struct msp_kpi_values now = {
        .computed = true,
        .tickets_created = 1240,
        .tickets_resolved = 1187,
        .tickets_closed = 1150,
        .backlog = 93,
        .sla_known = 1000,
        .sla_met = 914,
        .resolution = {.count = 10,
                       .sum_seconds = 150000,
                       .p50_seconds = 12000,
                       .p90_seconds = 187200},
        .first_response = {
            .count = 12, .sum_seconds = 18000, .p50_seconds = 1080, .p90_seconds = 3000}};
    static const struct msp_kpi_values before = {.computed = true,
                                                 .tickets_created = 1100,
                                                 .tickets_resolved = 1187,
                                                 .backlog = 40,
                                                 .sla_known = 1000,
                                                 .sla_met = 899};
    const struct msp_facts_member members[] = {{"category", "Network", &before, &now},
                                               {"priority", "high", &now, &before},
                                               {"category", "", &now, NULL}};
    const struct msp_facts_input input = {.tenant_name = "Acme 24",
                                          .timezone = "Europe/Paris",
                                          .from = 20513,
                                          .to = 20543,
                                          .previous_from = 20485,
                                          .previous_to = 20512,
                                          .complete_through = 20541,
                                          .current = &now,
                                          .previous = &before,
                                          .members = members,
                                          .member_count = 3};
    struct msp_facts facts;
    require(msp_facts_build(&input, arena, &facts, NULL) == MSP_OK);
    return facts;
}

static void check(const struct msp_facts *facts, enum msp_language language, const char *text,
                  size_t length, struct msp_arena *arena)
{
    struct msp_summary_text out;
    struct msp_error error = {.result = MSP_OK};
    if (msp_text_check(facts, language, text, length, arena, &out, &error) != MSP_OK) {
        require(error.result == MSP_INVALID && error.detail[0] != '\0');
        return;
    }
    require(strlen(out.text) <= length + out.sentence_count * 2);
    require(strstr(out.text, "[f") == NULL);
    for (size_t i = 0; i < out.sentence_count; i++)
        require(strstr(out.text, out.sentences[i].text) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct msp_arena *arena = msp_arena_new(65536);
    /* Exactly as long as the text, so that a look past its end is seen. */
    char *text = malloc(size == 0 ? 1 : size);
    require(arena != NULL && text != NULL);
    memcpy(text, data, size);
    struct msp_facts facts = some_facts(arena);
    check(&facts, MSP_ENGLISH, text, size, arena);
    check(&facts, MSP_FRENCH, text, size, arena);
    free(text);
    msp_arena_free(arena);
    return 0;
}
