-- The hundred tickets that have been open longest (table)
SELECT tenant_name, ticket, title, priority, assignee, created_at, updated_at
  FROM report.tickets
 WHERE resolved_at IS NULL AND closed_at IS NULL
   [[AND tenant = {{tenant}}]]
 ORDER BY created_at
 LIMIT 100
