/* Requests and answers of the Claude API, as bytes. */
#include "summaries/model_message.h"
#include "summaries/model_client.h"

#include "msp/json_reader.h"

#include <criterion/criterion.h>
#include <string.h>

static struct msp_arena *arena;

static void begin(void)
{
    arena = msp_arena_new(4096);
}

static void end(void)
{
    msp_arena_free(arena);
}

TestSuite(model_message, .init = begin, .fini = end);

static enum msp_result read_reply(const char *body, struct msp_model_reply *out,
                                  struct msp_error *error)
{
    return msp_model_reply_read(body, strlen(body), arena, out, error);
}

Test(model_message, a_request_marks_the_rules_for_keeping)
{
    struct msp_model_turn turns[] = {{"facts \"1\"", 9}, {"text", 4}, {"again", 5}};
    struct msp_model_prompt prompt = {"model-x", "rules", 5, turns, 3};
    struct msp_buffer out;
    msp_buffer_init(&out, 0);
    msp_model_request_write(&prompt, &out);
    msp_buffer_append(&out, "", 1);
    cr_expect_str_eq(
        out.data,
        "{\"model\":\"model-x\",\"max_tokens\":1500,\"system\":[{\"type\":\"text\",\"text\":"
        "\"rules\",\"cache_control\":{\"type\":\"ephemeral\"}}],\"messages\":["
        "{\"role\":\"user\",\"content\":\"facts \\\"1\\\"\"},"
        "{\"role\":\"assistant\",\"content\":\"text\"},{\"role\":\"user\",\"content\":\"again\"}]"
        "}");
    cr_expect_gt(msp_model_tokens_at_most(&out), MSP_MODEL_MAX_TOKENS);
    msp_buffer_done(&out);
}

Test(model_message, an_answer_gives_its_text_and_its_tokens)
{
    struct msp_model_reply reply;
    struct msp_error error;
    cr_assert_eq(
        read_reply("{\"type\":\"message\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"x\"},"
                   "{\"type\":\"text\",\"text\":\"One. \"},{\"type\":\"text\",\"text\":\"Two.\"}],"
                   "\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":5,"
                   "\"cache_creation_input_tokens\":100,\"cache_read_input_tokens\":20,"
                   "\"output_tokens\":7}}",
                   &reply, &error),
        MSP_OK);
    cr_expect_str_eq(reply.text, "One. Two.");
    cr_expect_eq(reply.length, 9);
    cr_expect_eq(reply.tokens, 132);
}

Test(model_message, an_answer_of_another_shape_is_refused)
{
    static const struct {
        const char *body, *code;
        int64_t tokens;
    } cases[] = {
        {"", "model_reply_malformed", -1},
        {"hello", "model_reply_malformed", -1},
        {"[]", "model_reply_malformed", -1},
        {"{}", "model_reply_malformed", -1},
        {"{\"stop_reason\":\"end_turn\"}", "model_reply_malformed", -1},
        {"{\"stop_reason\":\"end_turn\",\"content\":\"text\"}", "model_reply_malformed", -1},
        {"{\"stop_reason\":\"end_turn\",\"content\":[1,null,{\"type\":\"text\",\"text\":5}],"
         "\"usage\":{\"output_tokens\":1}}",
         "model_reply_malformed", 1},
        {"{\"stop_reason\":\"max_tokens\",\"usage\":{\"input_tokens\":2,\"output_tokens\":1500}}",
         "model_reply_cut", 1502},
        {"{\"stop_reason\":\"refusal\",\"usage\":{\"output_tokens\":3}}", "model_declined", 3},
        {"{\"stop_reason\":\"tool_use\",\"usage\":{\"output_tokens\":-3}}", "model_reply_malformed",
         -1},
        {"{\"stop_reason\":5,\"usage\":{\"output_tokens\":1e99}}", "model_reply_malformed", -1},
        {"{\"usage\":{\"output_tokens\":1,\"input_tokens\":99999999999}}", "model_reply_malformed",
         -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct msp_model_reply reply;
        struct msp_error error;
        cr_expect_eq(read_reply(cases[i].body, &reply, &error), MSP_INVALID, "%s", cases[i].body);
        cr_expect_str_eq(error.code, cases[i].code, "%s: %s", cases[i].body, error.code);
        cr_expect_eq(reply.tokens, cases[i].tokens, "%s", cases[i].body);
    }
}

Test(model_message, an_answer_that_is_too_long_or_too_deep_is_not_read)
{
    static char body[MSP_MODEL_REPLY_BYTES + 100];
    struct msp_model_reply reply;
    struct msp_error error;
    memset(body, '[', 100000);
    cr_expect_eq(read_reply(body, &reply, &error), MSP_INVALID);
    memset(body, ' ', sizeof body - 1);
    memcpy(body, "{}", 2);
    cr_expect_eq(read_reply(body, &reply, &error), MSP_INVALID);
}

Test(model_message, the_word_of_an_error_is_only_a_word)
{
    static const struct {
        const char *body, *type;
    } cases[] = {
        {"{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"m\"}}",
         "overloaded_error"},
        {"{\"error\":{\"type\":\"a<b>\\n\\u0000c D9\"}}", ""}, /* NUL in a text: not read at all */
        {"{\"error\":{\"type\":\"a<b>\\nc D9\"}}", "abc"},
        {"{\"error\":\"x\"}", ""},
        {"<html>", ""},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char type[48];
        msp_model_error_type(cases[i].body, strlen(cases[i].body), type);
        cr_expect_str_eq(type, cases[i].type, "%s: %s", cases[i].body, type);
    }
}

Test(model_message, the_endpoint_is_added_to_the_address_once)
{
    static const struct {
        const char *base, *url;
    } cases[] = {
        {"https://api.example", "https://api.example/v1/messages"},
        {"https://api.example/", "https://api.example/v1/messages"},
        {"https://api.example/claude", "https://api.example/claude/v1/messages"},
        {"https://api.example/v1/messages", "https://api.example/v1/messages"},
        {"https://api.example/v1/messages/", "https://api.example/v1/messages"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        cr_expect_str_eq(msp_model_url(arena, cases[i].base), cases[i].url);
    }
}
