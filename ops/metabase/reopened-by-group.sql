-- Share of resolved tickets that had been reopened, a group, over 90 days (row)
SELECT member AS "group", sum(tickets_reopened)::double precision / nullif(sum(tickets_resolved), 0) AS reopen_rate,
       sum(tickets_resolved) AS resolved
  FROM report.kpi_reopened
 WHERE dimension = 'group' AND day >= current_date - 90
   [[AND tenant = {{tenant}}]]
 GROUP BY member
 ORDER BY reopen_rate DESC NULLS LAST, member
