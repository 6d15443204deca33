-- How far each tenant's days are computed, and when tickets last came in (table)
SELECT tenant_name, timezone, computed_through, data_as_of
  FROM report.tenants
 WHERE true
   [[AND tenant = {{tenant}}]]
 ORDER BY computed_through NULLS FIRST, tenant_name
