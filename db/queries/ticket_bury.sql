-- Moves the tickets that a sweep did not find listed into ticket_tombstones, if nothing has changed them since it began,
-- and marks every local day they counted in as dirty, as ticket_upsert.sql does. The tenant's ingest lock is held.
-- $1 tenant; $2 the sweep; $3 the source.
WITH buried AS (
    DELETE FROM msp.raw_tickets r
     USING msp.sweep_ids s
     WHERE r.tenant_id = $1::bigint AND s.tenant_id = $1::bigint AND s.sweep = $2::uuid AND NOT s.listed
       AND r.external_id = s.external_id AND r.updated_at = s.updated_at AND r.pulled_from = $3::text
    RETURNING r.*
),
kept AS (
    INSERT INTO msp.ticket_tombstones AS k (tenant_id, external_id, source, found_at, ticket)
    SELECT $1::bigint, b.external_id, $3::text, now(), to_jsonb(b) FROM buried b
    ON CONFLICT (tenant_id, external_id) DO UPDATE
        SET source = EXCLUDED.source, found_at = EXCLUDED.found_at, ticket = EXCLUDED.ticket
    RETURNING k.external_id
),
place AS (
    SELECT t.timezone AS zone,
           msp.day_start(
               (SELECT max(k.day) FROM msp.kpi_days k WHERE k.tenant_id = $1::bigint), t.timezone)
               AS last_computed
      FROM msp.tenants t WHERE t.tenant_id = $1::bigint
),
version AS (
    SELECT b.created_at, coalesce(b.resolved_at, b.closed_at) AS finished_at, b.first_response_at, b.closed_at
      FROM buried b
),
span AS (
    SELECT v.created_at AS earliest,
           greatest(v.created_at, coalesce(v.finished_at, p.last_computed)) AS latest
      FROM version v CROSS JOIN place p
    UNION ALL
    SELECT v.finished_at, v.finished_at FROM version v WHERE v.finished_at < v.created_at
    UNION ALL
    SELECT v.closed_at, v.closed_at FROM version v
     WHERE v.closed_at NOT BETWEEN v.created_at AND v.finished_at
    UNION ALL
    SELECT v.first_response_at, v.first_response_at FROM version v
     WHERE v.first_response_at < v.created_at
        OR v.first_response_at > coalesce(v.finished_at, v.created_at)
),
-- Merged as instants first, as in ticket_upsert.sql.
by_start AS (
    SELECT min(earliest) AS earliest, max(latest) AS latest
      FROM span WHERE earliest <= now() GROUP BY (date_part('epoch', earliest) / 86400)::integer
),
marked_days AS (
    SELECT DISTINCT d.first_day + steps.step AS day
      FROM (SELECT msp.local_day(lower(r.stretch), p.zone) AS first_day,
                   msp.local_day(upper(r.stretch), p.zone) AS last_day
              FROM (SELECT unnest(range_agg(tstzrange(earliest, least(latest, now()), '[]'))) AS stretch
                      FROM by_start) AS r
             CROSS JOIN place p) AS d
     CROSS JOIN LATERAL generate_series(0, d.last_day - d.first_day) AS steps (step)
),
marked AS (
    INSERT INTO msp.kpi_dirty_days AS d (tenant_id, day, mark)
    SELECT $1::bigint, m.day, nextval('msp.kpi_dirty_marks') FROM marked_days m ORDER BY m.day
    ON CONFLICT (tenant_id, day) DO UPDATE SET mark = EXCLUDED.mark
    RETURNING d.day
),
versioned AS (
    UPDATE msp.tenant_state s SET data_version = s.data_version + 1
     WHERE s.tenant_id = $1::bigint AND EXISTS (SELECT FROM buried)
    RETURNING s.data_version
)
SELECT (SELECT count(*) FROM kept) AS buried, (SELECT count(*) FROM marked) AS days_marked
