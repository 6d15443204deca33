-- The audit log as a chain: each line of a tenant carries a MAC over itself and the MAC before it, so that a line that
-- was changed, taken out or put in shows. The MACs are made by the program, whose key the database does not know.
-- What may name a person (actor, address, object, request, detail) enters the chain as a salted digest alone, so that it
-- can be erased and the chain still holds.
ALTER TABLE msp.audit_log
    ALTER COLUMN address TYPE text USING host(address),
    ALTER COLUMN actor DROP NOT NULL,
    ALTER COLUMN object DROP NOT NULL,
    ADD COLUMN place bigint,  -- in the tenant's chain, from 1; null = older than the chain
    ADD COLUMN key_id text,   -- which key made the MAC; 'database' = the one in msp.audit_key
    ADD COLUMN salt bytea,    -- null = the line was erased
    ADD COLUMN digest bytea,
    ADD COLUMN mac bytea;
ALTER TABLE msp.audit_log
    ADD CONSTRAINT audit_log_chained CHECK (place IS NOT NULL AND key_id IS NOT NULL AND octet_length(digest) = 32
        AND octet_length(mac) = 32) NOT VALID,
    ADD CONSTRAINT audit_log_whole_or_erased CHECK (
        CASE WHEN salt IS NULL
             THEN num_nonnulls(actor, address, object, request_id, detail) = 0
             ELSE num_nulls(actor, object) = 0 AND octet_length(salt) = 16 END) NOT VALID,
    ADD CONSTRAINT audit_log_sizes CHECK (octet_length(detail::text) <= 8192 AND octet_length(actor) <= 200
        AND octet_length(object) <= 256 AND octet_length(action) <= 64 AND octet_length(request_id) <= 64
        AND octet_length(address) <= 45) NOT VALID,
    ADD CONSTRAINT audit_log_place UNIQUE (tenant_id, place);
CREATE INDEX audit_log_newest ON msp.audit_log (audit_id);

-- Where each chain ends. Writers of a tenant's lines wait for one another here, and a missing last line shows by it.
CREATE TABLE msp.audit_heads (
    tenant_id bigint PRIMARY KEY,  -- 0 = of no tenant
    place     bigint NOT NULL,
    key_id    text NOT NULL,
    mac       bytea NOT NULL CHECK (octet_length(mac) = 32)
) WITH (fillfactor = 50);
ALTER TABLE msp.audit_heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE msp.audit_heads FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON msp.audit_heads
    USING (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint)
    WITH CHECK (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint);
CREATE POLICY administration ON msp.audit_heads TO msp_admin USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON msp.audit_heads TO msp_api, msp_admin;

-- What keys the chain where the operator gives no AUDIT_SECRET. It guards against accidents and against every role that
-- serves, but not against whoever owns the database.
CREATE TABLE msp.audit_key (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    key      bytea NOT NULL DEFAULT sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
);
INSERT INTO msp.audit_key DEFAULT VALUES;
GRANT SELECT ON msp.audit_key TO msp_api, msp_admin;

-- The job worker writes no lines.
REVOKE INSERT ON msp.audit_log FROM msp_jobs;
REVOKE USAGE ON SEQUENCE msp.audit_log_audit_id_seq FROM msp_jobs;

-- Locks the end of the tenant's chain until the transaction ends and tells what the next line stands on. A process that
-- is stopped in between loses its transaction after 5 s, so that nobody waits for it for longer.
CREATE FUNCTION msp.audit_next(
    tenant bigint, wants_key boolean,
    OUT next_id bigint, OUT next_place bigint, OUT last_mac bytea, OUT instant timestamptz, OUT database_key bytea)
    LANGUAGE plpgsql
AS $$
DECLARE
    head msp.audit_heads;
BEGIN
    PERFORM set_config('idle_in_transaction_session_timeout', '5000', true);
    SELECT h.* INTO head FROM msp.audit_heads h WHERE h.tenant_id = tenant FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO msp.audit_heads (tenant_id, place, key_id, mac)
        VALUES (tenant, 0, 'database', decode(repeat('00', 32), 'hex'))
        ON CONFLICT (tenant_id) DO NOTHING;
        SELECT h.* INTO head FROM msp.audit_heads h WHERE h.tenant_id = tenant FOR UPDATE;
    END IF;
    IF wants_key THEN
        IF head.key_id <> 'database' THEN
            RAISE EXCEPTION USING ERRCODE = 'MS001', MESSAGE = 'audit_secret_missing',
                DETAIL = 'The audit log is keyed by AUDIT_SECRET, which is not set here; set it as it was.';
        END IF;
        SELECT k.key INTO STRICT database_key FROM msp.audit_key k;
    END IF;
    next_id := nextval('msp.audit_log_audit_id_seq');
    next_place := head.place + 1;
    last_mac := head.mac;
    instant := clock_timestamp();
END $$;

-- Blanks what may name a person in a line; false for a line that is unknown, blank already or itself about an erasure.
CREATE POLICY erasure_finds ON msp.audit_log FOR SELECT TO msp_auth USING (true);
CREATE POLICY erasure ON msp.audit_log FOR UPDATE TO msp_auth USING (true) WITH CHECK (true);
GRANT SELECT (tenant_id, audit_id, action, place, salt), UPDATE (actor, address, object, request_id, detail, salt)
    ON msp.audit_log TO msp_auth;
CREATE FUNCTION msp.audit_erase(tenant bigint, line bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = msp, pg_temp
AS $$
BEGIN
    UPDATE msp.audit_log l
       SET actor = NULL, address = NULL, object = NULL, request_id = NULL, detail = NULL, salt = NULL
     WHERE l.tenant_id = tenant AND l.audit_id = line AND l.salt IS NOT NULL AND l.action <> 'audit.erase';
    RETURN FOUND;
END $$;
REVOKE ALL ON FUNCTION msp.audit_next(bigint, boolean), msp.audit_erase(bigint, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION msp.audit_next(bigint, boolean) TO msp_api, msp_admin;
GRANT EXECUTE ON FUNCTION msp.audit_erase(bigint, bigint) TO msp_admin;
GRANT CREATE ON SCHEMA msp TO msp_auth;
ALTER FUNCTION msp.audit_erase(bigint, bigint) OWNER TO msp_auth;
REVOKE CREATE ON SCHEMA msp FROM msp_auth;

-- An admin's sign-out ends a token of no tenant, and leaves its line in the same transaction.
SET LOCAL ROLE msp_auth;
GRANT EXECUTE ON FUNCTION msp.end_token(bigint, bytea, text, timestamptz) TO msp_admin;
RESET ROLE;
