/* Facts as JSON: for keeping beside a summary, and for a prompt. */
#include "facts.h"

#include "number_format.h"

static const char *const period_names[] = {
    [MSP_FACT_CURRENT] = "current", [MSP_FACT_PREVIOUS] = "previous", [MSP_FACT_CHANGE] = "change"};

static const char *const kind_names[] = {
    [MSP_FACT_COUNT] = "count", [MSP_FACT_MINUTES] = "minutes", [MSP_FACT_RATIO] = "ratio",
    [MSP_FACT_SCORE] = "score", [MSP_FACT_PERCENT] = "percent", [MSP_FACT_DAY] = "day"};

static const char *const good_names[] = {[MSP_FACT_NEITHER] = NULL,
                                         [MSP_FACT_MORE_IS_BETTER] = "more",
                                         [MSP_FACT_LESS_IS_BETTER] = "less"};

static void write_value(struct msp_json_writer *writer, const struct msp_fact *fact)
{
    if (fact->kind == MSP_FACT_DAY) {
        msp_json_key_day(writer, "value", fact->day);
        return;
    }
    msp_json_key(writer, "value");
    if (!fact->known)
        msp_json_null(writer);
    else if (fact->value % MSP_FACT_ONE == 0)
        msp_json_int(writer, fact->value / MSP_FACT_ONE);
    else
        msp_json_double(writer, (double)fact->value / (double)MSP_FACT_ONE);
}

static void begin_fact(struct msp_json_writer *writer, const struct msp_fact *fact)
{
    msp_json_begin_object(writer);
    msp_json_key_string(writer, "id", fact->id);
    msp_json_key_string(writer, "metric", fact->metric);
    msp_json_key_string(writer, "dimension", fact->dimension);
    msp_json_key_string(writer, "member", fact->member);
    msp_json_key_string(writer, "period", period_names[fact->period]);
    msp_json_key_string(writer, "kind", kind_names[fact->kind]);
    write_value(writer, fact);
}

static void begin_facts(struct msp_json_writer *writer, const struct msp_facts *facts)
{
    msp_json_begin_object(writer);
    msp_json_key_string(writer, "tenant", facts->tenant_name);
    msp_json_key_string(writer, "timezone", facts->timezone);
    msp_json_key_day(writer, "from", facts->from);
    msp_json_key_day(writer, "to", facts->to);
    msp_json_key_day(writer, "previous_from", facts->previous_from);
    msp_json_key_day(writer, "previous_to", facts->previous_to);
    msp_json_key_day(writer, "complete_through", facts->complete_through);
    msp_json_key(writer, "facts");
    msp_json_begin_array(writer);
}

static void end_facts(struct msp_json_writer *writer)
{
    msp_json_end_array(writer);
    msp_json_end_object(writer);
}

void msp_facts_write_list(struct msp_json_writer *writer, const struct msp_facts *facts)
{
    msp_json_begin_array(writer);
    for (size_t i = 0; i < facts->count; i++) {
        begin_fact(writer, &facts->list[i]);
        msp_json_end_object(writer);
    }
    msp_json_end_array(writer);
}

void msp_facts_write_json(struct msp_json_writer *writer, const struct msp_facts *facts)
{
    begin_facts(writer, facts);
    for (size_t i = 0; i < facts->count; i++) {
        begin_fact(writer, &facts->list[i]);
        msp_json_end_object(writer);
    }
    end_facts(writer);
}

void msp_facts_write_prompt_json(struct msp_json_writer *writer, const struct msp_facts *facts,
                                 enum msp_language language)
{
    char written[MSP_NUMBER_TEXT_BYTES];
    begin_facts(writer, facts);
    for (size_t i = 0; i < facts->count; i++) {
        msp_fact_format(&facts->list[i], language, written);
        begin_fact(writer, &facts->list[i]);
        msp_json_key_string(writer, "written", written);
        msp_json_key_string(writer, "good", good_names[facts->list[i].good]);
        msp_json_end_object(writer);
    }
    end_facts(writer);
}
