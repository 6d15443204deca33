-- One job at a time writes a tenant's dataset, whichever node runs it. The turn belongs to the job's connection: a
-- worker that stands still keeps it, for it may go on writing; PostgreSQL takes it from one that is gone.
CREATE FUNCTION msp.export_turn_key(tenant bigint, of_dataset text) RETURNS integer
    LANGUAGE sql IMMUTABLE
AS $$ SELECT hashtext(concat_ws(' ', tenant, of_dataset)) $$;

CREATE FUNCTION msp.export_turn_try(tenant bigint, of_dataset text) RETURNS boolean
    LANGUAGE sql
AS $$ SELECT pg_try_advisory_lock(4, msp.export_turn_key(tenant, of_dataset)) $$;

CREATE FUNCTION msp.export_turn_is_ours(tenant bigint, of_dataset text) RETURNS boolean
    LANGUAGE sql
AS $$
    SELECT EXISTS (SELECT FROM pg_locks l
                    WHERE l.pid = pg_backend_pid() AND l.locktype = 'advisory' AND l.granted
                      AND l.classid = 4 AND l.objid = msp.export_turn_key(tenant, of_dataset)::oid AND l.objsubid = 2)
$$;

-- Stops a transaction of a worker whose connection broke meanwhile: another may have had its turn since.
CREATE FUNCTION msp.export_turn_hold(tenant bigint, of_dataset text) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    IF NOT msp.export_turn_is_ours(tenant, of_dataset) THEN
        RAISE EXCEPTION USING ERRCODE = 'MS006', MESSAGE = 'export_turn_lost',
            DETAIL = 'The connection to PostgreSQL broke while the export was written; it is written again.';
    END IF;
END $$;

CREATE FUNCTION msp.export_turn_end(tenant bigint, of_dataset text) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    IF msp.export_turn_is_ours(tenant, of_dataset) THEN
        PERFORM pg_advisory_unlock(4, msp.export_turn_key(tenant, of_dataset));
    END IF;
END $$;
