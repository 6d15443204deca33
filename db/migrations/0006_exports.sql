-- Files that exports have written: one row a partition, and one for latest.csv.
CREATE TABLE msp.exports (
    tenant_id  bigint NOT NULL,
    dataset    text NOT NULL,
    day        date,  -- null = latest.csv, the whole dataset
    export_id  uuid NOT NULL DEFAULT gen_random_uuid(),
    revision   bigint NOT NULL,  -- of kpi_days when the partition was written
    location   text NOT NULL,
    row_count  bigint NOT NULL,
    bytes      bigint NOT NULL,
    sha256     text NOT NULL,
    job_id     uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, export_id),
    UNIQUE NULLS NOT DISTINCT (tenant_id, dataset, day)
);
ALTER TABLE msp.exports ENABLE ROW LEVEL SECURITY;
ALTER TABLE msp.exports FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON msp.exports
    USING (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint)
    WITH CHECK (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint);
GRANT SELECT ON msp.exports TO msp_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON msp.exports TO msp_jobs;
