/* What answers the rows of the route table, one file a resource. Each fills the response and
 * returns its status. */
#ifndef MSP_HTTP_HANDLERS_H
#define MSP_HTTP_HANDLERS_H

#include "../route.h"

/* health.c */
int msp_handle_livez(const struct msp_request *request, struct msp_response *response);
int msp_handle_readyz(const struct msp_request *request, struct msp_response *response);
int msp_handle_healthz(const struct msp_request *request, struct msp_response *response);

/* metrics.c */
int msp_handle_metrics(const struct msp_request *request, struct msp_response *response);

/* openapi.c */
int msp_handle_openapi(const struct msp_request *request, struct msp_response *response);

/* dashboard.c */
int msp_handle_dashboard(const struct msp_request *request, struct msp_response *response);
int msp_handle_dashboard_file(const struct msp_request *request, struct msp_response *response);

/* tenants.c */
int msp_handle_internal_tenants(const struct msp_request *request, struct msp_response *response);
int msp_handle_tenants(const struct msp_request *request, struct msp_response *response);
int msp_handle_me(const struct msp_request *request, struct msp_response *response);

/* auth.c */
int msp_handle_login(const struct msp_request *request, struct msp_response *response);
int msp_handle_logout(const struct msp_request *request, struct msp_response *response);

/* ingest.c */
int msp_handle_ingest_tickets(const struct msp_request *request, struct msp_response *response);

/* job_starts.c */
int msp_handle_compute_daily(const struct msp_request *request, struct msp_response *response);
int msp_handle_internal_export(const struct msp_request *request, struct msp_response *response);
int msp_handle_daily_pipeline(const struct msp_request *request, struct msp_response *response);
int msp_handle_export(const struct msp_request *request, struct msp_response *response);
int msp_handle_internal_summary(const struct msp_request *request, struct msp_response *response);
int msp_handle_summary_start(const struct msp_request *request, struct msp_response *response);

/* notifications.c */
int msp_handle_notification(const struct msp_request *request, struct msp_response *response);

/* jobs.c */
int msp_handle_internal_jobs(const struct msp_request *request, struct msp_response *response);
int msp_handle_internal_job(const struct msp_request *request, struct msp_response *response);
int msp_handle_internal_job_cancel(const struct msp_request *request,
                                   struct msp_response *response);
int msp_handle_internal_job_retry(const struct msp_request *request, struct msp_response *response);
int msp_handle_jobs(const struct msp_request *request, struct msp_response *response);
int msp_handle_job(const struct msp_request *request, struct msp_response *response);
int msp_handle_job_cancel(const struct msp_request *request, struct msp_response *response);
int msp_handle_job_retry(const struct msp_request *request, struct msp_response *response);

/* kpis.c */
int msp_handle_kpis_daily(const struct msp_request *request, struct msp_response *response);
int msp_handle_kpis_daily_csv(const struct msp_request *request, struct msp_response *response);
int msp_handle_kpis_summary(const struct msp_request *request, struct msp_response *response);
int msp_handle_kpis_definitions(const struct msp_request *request, struct msp_response *response);

/* tickets.c */
int msp_handle_tickets(const struct msp_request *request, struct msp_response *response);
int msp_handle_kpis_arrivals(const struct msp_request *request, struct msp_response *response);
int msp_handle_kpis_backlog_age(const struct msp_request *request, struct msp_response *response);

/* tickets_csv.c */
int msp_handle_tickets_csv(const struct msp_request *request, struct msp_response *response);

/* summaries.c */
int msp_handle_summaries(const struct msp_request *request, struct msp_response *response);
int msp_handle_summary(const struct msp_request *request, struct msp_response *response);

/* exports.c */
int msp_handle_exports(const struct msp_request *request, struct msp_response *response);

/* downloads.c */
int msp_handle_export_latest(const struct msp_request *request, struct msp_response *response);
int msp_handle_export_file(const struct msp_request *request, struct msp_response *response);

/* admin_tenants.c, admin_users.c, admin_keys.c */
int msp_handle_admin_tenants(const struct msp_request *request, struct msp_response *response);
int msp_handle_admin_tenant_add(const struct msp_request *request, struct msp_response *response);
int msp_handle_admin_tenant_change(const struct msp_request *request,
                                   struct msp_response *response);
int msp_handle_admin_users(const struct msp_request *request, struct msp_response *response);
int msp_handle_admin_user_add(const struct msp_request *request, struct msp_response *response);
int msp_handle_admin_user_change(const struct msp_request *request, struct msp_response *response);
int msp_handle_admin_keys(const struct msp_request *request, struct msp_response *response);
int msp_handle_admin_key_create(const struct msp_request *request, struct msp_response *response);
int msp_handle_admin_key_revoke(const struct msp_request *request, struct msp_response *response);

/* admin_source_kinds.c */
int msp_handle_admin_source_kinds(const struct msp_request *request, struct msp_response *response);

/* admin_sources.c */
int msp_handle_admin_sources(const struct msp_request *request, struct msp_response *response);
int msp_handle_admin_source(const struct msp_request *request, struct msp_response *response);
int msp_handle_admin_source_set(const struct msp_request *request, struct msp_response *response);
int msp_handle_admin_source_test(const struct msp_request *request, struct msp_response *response);

/* admin_glance.c */
int msp_handle_admin_glance(const struct msp_request *request, struct msp_response *response);

/* audit.c */
int msp_handle_audit(const struct msp_request *request, struct msp_response *response);

#endif
