-- The queue as the job worker sees it: taking jobs fairly, ending them in one way, cancelling, retrying, forgetting.
-- Whoever locks several jobs locks children before parents and older jobs before younger ones.

ALTER TABLE msp.jobs ADD COLUMN claimed_at timestamptz;  -- when its present attempt began
-- Each job leaves a few dead rows within seconds; the defaults would let a fifth of the history die first.
ALTER TABLE msp.jobs SET (
    autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_cost_delay = 0,
    autovacuum_analyze_threshold = 1000, autovacuum_analyze_scale_factor = 0.05);

DROP INDEX msp.jobs_claimable;
CREATE INDEX jobs_claimable ON msp.jobs (lane, priority DESC, (coalesce(tenant_id, 0)), run_at, job_id)
    WHERE state = 'queued' AND waiting_for IS NULL;

-- msp_auth owns the functions by which others cancel and retry; msp_jobs forgets.
ALTER POLICY every_job ON msp.jobs TO msp_admin, msp_jobs, msp_auth;
GRANT SELECT, UPDATE ON msp.jobs TO msp_auth;
GRANT DELETE ON msp.jobs TO msp_jobs;

-- Takes the next job of a lane: of the highest priority that has one due, of the next tenant behind `after_tenant` in
-- a circle, the one due longest; tenants that hold all they may are passed over. Every step is one descent of
-- jobs_claimable, however long the queue. A claim that a crash of PostgreSQL forgets leaves the job queued, so its
-- commit need not wait for the disk.
CREATE FUNCTION msp.job_claim(of_lane smallint, holder text, after_tenant bigint, full_tenants bigint[])
    RETURNS SETOF msp.jobs
    LANGUAGE plpgsql
    -- The plans are made once a session, perhaps while the table is empty.
    SET enable_seqscan = off SET enable_bitmapscan = off
AS $$
DECLARE
    level integer := 32768;
    candidate bigint;
    seen bigint;
    wrapped boolean;
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    LOOP
        SELECT j.priority INTO level FROM msp.jobs j
         WHERE j.state = 'queued' AND j.waiting_for IS NULL AND j.lane = of_lane AND j.priority < level
         ORDER BY j.priority DESC LIMIT 1;
        IF NOT FOUND THEN
            RETURN;
        END IF;
        seen := after_tenant;
        wrapped := false;
        LOOP
            SELECT coalesce(j.tenant_id, 0) INTO candidate FROM msp.jobs j
             WHERE j.state = 'queued' AND j.waiting_for IS NULL AND j.lane = of_lane AND j.priority = level
               AND coalesce(j.tenant_id, 0) > seen
             ORDER BY coalesce(j.tenant_id, 0) LIMIT 1;
            IF NOT FOUND OR (wrapped AND candidate > after_tenant) THEN
                EXIT WHEN wrapped;
                wrapped := true;
                seen := -1;
                CONTINUE;
            END IF;
            seen := candidate;
            CONTINUE WHEN candidate = ANY (full_tenants);
            RETURN QUERY
                WITH due AS (
                    SELECT j.job_id FROM msp.jobs j
                     WHERE j.state = 'queued' AND j.waiting_for IS NULL AND j.lane = of_lane AND j.priority = level
                       AND coalesce(j.tenant_id, 0) = candidate AND j.run_at <= now()
                     ORDER BY j.run_at, j.job_id LIMIT 1 FOR UPDATE SKIP LOCKED)
                UPDATE msp.jobs j
                   SET state = 'running', claims = j.claims + 1, worker = holder, heartbeat_at = now(),
                       -- A parent goes on with what it began at its first visit.
                       claimed_at = CASE WHEN j.children_ended THEN j.claimed_at ELSE clock_timestamp() END,
                       started_at = coalesce(j.started_at, clock_timestamp())
                  FROM due WHERE j.job_id = due.job_id
                RETURNING j.*;
            IF FOUND THEN
                RETURN;
            END IF;
        END LOOP;
    END LOOP;
END $$;

-- What the end of a child means for its parent: the last one makes the parent claimable again.
CREATE FUNCTION msp.job_finish(job uuid, final_state text, job_result json, job_error json) RETURNS boolean
    LANGUAGE plpgsql
AS $$ BEGIN RETURN false; END $$;  -- its body follows; the two call each other

CREATE OR REPLACE FUNCTION msp.job_child_ended(parent uuid) RETURNS void
    LANGUAGE plpgsql
AS $$
DECLARE
    left_over record;
BEGIN
    UPDATE msp.jobs j
       SET pending_children = j.pending_children - 1, done = j.done + 1
     WHERE j.job_id = parent AND j.state = 'running' AND j.worker IS NULL AND j.pending_children > 0
    RETURNING j.pending_children AS pending, j.cancel_requested_at IS NOT NULL AS cancelled INTO left_over;
    IF NOT FOUND OR left_over.pending > 0 THEN
        RETURN;
    END IF;
    IF left_over.cancelled THEN
        PERFORM msp.job_finish(parent, 'cancelled', NULL, NULL);
    ELSE
        UPDATE msp.jobs j SET state = 'queued', children_ended = true, run_at = now() WHERE j.job_id = parent;
        PERFORM pg_notify('msp_jobs', '');
    END IF;
END $$;

-- How a job ends, whoever ends it: counts for its parent. What else hangs on an end follows by triggers. False if it had
-- ended already. Runs as msp_jobs, or as msp_auth when somebody cancels.
CREATE OR REPLACE FUNCTION msp.job_finish(job uuid, final_state text, job_result json, job_error json) RETURNS boolean
    LANGUAGE plpgsql
AS $$
DECLARE
    parent uuid;
BEGIN
    UPDATE msp.jobs j
       SET state = final_state, result = job_result, error = job_error, worker = NULL,
           finished_at = clock_timestamp(), stage = '',
           done = CASE WHEN final_state = 'succeeded' THEN greatest(j.total, j.done) ELSE j.done END
     WHERE j.job_id = job AND j.state IN ('queued', 'running')
    RETURNING j.parent_id INTO parent;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF parent IS NOT NULL THEN
        PERFORM msp.job_child_ended(parent);
    END IF;
    PERFORM pg_notify('msp_jobs_ended', job::text);
    RETURN true;
END $$;

-- Locks the job for its holder. Whoever lost it is told so.
CREATE FUNCTION msp.job_hold(job uuid, claim integer, holder text) RETURNS msp.jobs
    LANGUAGE plpgsql
AS $$
DECLARE
    held msp.jobs;
BEGIN
    SELECT * INTO held FROM msp.jobs j
     WHERE j.job_id = job AND j.claims = claim AND j.worker = holder AND j.state = 'running'
       FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'MS002', MESSAGE = 'job_lost',
            DETAIL = 'This worker no longer holds the job; another attempt does its work.';
    END IF;
    RETURN held;
END $$;

CREATE OR REPLACE FUNCTION msp.job_end(job uuid, claim integer, holder text, final_state text, job_result json,
                                       job_error json)
    RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM msp.job_hold(job, claim, holder);
    PERFORM msp.job_finish(job, final_state, job_result, job_error);
END $$;

-- Back to the queue for another attempt, unless somebody asked for its end meanwhile. `excuse` and `slowed` are 0 or 1:
-- whether the attempt does not count, and whether we were asked to slow down.
CREATE FUNCTION msp.job_requeue(job uuid, claim integer, holder text, in_seconds integer, excuse integer,
                                slowed integer, job_error json)
    RETURNS void
    LANGUAGE plpgsql
AS $$
DECLARE
    held msp.jobs := msp.job_hold(job, claim, holder);
BEGIN
    IF held.cancel_requested_at IS NOT NULL THEN
        PERFORM msp.job_finish(job, 'cancelled', NULL, NULL);
        RETURN;
    END IF;
    UPDATE msp.jobs j
       SET state = 'queued', worker = NULL, stage = '', run_at = now() + make_interval(secs => in_seconds),
           excused = j.excused + excuse, rate_limited = j.rate_limited + slowed, error = job_error
     WHERE j.job_id = job;
    IF in_seconds = 0 THEN
        PERFORM pg_notify('msp_jobs', '');
    END IF;
END $$;

-- Takes a job away from a worker that died: no attempt is burnt, but the tenth such death is the job's last.
CREATE FUNCTION msp.job_lost_worker(lost msp.jobs) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE msp.jobs j SET losses = j.losses + 1, excused = j.excused + 1 WHERE j.job_id = lost.job_id;
    IF lost.cancel_requested_at IS NOT NULL THEN
        PERFORM msp.job_finish(lost.job_id, 'cancelled', NULL, NULL);
    ELSIF lost.losses + 1 >= 10 THEN
        PERFORM msp.job_finish(lost.job_id, 'failed', NULL, json_build_object('code', 'worker_lost', 'detail',
            'The worker died 10 times while it ran this job. See its log, then retry the job.'));
    ELSE
        UPDATE msp.jobs j SET state = 'queued', worker = NULL, stage = '', run_at = now()
         WHERE j.job_id = lost.job_id;
    END IF;
END $$;

-- Takes back what dead workers held: with a node, what its earlier lives held; without one (''), what has been silent
-- for 45 s. Without one it also frees parents whose children have all ended, should one ever be left behind.
CREATE OR REPLACE FUNCTION msp.jobs_recover(node text, holder text) RETURNS integer
    LANGUAGE plpgsql
AS $$
DECLARE
    lost msp.jobs;
    recovered integer := 0;
BEGIN
    FOR lost IN
        SELECT * FROM msp.jobs j
         WHERE j.state = 'running' AND j.worker IS NOT NULL
           AND CASE WHEN node = '' THEN j.heartbeat_at < now() - interval '45 seconds'
                    ELSE starts_with(j.worker, node || ':') AND NOT starts_with(j.worker, holder) END
         ORDER BY j.created_at, j.job_id
           FOR UPDATE SKIP LOCKED
    LOOP
        PERFORM msp.job_lost_worker(lost);
        recovered := recovered + 1;
    END LOOP;
    IF node = '' THEN
        UPDATE msp.jobs j SET state = 'queued', children_ended = true, pending_children = 0, run_at = now()
          FROM (SELECT p.job_id FROM msp.jobs p
                 WHERE p.state = 'running' AND p.worker IS NULL
                   AND NOT EXISTS (SELECT FROM msp.jobs c
                                    WHERE c.parent_id = p.job_id AND c.state IN ('queued', 'running'))
                   FOR UPDATE SKIP LOCKED) AS stuck
         WHERE j.job_id = stuck.job_id;
    END IF;
    IF recovered > 0 THEN
        PERFORM pg_notify('msp_jobs', '');
    END IF;
    RETURN recovered;
END $$;

-- One queued child for every active tenant; the parent is parked until the last has ended.
CREATE OR REPLACE FUNCTION msp.job_fan_out(job uuid, claim integer, holder text, child_lane smallint) RETURNS integer
    LANGUAGE plpgsql
AS $$
DECLARE
    held msp.jobs := msp.job_hold(job, claim, holder);
    made integer;
BEGIN
    IF held.cancel_requested_at IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'MS005', MESSAGE = 'job_cancelled', DETAIL = 'The job was cancelled.';
    END IF;
    INSERT INTO msp.jobs (tenant_id, kind, lane, priority, parent_id, parameters)
    SELECT t.tenant_id, held.kind, child_lane, held.priority, held.job_id, held.parameters
      FROM msp.tenants t WHERE t.active
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

-- ---- cancelling ----

CREATE FUNCTION msp.job_cancel_tree(job uuid) RETURNS boolean
    LANGUAGE plpgsql
AS $$
DECLARE
    child uuid;
    found_job msp.jobs;
BEGIN
    PERFORM FROM msp.jobs j WHERE j.job_id = job AND j.state IN ('queued', 'running');
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    FOR pass IN 1..2 LOOP
        FOR child IN
            SELECT j.job_id FROM msp.jobs j WHERE j.parent_id = job AND j.state IN ('queued', 'running')
             ORDER BY j.created_at, j.job_id
        LOOP
            PERFORM msp.job_cancel_tree(child);
        END LOOP;
        SELECT * INTO found_job FROM msp.jobs j WHERE j.job_id = job FOR UPDATE;
        -- It may have got its children while we waited for it.
        EXIT WHEN found_job.state <> 'running' OR found_job.worker IS NOT NULL;
    END LOOP;
    IF found_job.state = 'queued' THEN
        RETURN msp.job_finish(job, 'cancelled', NULL, NULL);
    ELSIF found_job.state <> 'running' THEN
        RETURN false;
    END IF;
    UPDATE msp.jobs j SET cancel_requested_at = coalesce(j.cancel_requested_at, now()) WHERE j.job_id = job;
    PERFORM pg_notify('msp_jobs_cancel', job::text);
    RETURN true;
END $$;

-- ---- retrying ----

-- Queues one ended job anew, and what hangs on it: its children that did not succeed, and those that failed only
-- because they waited for it.
CREATE FUNCTION msp.job_retry_tree(job uuid) RETURNS boolean
    LANGUAGE plpgsql
AS $$
DECLARE
    ended msp.jobs;
    other uuid;
    prerequisite text;
    children record;
BEGIN
    SELECT * INTO ended FROM msp.jobs j WHERE j.job_id = job AND j.state IN ('failed', 'cancelled') FOR UPDATE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    IF ended.waiting_for IS NOT NULL THEN
        -- Begins to wait again: see msp.job_begins_to_wait.
        PERFORM pg_advisory_xact_lock(3, 0);
        SELECT j.state INTO prerequisite FROM msp.jobs j WHERE j.job_id = ended.waiting_for;
        IF prerequisite IN ('failed', 'cancelled') THEN
            RAISE EXCEPTION USING ERRCODE = 'MS002', MESSAGE = 'after_job_failed',
                DETAIL = format('The job waits for job %s, which did not succeed. Retry that one first.',
                    ended.waiting_for);
        END IF;
    END IF;
    FOR other IN
        SELECT j.job_id FROM msp.jobs j WHERE j.parent_id = job AND j.state IN ('failed', 'cancelled')
         ORDER BY j.created_at, j.job_id
    LOOP
        PERFORM msp.job_retry_tree(other);
    END LOOP;
    SELECT count(*) AS made, count(*) FILTER (WHERE j.state IN ('queued', 'running')) AS pending
      INTO children FROM msp.jobs j WHERE j.parent_id = job;
    UPDATE msp.jobs j
       SET state = CASE WHEN children.pending > 0 THEN 'running' ELSE 'queued' END,
           stage = CASE WHEN children.pending > 0 THEN 'waiting for its jobs'
                        WHEN prerequisite IN ('queued', 'running') THEN 'waiting for another job' ELSE '' END,
           pending_children = children.pending, children_ended = children.made > 0 AND children.pending = 0,
           done = children.made - children.pending, total = greatest(j.total, children.made),
           started_at = CASE WHEN children.pending > 0 THEN clock_timestamp() END,
           waiting_for = CASE WHEN prerequisite IN ('queued', 'running') THEN j.waiting_for END,
           excused = j.claims, losses = 0, rate_limited = 0, result = NULL, error = NULL, claimed_at = NULL,
           finished_at = NULL, cancel_requested_at = NULL,
           run_at = CASE WHEN prerequisite IN ('queued', 'running') THEN 'infinity' ELSE now() END
     WHERE j.job_id = job;
    -- A parent that has not collected its children yet waits for this one again.
    UPDATE msp.jobs j
       SET state = 'running', children_ended = false, pending_children = j.pending_children + 1, done = j.done - 1
     WHERE j.job_id = ended.parent_id
       AND ((j.state = 'running' AND j.worker IS NULL) OR (j.state = 'queued' AND j.children_ended));
    FOR other IN
        SELECT j.job_id FROM msp.jobs j
         WHERE j.waiting_for = job AND j.state IN ('failed', 'cancelled')
           AND j.error ->> 'code' = 'after_job_failed'
         ORDER BY j.created_at, j.job_id
    LOOP
        PERFORM msp.job_retry_tree(other);
    END LOOP;
    PERFORM pg_notify('msp_jobs', '');
    RETURN true;
END $$;

-- ---- the doors to both: a tenant's own jobs, or, for msp_admin, any ----

CREATE FUNCTION msp.job_check_tenant(tenant bigint, job uuid) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    IF tenant IS DISTINCT FROM nullif(current_setting('msp.tenant_id', true), '')::bigint THEN
        RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = 'another tenant is set';
    END IF;
    PERFORM FROM msp.jobs j WHERE j.job_id = job AND j.tenant_id = tenant;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'MS003', MESSAGE = 'job_unknown', DETAIL = 'There is no such job.';
    END IF;
END $$;

CREATE FUNCTION msp.job_cancel(tenant bigint, job uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = msp, pg_temp
AS $$
BEGIN
    PERFORM msp.job_check_tenant(tenant, job);
    RETURN msp.job_cancel_tree(job);
END $$;

CREATE FUNCTION msp.job_retry(tenant bigint, job uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = msp, pg_temp
AS $$
BEGIN
    PERFORM msp.job_check_tenant(tenant, job);
    RETURN msp.job_retry_tree(job);
END $$;

CREATE FUNCTION msp.job_cancel_any(job uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = msp, pg_temp
AS $$ BEGIN RETURN msp.job_cancel_tree(job); END $$;

CREATE FUNCTION msp.job_retry_any(job uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = msp, pg_temp
AS $$ BEGIN RETURN msp.job_retry_tree(job); END $$;

REVOKE ALL ON FUNCTION msp.job_cancel(bigint, uuid), msp.job_retry(bigint, uuid), msp.job_cancel_any(uuid),
    msp.job_retry_any(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION msp.job_cancel(bigint, uuid), msp.job_retry(bigint, uuid) TO msp_api;
GRANT EXECUTE ON FUNCTION msp.job_cancel_any(uuid), msp.job_retry_any(uuid) TO msp_admin;
GRANT CREATE ON SCHEMA msp TO msp_auth;
ALTER FUNCTION msp.job_cancel(bigint, uuid) OWNER TO msp_auth;
ALTER FUNCTION msp.job_retry(bigint, uuid) OWNER TO msp_auth;
ALTER FUNCTION msp.job_cancel_any(uuid) OWNER TO msp_auth;
ALTER FUNCTION msp.job_retry_any(uuid) OWNER TO msp_auth;
REVOKE CREATE ON SCHEMA msp FROM msp_auth;

-- ---- forgetting ----

-- Removes at most `at_most` jobs that ended more than `days` ago; a child not before its parent has ended, a job not
-- while another waits for it. One node at a time; 0 for the others.
CREATE FUNCTION msp.jobs_prune(days integer, at_most integer) RETURNS integer
    LANGUAGE plpgsql
AS $$
DECLARE
    horizon timestamptz := now() - make_interval(days => days);
    removed integer;
BEGIN
    IF NOT pg_try_advisory_xact_lock(7172976, 2) THEN
        RETURN 0;
    END IF;
    DELETE FROM msp.jobs gone
     USING (SELECT j.job_id FROM msp.jobs j
             WHERE j.created_at < horizon AND j.finished_at < horizon AND j.state NOT IN ('queued', 'running')
               AND NOT EXISTS (SELECT FROM msp.jobs c
                                WHERE c.parent_id = j.job_id AND c.state IN ('queued', 'running'))
               AND NOT EXISTS (SELECT FROM msp.jobs p
                                WHERE p.job_id = j.parent_id AND p.state IN ('queued', 'running'))
               AND NOT EXISTS (SELECT FROM msp.jobs w WHERE w.waiting_for = j.job_id AND w.state = 'queued')
             ORDER BY j.created_at LIMIT at_most
               FOR UPDATE SKIP LOCKED) AS old
     WHERE gone.job_id = old.job_id;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END $$;
