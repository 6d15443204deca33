-- Long work as rows. A job belongs to a tenant, or to none: then it is a parent of one child a tenant.
CREATE TABLE msp.jobs (
    job_id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id        bigint,
    kind             text NOT NULL,
    lane             smallint NOT NULL,  -- 0 short, 1 long
    parent_id        uuid,
    state            text NOT NULL DEFAULT 'queued'
        CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    parameters       json NOT NULL DEFAULT '{}',
    result           json,
    error            json,
    done             bigint NOT NULL DEFAULT 0,
    total            bigint NOT NULL DEFAULT 0,
    stage            text NOT NULL DEFAULT '',
    claims           integer NOT NULL DEFAULT 0,  -- how often it was taken: the fencing token
    excused          integer NOT NULL DEFAULT 0,  -- claims that burnt no attempt (lost worker, hand-back)
    losses           integer NOT NULL DEFAULT 0,  -- claims whose worker died
    pending_children integer NOT NULL DEFAULT 0,
    children_ended   boolean NOT NULL DEFAULT false,
    worker           text,
    heartbeat_at     timestamptz,
    run_at           timestamptz NOT NULL DEFAULT now(),
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at       timestamptz,
    finished_at      timestamptz
) WITH (fillfactor = 60);
CREATE INDEX jobs_claimable ON msp.jobs (lane, run_at, created_at) WHERE state = 'queued';
CREATE INDEX jobs_running ON msp.jobs (worker) WHERE state = 'running';
CREATE INDEX jobs_of_tenant ON msp.jobs (tenant_id, created_at DESC, job_id);
CREATE INDEX jobs_newest ON msp.jobs (created_at DESC, job_id);
CREATE INDEX jobs_of_parent ON msp.jobs (parent_id) WHERE parent_id IS NOT NULL;
ALTER TABLE msp.jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE msp.jobs FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON msp.jobs
    USING (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint)
    WITH CHECK (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint);
CREATE POLICY every_job ON msp.jobs TO msp_admin, msp_jobs USING (true) WITH CHECK (true);
GRANT SELECT, INSERT ON msp.jobs TO msp_api, msp_admin;
GRANT SELECT, INSERT, UPDATE ON msp.jobs TO msp_jobs;

-- Stops a transaction of a worker that no longer holds its job, and keeps the job from being taken until it ends.
CREATE FUNCTION msp.job_fence(job uuid, claim integer, holder text) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM FROM msp.jobs j
      WHERE j.job_id = job AND j.claims = claim AND j.worker = holder AND j.state = 'running'
        FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'MS002', MESSAGE = 'job_lost',
            DETAIL = 'This worker no longer holds the job; another attempt does its work.';
    END IF;
END $$;

-- What the end of a child means for its parent: the last one makes the parent claimable again.
CREATE FUNCTION msp.job_child_ended(parent uuid) RETURNS void
    LANGUAGE plpgsql
AS $$
DECLARE
    pending integer;
BEGIN
    UPDATE msp.jobs j
       SET pending_children = j.pending_children - 1, done = j.done + 1
     WHERE j.job_id = parent AND j.state = 'running'
    RETURNING j.pending_children INTO pending;
    IF pending = 0 THEN
        UPDATE msp.jobs j SET state = 'queued', children_ended = true, run_at = now() WHERE j.job_id = parent;
        PERFORM pg_notify('msp_jobs', parent::text);
    END IF;
END $$;

CREATE FUNCTION msp.job_end(job uuid, claim integer, holder text, final_state text, job_result json, job_error json)
    RETURNS void
    LANGUAGE plpgsql
AS $$
DECLARE
    parent uuid;
BEGIN
    UPDATE msp.jobs j
       SET state = final_state, result = job_result, error = job_error, worker = NULL,
           finished_at = clock_timestamp(), stage = '',
           done = CASE WHEN final_state = 'succeeded' THEN greatest(j.total, j.done) ELSE j.done END
     WHERE j.job_id = job AND j.claims = claim AND j.worker = holder AND j.state = 'running'
    RETURNING j.parent_id INTO parent;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'MS002', MESSAGE = 'job_lost',
            DETAIL = 'This worker no longer holds the job; another attempt does its work.';
    END IF;
    IF parent IS NOT NULL THEN
        PERFORM msp.job_child_ended(parent);
    END IF;
    PERFORM pg_notify('msp_jobs_ended', job::text);
END $$;

-- Takes back what dead workers held: silent for 45 s, or an earlier life of the asking node's worker.
CREATE FUNCTION msp.jobs_recover(node text, holder text) RETURNS integer
    LANGUAGE plpgsql
AS $$
DECLARE
    lost record;
    recovered integer := 0;
BEGIN
    FOR lost IN
        SELECT j.job_id, j.losses, j.parent_id FROM msp.jobs j
         WHERE j.state = 'running' AND j.worker IS NOT NULL
           AND (j.heartbeat_at < now() - interval '45 seconds'
                OR (starts_with(j.worker, node || ':') AND j.worker <> holder))
           FOR UPDATE SKIP LOCKED
    LOOP
        IF lost.losses + 1 >= 10 THEN
            UPDATE msp.jobs j
               SET state = 'failed', worker = NULL, losses = j.losses + 1, finished_at = clock_timestamp(),
                   error = json_build_object('code', 'worker_lost', 'detail',
                       'The worker died 10 times while it ran this job. See its log, then start the job again.')
             WHERE j.job_id = lost.job_id;
            IF lost.parent_id IS NOT NULL THEN
                PERFORM msp.job_child_ended(lost.parent_id);
            END IF;
        ELSE
            UPDATE msp.jobs j
               SET state = 'queued', worker = NULL, losses = j.losses + 1, excused = j.excused + 1, run_at = now()
             WHERE j.job_id = lost.job_id;
        END IF;
        recovered := recovered + 1;
    END LOOP;
    IF recovered > 0 THEN
        PERFORM pg_notify('msp_jobs', '');
    END IF;
    RETURN recovered;
END $$;

-- One queued child for every active tenant; the parent is parked until the last has ended.
CREATE FUNCTION msp.job_fan_out(job uuid, claim integer, holder text, child_lane smallint) RETURNS integer
    LANGUAGE plpgsql
AS $$
DECLARE
    made integer;
BEGIN
    PERFORM msp.job_fence(job, claim, holder);
    INSERT INTO msp.jobs (tenant_id, kind, lane, parent_id, parameters)
    SELECT t.tenant_id, j.kind, child_lane, j.job_id, j.parameters
      FROM msp.jobs j CROSS JOIN msp.tenants t
     WHERE j.job_id = job AND t.active
     ORDER BY t.slug COLLATE "C";
    GET DIAGNOSTICS made = ROW_COUNT;
    UPDATE msp.jobs j
       SET worker = NULL, pending_children = made, total = made, done = 0,
           stage = 'waiting for tenants', excused = j.excused + 1,
           state = CASE WHEN made = 0 THEN 'queued' ELSE 'running' END,
           children_ended = (made = 0)
     WHERE j.job_id = job;
    PERFORM pg_notify('msp_jobs', '');
    RETURN made;
END $$;
