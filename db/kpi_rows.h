/* Stored KPIs as statements and rows, for the stores that read them. */
#ifndef MSP_DB_KPI_ROWS_H
#define MSP_DB_KPI_ROWS_H

#include "msp/kpi_store.h"

/* Of the first two: the parameters of msp_kpi_query_params and rows for msp_kpi_rows_read. */
extern const struct msp_statement msp_kpi_daily_statement;
extern const struct msp_statement msp_kpi_merged_statement;
extern const struct msp_statement msp_kpi_freshness_statement; /* $1 tenant */

void msp_kpi_query_params(struct msp_params *params, int64_t tenant_id,
                          const struct msp_kpi_query *query);

/* The array has room for one row more. */
enum msp_result msp_kpi_rows_read(const PGresult *result_rows, struct msp_arena *arena,
                                  struct msp_kpi_row **out_rows, size_t *out_count,
                                  struct msp_error *error) MSP_MUST_CHECK;
void msp_kpi_freshness_read(const PGresult *rows, struct msp_kpi_freshness *out);

#endif
