/*
 * Facts and verdicts of summaries for tests that write texts: reads lines of JSON
 *   {"language": "en", "input": {...}, "text"?: "…"}
 * and answers each with a line: the facts as a prompt holds them where there is no text, else
 * {"ok": true, "text": "…"} or {"ok": false, "code": "…", "detail": "…"}.
 */
#include "summaries/template_writer.h"
#include "summaries/text_check.h"

#include "msp/buffer.h"
#include "msp/no_value.h"
#include "msp/timestamp.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_MEMBERS 24

struct whole_input {
    struct msp_facts_input input;
    struct msp_kpi_values current, previous;
    struct msp_kpi_values of_members[MOST_MEMBERS][2];
    struct msp_facts_member members[MOST_MEMBERS];
};

static int64_t number(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static int32_t day(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    int32_t unix_day = MSP_NO_DAY;
    if (text != NULL && !msp_day_parse(text, strlen(text), &unix_day))
        exit(2);
    return unix_day;
}

static struct msp_kpi_durations durations(const json_t *object)
{
    return (struct msp_kpi_durations){
        .count = number(object, "count"),
        .sum_seconds = number(object, "sum"),
        .p50_seconds = json_number_value(json_object_get(object, "p50")),
        .p90_seconds = json_number_value(json_object_get(object, "p90")),
        .p95_seconds = json_number_value(json_object_get(object, "p95"))};
}

static struct msp_kpi_values values(const json_t *object)
{
    return (struct msp_kpi_values){.computed = json_is_object(object),
                                   .tickets_created = number(object, "created"),
                                   .tickets_resolved = number(object, "resolved"),
                                   .tickets_closed = number(object, "closed"),
                                   .tickets_reopened = number(object, "reopened"),
                                   .backlog = number(object, "backlog"),
                                   .sla_known = number(object, "sla_known"),
                                   .sla_met = number(object, "sla_met"),
                                   .csat_count = number(object, "csat_count"),
                                   .csat_sum = number(object, "csat_sum"),
                                   .resolution = durations(json_object_get(object, "resolution")),
                                   .first_response =
                                       durations(json_object_get(object, "first_response"))};
}

static void read_input(const json_t *object, struct whole_input *whole)
{
    const json_t *members = json_object_get(object, "members");
    *whole = (struct whole_input){.current = values(json_object_get(object, "current")),
                                  .previous = values(json_object_get(object, "previous"))};
    for (size_t i = 0; i < json_array_size(members) && i < MOST_MEMBERS; i++) {
        const json_t *member = json_array_get(members, i);
        whole->of_members[i][0] = values(json_object_get(member, "current"));
        whole->of_members[i][1] = values(json_object_get(member, "previous"));
        whole->members[i] = (struct msp_facts_member){
            .dimension = json_string_value(json_object_get(member, "dimension")),
            .member = json_string_value(json_object_get(member, "member")),
            .current = &whole->of_members[i][0],
            .previous = &whole->of_members[i][1]};
    }
    whole->input = (struct msp_facts_input){
        .tenant_name = json_string_value(json_object_get(object, "tenant")),
        .timezone = "Europe/Paris",
        .from = day(object, "from"),
        .to = day(object, "to"),
        .previous_from = day(object, "previous_from"),
        .previous_to = day(object, "previous_to"),
        .complete_through = day(object, "complete_through"),
        .current = &whole->current,
        .previous = &whole->previous,
        .members = whole->members,
        .member_count = json_array_size(members)};
}

static void write_verdict(struct msp_json_writer *writer, enum msp_result result,
                          const struct msp_summary_text *text, const struct msp_error *error)
{
    msp_json_begin_object(writer);
    msp_json_key_bool(writer, "ok", result == MSP_OK);
    if (result == MSP_OK) {
        msp_json_key_string(writer, "text", text->text);
    } else {
        msp_json_key_string(writer, "code", error->code);
        msp_json_key_string(writer, "detail", error->detail);
    }
    msp_json_end_object(writer);
}

static void answer(const json_t *question, struct msp_arena *arena, struct msp_buffer *out)
{
    struct msp_json_writer writer;
    struct whole_input whole;
    struct msp_facts facts;
    struct msp_summary_text text;
    struct msp_error error = {.result = MSP_OK};
    enum msp_language language = MSP_ENGLISH;
    const char *written = json_string_value(json_object_get(question, "text"));

    if (!msp_language_parse(json_string_value(json_object_get(question, "language")), &language))
        exit(2);
    read_input(json_object_get(question, "input"), &whole);
    if (msp_facts_build(&whole.input, arena, &facts, &error) != MSP_OK) {
        fprintf(stderr, "%s\n", error.detail);
        exit(1);
    }
    msp_json_writer_init(&writer, out);
    if (written == NULL) {
        msp_facts_write_prompt_json(&writer, &facts, language);
    } else {
        enum msp_result result =
            msp_text_check(&facts, language, written, strlen(written), arena, &text, &error);
        write_verdict(&writer, result, &text, &error);
    }
    msp_buffer_append_text(out, "\n");
}

int main(void)
{
    struct msp_arena *arena = msp_arena_new((size_t)4 << 20);
    struct msp_buffer out;
    char *line = NULL;
    size_t room = 0;
    ssize_t length;

    if (arena == NULL)
        return 1;
    msp_buffer_init(&out, 0);
    while ((length = getline(&line, &room, stdin)) > 0) {
        json_t *question = json_loadb(line, (size_t)length, 0, NULL);
        if (question == NULL)
            return 2;
        answer(question, arena, &out);
        json_decref(question);
        fwrite(out.data, 1, out.length, stdout);
        fflush(stdout);
        msp_buffer_clear(&out);
        msp_arena_reset(arena);
    }
    free(line);
    msp_buffer_done(&out);
    msp_arena_free(arena);
    return 0;
}
