/*
 * Requests and answers of the Claude API's Messages endpoint (docs.claude.com, "Messages",
 * anthropic-version 2023-06-01), as bytes. Sends nothing. Answers are a stranger's: what is not of
 * the expected shape is refused.
 */
#ifndef MSP_JOBS_SUMMARIES_MODEL_MESSAGE_H
#define MSP_JOBS_SUMMARIES_MODEL_MESSAGE_H

#include "msp/arena.h"
#include "msp/buffer.h"

#include <stdint.h>

#define MSP_MODEL_REPLY_BYTES (256 << 10) /* the longest answer that is looked at */
#define MSP_MODEL_MAX_TOKENS  1500        /* 220 words with a citation each claim, twice over */

/* One side's turn; they take turns, the user first. */
struct msp_model_turn {
    const char *text;
    size_t length;
};

struct msp_model_prompt {
    const char *model;
    const char *rules; /* the system block, marked for the other side to keep */
    size_t rules_length;
    const struct msp_model_turn *turns;
    size_t turn_count;
};

struct msp_model_reply {
    const char *text;
    size_t length;
    int64_t tokens; /* all that were counted, read and written, cached or not */
};

void msp_model_request_write(const struct msp_model_prompt *prompt, struct msp_buffer *out);

/* More tokens than the request and its answer can take; no token is shorter than a byte, and most
 * are three or four. */
int64_t msp_model_tokens_at_most(const struct msp_buffer *request);

/*
 * Reads the body of an answer 200. MSP_INVALID "model_reply_malformed", "model_reply_cut" (it ran
 * out of tokens) or "model_declined"; out->tokens is set on every outcome, -1 where the answer did
 * not say.
 */
enum msp_result msp_model_reply_read(const char *body, size_t length, struct msp_arena *arena,
                                     struct msp_model_reply *out,
                                     struct msp_error *error) MSP_MUST_CHECK;

/* The API's own word for an error ("overloaded_error"), "" where the body has none. */
void msp_model_error_type(const char *body, size_t length, char out[48]);

#endif
