-- The backlog of the end of a local day by age: how many tickets are at least as old as each bound and younger than
-- the next. Of a day that is not over, their age is that of now.
-- $1 tenant; $2 day; $3 bounds in seconds, ascending from 0; $4 now.
WITH moment AS (
    SELECT e.day_end, least(e.day_end, $4::timestamptz) AS aged_at
      FROM (SELECT msp.day_start($2::date + 1, t.timezone) AS day_end
              FROM msp.tenants t WHERE t.tenant_id = $1::bigint) AS e
)
SELECT greatest(width_bucket(floor(extract(epoch FROM m.aged_at - r.created_at))::bigint, $3::bigint[]), 1), count(*)
  FROM moment m
  JOIN msp.raw_tickets r
    ON r.created_at < m.day_end
   AND (coalesce(r.resolved_at, r.closed_at) >= m.day_end OR (r.resolved_at IS NULL AND r.closed_at IS NULL))
 WHERE r.tenant_id = $1::bigint
 GROUP BY 1
 ORDER BY 1
