-- A tenant's data handed out whole, and erased for ever: a tenant, or one person in it.

-- What is left of an erased tenant: its number, which the audit log's chain goes by, and a digest of its id, so that the
-- id is never given again and yet stands nowhere.
CREATE TABLE msp.erased_tenants (
    number      bigint PRIMARY KEY,
    slug_digest bytea NOT NULL UNIQUE CHECK (octet_length(slug_digest) = 32),
    erased_at   timestamptz NOT NULL DEFAULT now(),
    erased_by   xid8 NOT NULL DEFAULT pg_current_xact_id()  -- only this transaction still writes about the tenant
);
GRANT SELECT ON msp.erased_tenants TO msp_api, msp_admin, msp_jobs, msp_auth;

CREATE FUNCTION msp.refuse_erased_slug() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    IF EXISTS (SELECT FROM msp.erased_tenants e WHERE e.slug_digest = sha256(convert_to(NEW.slug, 'UTF8'))) THEN
        RAISE EXCEPTION USING ERRCODE = 'unique_violation', MESSAGE = 'tenant_erased';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse_erased_slug BEFORE INSERT ON msp.tenants
    FOR EACH ROW EXECUTE FUNCTION msp.refuse_erased_slug();

-- A request that was under way when its tenant was erased writes nothing any more.
CREATE FUNCTION msp.refuse_erased() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    IF EXISTS (SELECT FROM msp.erased_tenants e
                WHERE e.number = NEW.tenant_id AND e.erased_by <> pg_current_xact_id()) THEN
        RAISE EXCEPTION USING ERRCODE = 'MS003', MESSAGE = 'tenant_unknown', DETAIL = 'There is no such tenant.';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse_erased BEFORE INSERT ON msp.jobs
    FOR EACH ROW WHEN (NEW.tenant_id IS NOT NULL) EXECUTE FUNCTION msp.refuse_erased();
CREATE TRIGGER refuse_erased BEFORE INSERT ON msp.idempotency_keys
    FOR EACH ROW WHEN (NEW.tenant_id <> 0) EXECUTE FUNCTION msp.refuse_erased();
CREATE TRIGGER refuse_erased BEFORE INSERT ON msp.revoked_tokens
    FOR EACH ROW WHEN (NEW.tenant_id <> 0) EXECUTE FUNCTION msp.refuse_erased();
CREATE TRIGGER refuse_erased BEFORE INSERT ON msp.audit_log
    FOR EACH ROW WHEN (NEW.tenant_id <> 0) EXECUTE FUNCTION msp.refuse_erased();

-- As before, and a batch of a stream that outlived its tenant is refused.
CREATE OR REPLACE FUNCTION msp.lock_ingest(tenant bigint, shard integer) RETURNS void
    LANGUAGE plpgsql
AS $$
BEGIN
    IF shard IN (-1, 0) THEN
        PERFORM pg_advisory_xact_lock(tenant * 8);
    END IF;
    IF shard IN (-1, 1) THEN
        PERFORM pg_advisory_xact_lock(tenant * 8 + 1);
    END IF;
    IF EXISTS (SELECT FROM msp.erased_tenants e WHERE e.number = tenant) THEN
        RAISE EXCEPTION USING ERRCODE = 'MS003', MESSAGE = 'tenant_unknown', DETAIL = 'There is no such tenant.';
    END IF;
END $$;

-- Tokens of people who were erased end with them, on every node.
CREATE TABLE msp.ended_subjects (
    tenant_id bigint NOT NULL,
    subject   bytea NOT NULL CHECK (octet_length(subject) = 16),  -- as msp.all_cut_offs tells them
    ended_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, subject)
);
ALTER TABLE msp.ended_subjects ENABLE ROW LEVEL SECURITY;
ALTER TABLE msp.ended_subjects FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON msp.ended_subjects
    USING (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint)
    WITH CHECK (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint);
CREATE POLICY look_up ON msp.ended_subjects FOR SELECT TO msp_auth USING (true);
GRANT SELECT ON msp.ended_subjects TO msp_auth;

GRANT CREATE ON SCHEMA msp TO msp_auth;
SET LOCAL ROLE msp_auth;
CREATE OR REPLACE FUNCTION msp.all_cut_offs() RETURNS TABLE (subject bytea, not_before bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = msp, pg_temp
AS $$
    SELECT substring(sha256(convert_to(u.email, 'UTF8')) FOR 16),
           CASE WHEN u.active THEN ceil(extract(epoch FROM u.not_before))::bigint END
      FROM msp.users u
     WHERE NOT u.active OR u.not_before IS NOT NULL
     UNION ALL
    SELECT e.subject, NULL
      FROM msp.ended_subjects e
     WHERE NOT EXISTS (SELECT FROM msp.users u WHERE substring(sha256(convert_to(u.email, 'UTF8')) FOR 16) = e.subject)
     ORDER BY 1
$$;
RESET ROLE;

-- ---- a tenant at rest ----

-- Cancels what is queued or runs for a tenant and tells how much has not ended yet, those jobs of all tenants included
-- that have a part in it. Called again until it says 0; the tenant is disabled before.
CREATE FUNCTION msp.quiet_tenant(tenant bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = msp, pg_temp
AS $$
DECLARE
    one uuid;
BEGIN
    FOR one IN
        SELECT j.job_id FROM msp.jobs j
         WHERE j.tenant_id = tenant AND j.state IN ('queued', 'running') AND j.cancel_requested_at IS NULL
         ORDER BY j.created_at, j.job_id
    LOOP
        PERFORM msp.job_cancel_tree(one);
    END LOOP;
    RETURN (SELECT count(*) FROM msp.jobs j
             WHERE j.state IN ('queued', 'running')
               AND (j.tenant_id = tenant
                    OR j.job_id IN (SELECT c.parent_id FROM msp.jobs c WHERE c.tenant_id = tenant)));
END $$;

-- What rows of no tenant say of one by its id: the results of jobs over all tenants, answers kept under a key. Returns
-- the lines of the audit log that do; they are blanked one by one, each with its own line.
CREATE POLICY erasure ON msp.idempotency_keys TO msp_auth USING (tenant_id = 0) WITH CHECK (tenant_id = 0);
GRANT SELECT, DELETE ON msp.idempotency_keys TO msp_auth;
GRANT DELETE ON msp.jobs TO msp_auth;
GRANT SELECT ON msp.audit_log TO msp_auth;
CREATE FUNCTION msp.erase_mentions(slug text) RETURNS SETOF bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = msp, pg_temp
AS $$
DECLARE
    named text := '(^|[^a-z0-9-])' || slug || '($|[^a-z0-9-])';
BEGIN
    DELETE FROM msp.jobs j
     WHERE j.tenant_id IS NULL AND j.state NOT IN ('queued', 'running')
       AND concat_ws(' ', j.parameters, j.result, j.error) ~ named;
    DELETE FROM msp.idempotency_keys k
     WHERE k.tenant_id = 0 AND concat_ws(' ', k.caller, k.answer) ~ named;
    RETURN QUERY
        SELECT l.audit_id FROM msp.audit_log l
         WHERE l.tenant_id = 0 AND l.salt IS NOT NULL AND l.action <> 'audit.erase'
           AND concat_ws(' ', l.object, l.detail) ~ named
         ORDER BY l.audit_id;
END $$;

-- ---- the erasure ----

-- Every row of a tenant, whichever tables there are by now, in one transaction; blanks its lines in the audit log, whose
-- chain the caller closes by a line of its own. Owned by the tables' owner, whom the tenant's wall lets at its rows.
CREATE FUNCTION msp.erase_tenant(tenant bigint) RETURNS json
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = msp, pg_temp
AS $$
DECLARE
    its_slug text;
    of_table text;
    gone bigint;
    counts jsonb := '{}';
BEGIN
    PERFORM msp.set_tenant(tenant);
    PERFORM msp.lock_ingest(tenant, -1);
    PERFORM msp.lock_compute(tenant);
    -- Whoever is about to write a line about the tenant waits, and is refused afterwards.
    PERFORM FROM msp.audit_heads h WHERE h.tenant_id = tenant FOR UPDATE;
    SELECT t.slug INTO its_slug FROM msp.tenants t WHERE t.tenant_id = tenant AND NOT t.active FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'MS002', MESSAGE = 'tenant_active', DETAIL = 'The tenant is not disabled.';
    END IF;
    IF EXISTS (SELECT FROM msp.jobs j WHERE j.tenant_id = tenant AND j.state IN ('queued', 'running')) THEN
        RAISE EXCEPTION USING ERRCODE = 'MS002', MESSAGE = 'tenant_busy',
            DETAIL = 'A job of the tenant has begun meanwhile; erase it again.';
    END IF;
    INSERT INTO msp.erased_tenants (number, slug_digest) VALUES (tenant, sha256(convert_to(its_slug, 'UTF8')));
    FOR of_table IN
        SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
         WHERE c.relnamespace = 'msp'::regnamespace AND c.relkind IN ('r', 'p') AND a.attname = 'tenant_id'
           AND c.relname NOT IN ('audit_log', 'audit_heads')
         -- What hangs on a job goes before it, the tenant itself last.
         ORDER BY c.relname = 'tenants', c.relname = 'jobs', c.relname
    LOOP
        EXECUTE format('DELETE FROM msp.%I WHERE tenant_id = $1', of_table) USING tenant;
        GET DIAGNOSTICS gone = ROW_COUNT;
        counts := counts || jsonb_build_object(of_table, gone);
    END LOOP;
    UPDATE msp.audit_log l
       SET actor = NULL, address = NULL, object = NULL, request_id = NULL, detail = NULL, salt = NULL
     WHERE l.tenant_id = tenant;
    GET DIAGNOSTICS gone = ROW_COUNT;
    RETURN counts || jsonb_build_object('audit_log', gone);
END $$;

-- Takes one person, named exactly but for case, out of a tenant: as requester or technician of tickets, in what was
-- refused or deleted at the source, as somebody who signs in. Every day is computed anew afterwards. Returns how many
-- rows of each; lines of the audit log that name the person come with it, to be blanked one by one.
CREATE FUNCTION msp.erase_person(tenant bigint, who text, OUT counts json, OUT lines bigint[])
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = msp, pg_temp
AS $$
DECLARE
    name text := lower(who);
    gone bigint;
    found_rows jsonb := '{}';
BEGIN
    PERFORM msp.set_tenant(tenant);
    PERFORM msp.lock_ingest(tenant, -1);
    PERFORM msp.lock_compute(tenant);
    UPDATE msp.raw_tickets r
       SET requester = CASE WHEN lower(r.requester) = name THEN NULL ELSE r.requester END,
           assignee = CASE WHEN lower(r.assignee) = name THEN NULL ELSE r.assignee END
     WHERE r.tenant_id = tenant AND (lower(r.requester) = name OR lower(r.assignee) = name);
    GET DIAGNOSTICS gone = ROW_COUNT;
    found_rows := found_rows || jsonb_build_object('tickets', gone);
    UPDATE msp.raw_tickets r SET title = regexp_replace(r.title, regexp_replace(who, '([^[:alnum:]])', '\\\1', 'g'),
                                                         '(erased)', 'gi')
     WHERE r.tenant_id = tenant AND position(name IN lower(r.title)) > 0;
    GET DIAGNOSTICS gone = ROW_COUNT;
    found_rows := found_rows || jsonb_build_object('titles', gone);
    DELETE FROM msp.ticket_tombstones t
     WHERE t.tenant_id = tenant AND (lower(t.ticket ->> 'requester') = name OR lower(t.ticket ->> 'assignee') = name
                                     OR position(name IN lower(t.ticket ->> 'title')) > 0);
    GET DIAGNOSTICS gone = ROW_COUNT;
    found_rows := found_rows || jsonb_build_object('deleted_tickets', gone);
    DELETE FROM msp.raw_rejects r WHERE r.tenant_id = tenant AND position(name IN lower(r.payload || ' ' || r.reason)) > 0;
    GET DIAGNOSTICS gone = ROW_COUNT;
    found_rows := found_rows || jsonb_build_object('rejects', gone);
    DELETE FROM msp.kpi_daily k WHERE k.tenant_id = tenant AND k.dimension = 'assignee' AND lower(k.member) = name;
    GET DIAGNOSTICS gone = ROW_COUNT;
    found_rows := found_rows || jsonb_build_object('kpi_rows', gone);
    IF gone > 0 OR (found_rows ->> 'tickets')::bigint > 0 OR (found_rows ->> 'titles')::bigint > 0 THEN
        PERFORM msp.mark_every_day_dirty(tenant);
        INSERT INTO msp.tenant_state AS s (tenant_id, data_version) VALUES (tenant, 1)
            ON CONFLICT (tenant_id) DO UPDATE SET data_version = s.data_version + 1;
    END IF;
    INSERT INTO msp.ended_subjects (tenant_id, subject)
    SELECT tenant, substring(sha256(convert_to(u.email, 'UTF8')) FOR 16)
      FROM msp.users u WHERE u.tenant_id = tenant AND (u.email = name OR lower(u.display_name) = name)
    ON CONFLICT (tenant_id, subject) DO UPDATE SET ended_at = now();
    DELETE FROM msp.users u WHERE u.tenant_id = tenant AND (u.email = name OR lower(u.display_name) = name);
    GET DIAGNOSTICS gone = ROW_COUNT;
    found_rows := found_rows || jsonb_build_object('users', gone);
    DELETE FROM msp.idempotency_keys k
     WHERE k.tenant_id = tenant AND position(name IN lower(concat_ws(' ', k.caller, k.answer))) > 0;
    UPDATE msp.sources s SET updated_by = '(erased)' WHERE s.tenant_id = tenant AND lower(s.updated_by) = name;
    -- What was exported holds the name until it is written again.
    counts := found_rows || jsonb_build_object('exported', coalesce(
        (SELECT jsonb_agg(jsonb_build_object('format', e.format, 'from', e.first, 'to', e.last))
           FROM (SELECT x.format, min(x.day) AS first, max(x.day) AS last
                   FROM msp.exports x WHERE x.tenant_id = tenant AND x.day IS NOT NULL GROUP BY x.format) AS e), '[]'));
    lines := ARRAY(SELECT l.audit_id FROM msp.audit_log l
                    WHERE l.tenant_id = tenant AND l.salt IS NOT NULL AND l.action <> 'audit.erase'
                      AND position(name IN lower(concat_ws(' ', l.actor, l.object, l.detail))) > 0
                    ORDER BY l.audit_id);
END $$;

-- ---- handing out ----

-- The tables that hold anything of a tenant, and one of them as JSON, a row a line, without what would let somebody in.
CREATE FUNCTION msp.tenant_tables(tenant bigint) RETURNS SETOF text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = msp, pg_temp
AS $$
DECLARE
    of_table text;
    holds boolean;
BEGIN
    PERFORM msp.set_tenant(tenant);
    FOR of_table IN
        SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
         WHERE c.relnamespace = 'msp'::regnamespace AND c.relkind IN ('r', 'p') AND a.attname = 'tenant_id'
         ORDER BY c.relname
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM msp.%I WHERE tenant_id = $1)', of_table) INTO holds USING tenant;
        IF holds THEN
            RETURN NEXT of_table;
        END IF;
    END LOOP;
END $$;
CREATE FUNCTION msp.tenant_rows(tenant bigint, of_table text) RETURNS SETOF text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = msp, pg_temp
AS $$
BEGIN
    PERFORM msp.set_tenant(tenant);
    RETURN QUERY EXECUTE format(
        'SELECT (to_jsonb(t) - ''{tenant_id,password_hash,key_hash,secrets,token,salt,digest,mac}''::text[])::text
           FROM msp.%I t WHERE tenant_id = $1', of_table) USING tenant;
END $$;

REVOKE ALL ON FUNCTION msp.quiet_tenant(bigint), msp.erase_mentions(text), msp.erase_tenant(bigint),
    msp.erase_person(bigint, text), msp.tenant_tables(bigint), msp.tenant_rows(bigint, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION msp.quiet_tenant(bigint), msp.erase_mentions(text), msp.erase_tenant(bigint),
    msp.erase_person(bigint, text), msp.tenant_tables(bigint), msp.tenant_rows(bigint, text) TO msp_admin;
ALTER FUNCTION msp.quiet_tenant(bigint) OWNER TO msp_auth;
ALTER FUNCTION msp.erase_mentions(text) OWNER TO msp_auth;
REVOKE CREATE ON SCHEMA msp FROM msp_auth;
