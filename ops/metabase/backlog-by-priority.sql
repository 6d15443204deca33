-- Open tickets at the end of each day, by priority (stacked area)
SELECT day, member AS priority, sum(backlog) AS open_tickets
  FROM report.kpi_backlog
 WHERE dimension = 'priority' AND day >= current_date - 30
   [[AND tenant = {{tenant}}]]
 GROUP BY day, member
 ORDER BY day, member
