/*
 * Which tickets each metric counts. Every condition stands here once more, beside that of
 * queries/kpi_compute.sql; a test holds the two together. Runs nothing.
 */
#include "counted_metric.h"

#include <string.h>

#define TENANT_ZONE "(SELECT t.timezone FROM msp.tenants t WHERE t.tenant_id = $1::bigint)"
#define RANGE_START "(SELECT msp.day_start($2::date, " TENANT_ZONE "))"
#define RANGE_END   "(SELECT msp.day_start($3::date + 1, " TENANT_ZONE "))"
#define LAST_COMPUTED_END                                                                          \
    "(SELECT msp.day_start(max(d.day) + 1, " TENANT_ZONE ") FROM msp.kpi_days d"                   \
    "  WHERE d.tenant_id = $1::bigint AND d.day BETWEEN $2::date AND $3::date"                     \
    "    AND d.computed_at IS NOT NULL)"

#define FROM_WHERE(instant, condition)                                                             \
    "  FROM msp.raw_tickets r"                                                                     \
    " WHERE r.tenant_id = $1::bigint AND " condition "   AND ($5::text IS NULL OR CASE $4::text"   \
    "        WHEN 'priority' THEN coalesce(r.priority, '')"                                        \
    "        WHEN 'category' THEN coalesce(r.category, '')"                                        \
    "        WHEN 'assignee' THEN coalesce(r.assignee, '')"                                        \
    "        WHEN 'group' THEN coalesce(r.\"group\", '') END = $5::text)"                          \
    "   AND ($6::timestamptz IS NULL"                                                              \
    "        OR (" instant ", r.external_id) < ($6::timestamptz, $7::text COLLATE \"C\"))"

#define LIST(instant, condition)                                                                   \
    "SELECT " instant ", r.external_id, r.title, r.status, r.source_status, r.priority,"           \
    "       r.category, r.assignee, r.requester, r.\"group\", r.channel, r.created_at,"            \
    "       r.updated_at, r.first_response_at, r.resolved_at, r.closed_at, r.due_at, r.sla_met,"   \
    "       r.reopen_count, r.reassignment_count, r.csat, r.version" FROM_WHERE(                   \
        instant, condition) " ORDER BY 1 DESC, r.external_id DESC LIMIT $8::bigint"

#define OPEN(instant, condition)                                                                   \
    "DECLARE " MSP_TICKETS_CURSOR " NO SCROLL CURSOR FOR " LIST(instant, condition)

#define COUNT(instant, condition)                                                                  \
    "SELECT count(*) FROM (SELECT 1" FROM_WHERE(instant, condition) " LIMIT $8::bigint) AS found"

#define IN_RANGE(instant) instant " >= " RANGE_START " AND " instant " < " RANGE_END

/* As queries/kpi_arrivals.sql counts. */
#define AT_HOUR                                                                                    \
    " AND ($9::bigint IS NULL"                                                                     \
    "      OR extract(isodow FROM r.created_at AT TIME ZONE " TENANT_ZONE ")::bigint = $9)"        \
    " AND ($10::bigint IS NULL"                                                                    \
    "      OR extract(hour FROM r.created_at AT TIME ZONE " TENANT_ZONE ")::bigint = $10)"

/* The end of the last computed day; of the day itself where an age is asked for, as
 * queries/kpi_backlog_age.sql counts. Ages are bounds of created_at, which has an index. */
#define BACKLOG_END                                                                                \
    "(SELECT CASE WHEN $9::bigint IS NULL THEN " LAST_COMPUTED_END " ELSE " RANGE_END " END)"
#define AGED_AT "least(" RANGE_END ", $11::timestamptz)"
#define OF_AGE                                                                                     \
    " AND r.created_at <= (SELECT CASE WHEN $9::bigint > 0"                                        \
    "                                  THEN " AGED_AT " - $9::bigint * interval '1 second'"        \
    "                                  ELSE 'infinity'::timestamptz END)"                          \
    " AND r.created_at > (SELECT coalesce(" AGED_AT " - $10::bigint * interval '1 second',"        \
    "                                     '-infinity'::timestamptz))"

/* Literals that run together cannot stand in parentheses. NOLINTBEGIN(bugprone-macro-parentheses)
 */
#define METRIC(metric, instant, condition, narrowed)                                               \
    {                                                                                              \
        .name = metric, .list = {"drill_down_" metric, LIST(instant, condition), true},            \
        .count = {"drill_down_count_" metric, COUNT(instant, condition), true},                    \
        .open = {"drill_down_open_" metric, OPEN(instant, condition), false},                      \
        .narrowing = narrowed                                                                      \
    }
#define COUNTED(metric, instant, also)                                                             \
    METRIC(metric, instant, IN_RANGE(instant) also, MSP_NARROWS_BY_NOTHING)
/* NOLINTEND(bugprone-macro-parentheses) */

static const struct msp_counted_metric metrics[] = {
    METRIC("tickets_created", "r.created_at", IN_RANGE("r.created_at") AT_HOUR,
           MSP_NARROWS_BY_HOUR),
    COUNTED("tickets_resolved", "r.resolved_at", ""),
    COUNTED("tickets_closed", "r.closed_at", ""),
    COUNTED("tickets_reopened", "r.resolved_at", " AND r.reopen_count > 0"),
    METRIC("backlog", "r.created_at",
           "r.created_at < " BACKLOG_END
           " AND (coalesce(r.resolved_at, r.closed_at) >= " BACKLOG_END
           "      OR (r.resolved_at IS NULL AND r.closed_at IS NULL))" OF_AGE,
           MSP_NARROWS_BY_AGE),
    COUNTED("sla_known", "r.resolved_at",
            " AND coalesce(r.sla_met, r.resolved_at <= r.due_at) IS NOT NULL"),
    COUNTED("sla_met", "r.resolved_at", " AND coalesce(r.sla_met, r.resolved_at <= r.due_at)"),
    COUNTED("resolution_count", "r.resolved_at", " AND r.resolved_at >= r.created_at"),
    COUNTED("first_response_count", "r.first_response_at",
            " AND r.first_response_at >= r.created_at"),
    COUNTED("csat_count", "r.resolved_at", " AND r.csat IS NOT NULL"),
};

#define METRICS (sizeof(metrics) / sizeof(metrics[0]))

/* Sums, means, ratios and percentiles, and the count of the tickets they are made of. */
static const struct {
    const char *name;
    const char *counted;
} derived[] = {
    {"resolution_seconds_sum", "resolution_count"},
    {"resolution_minutes_mean", "resolution_count"},
    {"resolution_minutes_p50", "resolution_count"},
    {"resolution_minutes_p90", "resolution_count"},
    {"resolution_minutes_p95", "resolution_count"},
    {"first_response_seconds_sum", "first_response_count"},
    {"first_response_minutes_mean", "first_response_count"},
    {"first_response_minutes_p50", "first_response_count"},
    {"first_response_minutes_p90", "first_response_count"},
    {"sla_compliance", "sla_known"},
    {"reopen_rate", "tickets_reopened"},
    {"kill_rate", "tickets_closed"},
    {"csat_sum", "csat_count"},
    {"csat_mean", "csat_count"},
};

static const char *counted_name(const char *name)
{
    for (size_t i = 0; i < sizeof(derived) / sizeof(derived[0]); i++) {
        if (strcmp(derived[i].name, name) == 0)
            return derived[i].counted;
    }
    return name;
}

const struct msp_counted_metric *msp_counted_metric_find(const char *name)
{
    const char *counted = counted_name(name);
    for (size_t i = 0; i < METRICS; i++) {
        if (strcmp(metrics[i].name, counted) == 0)
            return &metrics[i];
    }
    return NULL;
}

const char *msp_counted_metric_name(const struct msp_counted_metric *metric)
{
    return metric->name;
}

enum msp_narrowing msp_counted_metric_narrowing(const struct msp_counted_metric *metric)
{
    return metric->narrowing;
}
