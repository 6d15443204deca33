-- Mean satisfaction score (1 to 5) and how many answered, a month (combo)
SELECT date_trunc('month', day)::date AS month,
       sum(csat_sum)::double precision / nullif(sum(csat_count), 0) AS mean_score, sum(csat_count) AS answers
  FROM report.kpi_satisfaction
 WHERE dimension = 'all' AND day >= date_trunc('month', current_date) - interval '11 months'
   [[AND tenant = {{tenant}}]]
 GROUP BY month
 ORDER BY month
