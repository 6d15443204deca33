/* A model's text as tokens. What no plain sentence holds is refused here. */
#ifndef MSP_JOBS_SUMMARIES_TEXT_TOKENS_H
#define MSP_JOBS_SUMMARIES_TEXT_TOKENS_H

#include "text_lexicon.h"

#define MSP_TOKEN_WORD_BYTES 48
#define MSP_CITATION_MAX     12

enum msp_token_kind {
    MSP_TOKEN_WORD,     /* letters, lower case in `word` */
    MSP_TOKEN_NUMBER,   /* digits; "word" holds them as written */
    MSP_TOKEN_MARK,     /* one mark of punctuation, in `word` */
    MSP_TOKEN_NAME,     /* the tenant or a member, word for word */
    MSP_TOKEN_CITATION, /* `cited` facts */
    MSP_TOKEN_LINE,     /* the end of a paragraph */
};

struct msp_token {
    enum msp_token_kind kind;
    const char *start; /* in the text */
    size_t length;
    bool glued;   /* nothing between it and the token before */
    bool capital; /* begins with a capital letter */
    char word[MSP_TOKEN_WORD_BYTES];
    int64_t value;               /* of a number, in billionths */
    unsigned digits;             /* behind its decimal sign */
    unsigned zeros;              /* that end it, where it has no decimals */
    const struct msp_fact *name; /* a fact of the member, NULL for the tenant */
    const struct msp_fact *cited[MSP_CITATION_MAX];
    size_t cited_count;
};

/* Splits the text; the tokens live in the arena. MSP_INVALID as msp_text_check says. */
enum msp_result msp_text_tokens(const struct msp_facts *facts, const struct msp_lexicon *lexicon,
                                const char *text, size_t length, struct msp_arena *arena,
                                struct msp_token **out_tokens, size_t *out_count,
                                struct msp_error *error) MSP_MUST_CHECK;

#endif
