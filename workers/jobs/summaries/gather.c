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
    const struct msp_kpi_values *total; /* NULL = nothing was computed */
    bool is_whole;                      /* every day of it was computed */
    struct msp_kpi_row *members[DIMENSIONS];
    size_t counts[DIMENSIONS];
};

/* ---- reading ---- */

struct reading {
    const struct msp_job_run *run;
    int64_t data_version; /* of the first answer */
    bool has_changed;     /* a later answer told of other data */
    bool has_begun;
    struct msp_kpi_freshness freshness;
};

typedef enum msp_result (*read_kpis)(struct msp_db *db, int64_t tenant_id,
                                     const struct msp_kpi_query *query, struct msp_arena *arena,
                                     int64_t deadline_ms, struct msp_kpi_row **out_rows,
                                     size_t *out_count, struct msp_kpi_freshness *freshness,
                                     struct msp_error *error);

static enum msp_result read_rows(struct reading *reading, read_kpis read, const struct range *range,
                                 const char *dimension, struct msp_kpi_row **out_rows,
                                 size_t *out_count, struct msp_error *error)
{
    const struct msp_job_run *run = reading->run;
    struct msp_kpi_query query = {.from = range->from, .to = range->to, .dimension = dimension};
    enum msp_result result = msp_job_run_check(run, error);
    if (result == MSP_OK) {
        result = read(run->db, run->job->tenant_id, &query, run->arena,
                      msp_job_run_deadline_in(run, READ_TIMEOUT_MS), out_rows, out_count,
                      &reading->freshness, error);
    }
    if (result != MSP_OK) {
        return result;
    }
    int64_t version = reading->freshness.data_version;
    reading->has_changed |= reading->has_begun && version != reading->data_version;
    reading->data_version = version;
    reading->has_begun = true;
    return MSP_OK;
}

static enum msp_result read_range(struct reading *reading, struct range *range,
                                  struct msp_error *error)
{
    struct msp_kpi_row *rows;
    size_t count;
    enum msp_result result =
        read_rows(reading, msp_kpi_read_daily, range, "all", &rows, &count, error);
    if (result == MSP_OK) {
        range->is_whole = count == (size_t)(range->to - range->from) + 1;
        result = read_rows(reading, msp_kpi_read_merged, range, "all", &rows, &count, error);
    }
    if (result != MSP_OK) {
        return result;
    }
    range->total = count > 0 ? &rows[0].values : NULL;
    for (size_t i = 0; i < DIMENSIONS && result == MSP_OK; i++) {
        result = read_rows(reading, msp_kpi_read_merged, range, dimensions[i].name,
                           &range->members[i], &range->counts[i], error);
    }
    return result;
}

static enum msp_result read_ranges(struct reading *reading, struct range ranges[PERIODS],
                                   struct msp_error *error)
{
    for (int i = 0; i < TRIES; i++) {
        reading->has_begun = false;
        reading->has_changed = false;
        enum msp_result result = read_range(reading, &ranges[CURRENT], error);
        if (result == MSP_OK) {
            result = read_range(reading, &ranges[PREVIOUS], error);
        }
        if (result != MSP_OK || !reading->has_changed) {
            return result;
        }
    }
    return msp_fail(error, MSP_UNAVAILABLE, "data_changing",
                    "The tenant's figures changed again and again while they were read; the job "
                    "is tried again.");
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
    struct reading reading = {.run = run};
    struct chosen *chosen = msp_arena_calloc(run->arena, 1, sizeof *chosen);
    if (chosen == NULL) {
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory for a summary's facts.");
    }
    enum msp_result result = msp_job_run_tenant(run, &tenant, error);
    if (result == MSP_OK) {
        result = read_ranges(&reading, ranges, error);
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
        .complete_through = reading.freshness.complete_through,
        .current = ranges[CURRENT].total,
        .previous = compare ? ranges[PREVIOUS].total : NULL,
        .members = chosen->members,
        .member_count = chosen->count,
    };
    result = msp_facts_build(&input, run->arena, &out->facts, error);
    out->data_as_of_us = reading.freshness.data_as_of_us;
    return result;
}
