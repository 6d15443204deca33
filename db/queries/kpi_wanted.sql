-- The days a computation works on: those asked for and every dirty one, none of them in the future, with the instants
-- each starts and ends and the mark it has now (0 = none). $1 tenant; $2 from, $3 to (null = none); $4 the last ended day too.
WITH place AS (
    SELECT t.timezone AS zone, msp.local_day(now(), t.timezone) AS today
      FROM msp.tenants t WHERE t.tenant_id = $1::bigint
),
wanted AS (
    SELECT ($2::date + step) AS day FROM generate_series(0, $3::date - $2::date) AS step
    UNION
    SELECT p.today - 1 FROM place p WHERE $4::boolean
    UNION
    SELECT d.day FROM msp.kpi_dirty_days d WHERE d.tenant_id = $1::bigint
)
SELECT coalesce(array_agg(w.day ORDER BY w.day), '{}') AS days,
       coalesce(array_agg(msp.day_start(w.day, p.zone) ORDER BY w.day), '{}') AS starts,
       coalesce(array_agg(msp.day_start(w.day + 1, p.zone) ORDER BY w.day), '{}') AS ends,
       coalesce(array_agg(coalesce(d.mark, 0) ORDER BY w.day), '{}') AS marks,
       count(*) AS number
  FROM wanted w CROSS JOIN place p
  LEFT JOIN msp.kpi_dirty_days d ON d.tenant_id = $1::bigint AND d.day = w.day
 WHERE w.day <= p.today
