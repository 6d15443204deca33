-- How jobs begin: under an Idempotency-Key or none, merged into one that is queued already, behind another job, or as
-- a step of its parent. One transaction each, in one round trip, so that no stopped process holds a lock.

-- What was done under an Idempotency-Key, for 24 hours.
CREATE TABLE msp.idempotency_keys (
    tenant_id   bigint NOT NULL,  -- 0 = the caller works for no tenant
    caller      text COLLATE "C" NOT NULL,
    route       text COLLATE "C" NOT NULL,
    key         text COLLATE "C" NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    fingerprint bytea NOT NULL,  -- of everything that was asked
    job_id      uuid,  -- what it started or changed
    answer      json,  -- what is told again where there is no job; never a secret
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, caller, route, key)
);
CREATE INDEX idempotency_keys_by_age ON msp.idempotency_keys (created_at);
ALTER TABLE msp.idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE msp.idempotency_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON msp.idempotency_keys
    USING (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint)
    WITH CHECK (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint);
CREATE POLICY administration ON msp.idempotency_keys TO msp_admin USING (true) WITH CHECK (true);
CREATE POLICY expiry ON msp.idempotency_keys TO msp_jobs
    USING (created_at < now() - interval '24 hours') WITH CHECK (created_at < now() - interval '24 hours');
GRANT SELECT, INSERT, UPDATE ON msp.idempotency_keys TO msp_api, msp_admin;
GRANT SELECT, UPDATE, DELETE ON msp.idempotency_keys TO msp_jobs;  -- UPDATE: to lock what goes

-- Keeps everybody else out of the key until the transaction ends, and returns what was done under it: one row or none.
-- Two at once are the usual case of a retry, and a start takes milliseconds; so the second waits for a moment.
CREATE FUNCTION msp.idempotency_find(owner bigint, who text, on_route text, given text, print bytea)
    RETURNS SETOF msp.idempotency_keys
    LANGUAGE plpgsql
AS $$
DECLARE
    found_one msp.idempotency_keys;
    waits integer := 0;
BEGIN
    WHILE NOT pg_try_advisory_xact_lock(2, hashtext(concat_ws(' ', owner, who, on_route, given))) LOOP
        waits := waits + 1;
        IF waits > 25 THEN
            RAISE EXCEPTION USING ERRCODE = 'MS002', MESSAGE = 'idempotency_key_in_use',
                DETAIL = 'A request with this Idempotency-Key is still being worked on; send it again in a moment.';
        END IF;
        PERFORM pg_sleep(0.02);
    END LOOP;
    SELECT k.* INTO found_one FROM msp.idempotency_keys k
     WHERE k.tenant_id = owner AND k.caller = who AND k.route = on_route AND k.key = given
       AND k.created_at >= now() - interval '24 hours';
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF found_one.fingerprint <> print THEN
        RAISE EXCEPTION USING ERRCODE = 'MS002', MESSAGE = 'idempotency_key_reused',
            DETAIL = 'This Idempotency-Key was used for another request in the last 24 hours; take a new key for a new request.';
    END IF;
    RETURN NEXT found_one;
END $$;

-- Notes what was done, in the transaction that did it and behind msp.idempotency_find. What has expired is overwritten.
CREATE FUNCTION msp.idempotency_keep(owner bigint, who text, on_route text, given text, print bytea, job uuid, said json)
    RETURNS void
    LANGUAGE sql
AS $$
    INSERT INTO msp.idempotency_keys (tenant_id, caller, route, key, fingerprint, job_id, answer)
    VALUES (owner, who, on_route, given, print, job, said)
    ON CONFLICT (tenant_id, caller, route, key) DO UPDATE
       SET fingerprint = EXCLUDED.fingerprint, job_id = EXCLUDED.job_id, answer = EXCLUDED.answer, created_at = now()
$$;

-- For the job worker, now and then: removes expired keys. Its policy shows it no others.
CREATE FUNCTION msp.idempotency_prune(at_most integer) RETURNS bigint
    LANGUAGE sql
AS $$
    WITH gone AS (
        DELETE FROM msp.idempotency_keys k
         WHERE k.ctid = ANY (ARRAY(SELECT o.ctid FROM msp.idempotency_keys o
                                    WHERE o.created_at < now() - interval '24 hours'
                                    ORDER BY o.created_at LIMIT at_most FOR UPDATE SKIP LOCKED))
        RETURNING 1)
    SELECT count(*) FROM gone
$$;

-- Waiting for another job. The end of a job reaches those that wait for it whoever ends it and whosever they are: these
-- functions are msp_auth's, who sees every job.
CREATE INDEX jobs_waiting ON msp.jobs (waiting_for) WHERE waiting_for IS NOT NULL;

-- A job that failed for this keeps waiting_for, so that a retry can bring it back together with what it waited for. All
-- that wait in a row fail in one statement: one after the other would go as deep as the row is long.
CREATE FUNCTION msp.job_tell_waiting(awaited uuid, ended_as text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = msp, pg_temp
    SET enable_seqscan = off  -- the plans are made once a session, perhaps while the table is empty
AS $$
DECLARE
    failed uuid;
BEGIN
    IF ended_as = 'succeeded' THEN
        UPDATE msp.jobs j SET waiting_for = NULL, run_at = now(), stage = ''
         WHERE j.waiting_for = awaited AND j.state = 'queued';
        IF FOUND THEN
            PERFORM pg_notify('msp_jobs', '');
        END IF;
        RETURN;
    END IF;
    FOR failed IN
        WITH RECURSIVE waiting AS (
            SELECT j.job_id FROM msp.jobs j WHERE j.waiting_for = awaited AND j.state = 'queued'
            UNION ALL
            SELECT j.job_id FROM msp.jobs j JOIN waiting w ON j.waiting_for = w.job_id WHERE j.state = 'queued'
        )
        UPDATE msp.jobs j
           SET state = 'failed', finished_at = clock_timestamp(), stage = '',
               error = json_build_object('code', 'after_job_failed', 'detail',
                   'Job ' || j.waiting_for || ', after which this one was to run, '
                   || CASE WHEN j.waiting_for = awaited AND ended_as = 'cancelled' THEN 'was cancelled' ELSE 'failed' END
                   || '. Retry that job; this one follows it.')
          FROM waiting w
         WHERE j.job_id = w.job_id AND j.state = 'queued'
        RETURNING j.job_id
    LOOP
        PERFORM pg_notify('msp_jobs_ended', failed::text);
    END LOOP;
END $$;

-- A job that is about to wait and a job that is about to end must see each other. Ends share lock (3, 0), so that they
-- do not wait for one another; the few that begin to wait take it alone.
CREATE FUNCTION msp.job_begins_to_wait() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = msp, pg_temp
AS $$
DECLARE
    awaited_state text;
BEGIN
    PERFORM pg_advisory_xact_lock(3, 0);
    SELECT j.state INTO awaited_state FROM msp.jobs j WHERE j.job_id = NEW.waiting_for;
    IF awaited_state NOT IN ('queued', 'running') THEN
        PERFORM msp.job_tell_waiting(NEW.waiting_for, awaited_state);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER begins_to_wait AFTER INSERT ON msp.jobs FOR EACH ROW
    WHEN (NEW.waiting_for IS NOT NULL)
    EXECUTE FUNCTION msp.job_begins_to_wait();

CREATE FUNCTION msp.job_has_ended() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = msp, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(3, 0);
    PERFORM msp.job_tell_waiting(NEW.job_id, NEW.state);
    RETURN NULL;
END $$;
CREATE TRIGGER has_ended AFTER UPDATE OF state ON msp.jobs FOR EACH ROW
    WHEN (NEW.state IN ('succeeded', 'failed', 'cancelled') AND OLD.state IN ('queued', 'running'))
    EXECUTE FUNCTION msp.job_has_ended();

REVOKE ALL ON FUNCTION msp.job_tell_waiting(uuid, text), msp.job_begins_to_wait(), msp.job_has_ended() FROM PUBLIC;
GRANT CREATE ON SCHEMA msp TO msp_auth;
ALTER FUNCTION msp.job_tell_waiting(uuid, text) OWNER TO msp_auth;
ALTER FUNCTION msp.job_begins_to_wait() OWNER TO msp_auth;
ALTER FUNCTION msp.job_has_ended() OWNER TO msp_auth;
REVOKE CREATE ON SCHEMA msp FROM msp_auth;

-- Which job to wait for, of those the caller may see: null if it has succeeded already.
CREATE FUNCTION msp.job_to_follow(wanted uuid) RETURNS uuid
    LANGUAGE plpgsql
AS $$
DECLARE
    its_state text;
BEGIN
    IF wanted IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT j.state INTO its_state FROM msp.jobs j WHERE j.job_id = wanted;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'MS001', MESSAGE = 'after_job_unknown',
            DETAIL = 'There is no such job to wait for; give the id of a job that you have started.';
    END IF;
    RETURN CASE WHEN its_state <> 'succeeded' THEN wanted END;
END $$;

-- Two requests for the same work are one job until it is taken for the first time; afterwards the data may have changed
-- behind its back. They stay two where one would lose something: another job to wait for, or another address to tell.
CREATE INDEX jobs_mergeable ON msp.jobs (merge_key) WHERE merge_key IS NOT NULL AND state = 'queued' AND claims = 0;
CREATE FUNCTION msp.job_insert(
    tenant bigint, new_kind text, new_lane smallint, new_parameters json, merges boolean, follows uuid, tell text)
    RETURNS msp.jobs
    LANGUAGE plpgsql SET enable_seqscan = off
AS $$
DECLARE
    job msp.jobs;
    work text := CASE WHEN merges THEN
        encode(sha256(convert_to(concat_ws(' ', new_kind, coalesce(tenant, 0), new_parameters), 'UTF8')), 'hex') END;
BEGIN
    IF merges THEN
        PERFORM pg_advisory_xact_lock(1, hashtext(work));
        SELECT j.* INTO job FROM msp.jobs j
         WHERE j.merge_key = work AND j.state = 'queued' AND j.claims = 0 AND j.cancel_requested_at IS NULL
           AND j.waiting_for IS NOT DISTINCT FROM follows AND (tell IS NULL OR j.callback_url = tell)
         ORDER BY j.created_at LIMIT 1;
        IF FOUND THEN
            RETURN job;
        END IF;
    END IF;
    INSERT INTO msp.jobs AS j (tenant_id, kind, lane, parameters, merge_key, callback_url, waiting_for, run_at, stage)
    VALUES (tenant, new_kind, new_lane, new_parameters, work, tell, follows,
            CASE WHEN follows IS NULL THEN now() ELSE 'infinity' END,
            CASE WHEN follows IS NULL THEN '' ELSE 'waiting for another job' END)
    RETURNING j.* INTO job;
    IF follows IS NOT NULL THEN
        SELECT j.* INTO job FROM msp.jobs j WHERE j.job_id = job.job_id;  -- its trigger may have ended it already
    END IF;
    PERFORM pg_notify('msp_jobs', '');
    RETURN job;
END $$;

-- The one door: the job that was started under the key, or a new or merged one. `given` null = no key.
CREATE FUNCTION msp.job_start(
    tenant bigint, new_kind text, new_lane smallint, new_parameters json, merges boolean, after_job uuid, tell text,
    owner bigint, who text, on_route text, given text, print bytea)
    RETURNS TABLE (job msp.jobs, replayed boolean)
    LANGUAGE plpgsql
AS $$
DECLARE
    earlier uuid;
BEGIN
    IF given IS NOT NULL THEN
        SELECT k.job_id INTO earlier FROM msp.idempotency_find(owner, who, on_route, given, print) k;
        SELECT j.* INTO job FROM msp.jobs j WHERE j.job_id = earlier;
        IF FOUND THEN
            replayed := true;
            RETURN NEXT;
            RETURN;
        END IF;
    END IF;
    job := msp.job_insert(tenant, new_kind, new_lane, new_parameters, merges, msp.job_to_follow(after_job), tell);
    IF given IS NOT NULL THEN
        PERFORM msp.idempotency_keep(owner, who, on_route, given, print, job.job_id, NULL);
    END IF;
    replayed := false;
    RETURN NEXT;
END $$;

-- Cancels or retries a job, a tenant's own or any (`tenant` null, for msp_admin), unless that was done under the key.
CREATE FUNCTION msp.job_control(
    action text, tenant bigint, job uuid, owner bigint, who text, on_route text, given text, print bytea)
    RETURNS TABLE (changed boolean, replayed boolean)
    LANGUAGE plpgsql
AS $$
BEGIN
    changed := false;
    replayed := false;
    IF given IS NOT NULL THEN
        PERFORM FROM msp.idempotency_find(owner, who, on_route, given, print);
        replayed := FOUND;
    END IF;
    IF NOT replayed THEN
        -- One expression would ask for the right to call all four.
        IF action = 'cancel' AND tenant IS NULL THEN
            changed := msp.job_cancel_any(job);
        ELSIF action = 'cancel' THEN
            changed := msp.job_cancel(tenant, job);
        ELSIF tenant IS NULL THEN
            changed := msp.job_retry_any(job);
        ELSE
            changed := msp.job_retry(tenant, job);
        END IF;
        IF given IS NOT NULL THEN
            PERFORM msp.idempotency_keep(owner, who, on_route, given, print, job, NULL);
        END IF;
    END IF;
    RETURN NEXT;
END $$;

-- Queues the next step of a tenant's job as its child and parks the job until that has ended; then it is taken again
-- with children_ended set. The visit burns no attempt.
CREATE FUNCTION msp.job_step(
    job uuid, claim integer, holder text, step_kind text, step_lane smallint, step_parameters json,
    steps_done bigint, steps_total bigint, new_stage text)
    RETURNS void
    LANGUAGE plpgsql
AS $$
DECLARE
    held msp.jobs := msp.job_hold(job, claim, holder);
BEGIN
    IF held.cancel_requested_at IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'MS005', MESSAGE = 'job_cancelled', DETAIL = 'The job was cancelled.';
    END IF;
    INSERT INTO msp.jobs (tenant_id, kind, lane, priority, parent_id, parameters)
    VALUES (held.tenant_id, step_kind, step_lane, held.priority, held.job_id, step_parameters);
    UPDATE msp.jobs j
       SET worker = NULL, pending_children = 1, children_ended = false, excused = j.excused + 1,
           done = steps_done, total = steps_total, stage = new_stage
     WHERE j.job_id = job;
    PERFORM pg_notify('msp_jobs', '');
END $$;
