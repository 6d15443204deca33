-- The schema, what each role may enter, and the two ideas every later statement leans on:
-- which tenant a transaction works for, and where a tenant's local days begin.
DO $$
DECLARE
    missing text;
BEGIN
    SELECT string_agg(name, ', ') INTO missing
      FROM unnest(ARRAY['msp_api', 'msp_auth', 'msp_admin', 'msp_jobs', 'msp_report']) AS name
     WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name);
    IF missing IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'MS001', MESSAGE = 'roles_missing',
            DETAIL = 'The roles ' || missing || ' do not exist. Run db/bootstrap.sql once as a superuser.';
    END IF;
END $$;

GRANT USAGE ON SCHEMA msp TO msp_api, msp_auth, msp_admin, msp_jobs, msp_report;
GRANT SELECT ON msp.migrations TO msp_api, msp_admin, msp_jobs;

-- The only way a transaction gets its tenant; it ends with the transaction.
CREATE FUNCTION msp.set_tenant(tenant bigint) RETURNS void
    LANGUAGE sql
AS $$ SELECT set_config('msp.tenant_id', tenant::text, true) $$;

-- The local day an instant falls in.
CREATE FUNCTION msp.local_day(instant timestamptz, zone text) RETURNS date
    LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT (instant AT TIME ZONE zone)::date $$;

-- The first instant whose local day is `day` or later. Plain AT TIME ZONE gives the second of two midnights where
-- clocks go back over it (America/Havana), so earlier instants are tried too: the largest step of any zone is 3 hours.
CREATE FUNCTION msp.day_start(day date, zone text) RETURNS timestamptz
    LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT min(candidate)
      FROM (SELECT (day::timestamp AT TIME ZONE zone) + make_interval(mins => step) AS candidate
              FROM generate_series(-180, 180, 15) AS step) AS candidates
     WHERE (candidate AT TIME ZONE zone)::date >= day
$$;

-- Writers of a tenant's tickets wait for one another, shard by shard (shard -1 = every one of the two, always in this
-- order); so do computations of its KPIs. The keys of a tenant are its number times 8 and what follows.
CREATE FUNCTION msp.lock_ingest(tenant bigint, shard integer) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    IF shard IN (-1, 0) THEN
        PERFORM pg_advisory_xact_lock(tenant * 8);
    END IF;
    IF shard IN (-1, 1) THEN
        PERFORM pg_advisory_xact_lock(tenant * 8 + 1);
    END IF;
END $$;

CREATE FUNCTION msp.lock_compute(tenant bigint) RETURNS void
    LANGUAGE sql
AS $$ SELECT pg_advisory_xact_lock(tenant * 8 + 2) $$;
