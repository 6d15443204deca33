-- What an answer says about its data, as it is stored; complete_through is made of it in kpi_rows.c, for PostgreSQL
-- would take as long to prepare the expression as to look the rows up.
SELECT s.first_day, s.contiguous_through,
       (SELECT d.day FROM msp.kpi_dirty_days d WHERE d.tenant_id = $1::bigint ORDER BY d.day LIMIT 1) AS first_dirty,
       t.source <> '' AS is_pulled,
       msp.local_day((SELECT c.drained_at FROM msp.ingest_cursors c
                       WHERE c.tenant_id = $1::bigint AND c.source = t.source), t.timezone) AS drained_on,
       msp.local_day(now(), t.timezone) AS today, s.data_as_of, coalesce(s.data_version, 0) AS data_version
  FROM msp.tenants t
  LEFT JOIN msp.tenant_state s ON s.tenant_id = $1::bigint
 WHERE t.tenant_id = $1::bigint
