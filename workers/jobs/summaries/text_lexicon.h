/* Words that claim something, one table a language. What stands in no table claims nothing. */
#ifndef MSP_JOBS_SUMMARIES_TEXT_LEXICON_H
#define MSP_JOBS_SUMMARIES_TEXT_LEXICON_H

#include "facts.h"

#include <stdint.h>

/* A metric as a bit, so that a word can stand for several. */
enum msp_metric_bit {
    MSP_M_CREATED = 1 << 0,
    MSP_M_RESOLVED = 1 << 1,
    MSP_M_CLOSED = 1 << 2,
    MSP_M_REOPENED = 1 << 3,
    MSP_M_BACKLOG = 1 << 4,
    MSP_M_SLA_KNOWN = 1 << 5,
    MSP_M_SLA_MET = 1 << 6,
    MSP_M_SLA_COMPLIANCE = 1 << 7,
    MSP_M_RES_MEAN = 1 << 8,
    MSP_M_RES_P50 = 1 << 9,
    MSP_M_RES_P90 = 1 << 10,
    MSP_M_RES_P95 = 1 << 11,
    MSP_M_FIRST_MEAN = 1 << 12,
    MSP_M_FIRST_P50 = 1 << 13,
    MSP_M_FIRST_P90 = 1 << 14,
    MSP_M_REOPEN_RATE = 1 << 15,
    MSP_M_KILL_RATE = 1 << 16,
    MSP_M_CSAT_MEAN = 1 << 17,
    MSP_M_CSAT_COUNT = 1 << 18,
    MSP_M_SHARE = 1 << 19,
    MSP_M_PERIOD_FROM = 1 << 20,
    MSP_M_PERIOD_TO = 1 << 21,
    MSP_M_PERIOD_DAYS = 1 << 22,
    MSP_M_COMPLETE = 1 << 23,
    MSP_M_INCOMPLETE = 1 << 24,
};

#define MSP_M_SLA        (MSP_M_SLA_MET | MSP_M_SLA_COMPLIANCE)
#define MSP_M_RESOLUTION (MSP_M_RES_MEAN | MSP_M_RES_P50 | MSP_M_RES_P90 | MSP_M_RES_P95)
#define MSP_M_FIRST      (MSP_M_FIRST_MEAN | MSP_M_FIRST_P50 | MSP_M_FIRST_P90)
#define MSP_M_MEAN       (MSP_M_RES_MEAN | MSP_M_FIRST_MEAN | MSP_M_CSAT_MEAN)
#define MSP_M_P50        (MSP_M_RES_P50 | MSP_M_FIRST_P50)
#define MSP_M_P90        (MSP_M_RES_P90 | MSP_M_FIRST_P90)
#define MSP_M_CSAT       (MSP_M_CSAT_MEAN | MSP_M_CSAT_COUNT)
#define MSP_M_DAYS                                                                                 \
    (MSP_M_PERIOD_FROM | MSP_M_PERIOD_TO | MSP_M_PERIOD_DAYS | MSP_M_COMPLETE | MSP_M_INCOMPLETE)

/* The bit of a fact's metric; 0 for a metric that no text can name yet. */
uint32_t msp_metric_bit_of(const struct msp_fact *fact);

enum msp_mark_kind {
    MSP_MARK_NOTHING,   /* holds words together that would mean something alone */
    MSP_MARK_METRIC,    /* value: bits */
    MSP_MARK_STATISTIC, /* value: bits */
    MSP_MARK_PERIOD,    /* value: enum msp_mark_period */
    MSP_MARK_AGAINST,   /* the number behind it is the previous one's */
    MSP_MARK_THAN,      /* what follows is compared with */
    MSP_MARK_DIRECTION, /* value: enum msp_direction */
    MSP_MARK_DEGREE,    /* value: enum msp_degree */
    MSP_MARK_VARIATION, /* "change", "difference": a change without its direction */
    MSP_MARK_MULTIPLE,  /* "doubled"; value: percent of the previous value, and how exactly */
    MSP_MARK_HIGHEST,   /* "largest": of the members */
    MSP_MARK_MAJORITY,  /* over half */
    MSP_MARK_ALL,       /* "every", "all" where they stand for 100 % */
    MSP_MARK_NONE,      /* "no", "none" before what is counted */
    MSP_MARK_TOTAL,     /* of all members */
    MSP_MARK_PRIORITY,  /* value: index of msp_priority_names */
    MSP_MARK_UNNAMED,   /* tickets without a value; value: index of msp_dimension_names */
    MSP_MARK_TICKETS,   /* what is counted */
    MSP_MARK_NO_DATA,
    MSP_MARK_COMPLETE,
    MSP_MARK_INCOMPLETE,
    MSP_MARK_NOT,
    MSP_MARK_OF,     /* "of the", between a part and its whole */
    MSP_MARK_BANNED, /* value: enum msp_ban */
};

enum msp_mark_period {
    MSP_NOW,
    MSP_BEFORE,
    MSP_PERIOD_MASK = 1,
    /* The unit a phrase names, which has to fit the period's length. */
    MSP_A_DAY = 2,
    MSP_A_WEEK = 4,
    MSP_A_MONTH = 6,
    MSP_A_QUARTER = 8,
    MSP_A_YEAR = 10,
    MSP_UNIT_MASK = 14,
};

enum msp_direction {
    MSP_UP,
    MSP_DOWN,
    MSP_BETTER,
    MSP_WORSE,
    MSP_FASTER,
    MSP_SLOWER,
    MSP_SAME,
    MSP_STEADY,
};

enum msp_degree { MSP_SLIGHTLY, MSP_SHARPLY };

/* Beside the percent of MSP_MARK_MULTIPLE. */
#define MSP_MULTIPLE_MASK  0xfffU
#define MSP_MULTIPLE_OVER  0x1000U
#define MSP_MULTIPLE_UNDER 0x2000U

enum msp_ban {
    MSP_BAN_SUPERLATIVE,
    MSP_BAN_VAGUE,
    MSP_BAN_RATE,
    MSP_BAN_FUTURE,
    MSP_BAN_UNIT,
    MSP_BAN_ORDINAL,
    MSP_BAN_WEEKDAY,
    MSP_BAN_COMPARISON,
    MSP_BAN_OPPOSITE,
};

extern const char *const msp_priority_names[5];
extern const char *const msp_dimension_names[3];

/* `phrases`, with "|" between, are lower-case words with a space between; a word that ends in "*"
 * stands for all that begin so. The longest phrase that fits wins. */
struct msp_lexicon_entry {
    const char *phrases;
    enum msp_mark_kind kind;
    uint32_t value;
};

struct msp_number_word {
    const char *word;
    int value; /* 100, 1000 and 1000000 multiply */
};

enum msp_hedge { MSP_EXACTLY, MSP_ABOUT, MSP_OVER, MSP_UNDER, MSP_AT_LEAST, MSP_AT_MOST };

struct msp_hedge_word {
    const char *phrase;
    enum msp_hedge hedge;
};

struct msp_fraction_word {
    const char *phrase;
    int numerator, denominator;
};

enum msp_unit {
    MSP_UNIT_NONE,
    MSP_UNIT_DURATION,
    MSP_UNIT_PERCENT,
    MSP_UNIT_POINTS,         /* of whatever is measured */
    MSP_UNIT_PERCENT_POINTS, /* of a percentage */
    MSP_UNIT_SCORE,          /* out of five */
};

struct msp_unit_word {
    const char *phrase;
    enum msp_unit unit;
    int seconds; /* of MSP_UNIT_DURATION */
};

/* Each table ends with a row without a phrase. */
struct msp_lexicon {
    const struct msp_lexicon_entry *entries;
    const struct msp_number_word *numbers;
    const struct msp_hedge_word *hedges;
    const struct msp_fraction_word *fractions;
    const struct msp_unit_word *units;
    const char *const *months;        /* 12, then their short forms or NULL */
    const char *const *weekdays;      /* from Monday */
    const char *const *date_from;     /* before the first day of a range */
    const char *const *date_to;       /* before the last day of a range */
    const char *const *articles;      /* "a", "un": one of something where a unit follows */
    const char *const *level_words;   /* before a value, never before a change: "to" */
    const char *const *by_words;      /* before a change, never before a value: "by" */
    const char *const *fillers;       /* between "the previous period" and its number */
    const char *const *abbreviations; /* a full stop behind one ends no sentence */
    const char *const *and_words;     /* inside a number or a length of time */
    const char *half_behind;          /* "a half" as in "two and a half" */
    char decimal;                     /* '.' or ',' */
};

extern const struct msp_lexicon msp_lexicon_english;
extern const struct msp_lexicon msp_lexicon_french;

#endif
