-- Tickets that came in and tickets that were resolved, day by day (line)
SELECT day, sum(tickets_created) AS created, sum(tickets_resolved) AS resolved
  FROM report.kpi_daily
 WHERE dimension = 'all' AND day >= current_date - 30
   [[AND tenant = {{tenant}}]]
 GROUP BY day
 ORDER BY day
