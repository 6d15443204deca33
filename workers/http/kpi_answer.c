/* From stored counts, sums and sketches to named metrics. It reads values; it asks no database. */
#include "kpi_answer.h"

#include <stddef.h>

#define SECONDS_A_MINUTE 60.0

static const struct msp_kpi_number none = {.form = MSP_KPI_NONE};

static struct msp_kpi_number whole(int64_t value)
{
    return (struct msp_kpi_number){.form = MSP_KPI_WHOLE, .whole = value};
}

static struct msp_kpi_number real(double value)
{
    return (struct msp_kpi_number){.form = MSP_KPI_REAL, .real = value};
}

static int64_t count_at(const struct msp_kpi_values *values, size_t offset)
{
    return *(const int64_t *)((const char *)values + offset);
}

static double seconds_at(const struct msp_kpi_values *values, size_t offset)
{
    return *(const double *)((const char *)values + offset);
}

static struct msp_kpi_number read_count(const struct msp_kpi_metric *metric,
                                        const struct msp_kpi_values *values)
{
    return whole(count_at(values, metric->of));
}

static struct msp_kpi_number read_ratio(const struct msp_kpi_metric *metric,
                                        const struct msp_kpi_values *values)
{
    int64_t denominator = count_at(values, metric->per);

    if (denominator == 0)
        return none;
    return real((double)count_at(values, metric->of) / (double)denominator);
}

static struct msp_kpi_number read_mean_minutes(const struct msp_kpi_metric *metric,
                                               const struct msp_kpi_values *values)
{
    struct msp_kpi_number mean = read_ratio(metric, values);

    mean.real /= SECONDS_A_MINUTE;
    return mean;
}

static struct msp_kpi_number read_percentile_minutes(const struct msp_kpi_metric *metric,
                                                     const struct msp_kpi_values *values)
{
    double seconds = seconds_at(values, metric->of);

    if (count_at(values, metric->per) == 0 || seconds < 0)
        return none;
    return real(seconds / SECONDS_A_MINUTE);
}

#define AT(member)    offsetof(struct msp_kpi_values, member)
#define ON_CREATION   "The local day of created_at."
#define ON_RESOLUTION "The local day of resolved_at."
#define ON_CLOSING    "The local day of closed_at."
#define ON_RESPONSE   "The local day of first_response_at."
#define ON_END_OF_DAY "The end of the local day; over a range, the end of its last computed day."
#define ON_KILL       "Closings by closed_at, creations by created_at, each on its own local day."
#define WITHIN_ONE    " Within 1 % of the exact value at rank ceil(q * n)."
#define STORED(metric, what, meaning, day, how, member)                                            \
    {                                                                                              \
        .name = (metric), .key = MSP_JSON_KEY(metric), .unit = (what), .kind = MSP_KPI_STORED,     \
        .definition = (meaning), .attribution = (day), .read = (how), .of = AT(member)             \
    }
#define RATIO(metric, what, meaning, day, numerator, denominator)                                  \
    {                                                                                              \
        .name = (metric), .key = MSP_JSON_KEY(metric), .unit = (what), .kind = MSP_KPI_DERIVED,    \
        .definition = (meaning), .attribution = (day), .read = read_ratio, .of = AT(numerator),    \
        .per = AT(denominator)                                                                     \
    }
#define MEAN(metric, meaning, day, sum, count)                                                     \
    {                                                                                              \
        .name = (metric), .key = MSP_JSON_KEY(metric), .unit = "minutes", .kind = MSP_KPI_DERIVED, \
        .definition = (meaning), .attribution = (day), .read = read_mean_minutes, .of = AT(sum),   \
        .per = AT(count)                                                                           \
    }
#define PERCENTILE(metric, meaning, day, seconds, count)                                           \
    {                                                                                              \
        .name = (metric), .key = MSP_JSON_KEY(metric), .unit = "minutes", .kind = MSP_KPI_DERIVED, \
        .definition = meaning WITHIN_ONE, .attribution = (day), .read = read_percentile_minutes,   \
        .of = AT(seconds), .per = AT(count)                                                        \
    }

const struct msp_kpi_metric msp_kpi_metrics[] = {
    STORED("tickets_created", "tickets", "Tickets created on the day.", ON_CREATION, read_count,
           tickets_created),
    STORED("tickets_resolved", "tickets", "Tickets resolved on the day.", ON_RESOLUTION, read_count,
           tickets_resolved),
    STORED("tickets_closed", "tickets", "Tickets closed on the day.", ON_CLOSING, read_count,
           tickets_closed),
    STORED("tickets_reopened", "tickets",
           "Tickets resolved on the day that had been reopened at least once.", ON_RESOLUTION,
           read_count, tickets_reopened),
    STORED("backlog", "tickets",
           "Tickets created before the end of the day and not finished before it; a ticket is "
           "finished at resolved_at, or at closed_at where it was never resolved.",
           ON_END_OF_DAY, read_count, backlog),
    STORED("sla_known", "tickets",
           "Resolved tickets with an SLA verdict: the source's own, else whether resolved_at is "
           "no later than due_at.",
           ON_RESOLUTION, read_count, sla_known),
    STORED("sla_met", "tickets", "Resolved tickets whose SLA verdict is that it was met.",
           ON_RESOLUTION, read_count, sla_met),
    STORED("resolution_count", "tickets",
           "Resolved tickets whose resolved_at is not before their created_at.", ON_RESOLUTION,
           read_count, resolution.count),
    STORED("resolution_seconds_sum", "seconds",
           "Sum of resolved_at - created_at over the tickets of resolution_count.", ON_RESOLUTION,
           read_count, resolution.sum_seconds),
    STORED("first_response_count", "tickets",
           "Tickets first answered on the day, not before their created_at.", ON_RESPONSE,
           read_count, first_response.count),
    STORED("first_response_seconds_sum", "seconds",
           "Sum of first_response_at - created_at over the tickets of first_response_count.",
           ON_RESPONSE, read_count, first_response.sum_seconds),
    STORED("csat_count", "tickets", "Resolved tickets with a satisfaction score.", ON_RESOLUTION,
           read_count, csat_count),
    STORED("csat_sum", "score", "Sum of the satisfaction scores (1 to 5) of resolved tickets.",
           ON_RESOLUTION, read_count, csat_sum),
    MEAN("resolution_minutes_mean", "resolution_seconds_sum / resolution_count, in minutes.",
         ON_RESOLUTION, resolution.sum_seconds, resolution.count),
    PERCENTILE("resolution_minutes_p50", "Median time from creation to resolution.", ON_RESOLUTION,
               resolution.p50_seconds, resolution.count),
    PERCENTILE("resolution_minutes_p90", "90th percentile of the time to resolution.",
               ON_RESOLUTION, resolution.p90_seconds, resolution.count),
    PERCENTILE("resolution_minutes_p95", "95th percentile of the time to resolution.",
               ON_RESOLUTION, resolution.p95_seconds, resolution.count),
    MEAN("first_response_minutes_mean",
         "first_response_seconds_sum / first_response_count, in minutes.", ON_RESPONSE,
         first_response.sum_seconds, first_response.count),
    PERCENTILE("first_response_minutes_p50", "Median time from creation to first response.",
               ON_RESPONSE, first_response.p50_seconds, first_response.count),
    PERCENTILE("first_response_minutes_p90", "90th percentile of the time to first response.",
               ON_RESPONSE, first_response.p90_seconds, first_response.count),
    RATIO("sla_compliance", "ratio", "sla_met / sla_known.", ON_RESOLUTION, sla_met, sla_known),
    RATIO("reopen_rate", "ratio", "tickets_reopened / tickets_resolved.", ON_RESOLUTION,
          tickets_reopened, tickets_resolved),
    RATIO("kill_rate", "ratio", "tickets_closed / tickets_created.", ON_KILL, tickets_closed,
          tickets_created),
    RATIO("csat_mean", "score", "csat_sum / csat_count.", ON_RESOLUTION, csat_sum, csat_count),
};
const size_t msp_kpi_metric_count = sizeof msp_kpi_metrics / sizeof msp_kpi_metrics[0];

struct msp_kpi_number msp_kpi_read(const struct msp_kpi_metric *metric,
                                   const struct msp_kpi_values *values)
{
    if (values == NULL || !values->computed)
        return none;
    return metric->read(metric, values);
}

struct msp_kpi_number msp_kpi_change(struct msp_kpi_number now, struct msp_kpi_number before)
{
    if (now.form == MSP_KPI_NONE || before.form == MSP_KPI_NONE)
        return none;
    if (now.form == MSP_KPI_WHOLE)
        return whole(now.whole - before.whole);
    return real(now.real - before.real);
}

static void write_member(struct msp_json_writer *writer, const struct msp_kpi_metric *metric,
                         struct msp_kpi_number number)
{
    switch (number.form) {
    case MSP_KPI_NONE:
        msp_json_keyed_null(writer, &metric->key);
        return;
    case MSP_KPI_WHOLE:
        msp_json_keyed_int(writer, &metric->key, number.whole);
        return;
    case MSP_KPI_REAL:
        msp_json_keyed_double(writer, &metric->key, number.real);
        return;
    }
}

void msp_kpi_write_members(struct msp_json_writer *writer, const struct msp_kpi_values *values)
{
    for (size_t i = 0; i < msp_kpi_metric_count; i++)
        write_member(writer, &msp_kpi_metrics[i], msp_kpi_read(&msp_kpi_metrics[i], values));
}

void msp_kpi_write_change(struct msp_json_writer *writer, const struct msp_kpi_values *now,
                          const struct msp_kpi_values *before)
{
    for (size_t i = 0; i < msp_kpi_metric_count; i++) {
        const struct msp_kpi_metric *metric = &msp_kpi_metrics[i];

        write_member(writer, metric,
                     msp_kpi_change(msp_kpi_read(metric, now), msp_kpi_read(metric, before)));
    }
}

void msp_kpi_write_csv_header(struct msp_csv_writer *writer)
{
    for (size_t i = 0; i < msp_kpi_metric_count; i++)
        msp_csv_plain(writer, msp_kpi_metrics[i].name);
}

void msp_kpi_write_csv_cells(struct msp_csv_writer *writer, const struct msp_kpi_values *values)
{
    for (size_t i = 0; i < msp_kpi_metric_count; i++) {
        struct msp_kpi_number number = msp_kpi_read(&msp_kpi_metrics[i], values);

        switch (number.form) {
        case MSP_KPI_NONE:
            msp_csv_empty(writer);
            break;
        case MSP_KPI_WHOLE:
            msp_csv_int(writer, number.whole);
            break;
        case MSP_KPI_REAL:
            msp_csv_double(writer, number.real);
            break;
        }
    }
}
