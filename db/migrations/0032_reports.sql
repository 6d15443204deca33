-- What Metabase reads: a schema of views for the role msp_report, one login a group of tenants. A report login can name
-- nothing but the views; the views show what row-level security lets it see; and that hangs on the login itself, which
-- no statement of its own can change.
CREATE SCHEMA report;
GRANT USAGE ON SCHEMA report TO msp_report;
REVOKE USAGE ON SCHEMA msp FROM msp_report;

-- Which tenants' data each login sees; a superuser writes it (ops/metabase/setup). With several database nodes it is
-- copied to each, for a policy asks for it wherever the rows are.
CREATE TABLE msp.report_logins (
    tenant_id bigint NOT NULL,
    login     text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, login)
);
CREATE INDEX report_logins_login ON msp.report_logins (login);
ALTER TABLE msp.report_logins ENABLE ROW LEVEL SECURITY;
ALTER TABLE msp.report_logins FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON msp.report_logins
    USING (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint)
    WITH CHECK (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint);
CREATE POLICY look_up ON msp.report_logins FOR SELECT TO msp_auth USING (true);
GRANT SELECT ON msp.report_logins TO msp_auth;

-- The tenants of whoever logged in: SET ROLE does not change a session's user, nor does any setting. The cost tells the
-- planner that a call is a query of its own, so that it looks tenants up in an index, asking once a scan, rather than
-- asking for each row.
CREATE FUNCTION msp.report_tenants() RETURNS bigint[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER COST 10000 SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(SELECT r.tenant_id
                   FROM msp.report_logins r JOIN msp.tenants t ON t.tenant_id = r.tenant_id
                  WHERE r.login = session_user::text AND t.active
                  ORDER BY r.tenant_id);
END $$;
REVOKE ALL ON FUNCTION msp.report_tenants() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION msp.report_tenants() TO msp_report;
GRANT CREATE ON SCHEMA msp TO msp_auth;
ALTER FUNCTION msp.report_tenants() OWNER TO msp_auth;
REVOKE CREATE ON SCHEMA msp FROM msp_auth;

-- Anybody may set msp.tenant_id, so the policy that goes by it must not be there for msp_report.
ALTER POLICY tenant_isolation ON msp.tenants TO msp_owner, msp_api, msp_auth, msp_admin, msp_jobs;
ALTER POLICY tenant_isolation ON msp.tenant_state TO msp_owner, msp_api, msp_auth, msp_admin, msp_jobs;
ALTER POLICY tenant_isolation ON msp.kpi_daily TO msp_owner, msp_api, msp_auth, msp_admin, msp_jobs;
ALTER POLICY tenant_isolation ON msp.raw_tickets TO msp_owner, msp_api, msp_auth, msp_admin, msp_jobs;
ALTER POLICY tenant_isolation ON msp.jobs TO msp_owner, msp_api, msp_auth, msp_admin, msp_jobs;
CREATE POLICY report ON msp.tenants FOR SELECT TO msp_report USING (tenant_id = ANY (msp.report_tenants()));
CREATE POLICY report ON msp.tenant_state FOR SELECT TO msp_report USING (tenant_id = ANY (msp.report_tenants()));
CREATE POLICY report ON msp.kpi_daily FOR SELECT TO msp_report USING (tenant_id = ANY (msp.report_tenants()));
CREATE POLICY report ON msp.raw_tickets FOR SELECT TO msp_report USING (tenant_id = ANY (msp.report_tenants()));
CREATE POLICY report ON msp.jobs FOR SELECT TO msp_report USING (tenant_id = ANY (msp.report_tenants()));

-- The views run with the rights of who asks, so these are needed below them; column by column, no more than they show.
-- Who asked for a ticket is not among them.
GRANT SELECT (tenant_id, slug, name, timezone) ON msp.tenants TO msp_report;
GRANT SELECT (tenant_id, data_as_of, contiguous_through) ON msp.tenant_state TO msp_report;
GRANT SELECT ON msp.kpi_daily TO msp_report;
GRANT SELECT (tenant_id, external_id, title, status, priority, category, assignee, "group", channel, created_at, updated_at,
              first_response_at, resolved_at, closed_at, due_at, sla_met, reopen_count, reassignment_count, csat)
    ON msp.raw_tickets TO msp_report;
GRANT SELECT (job_id, tenant_id, kind, state, error, created_at, started_at, finished_at) ON msp.jobs TO msp_report;

-- What a bin of the sketches stands for, in minutes: as msp_ddsketch_value() has it.
CREATE FUNCTION report.bin_minutes(bin smallint, least_seconds bigint, greatest_seconds bigint) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT least(greatest(
        CASE WHEN bin < 2 THEN bin
             ELSE 2 / (1 / (floor((101 / 99::double precision) ^ (bin - 2)) + 1)
                       + 1 / greatest(floor((101 / 99::double precision) ^ (bin - 1)),
                                      floor((101 / 99::double precision) ^ (bin - 2)) + 1)) END,
        least_seconds), greatest_seconds) / 60
$$;

CREATE VIEW report.tenants WITH (security_invoker = true) AS
SELECT t.slug AS tenant, t.name AS tenant_name, t.timezone, s.data_as_of, s.contiguous_through AS computed_through
  FROM msp.tenants t LEFT JOIN msp.tenant_state s ON s.tenant_id = t.tenant_id;

-- Every metric of a tenant's day, named as over HTTP. Sums and counts may be added up over days; means, ratios and
-- percentiles may not: divide the sums.
CREATE VIEW report.kpi_daily WITH (security_invoker = true) AS
SELECT t.slug AS tenant, t.name AS tenant_name, k.day, k.dimension, k.member,
       k.tickets_created, k.tickets_resolved, k.tickets_closed, k.tickets_reopened, k.backlog, k.sla_known, k.sla_met,
       k.resolution_count, k.resolution_seconds_sum, k.first_response_count, k.first_response_seconds_sum,
       k.csat_count, k.csat_sum,
       k.resolution_seconds_sum / 60.0::double precision / nullif(k.resolution_count, 0) AS resolution_minutes_mean,
       report.bin_minutes(k.resolution_p50_bin, k.resolution_seconds_min, k.resolution_seconds_max) AS resolution_minutes_p50,
       report.bin_minutes(k.resolution_p90_bin, k.resolution_seconds_min, k.resolution_seconds_max) AS resolution_minutes_p90,
       report.bin_minutes(k.resolution_p95_bin, k.resolution_seconds_min, k.resolution_seconds_max) AS resolution_minutes_p95,
       k.first_response_seconds_sum / 60.0::double precision / nullif(k.first_response_count, 0)
           AS first_response_minutes_mean,
       report.bin_minutes(k.first_response_p50_bin, k.first_response_seconds_min, k.first_response_seconds_max)
           AS first_response_minutes_p50,
       report.bin_minutes(k.first_response_p90_bin, k.first_response_seconds_min, k.first_response_seconds_max)
           AS first_response_minutes_p90,
       k.sla_met::double precision / nullif(k.sla_known, 0) AS sla_compliance,
       k.tickets_reopened::double precision / nullif(k.tickets_resolved, 0) AS reopen_rate,
       k.tickets_closed::double precision / nullif(k.tickets_created, 0) AS kill_rate,
       k.csat_sum::double precision / nullif(k.csat_count, 0) AS csat_mean
  FROM msp.kpi_daily k JOIN msp.tenants t ON t.tenant_id = k.tenant_id;

-- The same by KPI, each with what it is made of.
CREATE VIEW report.kpi_tickets WITH (security_invoker = true) AS
SELECT tenant, tenant_name, day, dimension, member, tickets_created, tickets_resolved, tickets_closed, kill_rate
  FROM report.kpi_daily;
CREATE VIEW report.kpi_backlog WITH (security_invoker = true) AS
SELECT tenant, tenant_name, day, dimension, member, backlog FROM report.kpi_daily;
CREATE VIEW report.kpi_sla WITH (security_invoker = true) AS
SELECT tenant, tenant_name, day, dimension, member, sla_known, sla_met, sla_compliance FROM report.kpi_daily;
CREATE VIEW report.kpi_resolution_time WITH (security_invoker = true) AS
SELECT tenant, tenant_name, day, dimension, member, resolution_count, resolution_seconds_sum, resolution_minutes_mean,
       resolution_minutes_p50, resolution_minutes_p90, resolution_minutes_p95
  FROM report.kpi_daily;
CREATE VIEW report.kpi_first_response_time WITH (security_invoker = true) AS
SELECT tenant, tenant_name, day, dimension, member, first_response_count, first_response_seconds_sum,
       first_response_minutes_mean, first_response_minutes_p50, first_response_minutes_p90
  FROM report.kpi_daily;
CREATE VIEW report.kpi_reopened WITH (security_invoker = true) AS
SELECT tenant, tenant_name, day, dimension, member, tickets_resolved, tickets_reopened, reopen_rate FROM report.kpi_daily;
CREATE VIEW report.kpi_satisfaction WITH (security_invoker = true) AS
SELECT tenant, tenant_name, day, dimension, member, csat_count, csat_sum, csat_mean FROM report.kpi_daily;

-- How many tickets took how long, so that percentiles of any range can be had: within 1 % of the exact ones.
CREATE VIEW report.kpi_resolution_histogram WITH (security_invoker = true) AS
SELECT t.slug AS tenant, t.name AS tenant_name, k.day, k.dimension, k.member,
       report.bin_minutes(b.bin, k.resolution_seconds_min, k.resolution_seconds_max) AS minutes, b.n AS tickets
  FROM msp.kpi_daily k JOIN msp.tenants t ON t.tenant_id = k.tenant_id
 CROSS JOIN LATERAL unnest(k.resolution_bins, k.resolution_bin_counts) AS b (bin, n);
CREATE VIEW report.kpi_first_response_histogram WITH (security_invoker = true) AS
SELECT t.slug AS tenant, t.name AS tenant_name, k.day, k.dimension, k.member,
       report.bin_minutes(b.bin, k.first_response_seconds_min, k.first_response_seconds_max) AS minutes, b.n AS tickets
  FROM msp.kpi_daily k JOIN msp.tenants t ON t.tenant_id = k.tenant_id
 CROSS JOIN LATERAL unnest(k.first_response_bins, k.first_response_bin_counts) AS b (bin, n);

CREATE VIEW report.tickets WITH (security_invoker = true) AS
SELECT t.slug AS tenant, t.name AS tenant_name, r.external_id AS ticket, r.title, r.status, r.priority, r.category,
       r.assignee, r."group", r.channel, msp.local_day(r.created_at, t.timezone) AS created_day,
       r.created_at, r.updated_at, r.first_response_at, r.resolved_at, r.closed_at, r.due_at,
       coalesce(r.sla_met, r.resolved_at <= r.due_at) AS sla_met, r.reopen_count, r.reassignment_count, r.csat
  FROM msp.raw_tickets r JOIN msp.tenants t ON t.tenant_id = r.tenant_id;

CREATE VIEW report.jobs WITH (security_invoker = true) AS
SELECT t.slug AS tenant, t.name AS tenant_name, j.job_id AS job, j.kind, j.state, j.error ->> 'code' AS error_code,
       j.created_at, j.started_at, j.finished_at,
       extract(epoch FROM j.finished_at - j.started_at)::double precision AS seconds
  FROM msp.jobs j JOIN msp.tenants t ON t.tenant_id = j.tenant_id;

GRANT SELECT ON ALL TABLES IN SCHEMA report TO msp_report;
