-- How long half, nine tenths and nineteen twentieths of the tickets took at most, over 30 days, a tenant (table)
WITH bins AS (
    SELECT tenant_name, minutes, sum(tickets) AS tickets
      FROM report.kpi_resolution_histogram
     WHERE dimension = 'all' AND day >= current_date - 30
       [[AND tenant = {{tenant}}]]
     GROUP BY tenant_name, minutes
), ranked AS (
    SELECT tenant_name, minutes, sum(tickets) OVER (PARTITION BY tenant_name ORDER BY minutes) AS seen,
           sum(tickets) OVER (PARTITION BY tenant_name) AS total
      FROM bins
)
SELECT tenant_name, max(total) AS tickets,
       min(minutes) FILTER (WHERE seen >= ceil(0.50 * total)) AS minutes_p50,
       min(minutes) FILTER (WHERE seen >= ceil(0.90 * total)) AS minutes_p90,
       min(minutes) FILTER (WHERE seen >= ceil(0.95 * total)) AS minutes_p95
  FROM ranked
 GROUP BY tenant_name
 ORDER BY tenant_name
