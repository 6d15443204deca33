-- Writes a batch of one tenant's tickets (each id once) where they are newer than what is stored, and marks every local
-- day they count in, before and after, as dirty. The tenant's ingest lock is held: the old rows read here are the ones
-- replaced, and a ticket that is not there now is nobody else's to insert, so that it needs no ON CONFLICT, whose
-- speculative insertion costs half as much again.
-- $1 tenant; $2–$22 the columns as arrays; $23 how many arrivals of the ticket the batch saw replace one another; $24
-- the source they were pulled from, null where they are pushed.
-- In the select list the arrays are read in step; in FROM each would go through a tuplestore of its own.
WITH incoming AS (
    SELECT unnest($2::text[]) AS external_id, unnest($3::text[]) AS title, unnest($4::text[]) AS status,
           unnest($5::text[]) AS source_status, unnest($6::text[]) AS priority,
           unnest($7::text[]) AS category, unnest($8::text[]) AS assignee, unnest($9::text[]) AS requester,
           unnest($10::text[]) AS "group", unnest($11::text[]) AS channel,
           unnest($12::timestamptz[]) AS created_at, unnest($13::timestamptz[]) AS updated_at,
           unnest($14::timestamptz[]) AS first_response_at, unnest($15::timestamptz[]) AS resolved_at,
           unnest($16::timestamptz[]) AS closed_at, unnest($17::timestamptz[]) AS due_at,
           unnest($18::bool[]) AS sla_met, unnest($19::int4[]) AS reopen_count,
           unnest($20::int4[]) AS reassignment_count, unnest($21::int2[]) AS csat,
           unnest($22::int8[]) AS version, unnest($23::int4[]) AS arrivals
),
before AS MATERIALIZED (
    SELECT o.external_id, o.created_at, o.first_response_at, o.resolved_at, o.closed_at,
           coalesce(o.resolved_at, o.closed_at) AS finished_at
      FROM msp.stored_tickets($1::bigint, $2::text[]) AS o
),
inserted AS (
    INSERT INTO msp.raw_tickets AS r (
        tenant_id, external_id, title, status, source_status, priority, category, assignee, requester,
        "group", channel, created_at, updated_at, first_response_at, resolved_at, closed_at,
        due_at, sla_met, reopen_count, reassignment_count, csat, version, pulled_from)
    SELECT $1::bigint, i.external_id, i.title, i.status, i.source_status, i.priority, i.category,
           i.assignee, i.requester, i."group", i.channel, i.created_at, i.updated_at,
           i.first_response_at, i.resolved_at, i.closed_at, i.due_at, i.sla_met, i.reopen_count,
           i.reassignment_count, i.csat, i.version, $24::text
      FROM incoming i WHERE NOT EXISTS (SELECT FROM before b WHERE b.external_id = i.external_id)
    RETURNING r.external_id, r.created_at, r.first_response_at, r.resolved_at, r.closed_at,
              coalesce(r.resolved_at, r.closed_at) AS finished_at
),
updated AS (
    INSERT INTO msp.raw_tickets AS r (
        tenant_id, external_id, title, status, source_status, priority, category, assignee, requester,
        "group", channel, created_at, updated_at, first_response_at, resolved_at, closed_at,
        due_at, sla_met, reopen_count, reassignment_count, csat, version, pulled_from)
    SELECT $1::bigint, i.external_id, i.title, i.status, i.source_status, i.priority, i.category,
           i.assignee, i.requester, i."group", i.channel, i.created_at, i.updated_at,
           i.first_response_at, i.resolved_at, i.closed_at, i.due_at, i.sla_met, i.reopen_count,
           i.reassignment_count, i.csat, i.version, $24::text
      FROM incoming i WHERE EXISTS (SELECT FROM before b WHERE b.external_id = i.external_id)
    ON CONFLICT (tenant_id, external_id) DO UPDATE SET
        title = EXCLUDED.title, status = EXCLUDED.status, source_status = EXCLUDED.source_status,
        priority = EXCLUDED.priority, category = EXCLUDED.category, assignee = EXCLUDED.assignee,
        requester = EXCLUDED.requester, "group" = EXCLUDED."group", channel = EXCLUDED.channel,
        created_at = EXCLUDED.created_at, updated_at = EXCLUDED.updated_at,
        first_response_at = EXCLUDED.first_response_at, resolved_at = EXCLUDED.resolved_at,
        closed_at = EXCLUDED.closed_at, due_at = EXCLUDED.due_at, sla_met = EXCLUDED.sla_met,
        reopen_count = EXCLUDED.reopen_count, reassignment_count = EXCLUDED.reassignment_count,
        csat = EXCLUDED.csat, version = EXCLUDED.version, pulled_from = EXCLUDED.pulled_from
    WHERE EXCLUDED.updated_at > r.updated_at
       OR (EXCLUDED.updated_at = r.updated_at
           AND (coalesce(EXCLUDED.version, -1) > coalesce(r.version, -1)
                OR (coalesce(EXCLUDED.version, -1) = coalesce(r.version, -1)
                    AND (r.title, r.status, r.source_status, r.priority, r.category, r.assignee,
                         r.requester, r."group", r.channel, r.created_at, r.first_response_at,
                         r.resolved_at, r.closed_at, r.due_at, r.sla_met, r.reopen_count,
                         r.reassignment_count, r.csat)
                        IS DISTINCT FROM
                        (EXCLUDED.title, EXCLUDED.status, EXCLUDED.source_status, EXCLUDED.priority,
                         EXCLUDED.category, EXCLUDED.assignee, EXCLUDED.requester, EXCLUDED."group",
                         EXCLUDED.channel, EXCLUDED.created_at, EXCLUDED.first_response_at,
                         EXCLUDED.resolved_at, EXCLUDED.closed_at, EXCLUDED.due_at, EXCLUDED.sla_met,
                         EXCLUDED.reopen_count, EXCLUDED.reassignment_count, EXCLUDED.csat))))
    RETURNING r.external_id, r.created_at, r.first_response_at, r.resolved_at, r.closed_at,
              coalesce(r.resolved_at, r.closed_at) AS finished_at
),
place AS (
    SELECT t.timezone AS zone,
           msp.day_start(
               (SELECT max(k.day) FROM msp.kpi_days k WHERE k.tenant_id = $1::bigint), t.timezone)
               AS last_computed
      FROM msp.tenants t WHERE t.tenant_id = $1::bigint
),
-- A ticket counts in its creation day, in the backlog from then to its finish (an open one: to the last computed day),
-- and on the days it was answered and closed; before a change and after it.
version AS (
    SELECT created_at, finished_at, first_response_at, closed_at FROM inserted
    UNION ALL
    SELECT created_at, finished_at, first_response_at, closed_at FROM updated
    UNION ALL
    SELECT b.created_at, b.finished_at, b.first_response_at, b.closed_at
      FROM before b WHERE b.external_id IN (SELECT external_id FROM updated)
),
span AS (
    SELECT v.created_at AS earliest,
           greatest(v.created_at, coalesce(v.finished_at, p.last_computed)) AS latest
      FROM version v CROSS JOIN place p
    UNION ALL
    -- The days between two finishes, or two creations, of one ticket.
    SELECT least(b.created_at, u.created_at),
           greatest(b.created_at, u.created_at, b.finished_at, u.finished_at,
                    CASE WHEN b.finished_at IS NULL OR u.finished_at IS NULL THEN p.last_computed END)
      FROM updated u JOIN before b USING (external_id) CROSS JOIN place p
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
-- A batch has thousands of spans and only few stretches of days, so they are merged as instants first. Spans that start
-- within the same 24 hours start on the same local day or on two in a row, and so merge without a gap.
by_start AS (
    SELECT min(earliest) AS earliest, max(latest) AS latest
      FROM span WHERE earliest <= now() GROUP BY (date_part('epoch', earliest) / 86400)::integer
),
-- Days that have not come yet need no mark: nothing computed them.
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
    INSERT INTO msp.tenant_state AS s (tenant_id, data_version, data_as_of)
    SELECT $1::bigint, (SELECT least(count(*), 1) FROM version), now()
    ON CONFLICT (tenant_id) DO UPDATE
        SET data_version = s.data_version + EXCLUDED.data_version, data_as_of = EXCLUDED.data_as_of
    RETURNING s.data_version
)
SELECT (SELECT count(*) FROM inserted) AS inserted,
       (SELECT count(*) FROM updated)
       + (SELECT coalesce(sum(i.arrivals - 1), 0) FROM incoming i
           WHERE i.arrivals > 1
             AND (i.external_id IN (SELECT external_id FROM inserted)
                  OR i.external_id IN (SELECT external_id FROM updated))) AS updated,
       (SELECT count(*) FROM marked) AS days_marked
