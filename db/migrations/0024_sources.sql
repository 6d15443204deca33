-- How each tenant's tickets are reached where they are pulled: one source a tenant. The secrets are sealed by the program
-- under a key that the database does not know, bound to tenant and kind.
CREATE TABLE msp.sources (
    tenant_id    bigint PRIMARY KEY,
    kind         text NOT NULL CHECK (length(kind) BETWEEN 1 AND 31),
    settings     text NOT NULL CHECK (length(settings) <= 65536),  -- a JSON object
    secret_names text NOT NULL DEFAULT '',  -- which are set, with blanks between
    secrets      bytea,  -- null = none
    updated_at   timestamptz NOT NULL,
    updated_by   text NOT NULL
);
ALTER TABLE msp.sources ENABLE ROW LEVEL SECURITY;
ALTER TABLE msp.sources FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON msp.sources
    USING (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint)
    WITH CHECK (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint);
CREATE POLICY administration ON msp.sources TO msp_admin USING (true) WITH CHECK (true);
GRANT SELECT ON msp.sources TO msp_jobs;
GRANT SELECT, INSERT, UPDATE ON msp.sources TO msp_admin;
