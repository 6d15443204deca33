-- Computes the KPIs of a tenant's local days, every dimension at once, in one pass over its tickets.
-- $1 tenant; $2 days ascending; $3 the instant each day starts; $4 the instant it ends; $5 DDSketch thresholds.
-- Days need not be contiguous. A day's number is its place in $2; width_bucket finds it by binary search.
WITH ticket AS (
    SELECT coalesce(r.priority, '') AS priority, coalesce(r.category, '') AS category,
           coalesce(r.assignee, '') AS assignee, coalesce(r."group", '') AS "group",
           r.created_at, r.resolved_at, r.closed_at, r.first_response_at, r.csat,
           r.reopen_count > 0 AS reopened,
           coalesce(r.sla_met, r.resolved_at <= r.due_at) AS sla_met,
           floor(date_part('epoch', r.resolved_at - r.created_at))::bigint AS resolution_seconds,
           floor(date_part('epoch', r.first_response_at - r.created_at))::bigint AS first_response_seconds,
           -- In the backlog of every day whose end lies behind the creation and not behind the finish.
           width_bucket(r.created_at, $4::timestamptz[]) + 1 AS backlog_from,
           coalesce(width_bucket(coalesce(r.resolved_at, r.closed_at), $4::timestamptz[]) + 1,
                    cardinality($4::timestamptz[]) + 1) AS backlog_until
      FROM msp.raw_tickets r
     WHERE r.tenant_id = $1::bigint
       AND ((r.resolved_at IS NULL AND r.closed_at IS NULL)
            OR greatest(r.created_at, r.resolved_at, r.closed_at, r.first_response_at)
               >= ($3::timestamptz[])[1])
),
-- One row an event: 1 created, 2 resolved, 3 closed, 4 first response, 5 enters the backlog, 6 leaves it.
event AS (
    SELECT t.priority, t.category, t.assignee, t."group", e.kind, e.day_number, e.seconds,
           CASE WHEN e.seconds >= 0 THEN width_bucket(e.seconds, $5::bigint[]) END AS bin,
           e.kind = 2 AND t.reopened AS reopened,
           CASE WHEN e.kind = 2 THEN t.sla_met END AS sla_met,
           CASE WHEN e.kind = 2 THEN t.csat END AS csat
      FROM ticket t
     CROSS JOIN LATERAL (VALUES
        (1, width_bucket(t.created_at, $3::timestamptz[]), t.created_at, NULL::bigint),
        (2, width_bucket(t.resolved_at, $3::timestamptz[]), t.resolved_at, t.resolution_seconds),
        (3, width_bucket(t.closed_at, $3::timestamptz[]), t.closed_at, NULL),
        (4, width_bucket(t.first_response_at, $3::timestamptz[]), t.first_response_at,
            t.first_response_seconds),
        (5, CASE WHEN t.backlog_from < t.backlog_until THEN t.backlog_from END, NULL, NULL),
        (6, CASE WHEN t.backlog_from < t.backlog_until THEN t.backlog_until END, NULL, NULL)
     ) AS e (kind, day_number, instant, seconds)
     WHERE e.day_number BETWEEN 1 AND cardinality($2::date[])
       AND (e.instant IS NULL OR e.instant < ($4::timestamptz[])[e.day_number])
       AND (e.kind <> 4 OR e.seconds >= 0)
),
counted AS (
    SELECT CASE GROUPING(priority, category, assignee, "group")
               WHEN 15 THEN 'all' WHEN 7 THEN 'priority' WHEN 11 THEN 'category'
               WHEN 13 THEN 'assignee' ELSE 'group' END COLLATE "C" AS dimension,
           coalesce(priority, category, assignee, "group", '') AS member,
           day_number, kind, bin,
           -- Casts keep the sums over these in integers; PostgreSQL adds bigints up as numeric.
           count(*)::integer AS n, sum(seconds)::bigint AS seconds_sum, min(seconds) AS seconds_min,
           max(seconds) AS seconds_max, (count(*) FILTER (WHERE reopened))::integer AS reopened,
           count(sla_met)::integer AS sla_known,
           (count(*) FILTER (WHERE sla_met))::integer AS sla_met,
           count(csat)::integer AS csat_count, sum(csat)::integer AS csat_sum
      FROM event
     GROUP BY day_number, kind, bin, GROUPING SETS ((), (priority), (category), (assignee), ("group"))
),
backlog AS (
    SELECT dimension, member, days.number AS day_number, open
      FROM (SELECT dimension, member, day_number,
                   sum(change) OVER days AS open,
                   lead(day_number, 1, cardinality($2::date[]) + 1) OVER days AS next_number
              FROM (SELECT dimension, member, day_number,
                           sum(CASE kind WHEN 5 THEN n ELSE -n END) AS change
                      FROM counted WHERE kind IN (5, 6) GROUP BY dimension, member, day_number) AS changes
            WINDOW days AS (PARTITION BY dimension, member ORDER BY day_number)) AS steps
     CROSS JOIN LATERAL generate_series(day_number, next_number - 1) AS days (number)
     WHERE open > 0
),
-- Sorted, so that each row's bins are gathered in order. Every computed day has its row under 'all'.
part AS (
    SELECT dimension, member, day_number, kind, bin, n, seconds_sum, seconds_min, seconds_max,
           reopened, sla_known, sla_met, csat_count, csat_sum
      FROM counted WHERE kind IN (1, 2, 3, 4)
    UNION ALL
    SELECT dimension, member, day_number, 5, NULL, open::integer, NULL, NULL, NULL, 0, 0, 0, 0, 0 FROM backlog
    UNION ALL
    SELECT 'all', '', number, 0, NULL, 0, NULL, NULL, NULL, 0, 0, 0, 0, 0
      FROM generate_series(1, cardinality($2::date[])) AS number
     ORDER BY 1, 3, 2, 4, 5
),
-- How many durations lie in a bin or before it, of how many: what a percentile's rank is held against.
ranked AS (
    SELECT part.*, sum(n) OVER (kinds ORDER BY bin ROWS UNBOUNDED PRECEDING) AS seen,
           sum(n) FILTER (WHERE bin IS NOT NULL) OVER kinds AS timed
      FROM part
    WINDOW kinds AS (PARTITION BY dimension, day_number, member, kind)
)
INSERT INTO msp.kpi_daily (
    tenant_id, dimension, day, member, tickets_created, tickets_resolved, tickets_closed,
    tickets_reopened, backlog, sla_known, sla_met,
    resolution_count, resolution_seconds_sum, resolution_seconds_min, resolution_seconds_max,
    resolution_p50_bin, resolution_p90_bin, resolution_p95_bin, resolution_bins, resolution_bin_counts,
    first_response_count, first_response_seconds_sum, first_response_seconds_min, first_response_seconds_max,
    first_response_p50_bin, first_response_p90_bin, first_response_bins, first_response_bin_counts,
    csat_count, csat_sum)
SELECT $1::bigint, dimension, ($2::date[])[day_number], member,
       coalesce(sum(n) FILTER (WHERE kind = 1), 0),
       coalesce(sum(n) FILTER (WHERE kind = 2), 0),
       coalesce(sum(n) FILTER (WHERE kind = 3), 0),
       sum(reopened),
       coalesce(sum(n) FILTER (WHERE kind = 5), 0),
       sum(sla_known), sum(sla_met),
       coalesce(sum(n) FILTER (WHERE kind = 2 AND bin IS NOT NULL), 0),
       coalesce(sum(seconds_sum) FILTER (WHERE kind = 2 AND bin IS NOT NULL), 0),
       min(seconds_min) FILTER (WHERE kind = 2 AND bin IS NOT NULL),
       max(seconds_max) FILTER (WHERE kind = 2 AND bin IS NOT NULL),
       (min(bin) FILTER (WHERE kind = 2 AND seen >= (50 * timed + 99) / 100))::smallint,
       (min(bin) FILTER (WHERE kind = 2 AND seen >= (90 * timed + 99) / 100))::smallint,
       (min(bin) FILTER (WHERE kind = 2 AND seen >= (95 * timed + 99) / 100))::smallint,
       array_agg(bin::smallint) FILTER (WHERE kind = 2 AND bin IS NOT NULL),
       array_agg(n) FILTER (WHERE kind = 2 AND bin IS NOT NULL),
       coalesce(sum(n) FILTER (WHERE kind = 4), 0),
       coalesce(sum(seconds_sum) FILTER (WHERE kind = 4), 0),
       min(seconds_min) FILTER (WHERE kind = 4),
       max(seconds_max) FILTER (WHERE kind = 4),
       (min(bin) FILTER (WHERE kind = 4 AND seen >= (50 * timed + 99) / 100))::smallint,
       (min(bin) FILTER (WHERE kind = 4 AND seen >= (90 * timed + 99) / 100))::smallint,
       array_agg(bin::smallint) FILTER (WHERE kind = 4),
       array_agg(n) FILTER (WHERE kind = 4),
       sum(csat_count), coalesce(sum(csat_sum), 0)
  FROM ranked
 GROUP BY dimension, day_number, member
ON CONFLICT (tenant_id, dimension, day, member) DO NOTHING
