-- What an answer says about its data. complete_through: the last day with all before it ended, computed, without a
-- dirty mark and, for a pulled source, drained after its end.
SELECT CASE WHEN s.first_day IS NULL OR (t.source <> '' AND c.drained_at IS NULL) THEN NULL
            ELSE nullif(greatest(least(
                s.contiguous_through,
                msp.local_day(now(), t.timezone) - 1,
                msp.local_day(c.drained_at, t.timezone) - 1,
                (SELECT min(d.day) - 1 FROM msp.kpi_dirty_days d WHERE d.tenant_id = $1::bigint)),
                s.first_day - 1), s.first_day - 1)
       END AS complete_through,
       s.data_as_of, coalesce(s.data_version, 0), msp.local_day(now(), t.timezone) AS today
  FROM msp.tenants t
  LEFT JOIN msp.tenant_state s ON s.tenant_id = $1::bigint
  LEFT JOIN msp.ingest_cursors c ON c.tenant_id = $1::bigint AND c.source = t.source AND t.source <> ''
 WHERE t.tenant_id = $1::bigint
