-- A source whose first round was just read has nothing that it no longer has: the 20 hours count from there.
CREATE OR REPLACE FUNCTION msp.sweep_is_due(tenant bigint, source_name text, from_hour integer) RETURNS boolean
    LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE msp.ingest_cursors c SET sweep_queued_at = now()
     WHERE c.tenant_id = tenant AND c.source = source_name AND c.drained_at IS NOT NULL
       AND c.sweep_queued_at IS NULL;
    IF FOUND THEN
        RETURN false;
    END IF;
    UPDATE msp.ingest_cursors c SET sweep_queued_at = now()
      FROM msp.tenants t
     WHERE c.tenant_id = tenant AND c.source = source_name AND t.tenant_id = tenant AND c.drained_at IS NOT NULL
       AND c.sweep_queued_at < now() - interval '20 hours'
       AND extract(hour FROM now() AT TIME ZONE t.timezone) >= from_hour;
    RETURN FOUND;
END $$;
