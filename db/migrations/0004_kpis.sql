-- Daily KPIs: counts, sums and sketches only, so that any range can be merged from its days.
CREATE TABLE msp.kpi_daily (
    tenant_id                  bigint NOT NULL,
    dimension                  text COLLATE "C" NOT NULL
        CHECK (dimension IN ('all', 'priority', 'category', 'assignee', 'group')),
    day                        date NOT NULL,
    member                     text COLLATE "C" NOT NULL,  -- '' = tickets without the value; always '' for 'all'
    tickets_created            bigint NOT NULL,
    tickets_resolved           bigint NOT NULL,
    tickets_closed             bigint NOT NULL,
    tickets_reopened           bigint NOT NULL,
    backlog                    bigint NOT NULL,
    sla_known                  bigint NOT NULL,
    sla_met                    bigint NOT NULL,
    resolution_count           bigint NOT NULL,
    resolution_seconds_sum     bigint NOT NULL,
    resolution_seconds_min     bigint,
    resolution_seconds_max     bigint,
    resolution_bins            smallint[],  -- DDSketch, 1 % relative error: bins and how many values each holds
    resolution_bin_counts      integer[],
    first_response_count       bigint NOT NULL,
    first_response_seconds_sum bigint NOT NULL,
    first_response_seconds_min bigint,
    first_response_seconds_max bigint,
    first_response_bins        smallint[],
    first_response_bin_counts  integer[],
    csat_count                 bigint NOT NULL,
    csat_sum                   bigint NOT NULL,
    PRIMARY KEY (tenant_id, dimension, day, member)
);
ALTER TABLE msp.kpi_daily ENABLE ROW LEVEL SECURITY;
ALTER TABLE msp.kpi_daily FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON msp.kpi_daily
    USING (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint)
    WITH CHECK (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint);
GRANT SELECT ON msp.kpi_daily TO msp_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON msp.kpi_daily TO msp_jobs;

-- The days a tenant has computed. A day is announced here (computed_at null) before its computation looks at the
-- tickets, so that an ingest that it cannot see any more knows that the day must be marked.
CREATE TABLE msp.kpi_days (
    tenant_id   bigint NOT NULL,
    day         date NOT NULL,
    revision    bigint NOT NULL DEFAULT 0,  -- grows with each computation
    computed_at timestamptz,
    PRIMARY KEY (tenant_id, day)
) WITH (fillfactor = 70);
ALTER TABLE msp.kpi_days ENABLE ROW LEVEL SECURITY;
ALTER TABLE msp.kpi_days FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON msp.kpi_days
    USING (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint)
    WITH CHECK (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint);
GRANT SELECT ON msp.kpi_days TO msp_api;
GRANT SELECT, INSERT, UPDATE ON msp.kpi_days TO msp_jobs;

-- Days whose stored KPIs are no longer right. Every marking takes a new number, so that a computation clears only
-- the marks it has read.
CREATE SEQUENCE msp.kpi_dirty_marks;
GRANT USAGE ON SEQUENCE msp.kpi_dirty_marks TO msp_api, msp_admin, msp_jobs;
CREATE TABLE msp.kpi_dirty_days (
    tenant_id bigint NOT NULL,
    day       date NOT NULL,
    mark      bigint NOT NULL,
    PRIMARY KEY (tenant_id, day)
) WITH (fillfactor = 50);
ALTER TABLE msp.kpi_dirty_days ENABLE ROW LEVEL SECURITY;
ALTER TABLE msp.kpi_dirty_days FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON msp.kpi_dirty_days
    USING (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint)
    WITH CHECK (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint);
GRANT SELECT, INSERT, UPDATE ON msp.kpi_dirty_days TO msp_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON msp.kpi_dirty_days TO msp_jobs;

-- Changing a tenant's time zone moves every day it has. Runs as msp_admin with the tenant set.
GRANT SELECT ON msp.kpi_days, msp.raw_tickets TO msp_admin;
GRANT SELECT, INSERT, UPDATE ON msp.kpi_dirty_days TO msp_admin;
CREATE FUNCTION msp.mark_every_day_dirty(tenant bigint) RETURNS void
    LANGUAGE sql
AS $$
    INSERT INTO msp.kpi_dirty_days (tenant_id, day, mark)
    SELECT tenant, d.day, nextval('msp.kpi_dirty_marks')
      FROM (SELECT k.day FROM msp.kpi_days k WHERE k.tenant_id = tenant) AS d
    ON CONFLICT (tenant_id, day) DO UPDATE SET mark = EXCLUDED.mark
$$;
