-- Tickets that their source no longer has: deleted or merged there, which no pull ever tells. A sweep lists all ids of a
-- source once a night and moves those not listed out of raw_tickets.
ALTER TABLE msp.raw_tickets ADD COLUMN pulled_from text COLLATE "C";  -- the source it came from last; null = pushed
GRANT DELETE ON msp.raw_tickets TO msp_jobs;

-- What was there, whole. A ticket that comes back lives in raw_tickets again; its tombstone goes with the next sweep.
CREATE TABLE msp.ticket_tombstones (
    tenant_id   bigint NOT NULL,
    external_id text COLLATE "C" NOT NULL,
    source      text NOT NULL,
    found_at    timestamptz NOT NULL,
    ticket      jsonb NOT NULL,  -- its row of raw_tickets
    PRIMARY KEY (tenant_id, external_id)
);
ALTER TABLE msp.ticket_tombstones ENABLE ROW LEVEL SECURITY;
ALTER TABLE msp.ticket_tombstones FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON msp.ticket_tombstones
    USING (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint)
    WITH CHECK (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint);
GRANT SELECT, INSERT, UPDATE, DELETE ON msp.ticket_tombstones TO msp_jobs;

-- What was stored when a sweep began, and whether the source still has it. Of no worth once the sweep is over.
CREATE UNLOGGED TABLE msp.sweep_ids (
    tenant_id   bigint NOT NULL,
    sweep       uuid NOT NULL,
    external_id text COLLATE "C" NOT NULL,
    updated_at  timestamptz NOT NULL,
    listed      boolean NOT NULL DEFAULT false,
    begun_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, sweep, external_id)
) WITH (fillfactor = 50);
ALTER TABLE msp.sweep_ids ENABLE ROW LEVEL SECURITY;
ALTER TABLE msp.sweep_ids FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON msp.sweep_ids
    USING (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint)
    WITH CHECK (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint);
GRANT SELECT, INSERT, UPDATE, DELETE ON msp.sweep_ids TO msp_jobs;

ALTER TABLE msp.ingest_cursors
    ADD COLUMN sweep_queued_at timestamptz,
    ADD COLUMN swept_at timestamptz;  -- when the last sweep that went well was over

-- Whether a sweep is due for a drained source: the last was asked for more than 20 h ago and it is `from_hour` or later
-- where the tenant lives. Says so once. Runs as msp_jobs with the tenant set.
CREATE FUNCTION msp.sweep_is_due(tenant bigint, source_name text, from_hour integer) RETURNS boolean
    LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE msp.ingest_cursors c SET sweep_queued_at = now()
      FROM msp.tenants t
     WHERE c.tenant_id = tenant AND c.source = source_name AND t.tenant_id = tenant AND c.drained_at IS NOT NULL
       AND coalesce(c.sweep_queued_at < now() - interval '20 hours', true)
       AND extract(hour FROM now() AT TIME ZONE t.timezone) >= from_hour;
    RETURN FOUND;
END $$;
