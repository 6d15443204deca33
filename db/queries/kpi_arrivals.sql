-- Tickets created in a range of local days by weekday (1 Monday to 7 Sunday) and hour, both local.
-- $1 tenant; $2 from; $3 to.
SELECT extract(isodow FROM local.created)::integer, extract(hour FROM local.created)::integer, count(*)
  FROM msp.tenants t
  JOIN msp.raw_tickets r ON r.tenant_id = t.tenant_id
 CROSS JOIN LATERAL (SELECT r.created_at AT TIME ZONE t.timezone AS created) AS local
 WHERE t.tenant_id = $1::bigint AND r.tenant_id = $1::bigint
   AND r.created_at >= msp.day_start($2::date, t.timezone)
   AND r.created_at < msp.day_start($3::date + 1, t.timezone)
 GROUP BY 1, 2
 ORDER BY 1, 2
