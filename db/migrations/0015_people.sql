-- People who sign in: what the sign-in needs before a tenant is known, and how their tokens end before their time.
ALTER TABLE msp.users
    ADD CONSTRAINT users_email_form CHECK (email ~ '^[!-?A-~]{1,64}@[!-?A-~]{1,62}$' AND email = lower(email)),
    ADD CONSTRAINT users_name_length CHECK (length(display_name) BETWEEN 1 AND 150);

-- Tokens that were signed out and would still be good.
CREATE TABLE msp.revoked_tokens (
    tenant_id  bigint NOT NULL,  -- 0 = of no tenant
    token      bytea NOT NULL CHECK (octet_length(token) = 16),  -- the first half of the SHA-256 of its id
    subject    text NOT NULL,
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, token)
);
CREATE INDEX revoked_tokens_subject ON msp.revoked_tokens (tenant_id, subject);
ALTER TABLE msp.revoked_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE msp.revoked_tokens FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON msp.revoked_tokens
    USING (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint)
    WITH CHECK (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint);
CREATE POLICY look_up ON msp.revoked_tokens TO msp_auth USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, DELETE ON msp.revoked_tokens TO msp_auth;
CREATE POLICY end_tokens ON msp.users FOR UPDATE TO msp_auth USING (true) WITH CHECK (true);
GRANT UPDATE (not_before) ON msp.users TO msp_auth;

-- What a sign-in compares with; at most one row.
CREATE FUNCTION msp.find_sign_in(address text)
    RETURNS TABLE (tenant_id bigint, slug text, role text, display_name text, password_hash text, may_enter boolean,
                   not_before bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = msp, pg_temp
AS $$
    SELECT u.tenant_id, t.slug, u.role, u.display_name, u.password_hash,
           u.active AND (u.tenant_id IS NULL OR t.active),
           ceil(extract(epoch FROM u.not_before))::bigint
      FROM msp.users u LEFT JOIN msp.tenants t ON t.tenant_id = u.tenant_id
     WHERE u.email = address
$$;

-- Ends one token. Signed-out tokens are kept in every node's memory until they expire, so a subject that signs out
-- without end has all its tokens ended instead: `several` tells.
CREATE FUNCTION msp.end_token(tenant bigint, id bytea, holder text, expires timestamptz)
    RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = msp, pg_temp
AS $$
DECLARE
    several boolean := false;
BEGIN
    DELETE FROM msp.revoked_tokens r WHERE r.expires_at < now() - interval '1 minute';
    IF (SELECT count(*) FROM msp.revoked_tokens r WHERE r.tenant_id = tenant AND r.subject = holder) >= 50 THEN
        UPDATE msp.users u SET not_before = clock_timestamp() WHERE u.email = holder;
        several := FOUND;
    END IF;
    IF several THEN
        DELETE FROM msp.revoked_tokens r WHERE r.tenant_id = tenant AND r.subject = holder;
    ELSE
        INSERT INTO msp.revoked_tokens (tenant_id, token, subject, expires_at) VALUES (tenant, id, holder, expires)
        ON CONFLICT DO NOTHING;
    END IF;
    PERFORM pg_notify('msp_tenants', '');
    RETURN several;
END $$;

-- For the snapshot keeper: since when a person's tokens count (null = never again), by the first half of the SHA-256
-- of the e-mail; and the tokens that were signed out.
CREATE FUNCTION msp.all_cut_offs() RETURNS TABLE (subject bytea, not_before bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = msp, pg_temp
AS $$
    SELECT substring(sha256(convert_to(u.email, 'UTF8')) FOR 16),
           CASE WHEN u.active THEN ceil(extract(epoch FROM u.not_before))::bigint END
      FROM msp.users u
     WHERE NOT u.active OR u.not_before IS NOT NULL
     ORDER BY 1
$$;
CREATE FUNCTION msp.all_revoked_tokens() RETURNS TABLE (token bytea)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = msp, pg_temp
AS $$
    SELECT DISTINCT r.token FROM msp.revoked_tokens r WHERE r.expires_at > now() - interval '1 minute' ORDER BY 1
$$;
REVOKE ALL ON FUNCTION msp.find_sign_in(text), msp.end_token(bigint, bytea, text, timestamptz), msp.all_cut_offs(),
    msp.all_revoked_tokens() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION msp.find_sign_in(text), msp.end_token(bigint, bytea, text, timestamptz), msp.all_cut_offs(),
    msp.all_revoked_tokens() TO msp_api;
GRANT CREATE ON SCHEMA msp TO msp_auth;
ALTER FUNCTION msp.find_sign_in(text) OWNER TO msp_auth;
ALTER FUNCTION msp.end_token(bigint, bytea, text, timestamptz) OWNER TO msp_auth;
ALTER FUNCTION msp.all_cut_offs() OWNER TO msp_auth;
ALTER FUNCTION msp.all_revoked_tokens() OWNER TO msp_auth;
REVOKE CREATE ON SCHEMA msp FROM msp_auth;
