-- Mean minutes to the first answer, a week and priority (line)
SELECT date_trunc('week', day)::date AS week, member AS priority,
       sum(first_response_seconds_sum) / 60.0 / nullif(sum(first_response_count), 0) AS minutes
  FROM report.kpi_first_response_time
 WHERE dimension = 'priority' AND day >= current_date - 90
   [[AND tenant = {{tenant}}]]
 GROUP BY week, member
 ORDER BY week, member
