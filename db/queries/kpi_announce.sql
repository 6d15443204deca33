-- Announces the days that a computation is about to look at, so that later ingests mark them. Parameters as in kpi_wanted.sql.
WITH place AS (
    SELECT msp.local_day(now(), t.timezone) AS today FROM msp.tenants t WHERE t.tenant_id = $1::bigint
),
wanted AS (
    SELECT ($2::date + step) AS day FROM generate_series(0, $3::date - $2::date) AS step
    UNION
    SELECT p.today - 1 FROM place p WHERE $4::boolean
    UNION
    SELECT d.day FROM msp.kpi_dirty_days d WHERE d.tenant_id = $1::bigint
)
INSERT INTO msp.kpi_days (tenant_id, day)
SELECT $1::bigint, w.day FROM wanted w CROSS JOIN place p WHERE w.day <= p.today
ON CONFLICT (tenant_id, day) DO NOTHING
