-- API keys in use: what the snapshot keeper reads of them, when they were last used, and how many of one name may be
-- active at once (two: the one in use and the one that takes its place).
ALTER TABLE msp.api_keys
    ADD CONSTRAINT api_keys_key_id_form CHECK (key_id ~ '^[0-9a-z]{16}$'),
    ADD CONSTRAINT api_keys_key_hash_length CHECK (octet_length(key_hash) = 32),
    ADD CONSTRAINT api_keys_name_length CHECK (length(name) BETWEEN 1 AND 100);
CREATE POLICY note_use ON msp.api_keys FOR UPDATE TO msp_auth USING (true) WITH CHECK (true);
GRANT UPDATE (last_used_at) ON msp.api_keys TO msp_auth;

-- Runs as msp_admin. Keys of a tenant are made one after another, so that two at once cannot both be the second.
CREATE FUNCTION msp.add_api_key(tenant text, id text, hash bytea, key_name text, key_role text, expires timestamptz)
    RETURNS bigint
    LANGUAGE plpgsql
AS $$
DECLARE
    owner bigint;
BEGIN
    SELECT t.tenant_id INTO owner FROM msp.tenants t WHERE t.slug = tenant FOR UPDATE;
    IF owner IS NULL THEN
        RAISE EXCEPTION USING ERRCODE = 'MS003', MESSAGE = 'tenant_unknown',
            DETAIL = 'There is no tenant "' || tenant || '".';
    END IF;
    IF expires <= now() THEN
        RAISE EXCEPTION USING ERRCODE = 'MS001', MESSAGE = 'expiry_passed',
            DETAIL = 'The key would have expired already; give a time to come.';
    END IF;
    IF (SELECT count(*) FROM msp.api_keys k
         WHERE k.tenant_id = owner AND k.name = key_name AND k.revoked_at IS NULL
           AND (k.expires_at IS NULL OR k.expires_at > now())) >= 2 THEN
        RAISE EXCEPTION USING ERRCODE = 'MS002', MESSAGE = 'key_name_used_twice',
            DETAIL = 'Two keys of that name are active already; revoke the one that is no longer used.';
    END IF;
    INSERT INTO msp.api_keys (tenant_id, key_id, key_hash, name, role, expires_at)
    VALUES (owner, id, hash, key_name, key_role, expires);
    RETURN owner;
END $$;

-- For the snapshot keeper: every key that may still open something. Owned by msp_auth, as msp.all_tenants() is.
CREATE FUNCTION msp.all_api_keys()
    RETURNS TABLE (key_id text, key_hash bytea, tenant_id bigint, slug text, role text, expires_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = msp, pg_temp
AS $$
    SELECT k.key_id, k.key_hash, k.tenant_id, t.slug, k.role, k.expires_at
      FROM msp.api_keys k JOIN msp.tenants t ON t.tenant_id = k.tenant_id
     WHERE k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
     ORDER BY k.key_id COLLATE "C"
$$;

-- For the snapshot keeper: uses that the HTTP workers of a node have seen, in unix seconds.
CREATE FUNCTION msp.note_key_uses(ids text[], seconds bigint[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = msp, pg_temp
AS $$
    UPDATE msp.api_keys k
       SET last_used_at = greatest(k.last_used_at, to_timestamp(u.seconds))
      FROM unnest(note_key_uses.ids, note_key_uses.seconds) AS u(id, seconds)
     WHERE k.key_id = u.id
$$;
REVOKE ALL ON FUNCTION msp.all_api_keys(), msp.note_key_uses(text[], bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION msp.all_api_keys(), msp.note_key_uses(text[], bigint[]) TO msp_api;
GRANT CREATE ON SCHEMA msp TO msp_auth;
ALTER FUNCTION msp.all_api_keys() OWNER TO msp_auth;
ALTER FUNCTION msp.note_key_uses(text[], bigint[]) OWNER TO msp_auth;
REVOKE CREATE ON SCHEMA msp FROM msp_auth;
