/*
 * The facts a summary may speak of: each number, day and change of a tenant's period with an id
 * that a text cites ("f12"). Built from KPI values alone: no database, no clock. The same input
 * gives the same ids, and those of the totals are the same for every tenant and period.
 */
#ifndef MSP_JOBS_SUMMARIES_FACTS_H
#define MSP_JOBS_SUMMARIES_FACTS_H

#include "language.h"

#include "msp/arena.h"
#include "msp/json_writer.h"
#include "msp/kpi_store.h"

#define MSP_FACT_ID_BYTES         8
#define MSP_FACTS_MAX             999
#define MSP_FACT_MAX_MEMBERS      24 /* 21 facts each, beside some 80 of the totals */
#define MSP_FACT_MEMBER_MAX_BYTES 400
#define MSP_FACT_ONE              INT64_C(1000000000) /* values are counted in billionths */

enum msp_fact_period {
    MSP_FACT_CURRENT,
    MSP_FACT_PREVIOUS,
    MSP_FACT_CHANGE, /* current less previous */
};

/* The unit of a value. */
enum msp_fact_kind {
    MSP_FACT_COUNT,   /* tickets, or days for period_days and incomplete_days */
    MSP_FACT_MINUTES, /* a length of time */
    MSP_FACT_RATIO,   /* 0.125 is 12.5 %; a change of ratios is in percentage points */
    MSP_FACT_SCORE,   /* satisfaction, 1 to 5 */
    MSP_FACT_PERCENT, /* period change only: (current - previous) / previous, 0.125 is +12.5 % */
    MSP_FACT_DAY,     /* a calendar day: `day` holds it */
};

/* What more of a metric means to the tenant. */
enum msp_fact_good { MSP_FACT_NEITHER, MSP_FACT_MORE_IS_BETTER, MSP_FACT_LESS_IS_BETTER };

/*
 * `metric` is a name of the contract's metrics, or one of these of our own: "period_from",
 * "period_to" (days, current and previous), "period_days" (how many, current and previous),
 * "complete_through" (day), "incomplete_days" (days of the current period after it), and
 * "tickets_created_share" (of a member: its part of all tickets created). Static storage.
 */
struct msp_fact {
    char id[MSP_FACT_ID_BYTES];
    const char *metric;
    const char *dimension; /* "all", "priority", "category", "group" */
    const char *member;    /* NULL for "all"; "" = the tickets without the value */
    enum msp_fact_period period;
    enum msp_fact_kind kind;
    enum msp_fact_good good;
    bool known;    /* false: there is no value, and the text says so */
    int64_t value; /* in billionths of the unit, rounded half away from zero; not for a day */
    int32_t day;   /* of MSP_FACT_DAY */
};

/* A tenant's facts; everything lives in the arena given to msp_facts_build. */
struct msp_facts {
    const char *tenant_name;
    const char *timezone;
    int32_t from, to;                   /* inclusive */
    int32_t previous_from, previous_to; /* MSP_NO_DAY: nothing to compare with */
    int32_t complete_through;           /* MSP_NO_DAY: no day is complete */
    struct msp_fact *list;              /* list[n - 1] has the id "fn" */
    size_t count;
};

struct msp_facts_member {
    const char *dimension; /* never "assignee": a summary names no technician */
    const char *member;
    const struct msp_kpi_values *current;  /* NULL = never computed */
    const struct msp_kpi_values *previous; /* NULL = never computed, or nothing to compare with */
};

struct msp_facts_input {
    const char *tenant_name;
    const char *timezone;
    int32_t from, to;
    int32_t previous_from, previous_to;
    int32_t complete_through;
    const struct msp_kpi_values *current, *previous; /* totals; as in a member */
    const struct msp_facts_member *members;          /* in the order in which they are spoken of */
    size_t member_count;
};

/*
 * Everything that can be said of the input. Texts are copied. MSP_INVALID ("facts_period",
 * "facts_member"): a period that is none, a dimension that a summary may not speak of, or a member
 * over MSP_FACT_MEMBER_MAX_BYTES; MSP_TOO_LARGE ("facts_members"): more than MSP_FACT_MAX_MEMBERS.
 */
enum msp_result msp_facts_build(const struct msp_facts_input *input, struct msp_arena *arena,
                                struct msp_facts *out, struct msp_error *error) MSP_MUST_CHECK;

/* The fact of an id, NULL if there is none. `id` is `length` bytes, as in "f12". */
const struct msp_fact *msp_facts_by_id(const struct msp_facts *facts, const char *id,
                                       size_t length);

/* The fact of a metric, NULL if there is none. `member` NULL with dimension "all". `kind` tells the
 * change in the metric's own unit and MSP_FACT_PERCENT apart. */
const struct msp_fact *msp_facts_find(const struct msp_facts *facts, const char *metric,
                                      const char *dimension, const char *member,
                                      enum msp_fact_period period, enum msp_fact_kind kind);

/* The same for the totals, where the metric alone decides the unit: not for MSP_FACT_PERCENT. */
const struct msp_fact *msp_facts_total(const struct msp_facts *facts, const char *metric,
                                       enum msp_fact_period period);

/* Every known value is one whose day is over and counted: complete_through reaches `to`. */
bool msp_facts_complete(const struct msp_facts *facts);

/*
 * An object: "tenant", "timezone", "from", "to", "previous_from", "previous_to",
 * "complete_through" and "facts": [{"id", "metric", "dimension", "member", "period", "kind",
 * "value"}], null where nothing is known. For keeping beside the summary.
 */
void msp_facts_write_json(struct msp_json_writer *writer, const struct msp_facts *facts);

/* The same for a prompt: each fact also has "written", the value as the language writes it, and
 * "good" ("more", "less" or null). Names of members and the tenant come from outside and are
 * data, not words to a model. */
void msp_facts_write_prompt_json(struct msp_json_writer *writer, const struct msp_facts *facts,
                                 enum msp_language language);

/* The array "facts" of msp_facts_write_json alone. */
void msp_facts_write_list(struct msp_json_writer *writer, const struct msp_facts *facts);

#endif
