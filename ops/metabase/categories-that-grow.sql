-- Tickets a category in the last 30 days against the 30 before (table)
SELECT member AS category,
       sum(tickets_created) FILTER (WHERE day >= current_date - 30) AS now,
       sum(tickets_created) FILTER (WHERE day < current_date - 30) AS before
  FROM report.kpi_tickets
 WHERE dimension = 'category' AND day >= current_date - 60
   [[AND tenant = {{tenant}}]]
 GROUP BY member
 ORDER BY now DESC NULLS LAST, category
