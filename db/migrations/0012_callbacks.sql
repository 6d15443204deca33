-- Who is told of a job's end, and how far the telling is. The row comes with the job and falls due in the transaction
-- that ends it, whoever does that, so that no restart forgets one.
CREATE TABLE msp.callback_deliveries (
    delivery_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),  -- what receivers know it by, over all its tries
    tenant_id   bigint,  -- the job's
    job_id      uuid NOT NULL REFERENCES msp.jobs ON DELETE CASCADE,
    url         text NOT NULL,
    host        text NOT NULL GENERATED ALWAYS AS (coalesce(lower(substring(url FROM '^[a-zA-Z]+://([^/?#]*)')), '')) STORED,
    state       text NOT NULL DEFAULT 'expected'  -- the job has not ended yet
        CHECK (state IN ('expected', 'waiting', 'taken', 'failed')),
    attempt     integer NOT NULL DEFAULT 0,  -- tries begun: the fencing token of what is written about one
    failures    integer NOT NULL DEFAULT 0,  -- tries that shall be repeated
    conflicts   integer NOT NULL DEFAULT 0,  -- tries answered 409
    asked_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    answered_at timestamptz,  -- when the caller who named the address had his answer
    due_at      timestamptz,  -- the job's end
    next_at     timestamptz,  -- while waiting: the next try, or when one that is under way counts as lost
    accepted_at timestamptz,  -- the first answer of success
    ended_at    timestamptz,
    last_status integer,
    last_error  text
) WITH (fillfactor = 70);
CREATE INDEX callbacks_of_job ON msp.callback_deliveries (job_id);
CREATE INDEX callbacks_due ON msp.callback_deliveries (next_at) WHERE state = 'waiting';
CREATE INDEX callbacks_failing ON msp.callback_deliveries (host) WHERE state = 'waiting' AND failures > 0;
ALTER TABLE msp.callback_deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE msp.callback_deliveries FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON msp.callback_deliveries
    USING (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint)
    WITH CHECK (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint);
CREATE POLICY every_delivery ON msp.callback_deliveries TO msp_admin, msp_jobs, msp_auth USING (true) WITH CHECK (true);
GRANT SELECT, UPDATE (answered_at) ON msp.callback_deliveries TO msp_api, msp_admin;
GRANT SELECT, UPDATE ON msp.callback_deliveries TO msp_jobs;
GRANT SELECT, INSERT, UPDATE ON msp.callback_deliveries TO msp_auth;

CREATE FUNCTION msp.callback_expect() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = msp, pg_temp
AS $$
BEGIN
    -- A job that waits for one that has failed ends before its own insertion is over.
    INSERT INTO msp.callback_deliveries (tenant_id, job_id, url)
    SELECT NEW.tenant_id, NEW.job_id, NEW.callback_url
     WHERE NOT EXISTS (SELECT FROM msp.callback_deliveries d WHERE d.job_id = NEW.job_id);
    RETURN NULL;
END $$;

CREATE FUNCTION msp.callback_fall_due() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = msp, pg_temp
AS $$
BEGIN
    UPDATE msp.callback_deliveries d
       SET state = 'waiting', due_at = clock_timestamp(), next_at = clock_timestamp()
     WHERE d.job_id = NEW.job_id AND d.state = 'expected';
    IF NOT FOUND THEN
        INSERT INTO msp.callback_deliveries (tenant_id, job_id, url, state, due_at, next_at)
        VALUES (NEW.tenant_id, NEW.job_id, NEW.callback_url, 'waiting', clock_timestamp(), clock_timestamp());
    END IF;
    RETURN NULL;
END $$;

-- A job that is tried again ends again: that is told anew, and what was still to be told of its first end is void.
CREATE FUNCTION msp.callback_expect_again() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = msp, pg_temp
AS $$
BEGIN
    UPDATE msp.callback_deliveries d
       SET state = 'failed', ended_at = clock_timestamp(), next_at = NULL,
           last_error = 'The job was started again before this end of it was taken.'
     WHERE d.job_id = NEW.job_id AND d.state = 'waiting';
    INSERT INTO msp.callback_deliveries (tenant_id, job_id, url, answered_at)
    VALUES (NEW.tenant_id, NEW.job_id, NEW.callback_url, clock_timestamp());
    RETURN NULL;
END $$;

CREATE TRIGGER callback_expect AFTER INSERT ON msp.jobs FOR EACH ROW
    WHEN (NEW.callback_url IS NOT NULL)
    EXECUTE FUNCTION msp.callback_expect();
CREATE TRIGGER callback_fall_due AFTER UPDATE OF state ON msp.jobs FOR EACH ROW
    WHEN (NEW.callback_url IS NOT NULL
          AND NEW.state IN ('succeeded', 'failed', 'cancelled') AND OLD.state IN ('queued', 'running'))
    EXECUTE FUNCTION msp.callback_fall_due();
CREATE TRIGGER callback_expect_again AFTER UPDATE OF state ON msp.jobs FOR EACH ROW
    WHEN (NEW.callback_url IS NOT NULL
          AND NEW.state IN ('queued', 'running') AND OLD.state IN ('succeeded', 'failed', 'cancelled'))
    EXECUTE FUNCTION msp.callback_expect_again();

REVOKE ALL ON FUNCTION msp.callback_expect(), msp.callback_fall_due(), msp.callback_expect_again() FROM PUBLIC;
GRANT CREATE ON SCHEMA msp TO msp_auth;
ALTER FUNCTION msp.callback_expect() OWNER TO msp_auth;
ALTER FUNCTION msp.callback_fall_due() OWNER TO msp_auth;
ALTER FUNCTION msp.callback_expect_again() OWNER TO msp_auth;
REVOKE CREATE ON SCHEMA msp FROM msp_auth;
