-- Writes a batch of one tenant's tickets (each id once) where they are newer than what is stored, and marks every local
-- day they count in, before and after, as dirty. The tenant's ingest lock is held: the old rows read here are the ones replaced.
-- $1 tenant; $2–$22 the columns as arrays; $23 how many arrivals of the ticket the batch saw replace one another.
WITH incoming AS (
    SELECT * FROM unnest(
        $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
        $10::text[], $11::text[], $12::timestamptz[], $13::timestamptz[], $14::timestamptz[],
        $15::timestamptz[], $16::timestamptz[], $17::timestamptz[], $18::bool[], $19::int4[],
        $20::int4[], $21::int2[], $22::int8[], $23::int4[])
        AS t (external_id, title, status, source_status, priority, category, assignee, requester,
              "group", channel, created_at, updated_at, first_response_at, resolved_at, closed_at,
              due_at, sla_met, reopen_count, reassignment_count, csat, version, arrivals)
),
-- One look-up by the primary key for each ticket. While statistics still take the tenant for empty, the index on
-- created_at looks as cheap, and then every ticket of the batch would be sought in all of the tenant's; only the
-- primary key gives the order asked for, and "=" would let the planner do without it.
before AS MATERIALIZED (
    SELECT r.*
      FROM unnest($2::text[]) AS i (id)
     CROSS JOIN LATERAL (
           SELECT o.external_id, o.created_at, o.first_response_at, o.resolved_at, o.closed_at,
                  coalesce(o.resolved_at, o.closed_at) AS finished_at
             FROM msp.raw_tickets o
            WHERE o.tenant_id = $1::bigint AND o.external_id BETWEEN i.id AND i.id
            ORDER BY o.external_id LIMIT 1) AS r
),
written AS (
    INSERT INTO msp.raw_tickets AS r (
        tenant_id, external_id, title, status, source_status, priority, category, assignee, requester,
        "group", channel, created_at, updated_at, first_response_at, resolved_at, closed_at,
        due_at, sla_met, reopen_count, reassignment_count, csat, version)
    SELECT $1::bigint, i.external_id, i.title, i.status, i.source_status, i.priority, i.category,
           i.assignee, i.requester, i."group", i.channel, i.created_at, i.updated_at,
           i.first_response_at, i.resolved_at, i.closed_at, i.due_at, i.sla_met, i.reopen_count,
           i.reassignment_count, i.csat, i.version
      FROM incoming i
    ON CONFLICT (tenant_id, external_id) DO UPDATE SET
        title = EXCLUDED.title, status = EXCLUDED.status, source_status = EXCLUDED.source_status,
        priority = EXCLUDED.priority, category = EXCLUDED.category, assignee = EXCLUDED.assignee,
        requester = EXCLUDED.requester, "group" = EXCLUDED."group", channel = EXCLUDED.channel,
        created_at = EXCLUDED.created_at, updated_at = EXCLUDED.updated_at,
        first_response_at = EXCLUDED.first_response_at, resolved_at = EXCLUDED.resolved_at,
        closed_at = EXCLUDED.closed_at, due_at = EXCLUDED.due_at, sla_met = EXCLUDED.sla_met,
        reopen_count = EXCLUDED.reopen_count, reassignment_count = EXCLUDED.reassignment_count,
        csat = EXCLUDED.csat, version = EXCLUDED.version
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
              coalesce(r.resolved_at, r.closed_at) AS finished_at, (xmax = 0) AS inserted
),
place AS (
    SELECT t.timezone AS zone, msp.local_day(now(), t.timezone) AS today,
           (SELECT max(k.day) FROM msp.kpi_days k WHERE k.tenant_id = $1::bigint) AS last_computed
      FROM msp.tenants t WHERE t.tenant_id = $1::bigint
),
-- The days of each version's events. A ticket counts in its creation day, in the backlog from then to its
-- finish (an open one: to the last computed day), and on the days it was answered, resolved and closed.
event_days AS (
    SELECT w.inserted,
           msp.local_day(w.created_at, p.zone) AS created_after,
           msp.local_day(b.created_at, p.zone) AS created_before,
           msp.local_day(w.finished_at, p.zone) AS finished_after,
           msp.local_day(b.finished_at, p.zone) AS finished_before,
           w.finished_at IS NULL OR (b.external_id IS NOT NULL AND b.finished_at IS NULL) AS open,
           ARRAY[msp.local_day(w.first_response_at, p.zone), msp.local_day(b.first_response_at, p.zone),
                 CASE WHEN w.resolved_at IS NOT NULL THEN msp.local_day(w.closed_at, p.zone) END,
                 CASE WHEN b.resolved_at IS NOT NULL THEN msp.local_day(b.closed_at, p.zone) END,
                 msp.local_day(w.finished_at, p.zone), msp.local_day(b.finished_at, p.zone)] AS single_days,
           p.last_computed, p.today
      FROM written w LEFT JOIN before b USING (external_id) CROSS JOIN place p
),
spans AS (
    SELECT least(created_after, created_before) AS first_day,
           greatest(created_after, created_before, finished_after, finished_before,
                    CASE WHEN open THEN last_computed END) AS last_day, today
      FROM event_days
    UNION
    SELECT s.day, s.day, today FROM event_days CROSS JOIN LATERAL unnest(single_days) AS s (day)
     WHERE s.day IS NOT NULL
),
-- Days that have not come yet need no mark: nothing computed them.
marked_days AS (
    SELECT (lower(r.span) + offsets.days) AS day
      FROM (SELECT unnest(range_agg(daterange(first_day, least(last_day, today), '[]'))) AS span
              FROM spans WHERE first_day <= today) AS r
     CROSS JOIN LATERAL generate_series(0, upper(r.span) - lower(r.span) - 1) AS offsets (days)
),
marked AS (
    INSERT INTO msp.kpi_dirty_days AS d (tenant_id, day, mark)
    SELECT $1::bigint, m.day, nextval('msp.kpi_dirty_marks') FROM marked_days m ORDER BY m.day
    ON CONFLICT (tenant_id, day) DO UPDATE SET mark = EXCLUDED.mark
    RETURNING d.day
),
versioned AS (
    INSERT INTO msp.tenant_state AS s (tenant_id, data_version, data_as_of)
    SELECT $1::bigint, (SELECT least(count(*), 1) FROM written), now()
    ON CONFLICT (tenant_id) DO UPDATE
        SET data_version = s.data_version + EXCLUDED.data_version, data_as_of = EXCLUDED.data_as_of
    RETURNING s.data_version
)
SELECT (SELECT count(*) FILTER (WHERE inserted) FROM written) AS inserted,
       (SELECT count(*) FILTER (WHERE NOT w.inserted) + coalesce(sum(i.arrivals - 1), 0)
          FROM written w JOIN incoming i USING (external_id)) AS updated,
       (SELECT count(*) FROM marked) AS days_marked
