-- Spreads the tenants' data over the workers of a Citus cluster. Run once on the coordinator by a superuser, after
-- `msp-analytics migrate` and CREATE EXTENSION citus, with the servers stopped:
--   psql -v ON_ERROR_STOP=1 --single-transaction -d msp -f ops/scale/citus.sql
-- Never run on a Citus cluster by those who wrote it: see ops/docs/scale.md for what was tried and what was not.
-- Every table of the schema stands in one of the three lists; a test holds them against the catalogue.

DO $$
BEGIN
    IF to_regproc('create_distributed_table') IS NULL THEN
        RAISE EXCEPTION 'Citus is not in this database. Run CREATE EXTENSION citus first, and add the workers.';
    END IF;
END $$;

-- A tenant is set by SET LOCAL, which Citus carries to the workers; set_config() it does not carry, and every row would
-- be out of sight there. An ordinary owner may not make this function on plain PostgreSQL, so migrations make the other.
CREATE OR REPLACE FUNCTION msp.set_tenant(tenant bigint) RETURNS void
    LANGUAGE plpgsql
    SET citus.propagate_set_commands = 'local'
AS $$ BEGIN EXECUTE format('SET LOCAL msp.tenant_id = %L', tenant); END $$;

-- Citus takes no trigger on a reference table. Nodes hear of a changed tenant by msp_tenants as well.
DROP TRIGGER IF EXISTS tell_of_data ON msp.tenants;

-- Small, read wherever the rows are: a copy on every worker.
SELECT create_reference_table('msp.tenants');
SELECT create_reference_table('msp.report_logins');

-- What grows with a tenant, all its rows on one worker.
SELECT create_distributed_table('msp.raw_tickets', 'tenant_id');
SELECT create_distributed_table('msp.raw_rejects', 'tenant_id', colocate_with => 'msp.raw_tickets');
SELECT create_distributed_table('msp.ticket_tombstones', 'tenant_id', colocate_with => 'msp.raw_tickets');
SELECT create_distributed_table('msp.sweep_ids', 'tenant_id', colocate_with => 'msp.raw_tickets');
SELECT create_distributed_table('msp.kpi_daily', 'tenant_id', colocate_with => 'msp.raw_tickets');
SELECT create_distributed_table('msp.kpi_days', 'tenant_id', colocate_with => 'msp.raw_tickets');
SELECT create_distributed_table('msp.kpi_dirty_days', 'tenant_id', colocate_with => 'msp.raw_tickets');
SELECT create_distributed_table('msp.exports', 'tenant_id', colocate_with => 'msp.raw_tickets');
SELECT create_distributed_table('msp.summaries', 'tenant_id', colocate_with => 'msp.raw_tickets');
SELECT create_distributed_table('msp.summary_tokens', 'tenant_id', colocate_with => 'msp.raw_tickets');

-- Left on the coordinator as they are, each for a reason that the workers could not meet:
--   jobs callback_deliveries     the queue: FOR UPDATE SKIP LOCKED over all tenants, triggers, NOTIFY
--   idempotency_keys             written with the job it belongs to
--   tenant_state ingest_cursors  triggers that tell the nodes of changed data; a row or a few a tenant
--   users api_keys revoked_tokens ended_subjects  looked up before a tenant is known; unique over all of them
--   sources                      read by the dispatcher over all tenants; one row a tenant
--   audit_log audit_heads audit_key  chains of lines, each written under a lock on its head
--   erased_tenants               asked beside jobs and audit lines by their triggers
--   migrations                   of the program
