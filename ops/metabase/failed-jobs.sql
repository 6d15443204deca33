-- Jobs of the last seven days that failed, and why (table)
SELECT tenant_name, kind, error_code, count(*) AS jobs, max(finished_at) AS last_at
  FROM report.jobs
 WHERE state = 'failed' AND created_at >= current_date - 7
   [[AND tenant = {{tenant}}]]
 GROUP BY tenant_name, kind, error_code
 ORDER BY last_at DESC
