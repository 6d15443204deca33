-- A row's percentiles stand beside its sketch, so that reading days unpacks no sketch: for each the bin of the value at
-- that rank, null where nothing was counted.
ALTER TABLE msp.kpi_daily
    ADD COLUMN resolution_p50_bin smallint,
    ADD COLUMN resolution_p90_bin smallint,
    ADD COLUMN resolution_p95_bin smallint,
    ADD COLUMN first_response_p50_bin smallint,
    ADD COLUMN first_response_p90_bin smallint;

-- Rows stored before have none until their days are computed again. Row-level security binds the owner too, so it is
-- lifted for this transaction.
ALTER TABLE msp.kpi_days NO FORCE ROW LEVEL SECURITY;
ALTER TABLE msp.kpi_dirty_days NO FORCE ROW LEVEL SECURITY;
INSERT INTO msp.kpi_dirty_days (tenant_id, day, mark)
SELECT k.tenant_id, k.day, nextval('msp.kpi_dirty_marks') FROM msp.kpi_days k
ON CONFLICT (tenant_id, day) DO UPDATE SET mark = EXCLUDED.mark;
ALTER TABLE msp.kpi_days FORCE ROW LEVEL SECURITY;
ALTER TABLE msp.kpi_dirty_days FORCE ROW LEVEL SECURITY;
