-- The stored rows of a range, days as numbers from 1970-01-01. The sketches stay where they are.
-- $1 tenant; $2 dimension; $3 from; $4 to; $5 one member or null for all.
SELECT k.day - date '1970-01-01', k.member, k.tickets_created, k.tickets_resolved, k.tickets_closed,
       k.tickets_reopened, k.backlog, k.sla_known, k.sla_met, k.csat_count, k.csat_sum,
       k.resolution_count, k.resolution_seconds_sum, k.resolution_seconds_min, k.resolution_seconds_max,
       k.resolution_p50_bin, k.resolution_p90_bin, k.resolution_p95_bin,
       k.first_response_count, k.first_response_seconds_sum, k.first_response_seconds_min,
       k.first_response_seconds_max, k.first_response_p50_bin, k.first_response_p90_bin
  FROM msp.kpi_daily k
 WHERE k.tenant_id = $1::bigint AND k.dimension = $2::text AND k.day BETWEEN $3::date AND $4::date
   AND ($5::text IS NULL OR k.member = $5::text)
 ORDER BY k.day, k.member
