-- Share of resolved tickets that met their SLA, a month a tenant (bar)
SELECT tenant_name, date_trunc('month', day)::date AS month,
       sum(sla_met)::double precision / nullif(sum(sla_known), 0) AS sla_compliance, sum(sla_known) AS judged
  FROM report.kpi_sla
 WHERE dimension = 'all' AND day >= date_trunc('month', current_date) - interval '11 months'
   [[AND tenant = {{tenant}}]]
 GROUP BY tenant_name, month
 ORDER BY tenant_name, month
