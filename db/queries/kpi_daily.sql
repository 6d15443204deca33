-- The stored rows of a range, days as numbers from 1970-01-01. The sketches stay where they are.
-- $1 tenant; $2 dimension; $3 from; $4 to; $5 one member or null for all.
SELECT k.day - date '1970-01-01', k.member, k.figures
  FROM msp.kpi_daily k
 WHERE k.tenant_id = $1::bigint AND k.dimension = $2::text AND k.day BETWEEN $3::date AND $4::date
   AND ($5::text IS NULL OR k.member = $5::text)
 ORDER BY k.day, k.member
