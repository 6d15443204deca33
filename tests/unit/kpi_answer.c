/* Every metric of an answer against values worked out by hand. */
#include "workers/http/kpi_answer.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static struct msp_kpi_number metric(const char *name, const struct msp_kpi_values *values)
{
    for (size_t i = 0; i < msp_kpi_metric_count; i++) {
        if (strcmp(msp_kpi_metrics[i].name, name) == 0)
            return msp_kpi_read(&msp_kpi_metrics[i], values);
    }
    cr_assert_fail("there is no metric %s", name);
    return (struct msp_kpi_number){.form = MSP_KPI_NONE};
}

static struct msp_kpi_values a_day(void)
{
    return (struct msp_kpi_values){
        .computed = true,
        .tickets_created = 8,
        .tickets_resolved = 5,
        .tickets_closed = 6,
        .tickets_reopened = 1,
        .backlog = 42,
        .sla_known = 4,
        .sla_met = 3,
        .csat_count = 2,
        .csat_sum = 9,
        .resolution = {.count = 4,
                       .sum_seconds = 4020,
                       .p50_seconds = 120,
                       .p90_seconds = 3660,
                       .p95_seconds = 3690},
        .first_response = {.count = 2, .sum_seconds = 120, .p50_seconds = 30, .p90_seconds = 90}};
}

static void expect_whole(const char *name, int64_t expected)
{
    struct msp_kpi_values values = a_day();
    struct msp_kpi_number number = metric(name, &values);

    cr_assert_eq(number.form, MSP_KPI_WHOLE, "%s is a whole number", name);
    cr_assert_eq(number.whole, expected, "%s: %lld, expected %lld", name, (long long)number.whole,
                 (long long)expected);
}

static void expect_real(const char *name, double expected, double relative)
{
    struct msp_kpi_values values = a_day();
    struct msp_kpi_number number = metric(name, &values);

    cr_assert_eq(number.form, MSP_KPI_REAL, "%s is a real number", name);
    cr_assert_leq(fabs(number.real - expected), expected * relative, "%s: %f, expected %f", name,
                  number.real, expected);
}

Test(kpi_answer, stored_metrics_are_the_stored_numbers)
{
    expect_whole("tickets_created", 8);
    expect_whole("tickets_resolved", 5);
    expect_whole("tickets_closed", 6);
    expect_whole("tickets_reopened", 1);
    expect_whole("backlog", 42);
    expect_whole("sla_known", 4);
    expect_whole("sla_met", 3);
    expect_whole("resolution_count", 4);
    expect_whole("resolution_seconds_sum", 4020);
    expect_whole("first_response_count", 2);
    expect_whole("first_response_seconds_sum", 120);
    expect_whole("csat_count", 2);
    expect_whole("csat_sum", 9);
}

Test(kpi_answer, derived_metrics_are_sums_over_sums)
{
    expect_real("resolution_minutes_mean", 4020.0 / 4 / 60, 1e-12);
    expect_real("first_response_minutes_mean", 1.0, 1e-12);
    expect_real("sla_compliance", 0.75, 1e-12);
    expect_real("reopen_rate", 0.2, 1e-12);
    expect_real("kill_rate", 0.75, 1e-12);
    expect_real("csat_mean", 4.5, 1e-12);
}

Test(kpi_answer, percentiles_are_told_in_minutes)
{
    expect_real("resolution_minutes_p50", 2.0, 1e-12);
    expect_real("resolution_minutes_p90", 61.0, 1e-12);
    expect_real("resolution_minutes_p95", 61.5, 1e-12);
    expect_real("first_response_minutes_p50", 0.5, 1e-12);
    expect_real("first_response_minutes_p90", 1.5, 1e-12);
}

Test(kpi_answer, a_percentile_not_stored_yet_has_no_value)
{
    struct msp_kpi_values values = a_day();

    values.resolution.p50_seconds = -1;
    cr_assert_eq(metric("resolution_minutes_p50", &values).form, MSP_KPI_NONE);
    cr_assert_eq(metric("resolution_minutes_mean", &values).form, MSP_KPI_REAL);
}

Test(kpi_answer, a_denominator_of_zero_gives_no_value)
{
    static const char *const derived[] = {"resolution_minutes_mean",
                                          "resolution_minutes_p50",
                                          "resolution_minutes_p90",
                                          "resolution_minutes_p95",
                                          "first_response_minutes_mean",
                                          "first_response_minutes_p50",
                                          "first_response_minutes_p90",
                                          "sla_compliance",
                                          "reopen_rate",
                                          "kill_rate",
                                          "csat_mean"};
    struct msp_kpi_values values = {.computed = true};

    for (size_t i = 0; i < sizeof derived / sizeof derived[0]; i++)
        cr_assert_eq(metric(derived[i], &values).form, MSP_KPI_NONE, "%s", derived[i]);
    cr_assert_eq(metric("resolution_count", &values).form, MSP_KPI_WHOLE);
    cr_assert_eq(metric("resolution_count", &values).whole, 0);
}

Test(kpi_answer, a_day_never_computed_has_no_value_at_all)
{
    struct msp_kpi_values values = a_day();

    values.computed = false;
    for (size_t i = 0; i < msp_kpi_metric_count; i++) {
        cr_assert_eq(msp_kpi_read(&msp_kpi_metrics[i], &values).form, MSP_KPI_NONE);
        cr_assert_eq(msp_kpi_read(&msp_kpi_metrics[i], NULL).form, MSP_KPI_NONE);
    }
}

Test(kpi_answer, a_change_is_the_difference_and_unknown_where_one_side_is)
{
    struct msp_kpi_values now = a_day();
    struct msp_kpi_values before = {.computed = true, .tickets_created = 10, .sla_known = 0};
    struct msp_kpi_number created =
        msp_kpi_change(metric("tickets_created", &now), metric("tickets_created", &before));
    struct msp_kpi_number sla =
        msp_kpi_change(metric("sla_compliance", &now), metric("sla_compliance", &before));

    cr_assert_eq(created.form, MSP_KPI_WHOLE);
    cr_assert_eq(created.whole, -2);
    cr_assert_eq(sla.form, MSP_KPI_NONE);
}

Test(kpi_answer, json_csv_and_catalogue_name_the_same_metrics_in_the_same_order)
{
    static const char *const names[] = {"tickets_created",
                                        "tickets_resolved",
                                        "tickets_closed",
                                        "tickets_reopened",
                                        "backlog",
                                        "sla_known",
                                        "sla_met",
                                        "resolution_count",
                                        "resolution_seconds_sum",
                                        "first_response_count",
                                        "first_response_seconds_sum",
                                        "csat_count",
                                        "csat_sum",
                                        "resolution_minutes_mean",
                                        "resolution_minutes_p50",
                                        "resolution_minutes_p90",
                                        "resolution_minutes_p95",
                                        "first_response_minutes_mean",
                                        "first_response_minutes_p50",
                                        "first_response_minutes_p90",
                                        "sla_compliance",
                                        "reopen_rate",
                                        "kill_rate",
                                        "csat_mean"};

    cr_assert_eq(msp_kpi_metric_count, sizeof names / sizeof names[0]);
    for (size_t i = 0; i < msp_kpi_metric_count; i++) {
        const struct msp_kpi_metric *row = &msp_kpi_metrics[i];

        cr_assert_str_eq(row->name, names[i]);
        cr_assert_not_null(row->unit);
        cr_assert_gt(strlen(row->definition), 10U);
        cr_assert_gt(strlen(row->attribution), 10U);
    }
}

Test(kpi_answer, csv_cells_are_numbers_and_empty_for_no_value)
{
    struct msp_kpi_values values = {.computed = true, .tickets_created = 3};
    struct msp_csv_writer writer;
    struct msp_buffer out;

    msp_buffer_init(&out, 0);
    msp_csv_writer_init(&writer, &out);
    msp_kpi_write_csv_cells(&writer, &values);
    msp_csv_end_row(&writer);
    msp_buffer_append(&out, "", 1);
    cr_assert_str_eq(out.data, MSP_CSV_BOM "3,0,0,0,0,0,0,0,0,0,0,0,0,,,,,,,,,,0,\r\n");
    msp_buffer_done(&out);
}
