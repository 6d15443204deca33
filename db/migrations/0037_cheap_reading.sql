-- What every reading of KPIs pays for, made cheap.

-- PostgreSQL puts a function's one expression in the place of its call only if the types agree: void_in() makes a void
-- of set_config()'s text. Before, each call parsed and planned its body anew. Where ops/scale/citus.sql has put its own
-- form, that one stays.
DO $$
BEGIN
    IF (SELECT l.lanname FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
         WHERE p.oid = 'msp.set_tenant(bigint)'::regprocedure) = 'sql' THEN
        CREATE OR REPLACE FUNCTION msp.set_tenant(tenant bigint) RETURNS void
            LANGUAGE sql
        AS $body$ SELECT void_in(set_config('msp.tenant_id', tenant::text, true)::cstring) $body$;
    END IF;
END $$;

-- A row's numbers in one piece, eight bytes each, the greatest first: PostgreSQL sends it, and the server reads it,
-- without a look at the single columns. -1 stands for null. The order is also db/kpi_rows.c's.
CREATE FUNCTION msp.kpi_figures(
    tickets_created bigint, tickets_resolved bigint, tickets_closed bigint, tickets_reopened bigint, backlog bigint,
    sla_known bigint, sla_met bigint, csat_count bigint, csat_sum bigint,
    resolution_count bigint, resolution_seconds_sum bigint, resolution_seconds_min bigint,
    resolution_seconds_max bigint, resolution_p50_bin bigint, resolution_p90_bin bigint, resolution_p95_bin bigint,
    first_response_count bigint, first_response_seconds_sum bigint, first_response_seconds_min bigint,
    first_response_seconds_max bigint, first_response_p50_bin bigint, first_response_p90_bin bigint) RETURNS bytea
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT int8send(tickets_created) || int8send(tickets_resolved) || int8send(tickets_closed)
        || int8send(tickets_reopened) || int8send(backlog) || int8send(sla_known) || int8send(sla_met)
        || int8send(csat_count) || int8send(csat_sum)
        || int8send(resolution_count) || int8send(resolution_seconds_sum)
        || int8send(coalesce(resolution_seconds_min, -1)) || int8send(coalesce(resolution_seconds_max, -1))
        || int8send(coalesce(resolution_p50_bin, -1)) || int8send(coalesce(resolution_p90_bin, -1))
        || int8send(coalesce(resolution_p95_bin, -1))
        || int8send(first_response_count) || int8send(first_response_seconds_sum)
        || int8send(coalesce(first_response_seconds_min, -1)) || int8send(coalesce(first_response_seconds_max, -1))
        || int8send(coalesce(first_response_p50_bin, -1)) || int8send(coalesce(first_response_p90_bin, -1))
$$;
ALTER TABLE msp.kpi_daily ADD COLUMN figures bytea NOT NULL GENERATED ALWAYS AS (msp.kpi_figures(
    tickets_created, tickets_resolved, tickets_closed, tickets_reopened, backlog, sla_known, sla_met, csat_count,
    csat_sum, resolution_count, resolution_seconds_sum, resolution_seconds_min, resolution_seconds_max,
    resolution_p50_bin, resolution_p90_bin, resolution_p95_bin, first_response_count, first_response_seconds_sum,
    first_response_seconds_min, first_response_seconds_max, first_response_p50_bin, first_response_p90_bin)) STORED;

-- The first computed day beside the last one of the run, so that telling how fresh the data is searches for neither.
ALTER TABLE msp.tenant_state ADD COLUMN first_day date;
ALTER TABLE msp.kpi_days NO FORCE ROW LEVEL SECURITY;
ALTER TABLE msp.tenant_state NO FORCE ROW LEVEL SECURITY;
UPDATE msp.tenant_state s
   SET first_day = (SELECT min(k.day) FROM msp.kpi_days k
                     WHERE k.tenant_id = s.tenant_id AND k.computed_at IS NOT NULL);
ALTER TABLE msp.kpi_days FORCE ROW LEVEL SECURITY;
ALTER TABLE msp.tenant_state FORCE ROW LEVEL SECURITY;

-- As it was (0034), without what is only another form of what stands beside it.
CREATE OR REPLACE FUNCTION msp.tenant_rows(tenant bigint, of_table text) RETURNS SETOF text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = msp, pg_temp
AS $$
BEGIN
    PERFORM msp.set_tenant(tenant);
    RETURN QUERY EXECUTE format(
        'SELECT (to_jsonb(t) - ''{tenant_id,password_hash,key_hash,secrets,token,salt,digest,mac,figures}''::text[])::text
           FROM msp.%I t WHERE tenant_id = $1', of_table) USING tenant;
END $$;
