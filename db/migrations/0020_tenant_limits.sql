-- A tenant's own limits, written as RATE_LIMITS is; '' = none of its own. What they mean is read by the program.
ALTER TABLE msp.tenants ADD COLUMN limits text NOT NULL DEFAULT '' CHECK (length(limits) <= 255);

-- As before, with the limits. A function's columns cannot be added to.
DROP FUNCTION msp.all_tenants();
CREATE FUNCTION msp.all_tenants()
    RETURNS TABLE (tenant_id bigint, slug text, name text, timezone text, source text, active boolean, limits text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = msp, pg_temp
AS $$
    SELECT t.tenant_id, t.slug, t.name, t.timezone, t.source, t.active, t.limits
      FROM msp.tenants t ORDER BY t.slug COLLATE "C"
$$;
REVOKE ALL ON FUNCTION msp.all_tenants() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION msp.all_tenants() TO msp_api, msp_admin, msp_jobs;
GRANT CREATE ON SCHEMA msp TO msp_auth;
ALTER FUNCTION msp.all_tenants() OWNER TO msp_auth;
REVOKE CREATE ON SCHEMA msp FROM msp_auth;
