-- What a person started goes before what a schedule started, in its lane. A tenant has three such jobs queued at a time,
-- so that its thousand still delay another's one by a few.
CREATE FUNCTION msp.job_hurry(tenant bigint, job uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = msp, pg_temp
AS $$
    UPDATE msp.jobs j SET priority = 1
     WHERE j.job_id = job AND j.tenant_id IS NOT DISTINCT FROM tenant
       AND j.state = 'queued' AND j.waiting_for IS NULL AND j.priority < 1
       AND (SELECT count(*) FROM (SELECT FROM msp.jobs o
                                   WHERE o.state = 'queued' AND o.waiting_for IS NULL AND o.lane = j.lane
                                     AND o.priority = 1 AND coalesce(o.tenant_id, 0) = coalesce(tenant, 0)
                                   LIMIT 3) AS ahead) < 3
$$;
GRANT CREATE ON SCHEMA msp TO msp_auth;
ALTER FUNCTION msp.job_hurry(bigint, uuid) OWNER TO msp_auth;
REVOKE CREATE ON SCHEMA msp FROM msp_auth;
REVOKE ALL ON FUNCTION msp.job_hurry(bigint, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION msp.job_hurry(bigint, uuid) TO msp_api, msp_admin, msp_jobs;
