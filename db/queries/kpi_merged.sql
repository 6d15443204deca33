-- A range's days merged, one row a member: sums of counts and sums, the backlog of the range's last computed day.
-- Parameters as in kpi_daily.sql; columns as there, the day left null and the percentiles those of the merged sketches.
WITH part AS (
    SELECT * FROM msp.kpi_daily k
     WHERE k.tenant_id = $1::bigint AND k.dimension = $2::text AND k.day BETWEEN $3::date AND $4::date
       AND ($5::text IS NULL OR k.member = $5::text)
),
-- Looked up once: inlined it would be for each day of the range anew.
last_day AS MATERIALIZED (
    SELECT max(d.day) AS day FROM msp.kpi_days d
     WHERE d.tenant_id = $1::bigint AND d.day BETWEEN $3::date AND $4::date AND d.computed_at IS NOT NULL
),
resolution AS (
    SELECT member, min(bin) FILTER (WHERE seen >= (50 * timed + 99) / 100) AS p50_bin,
           min(bin) FILTER (WHERE seen >= (90 * timed + 99) / 100) AS p90_bin,
           min(bin) FILTER (WHERE seen >= (95 * timed + 99) / 100) AS p95_bin
      FROM (SELECT p.member, b.bin, sum(sum(b.n)) OVER (PARTITION BY p.member ORDER BY b.bin)::bigint AS seen,
                   sum(sum(b.n)) OVER (PARTITION BY p.member)::bigint AS timed
              FROM part p
             CROSS JOIN LATERAL unnest(p.resolution_bins, p.resolution_bin_counts) AS b (bin, n)
             GROUP BY p.member, b.bin) AS merged
     GROUP BY member
),
first_response AS (
    SELECT member, min(bin) FILTER (WHERE seen >= (50 * timed + 99) / 100) AS p50_bin,
           min(bin) FILTER (WHERE seen >= (90 * timed + 99) / 100) AS p90_bin
      FROM (SELECT p.member, b.bin, sum(sum(b.n)) OVER (PARTITION BY p.member ORDER BY b.bin)::bigint AS seen,
                   sum(sum(b.n)) OVER (PARTITION BY p.member)::bigint AS timed
              FROM part p
             CROSS JOIN LATERAL unnest(p.first_response_bins, p.first_response_bin_counts) AS b (bin, n)
             GROUP BY p.member, b.bin) AS merged
     GROUP BY member
),
total AS (
    SELECT p.member, sum(p.tickets_created)::bigint AS tickets_created,
           sum(p.tickets_resolved)::bigint AS tickets_resolved,
           sum(p.tickets_closed)::bigint AS tickets_closed,
           sum(p.tickets_reopened)::bigint AS tickets_reopened,
           coalesce(sum(p.backlog) FILTER (WHERE p.day = l.day), 0)::bigint AS backlog,
           sum(p.sla_known)::bigint AS sla_known, sum(p.sla_met)::bigint AS sla_met,
           sum(p.csat_count)::bigint AS csat_count, sum(p.csat_sum)::bigint AS csat_sum,
           sum(p.resolution_count)::bigint AS resolution_count,
           sum(p.resolution_seconds_sum)::bigint AS resolution_seconds_sum,
           min(p.resolution_seconds_min) AS resolution_seconds_min,
           max(p.resolution_seconds_max) AS resolution_seconds_max,
           sum(p.first_response_count)::bigint AS first_response_count,
           sum(p.first_response_seconds_sum)::bigint AS first_response_seconds_sum,
           min(p.first_response_seconds_min) AS first_response_seconds_min,
           max(p.first_response_seconds_max) AS first_response_seconds_max
      FROM part p CROSS JOIN last_day l
     GROUP BY p.member
)
SELECT NULL::integer, t.member, msp.kpi_figures(
           t.tickets_created, t.tickets_resolved, t.tickets_closed, t.tickets_reopened, t.backlog, t.sla_known,
           t.sla_met, t.csat_count, t.csat_sum, t.resolution_count, t.resolution_seconds_sum,
           t.resolution_seconds_min, t.resolution_seconds_max, r.p50_bin, r.p90_bin, r.p95_bin,
           t.first_response_count, t.first_response_seconds_sum, t.first_response_seconds_min,
           t.first_response_seconds_max, f.p50_bin, f.p90_bin)
  FROM total t
  LEFT JOIN resolution r USING (member)
  LEFT JOIN first_response f USING (member)
 ORDER BY t.member
