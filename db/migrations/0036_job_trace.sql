-- The caller's trace (W3C Trace Context) that a job is part of, so that the calls made for the job name it too. Whoever
-- starts a job sets msp.trace for the transaction; the functions that insert need not know of it.
ALTER TABLE msp.jobs ADD COLUMN trace text COLLATE "C" NOT NULL DEFAULT '' CHECK (trace ~ '^([0-9a-f]{32})?$');
ALTER TABLE msp.jobs ALTER COLUMN trace SET DEFAULT coalesce(current_setting('msp.trace', true), '');

-- Those that queue children, as they were (0010, 0011); the children are part of their parent's trace.
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
    INSERT INTO msp.jobs (tenant_id, kind, lane, priority, parent_id, parameters, trace)
    SELECT t.tenant_id, held.kind, child_lane, held.priority, held.job_id, held.parameters, held.trace
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

CREATE OR REPLACE FUNCTION msp.job_step(
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
    INSERT INTO msp.jobs (tenant_id, kind, lane, priority, parent_id, parameters, trace)
    VALUES (held.tenant_id, step_kind, step_lane, held.priority, held.job_id, step_parameters, held.trace);
    UPDATE msp.jobs j
       SET worker = NULL, pending_children = 1, children_ended = false, excused = j.excused + 1,
           done = steps_done, total = steps_total, stage = new_stage
     WHERE j.job_id = job;
    PERFORM pg_notify('msp_jobs', '');
END $$;
