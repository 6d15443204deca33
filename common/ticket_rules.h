/* What each member of a ticket may be: the tables that both readers of tickets walk. */
#ifndef MSP_TICKET_RULES_H
#define MSP_TICKET_RULES_H

#include "msp/ticket.h"

#include <stddef.h>

struct msp_text_rule {
    const char *name;
    size_t offset;
    size_t max_characters;
    bool required;             /* then it may not be empty or hold control characters either */
    const char *const *words;  /* the only values taken, closed by NULL; NULL = any text */
    const char *words_listing; /* the same for people */
};

struct msp_time_rule {
    const char *name;
    size_t offset;
    bool required;
};

struct msp_count_rule {
    const char *name;
    size_t offset;
    int32_t least;
    int32_t most;
};

#define MSP_TEXT_RULES  10
#define MSP_TIME_RULES  6
#define MSP_COUNT_RULES 3

extern const struct msp_text_rule msp_text_rules[MSP_TEXT_RULES];
extern const struct msp_time_rule msp_time_rules[MSP_TIME_RULES];
extern const struct msp_count_rule msp_count_rules[MSP_COUNT_RULES];

/* The table's own copy of a word, or NULL. */
const char *msp_find_word(const char *const words[], const char *text);

/* A ticket in which nothing is given. */
void msp_ticket_clear(struct msp_ticket *out);

void msp_ticket_set(struct msp_ticket *ticket, size_t offset, const void *value, size_t size);

#endif
