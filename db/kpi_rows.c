/* Stored KPIs as PostgreSQL sends them: the statements, and their rows. What is done with them is
 * kpi_store.c's and glance_store.c's. */
#include "kpi_rows.h"

#include "msp/ddsketch.h"
#include "queries.h"
#include "wire.h"

const struct msp_statement msp_kpi_daily_statement = {"kpi_daily", msp_query_kpi_daily, true};
const struct msp_statement msp_kpi_merged_statement = {"kpi_merged", msp_query_kpi_merged, true};
const struct msp_statement msp_kpi_freshness_statement = {"kpi_freshness", msp_query_kpi_freshness,
                                                          true};

/* Columns of kpi_daily.sql and kpi_merged.sql. */
enum row_column { ROW_DAY, ROW_MEMBER, ROW_FIGURES };

/* The figures of msp.kpi_figures (migration 0037), in its order. */
#define FIGURES      22
#define FIGURE_BYTES 8

struct figures {
    const char *at;
};

static int64_t next(struct figures *figures)
{
    int64_t value = msp_wire_int(figures->at, FIGURE_BYTES);
    figures->at += FIGURE_BYTES;
    return value;
}

/* The percentile that lies in the bin. A row computed by an older program has none: -1. */
static double percentile_in(int64_t bin, int64_t least, int64_t greatest)
{
    if (bin < 0 || bin >= MSP_DDSKETCH_BINS)
        return -1;
    return msp_ddsketch_value((unsigned)bin, least, greatest);
}

static void read_durations(struct figures *figures, bool has_p95, struct msp_kpi_durations *out)
{
    out->count = next(figures);
    out->sum_seconds = next(figures);
    int64_t least = next(figures);
    int64_t greatest = next(figures);
    out->p50_seconds = percentile_in(next(figures), least, greatest);
    out->p90_seconds = percentile_in(next(figures), least, greatest);
    out->p95_seconds = has_p95 ? percentile_in(next(figures), least, greatest) : -1;
}

static void read_values(struct figures figures, struct msp_kpi_values *out)
{
    out->computed = true;
    out->tickets_created = next(&figures);
    out->tickets_resolved = next(&figures);
    out->tickets_closed = next(&figures);
    out->tickets_reopened = next(&figures);
    out->backlog = next(&figures);
    out->sla_known = next(&figures);
    out->sla_met = next(&figures);
    out->csat_count = next(&figures);
    out->csat_sum = next(&figures);
    read_durations(&figures, true, &out->resolution);
    read_durations(&figures, false, &out->first_response);
}

static enum msp_result read_row(const PGresult *rows, int row, struct msp_arena *arena,
                                struct msp_kpi_row *out, struct msp_error *error)
{
    if (PQgetlength(rows, row, ROW_FIGURES) != FIGURES * FIGURE_BYTES)
        return msp_fail(error, MSP_BROKEN, "kpi_row_malformed",
                        "A stored row of KPIs has not the figures this program knows. Run the "
                        "program's own `msp-analytics migrate`.");
    out->day = msp_result_is_null(rows, row, ROW_DAY) ? MSP_NO_DAY
                                                      : (int32_t)msp_result_int(rows, row, ROW_DAY);
    out->member = msp_arena_copy(arena, PQgetvalue(rows, row, ROW_MEMBER),
                                 (size_t)PQgetlength(rows, row, ROW_MEMBER));
    if (out->member == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to read KPIs.");
    read_values((struct figures){PQgetvalue(rows, row, ROW_FIGURES)}, &out->values);
    return MSP_OK;
}

enum msp_result msp_kpi_rows_read(const PGresult *result_rows, struct msp_arena *arena,
                                  struct msp_kpi_row **out_rows, size_t *out_count,
                                  struct msp_error *error)
{
    size_t count = (size_t)PQntuples(result_rows);
    struct msp_kpi_row *rows = msp_arena_calloc(arena, count + 1, sizeof(*rows));
    if (rows == NULL)
        return msp_fail(error, MSP_NO_MEMORY, "no_memory", "No memory to read KPIs.");
    for (size_t i = 0; i < count; i++) {
        enum msp_result result = read_row(result_rows, (int)i, arena, &rows[i], error);
        if (result != MSP_OK)
            return result;
    }
    *out_rows = rows;
    *out_count = count;
    return MSP_OK;
}

/* Columns of kpi_freshness.sql. */
enum freshness_column {
    FIRST_DAY,
    CONTIGUOUS_THROUGH,
    FIRST_DIRTY,
    IS_PULLED,
    DRAINED_ON,
    TODAY,
    DATA_AS_OF,
    DATA_VERSION
};

static int32_t earlier(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* The last day with all before it ended, computed, without a dirty mark and, for a pulled source,
 * drained after its end. */
static int32_t complete_through(const PGresult *rows)
{
    int32_t first = msp_wire_day(rows, 0, FIRST_DAY);
    int32_t first_dirty = msp_wire_day(rows, 0, FIRST_DIRTY);
    int32_t drained_on = msp_wire_day(rows, 0, DRAINED_ON);
    if (first == MSP_NO_DAY)
        return MSP_NO_DAY;
    int32_t last =
        earlier(msp_wire_day(rows, 0, CONTIGUOUS_THROUGH), msp_wire_day(rows, 0, TODAY) - 1);
    if (msp_result_bool(rows, 0, IS_PULLED)) {
        if (drained_on == MSP_NO_DAY)
            return MSP_NO_DAY;
        last = earlier(last, drained_on - 1);
    }
    if (first_dirty != MSP_NO_DAY)
        last = earlier(last, first_dirty - 1);
    return last < first ? MSP_NO_DAY : last;
}

void msp_kpi_freshness_read(const PGresult *rows, struct msp_kpi_freshness *out)
{
    *out = (struct msp_kpi_freshness){MSP_NO_DAY, MSP_NO_TIME, 0, MSP_NO_DAY};
    if (PQntuples(rows) == 0)
        return;
    out->complete_through = complete_through(rows);
    out->data_as_of_us = msp_wire_time(rows, 0, DATA_AS_OF);
    out->data_version = msp_result_int(rows, 0, DATA_VERSION);
    out->today = msp_wire_day(rows, 0, TODAY);
}

void msp_kpi_query_params(struct msp_params *params, int64_t tenant_id,
                          const struct msp_kpi_query *query)
{
    msp_params_init(params);
    msp_params_int(params, tenant_id);
    msp_params_text(params, query->dimension);
    msp_params_day(params, query->from);
    msp_params_day(params, query->to);
    msp_params_text(params, query->member);
}
