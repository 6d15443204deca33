/* A sentence taken apart: words that claim, quantities and days, in the order of the text. */
#ifndef MSP_JOBS_SUMMARIES_TEXT_PARTS_H
#define MSP_JOBS_SUMMARIES_TEXT_PARTS_H

#include "text_tokens.h"

#define MSP_SENTENCE_MARKS      96
#define MSP_SENTENCE_QUANTITIES 32
#define MSP_SENTENCE_DATES      16

/* Spans are indexes of tokens, [first, behind). */
struct msp_mark {
    enum msp_mark_kind kind;
    uint32_t value;
    size_t first, behind;
};

struct msp_quantity {
    size_t first, behind;
    enum msp_unit unit;
    bool whole_days; /* a duration of nothing but days: may count days */
    bool weak;       /* "one", "un": an article as likely as a number */
    bool fraction;   /* "a third" */
    enum msp_hedge hedge;
    int sign;       /* -1, 0 (not written), 1 */
    int64_t value;  /* billionths: of seconds for a duration, a ratio for a percentage */
    int64_t step;   /* what it is rounded to, in the same unit */
    unsigned zeros; /* steps of ten that an inexact number may be rounded to */
    const struct msp_fact *fact; /* what backs it, once judged */
    uint32_t bits;               /* the metrics of all that could */
};

struct msp_text_date {
    size_t first, behind;
    int day, month, year; /* 0: not written */
    int weekday;          /* from 0 = Monday; -1: not written */
    bool starts, ends;    /* of a range written as one */
};

struct msp_parts {
    const struct msp_token *tokens;
    const struct msp_lexicon *lexicon;
    size_t first, behind;
    struct msp_mark marks[MSP_SENTENCE_MARKS];
    size_t mark_count;
    struct msp_quantity quantities[MSP_SENTENCE_QUANTITIES];
    size_t quantity_count;
    struct msp_text_date dates[MSP_SENTENCE_DATES];
    size_t date_count;
};

/* Takes tokens[first .. behind) apart. False when the sentence holds more than a sentence does. */
bool msp_parts_read(struct msp_parts *parts, const struct msp_token *tokens, size_t first,
                    size_t behind, const struct msp_lexicon *lexicon) MSP_MUST_CHECK;

/* Tokens of `phrase` that stand at `at`, 0 if it does not. Apostrophes and hyphens between are
 * passed over. */
size_t msp_phrase_at(const struct msp_token *tokens, size_t at, size_t behind, const char *phrase);

/* The token is one of the words, closed by NULL. */
bool msp_word_in(const struct msp_token *token, const char *const *words);

/* In text_dates.c. */
bool msp_parts_read_dates(struct msp_parts *parts) MSP_MUST_CHECK;

#endif
