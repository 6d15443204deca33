/* Every address of the server, one row each. This table is the only place that lists them. */
#include "handlers/handlers.h"

#define INTERNAL  MSP_CREDENTIAL_SERVICE, MSP_LIMIT_SERVICE, 0, MSP_TENANT_NONE
#define READS     MSP_CREDENTIAL_PERSON, MSP_LIMIT_READ
#define WRITES    MSP_CREDENTIAL_PERSON, MSP_LIMIT_WRITE
#define DOWNLOADS MSP_CREDENTIAL_PERSON, MSP_LIMIT_EXPORT
#define OPEN      MSP_CREDENTIAL_NONE, MSP_LIMIT_NONE, 0, MSP_TENANT_NONE

#define OF_ADMINS MSP_ROLE_ADMIN, MSP_TENANT_NONE

#define EVERYBODY (MSP_ROLE_ADMIN | MSP_ROLE_MANAGER | MSP_ROLE_TECH | MSP_ROLE_CLIENT)
#define MANAGERS  (MSP_ROLE_ADMIN | MSP_ROLE_MANAGER)

#define NO_QUERY  ""
#define ANY_QUERY "*"

#define NO_BODY       false, false, MSP_ANSWER_SENT, NULL
#define JSON_BODY     true, false, MSP_ANSWER_SENT, NULL
#define STREAMED_BODY true, true, MSP_ANSWER_SENT, NULL
#define TAGGED_ANSWER false, false, MSP_ANSWER_TAGGED, NULL
#define KEPT_ANSWER   false, false, MSP_ANSWER_KEPT, NULL

/* The same, leaving a line in the audit log. */
#define AUDITED(actions)           false, false, MSP_ANSWER_SENT, actions
#define AUDITED_JSON_BODY(actions) true, false, MSP_ANSWER_SENT, actions

/* clang-format off */
const struct msp_route msp_routes[] = {
    {"GET",  "/",        OPEN, ANY_QUERY, NO_BODY, msp_handle_dashboard},
    {"GET",  "/assets/{file}", OPEN, NO_QUERY, NO_BODY, msp_handle_dashboard_file},
    {"GET",  "/livez",   OPEN, NO_QUERY,  NO_BODY, msp_handle_livez},
    {"GET",  "/readyz",  OPEN, NO_QUERY,  NO_BODY, msp_handle_readyz},
    {"GET",  "/healthz", OPEN, NO_QUERY,  NO_BODY, msp_handle_healthz},
    {"GET",  "/openapi.json", OPEN, NO_QUERY, NO_BODY, msp_handle_openapi},

    {"GET",  "/metrics", INTERNAL, NO_QUERY, NO_BODY, msp_handle_metrics},
    {"GET",  "/internal/tenants", INTERNAL, NO_QUERY, NO_BODY, msp_handle_internal_tenants},
    {"POST", "/internal/ingest/tickets", INTERNAL, "tenant_id", STREAMED_BODY,
     msp_handle_ingest_tickets},
    {"POST", "/internal/kpi/compute-daily", INTERNAL, NO_QUERY, JSON_BODY, msp_handle_compute_daily},
    {"POST", "/internal/exports/generate", INTERNAL, NO_QUERY, JSON_BODY,
     msp_handle_internal_export},
    {"POST", "/internal/notifications", INTERNAL, NO_QUERY, JSON_BODY, msp_handle_notification},
    {"POST", "/internal/summaries/generate", INTERNAL, NO_QUERY, JSON_BODY,
     msp_handle_internal_summary},
    {"POST", "/internal/pipelines/daily", INTERNAL, NO_QUERY, JSON_BODY, msp_handle_daily_pipeline},
    {"GET",  "/internal/jobs", INTERNAL, "state kind tenant_id cursor limit", NO_BODY,
     msp_handle_internal_jobs},
    {"GET",  "/internal/jobs/{id}", INTERNAL, NO_QUERY, NO_BODY, msp_handle_internal_job},
    {"POST", "/internal/jobs/{id}/cancel", INTERNAL, NO_QUERY, JSON_BODY,
     msp_handle_internal_job_cancel},
    {"POST", "/internal/jobs/{id}/retry", INTERNAL, NO_QUERY, JSON_BODY,
     msp_handle_internal_job_retry},

    {"POST", "/v1/auth/login", OPEN, NO_QUERY, AUDITED_JSON_BODY("sign_in sign_in.refused"),
     msp_handle_login},
    {"POST", "/v1/auth/logout", WRITES, EVERYBODY, MSP_TENANT_NONE, NO_QUERY,
     AUDITED_JSON_BODY("sign_out"), msp_handle_logout},
    {"GET",  "/v1/me", READS, EVERYBODY, MSP_TENANT_NONE, NO_QUERY, NO_BODY, msp_handle_me},
    {"GET",  "/v1/tenants", READS, EVERYBODY, MSP_TENANT_NONE, NO_QUERY, TAGGED_ANSWER,
     msp_handle_tenants},
    {"GET",  "/v1/kpis/daily", READS, EVERYBODY, MSP_TENANT_OF_CALLER, "from to by member",
     KEPT_ANSWER, msp_handle_kpis_daily},
    {"GET",  "/v1/kpis/daily.csv", READS, EVERYBODY, MSP_TENANT_OF_CALLER, "from to by member",
     NO_BODY, msp_handle_kpis_daily_csv},
    {"GET",  "/v1/kpis/summary", READS, EVERYBODY, MSP_TENANT_OF_CALLER, "from to by compare",
     KEPT_ANSWER, msp_handle_kpis_summary},
    {"GET",  "/v1/kpis/definitions", READS, EVERYBODY, MSP_TENANT_NONE, NO_QUERY, KEPT_ANSWER,
     msp_handle_kpis_definitions},
    {"GET",  "/v1/kpis/arrivals", READS, EVERYBODY, MSP_TENANT_OF_CALLER, "from to", KEPT_ANSWER,
     msp_handle_kpis_arrivals},
    {"GET",  "/v1/kpis/backlog-age", READS, EVERYBODY, MSP_TENANT_OF_CALLER, "day", KEPT_ANSWER,
     msp_handle_kpis_backlog_age},
    {"GET",  "/v1/tickets", READS, EVERYBODY, MSP_TENANT_OF_CALLER,
     "from to day metric by member age weekday hour count limit cursor", KEPT_ANSWER, msp_handle_tickets},
    {"GET",  "/v1/tickets.csv", DOWNLOADS, EVERYBODY, MSP_TENANT_OF_CALLER,
     "from to day metric by member age weekday hour", AUDITED("ticket.download"),
     msp_handle_tickets_csv},
    {"GET",  "/v1/jobs", READS, MANAGERS, MSP_TENANT_OF_CALLER, "state kind cursor limit", TAGGED_ANSWER,
     msp_handle_jobs},
    {"GET",  "/v1/jobs/{id}", READS, MANAGERS, MSP_TENANT_OF_CALLER, NO_QUERY, TAGGED_ANSWER,
     msp_handle_job},
    {"POST", "/v1/jobs/{id}/cancel", WRITES, MANAGERS, MSP_TENANT_OF_CALLER, NO_QUERY,
     AUDITED_JSON_BODY("job.cancel"), msp_handle_job_cancel},
    {"POST", "/v1/jobs/{id}/retry", WRITES, MANAGERS, MSP_TENANT_OF_CALLER, NO_QUERY,
     AUDITED_JSON_BODY("job.retry"), msp_handle_job_retry},
    {"GET",  "/v1/exports", READS, MANAGERS, MSP_TENANT_OF_CALLER, "dataset", TAGGED_ANSWER,
     msp_handle_exports},
    {"GET",  "/v1/exports/files/{id}", DOWNLOADS, MANAGERS, MSP_TENANT_OF_CALLER, NO_QUERY,
     AUDITED("export.download"), msp_handle_export_file},
    {"GET",  "/v1/exports/{dataset}/latest.csv", DOWNLOADS, MANAGERS, MSP_TENANT_OF_CALLER, NO_QUERY,
     AUDITED("export.download"), msp_handle_export_latest},
    {"POST", "/v1/exports", WRITES, MANAGERS, MSP_TENANT_OF_CALLER, NO_QUERY,
     AUDITED_JSON_BODY("job.start"), msp_handle_export},

    {"GET",  "/v1/summaries", READS, EVERYBODY, MSP_TENANT_OF_CALLER, "cursor limit", TAGGED_ANSWER,
     msp_handle_summaries},
    {"GET",  "/v1/summaries/{id}", READS, EVERYBODY, MSP_TENANT_OF_CALLER, NO_QUERY, TAGGED_ANSWER,
     msp_handle_summary},
    {"POST", "/v1/summaries", WRITES, MANAGERS, MSP_TENANT_OF_CALLER, NO_QUERY,
     AUDITED_JSON_BODY("job.start"), msp_handle_summary_start},

    {"GET",  "/v1/admin/tenants", READS, OF_ADMINS, NO_QUERY, NO_BODY, msp_handle_admin_tenants},
    {"POST", "/v1/admin/tenants", WRITES, OF_ADMINS, NO_QUERY, AUDITED_JSON_BODY("tenant.add"),
     msp_handle_admin_tenant_add},
    {"POST", "/v1/admin/tenants/{id}", WRITES, OF_ADMINS, NO_QUERY,
     AUDITED_JSON_BODY("tenant.change tenant.disable tenant.enable"),
     msp_handle_admin_tenant_change},
    {"GET",  "/v1/admin/users", READS, OF_ADMINS, "tenant cursor limit", NO_BODY, msp_handle_admin_users},
    {"POST", "/v1/admin/users", WRITES, OF_ADMINS, NO_QUERY, AUDITED_JSON_BODY("user.add"),
     msp_handle_admin_user_add},
    {"POST", "/v1/admin/users/{email}", WRITES, OF_ADMINS, NO_QUERY,
     AUDITED_JSON_BODY("user.change user.set_password user.disable user.enable"),
     msp_handle_admin_user_change},
    {"GET",  "/v1/admin/keys", READS, OF_ADMINS, "tenant cursor limit", NO_BODY, msp_handle_admin_keys},
    {"POST", "/v1/admin/keys", WRITES, OF_ADMINS, NO_QUERY, AUDITED_JSON_BODY("key.create"),
     msp_handle_admin_key_create},
    {"POST", "/v1/admin/keys/{id}/revoke", WRITES, OF_ADMINS, NO_QUERY,
     AUDITED_JSON_BODY("key.revoke"), msp_handle_admin_key_revoke},
    {"GET",  "/v1/admin/source-kinds", READS, OF_ADMINS, NO_QUERY, NO_BODY,
     msp_handle_admin_source_kinds},
    {"GET",  "/v1/admin/sources", READS, OF_ADMINS, "tenant cursor limit", NO_BODY,
     msp_handle_admin_sources},
    {"GET",  "/v1/admin/sources/{tenant}", READS, OF_ADMINS, NO_QUERY, NO_BODY,
     msp_handle_admin_source},
    {"PUT",  "/v1/admin/sources/{tenant}", WRITES, OF_ADMINS, NO_QUERY,
     AUDITED_JSON_BODY("source.set"), msp_handle_admin_source_set},
    {"POST", "/v1/admin/sources/{tenant}/test", WRITES, OF_ADMINS, NO_QUERY,
     AUDITED_JSON_BODY("job.start"), msp_handle_admin_source_test},
    {"GET",  "/v1/admin/glance", READS, OF_ADMINS, "days cursor limit", TAGGED_ANSWER,
     msp_handle_admin_glance},
    {"GET",  "/v1/audit", READS, OF_ADMINS, "tenant from to action actor limit cursor", NO_BODY,
     msp_handle_audit},
};
/* clang-format on */
const size_t msp_route_count = sizeof msp_routes / sizeof msp_routes[0];
