/* The sentences of the template writer, one table a language. */
#ifndef MSP_JOBS_SUMMARIES_TEMPLATE_LINES_H
#define MSP_JOBS_SUMMARIES_TEMPLATE_LINES_H

#include "language.h"

/*
 * In a line, "{c}" is the current value, "{p}" the previous one, "{d}" the size of the change in
 * its own unit, "{r}" the change in percent (in its own unit where there is no percentage), "{s}"
 * a member's part of the whole, "{m}" the member as the language names it, "{t}" the tenant;
 * "{c?one|more}" takes the word that fits the number.
 */
struct msp_template_metric {
    const char *metric;
    unsigned paragraph;
    const char *alone;     /* nothing to compare with */
    const char *up, *down; /* against the previous period */
    const char *same;      /* written alike in both periods */
    const char *unknown;   /* no value; NULL: the sentence is left out */
};

struct msp_template_dimension {
    const char *dimension;
    const char *named;   /* a sentence about a member */
    const char *unnamed; /* about the tickets without a value */
};

struct msp_template_words {
    const char *opening;                             /* "{from}", "{to}", "{t}" */
    const char *compared;                            /* "{from}", "{to}" of the period before */
    const char *nothing;                             /* no metric has a value */
    const char *incomplete;                          /* "{c}" days of "{n}", "{through}" */
    const char *incomplete_all;                      /* no day is complete */
    const char *priorities[5][2];                    /* the contract's word, the language's */
    const struct msp_template_metric *metrics;       /* closed by a row without a metric */
    const struct msp_template_dimension *dimensions; /* closed by a row without a dimension */
};

extern const struct msp_template_words msp_template_english;
extern const struct msp_template_words msp_template_french;

#endif
