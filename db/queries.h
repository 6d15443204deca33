/* The longer statements, one file each in db/queries/, where they can be read and tried in psql. */
#ifndef MSP_QUERIES_H
#define MSP_QUERIES_H

extern const char msp_query_kpi_announce[];
extern const char msp_query_kpi_arrivals[];
extern const char msp_query_kpi_backlog_age[];
extern const char msp_query_kpi_compute[];
extern const char msp_query_kpi_daily[];
extern const char msp_query_kpi_finish[];
extern const char msp_query_kpi_freshness[];
extern const char msp_query_kpi_merged[];
extern const char msp_query_kpi_wanted[];
extern const char msp_query_ticket_bury[];
extern const char msp_query_ticket_upsert[];

#endif
