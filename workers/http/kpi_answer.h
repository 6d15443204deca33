/*
 * The metrics of an answer, each one row of one table: JSON, CSV and the catalogue of
 * definitions all walk the same rows, so that none of them can name a metric the others don't know.
 */
#ifndef MSP_HTTP_KPI_ANSWER_H
#define MSP_HTTP_KPI_ANSWER_H

#include "msp/csv.h"
#include "msp/json_writer.h"
#include "msp/kpi_store.h"

/* A metric's value: none (a denominator of 0, a day never computed), whole, or real. */
enum msp_kpi_form { MSP_KPI_NONE, MSP_KPI_WHOLE, MSP_KPI_REAL };

struct msp_kpi_number {
    enum msp_kpi_form form;
    int64_t whole;
    double real;
};

enum msp_kpi_kind { MSP_KPI_STORED, MSP_KPI_DERIVED };

struct msp_kpi_metric {
    const char *name; /* a literal: letters, digits, '_' */
    struct msp_json_key key;
    const char *unit; /* "tickets", "seconds", "minutes", "ratio", "score" */
    enum msp_kpi_kind kind;
    const char *definition;
    const char *attribution; /* which day a ticket counts on */
    /* Reads the metric out of computed values; `metric` is the row itself. */
    struct msp_kpi_number (*read)(const struct msp_kpi_metric *metric,
                                  const struct msp_kpi_values *values);
    size_t of;  /* offset in struct msp_kpi_values that `read` starts from: the value or the
                   numerator */
    size_t per; /* offset of the denominator or, for a percentile, of the count */
};

/* In the order of the CSV columns, which are only ever appended to. */
extern const struct msp_kpi_metric msp_kpi_metrics[];
extern const size_t msp_kpi_metric_count;

/* The metric's value; `values` NULL or not computed gives MSP_KPI_NONE. */
struct msp_kpi_number msp_kpi_read(const struct msp_kpi_metric *metric,
                                   const struct msp_kpi_values *values);

/* now - before; none if either is none. */
struct msp_kpi_number msp_kpi_change(struct msp_kpi_number now, struct msp_kpi_number before);

/* Members of every metric inside an object that the caller has begun. */
void msp_kpi_write_members(struct msp_json_writer *writer, const struct msp_kpi_values *values);
void msp_kpi_write_change(struct msp_json_writer *writer, const struct msp_kpi_values *now,
                          const struct msp_kpi_values *before);

/* Column names, and the cells of one row. */
void msp_kpi_write_csv_header(struct msp_csv_writer *writer);
void msp_kpi_write_csv_cells(struct msp_csv_writer *writer, const struct msp_kpi_values *values);

#endif
