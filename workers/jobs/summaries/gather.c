/* Reads the totals and the members of two ranges, and chooses the members worth a sentence. */
#include "summaries/gather.h"

#include "summaries/member_name.h"

#include <stdlib.h>
#include <string.h>

#define READ_TIMEOUT_MS 60000
#define TRIES           5

enum { CURRENT, PREVIOUS, PERIODS };

/* ---- of what ---- */

static const char *const priorities[] = {"critical", "high", "medium", "low", "none", ""};
#define PRIORITIES (sizeof priorities / sizeof priorities[0])

static size_t rank_of(const struct msp_kpi_row *row)
{
    size_t rank = 0;
    while (rank < PRIORITIES && strcmp(priorities[rank], row->member) != 0) {
        rank++;
    }
    return rank;
}

static int by_rank(const void *a, const void *b)
{
    size_t left = rank_of(a);
    size_t right = rank_of(b);
    return left < right ? -1 : left > right;
}

/* Most tickets first; by name where they are as many, so that the same data gives the same order.
 */
static int by_tickets(const void *a, const void *b)
{
    const struct msp_kpi_row *left = a;
    const struct msp_kpi_row *right = b;
    if (left->values.tickets_created != right->values.tickets_created) {
        return left->values.tickets_created > right->values.tickets_created ? -1 : 1;
    }
    return strcmp(left->member, right->member);
}

/* A summary names no technician, so "assignee" is none of them. */
static const struct dimension {
    const char *name;
    size_t most; /* members spoken of */
    int (*order)(const void *a, const void *b);
} dimensions[] = {
    {"priority", PRIORITIES, by_rank},
    {"category", 4, by_tickets},
    {"group", 4, by_tickets},
};

#define DIMENSIONS (sizeof dimensions / sizeof dimensions[0])

/* What one range says. */
struct range {
    int32_t from, to;
    const struct msp_kpi_values *total;
    bool is_whole; /* every day of it was computed */
    struct msp_kpi_row *members[DIMENSIONS];
    size_t counts[DIMENSIONS];
};

/* ---- reading ---- */

static const struct msp_kpi_values nothing_at_all = {.computed = false};

typedef enum msp_result (*read_kpis)(struct msp_db *db, int64_t tenant_id,
                                     const struct msp_kpi_query *query, struct msp_arena *arena,
                                     int64_t deadline_ms, struct msp_kpi_row **out_rows,
                                     size_t *out_count, struct msp_kpi_freshness *freshness,
                                     struct msp_error *error);

static enum msp_result read_rows(const struct msp_job_run *run, read_kpis read,
                                 const struct range *range, const char *dimension,
                                 struct msp_kpi_row **out_rows, size_t *out_count,
                                 struct msp_kpi_freshness *freshness, struct msp_error *error)
{
    struct msp_kpi_query query = {.from = range->from, .to = range->to, .dimension = dimension};
    enum msp_result result = msp_job_run_check(run, error);
    return result != MSP_OK ? result
                            : read(run->db, run->job->tenant_id, &query, run->arena,
                                   msp_job_run_deadline_in(run, READ_TIMEOUT_MS), out_rows,
                                   out_count, freshness, error);
}

/* *freshness is that of before the figures were read, so that it promises no more than they keep.
 */
static enum msp_result read_range(const struct msp_job_run *run, struct range *range,
                                  struct msp_kpi_freshness *freshness, struct msp_error *error)
{
    struct msp_kpi_freshness later;
    struct msp_kpi_row *rows;
    size_t count;
    enum msp_result result =
        read_rows(run, msp_kpi_read_daily, range, "all", &rows, &count, freshness, error);
    if (result == MSP_OK) {
        range->is_whole = count == (size_t)(range->to - range->from) + 1;
        result = read_rows(run, msp_kpi_read_merged, range, "all", &rows, &count, &later, error);
    }
    if (result != MSP_OK) {
        return result;
    }
    range->total = count > 0 ? &rows[0].values : &nothing_at_all;
    for (size_t i = 0; i < DIMENSIONS && result == MSP_OK; i++) {
        result = read_rows(run, msp_kpi_read_merged, range, dimensions[i].name, &range->members[i],
                           &range->counts[i], &later, error);
    }
    return result;
}

/* Each ticket counts under one member of a dimension, so what does not add up was computed anew
 * between two answers. */
static bool adds_up(const struct range *range)
{
    for (size_t i = 0; i < DIMENSIONS; i++) {
        int64_t created = range->total->tickets_created;
        int64_t resolved = range->total->tickets_resolved;
        int64_t backlog = range->total->backlog;
        for (size_t m = 0; m < range->counts[i]; m++) {
            created -= range->members[i][m].values.tickets_created;
            resolved -= range->members[i][m].values.tickets_resolved;
            backlog -= range->members[i][m].values.backlog;
        }
        if (created != 0 || resolved != 0 || backlog != 0) {
            return false;
        }
    }
    return true;
}

static enum msp_result read_ranges(const struct msp_job_run *run, struct range ranges[PERIODS],
                                   struct msp_kpi_freshness *freshness, struct msp_error *error)
{
    for (int i = 0; i < TRIES; i++) {
        struct msp_kpi_freshness later;
        enum msp_result result = read_range(run, &ranges[CURRENT], freshness, error);
        if (result == MSP_OK) {
            result = read_range(run, &ranges[PREVIOUS], &later, error);
        }
        if (result != MSP_OK || (adds_up(&ranges[CURRENT]) && adds_up(&ranges[PREVIOUS]))) {
            return result;
        }
    }
    return msp_fail(error, MSP_UNAVAILABLE, "data_changing",
                    "The tenant's figures were computed anew again and again while they were read; "
                    "the job is tried again.");
}

/* ---- choosing ---- */

#define MEMBERS_MOST (PRIORITIES + 8)
_Static_assert(MEMBERS_MOST <= MSP_FACT_MAX_MEMBERS, "all members chosen fit into the facts");

struct chosen {
    struct msp_facts_member members[MEMBERS_MOST];
    char names[MEMBERS_MOST][MSP_MEMBER_NAME_BYTES];
    size_t count;
};

/* Of a range that was computed whole, a member without a row had nothing at all. */
static const struct msp_kpi_values *values_in(const struct range *range, size_t dimension,
                                              const char *member)
{
    static const struct msp_kpi_values nothing = {.computed = true};
    for (size_t i = 0; i < range->counts[dimension]; i++) {
        if (strcmp(range->members[dimension][i].member, member) == 0) {
            return &range->members[dimension][i].values;
        }
    }
    return &nothing;
}

/* A name that nothing is left of, or that looks like one before it, cannot be spoken of. */
static bool is_speakable(const struct chosen *chosen, size_t first, const char *raw,
                         const char *name)
{
    if (name[0] == '\0' && raw[0] != '\0') {
        return false;
    }
    for (size_t i = first; i < chosen->count; i++) {
        if (strcmp(chosen->names[i], name) == 0) {
            return false;
        }
    }
    return true;
}

static void choose_members(const struct range ranges[PERIODS], size_t at, struct chosen *chosen)
{
    const struct dimension *dimension = &dimensions[at];
    struct msp_kpi_row *rows = ranges[CURRENT].members[at];
    size_t count = ranges[CURRENT].counts[at];
    size_t first = chosen->count;
    if (count > 1) {
        qsort(rows, count, sizeof rows[0], dimension->order);
    }
    for (size_t i = 0; i < count && chosen->count - first < dimension->most; i++) {
        char *name = chosen->names[chosen->count];
        msp_member_name_clean(rows[i].member, name);
        if (is_speakable(chosen, first, rows[i].member, name)) {
            chosen->members[chosen->count++] = (struct msp_facts_member){
                .dimension = dimension->name,
                .member = name,
                .current = &rows[i].values,
                .previous = ranges[PREVIOUS].is_whole
                                ? values_in(&ranges[PREVIOUS], at, rows[i].member)
                                : NULL,
            };
        }
    }
}

/* ---- both ---- */

enum msp_result msp_facts_gather(const struct msp_job_run *run, int32_t from, int32_t to,
                                 struct msp_gathered *out, struct msp_error *error)
{
    struct msp_tenant tenant;
    int32_t days = to - from + 1;
    struct range ranges[PERIODS] = {
        [CURRENT] = {.from = from, .to = to},
        [PREVIOUS] = {.from = from - days, .to = from - 1},
    };
    struct msp_kpi_freshness freshness;
    struct chosen *chosen = msp_arena_calloc(run->arena, 1, sizeof *chosen);
    if (chosen == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a summary's facts.");
    }
    enum msp_result result = msp_job_run_tenant(run, &tenant, error);
    if (result == MSP_OK) {
        result = read_ranges(run, ranges, &freshness, error);
    }
    if (result != MSP_OK) {
        return result;
    }
    for (size_t i = 0; i < DIMENSIONS; i++) {
        choose_members(ranges, i, chosen);
    }
    char name[MSP_MEMBER_NAME_BYTES];
    msp_member_name_clean(tenant.name, name);
    /* Days without figures would make every comparison a rise. */
    bool compare = ranges[PREVIOUS].is_whole;
    struct msp_facts_input input = {
        .tenant_name = name,
        .timezone = tenant.timezone,
        .from = from,
        .to = to,
        .previous_from = compare ? ranges[PREVIOUS].from : MSP_NO_DAY,
        .previous_to = compare ? ranges[PREVIOUS].to : MSP_NO_DAY,
        .complete_through = freshness.complete_through,
        .current = ranges[CURRENT].total,
        .previous = compare ? ranges[PREVIOUS].total : NULL,
        .members = chosen->members,
        .member_count = chosen->count,
    };
    result = msp_facts_build(&input, run->arena, &out->facts, error);
    out->data_as_of_us = freshness.data_as_of_us;
    return result;
}
