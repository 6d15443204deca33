/* Writes what is sent and reads what comes back. */
#include "summaries/model_message.h"

#include "msp/json_reader.h"
#include "msp/json_writer.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static const struct msp_json_limits reply_limits = {
    .max_bytes = MSP_MODEL_REPLY_BYTES, .max_depth = 16, .max_elements = 4000};

/* More than any model takes in one call: a figure past it was not meant. */
#define TOKENS_MOST 10000000

static void write_system(struct msp_json_writer *writer, const struct msp_model_prompt *prompt)
{
    msp_json_key(writer, "system");
    msp_json_begin_array(writer);
    msp_json_begin_object(writer);
    msp_json_key_string(writer, "type", "text");
    msp_json_key(writer, "text");
    msp_json_string_n(writer, prompt->rules, prompt->rules_length);
    msp_json_key(writer, "cache_control");
    msp_json_begin_object(writer);
    msp_json_key_string(writer, "type", "ephemeral");
    msp_json_end_object(writer);
    msp_json_end_object(writer);
    msp_json_end_array(writer);
}

void msp_model_request_write(const struct msp_model_prompt *prompt, struct msp_buffer *out)
{
    struct msp_json_writer writer;
    msp_json_writer_init(&writer, out);
    msp_json_begin_object(&writer);
    msp_json_key_string(&writer, "model", prompt->model);
    msp_json_key_int(&writer, "max_tokens", MSP_MODEL_MAX_TOKENS);
    write_system(&writer, prompt);
    msp_json_key(&writer, "messages");
    msp_json_begin_array(&writer);
    for (size_t i = 0; i < prompt->turn_count; i++) {
        msp_json_begin_object(&writer);
        msp_json_key_string(&writer, "role", i % 2 == 0 ? "user" : "assistant");
        msp_json_key(&writer, "content");
        msp_json_string_n(&writer, prompt->turns[i].text, prompt->turns[i].length);
        msp_json_end_object(&writer);
    }
    msp_json_end_array(&writer);
    msp_json_end_object(&writer);
}

int64_t msp_model_tokens_at_most(const struct msp_buffer *request)
{
    return (int64_t)request->length + MSP_MODEL_MAX_TOKENS;
}

/* ---- the answer ---- */

static enum msp_result refuse(struct msp_error *error, const char *code, const char *sentence)
{
    return msp_fail(error, MSP_INVALID, code, "%s", sentence);
}

static int64_t count_tokens(const json_t *reply)
{
    static const char *const counts[] = {"input_tokens", "output_tokens",
                                         "cache_creation_input_tokens", "cache_read_input_tokens"};
    const json_t *usage = json_object_get(reply, "usage");
    int64_t tokens = 0;
    if (!json_is_integer(json_object_get(usage, "output_tokens"))) {
        return -1;
    }
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        int64_t count = json_integer_value(json_object_get(usage, counts[i]));
        if (count < 0 || count > TOKENS_MOST) {
            return -1;
        }
        tokens += count;
    }
    return tokens;
}

/* The blocks of text joined; blocks of other types were not asked for. */
static bool join_text(const json_t *reply, struct msp_buffer *out)
{
    const json_t *content = json_object_get(reply, "content");
    size_t at;
    const json_t *block;
    json_array_foreach(content, at, block)
    {
        const char *type = json_string_value(json_object_get(block, "type"));
        const json_t *text = json_object_get(block, "text");
        if (type != NULL && strcmp(type, "text") == 0 && json_is_string(text)) {
            msp_buffer_append(out, json_string_value(text), json_string_length(text));
        }
    }
    return out->length > 0 && !out->failed;
}

static enum msp_result judge_stop(const json_t *reply, struct msp_error *error)
{
    const char *reason = json_string_value(json_object_get(reply, "stop_reason"));
    if (reason != NULL && strcmp(reason, "end_turn") == 0) {
        return MSP_OK;
    }
    if (reason != NULL && strcmp(reason, "max_tokens") == 0) {
        return refuse(error, "model_reply_cut", "The model's text was longer than it may be.");
    }
    if (reason != NULL && strcmp(reason, "refusal") == 0) {
        return refuse(error, "model_declined", "The model declined to write.");
    }
    return refuse(error, "model_reply_malformed",
                  "The model's answer ended for a reason that is not known here.");
}

static enum msp_result read_text(const json_t *reply, struct msp_arena *arena,
                                 struct msp_model_reply *out, struct msp_error *error)
{
    enum msp_result result = judge_stop(reply, error);
    if (result != MSP_OK) {
        return result;
    }
    struct msp_buffer text;
    msp_buffer_init(&text, MSP_MODEL_REPLY_BYTES);
    if (join_text(reply, &text)) {
        out->text = msp_arena_copy(arena, text.data, text.length);
        out->length = text.length;
        result = out->text != NULL ? MSP_OK
                                   : msp_fail(error, MSP_NO_MEMORY, "no_memory",
                                              "No memory for the model's text.");
    } else {
        result = refuse(error, "model_reply_malformed", "The model's answer holds no text.");
    }
    msp_buffer_done(&text);
    return result;
}

enum msp_result msp_model_reply_read(const char *body, size_t length, struct msp_arena *arena,
                                     struct msp_model_reply *out, struct msp_error *error)
{
    json_t *reply;
    out->tokens = -1;
    if (length == 0 || msp_json_parse(body, length, &reply_limits, &reply, NULL) != MSP_OK) {
        return refuse(error, "model_reply_malformed", "The model's answer cannot be read.");
    }
    out->tokens = count_tokens(reply);
    enum msp_result result = read_text(reply, arena, out, error);
    json_decref(reply);
    return result;
}

void msp_model_error_type(const char *body, size_t length, char out[48])
{
    json_t *reply;
    size_t used = 0;
    out[0] = '\0';
    if (length == 0 || msp_json_parse(body, length, &reply_limits, &reply, NULL) != MSP_OK) {
        return;
    }
    const char *type = json_string_value(json_object_get(json_object_get(reply, "error"), "type"));
    for (; type != NULL && *type != '\0' && used < 47; type++) {
        if (islower((unsigned char)*type) || *type == '_') {
            out[used++] = *type;
        }
    }
    out[used] = '\0';
    json_decref(reply);
}
