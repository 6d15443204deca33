-- Tickets resolved and mean hours to resolve them, a technician, over 30 days (table)
SELECT tenant_name, member AS technician, sum(tickets_resolved) AS resolved,
       sum(resolution_seconds_sum) / 3600.0 / nullif(sum(resolution_count), 0) AS mean_hours
  FROM report.kpi_daily
 WHERE dimension = 'assignee' AND member <> '' AND day >= current_date - 30
   [[AND tenant = {{tenant}}]]
 GROUP BY tenant_name, member
 ORDER BY resolved DESC, technician
