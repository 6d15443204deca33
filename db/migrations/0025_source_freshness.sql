-- How fresh each source is: drained_at becomes the moment before which every change has been read, which a source may put
-- earlier than the reading itself, and the last pull's failure stands beside it until one goes well.
ALTER TABLE msp.ingest_cursors
    ADD COLUMN failed_at timestamptz,
    ADD COLUMN failure text CHECK (length(failure) <= 600);
CREATE POLICY administration ON msp.ingest_cursors FOR SELECT TO msp_admin USING (true);
CREATE POLICY look_up ON msp.ingest_cursors FOR SELECT TO msp_auth USING (true);
GRANT SELECT ON msp.ingest_cursors TO msp_admin, msp_auth;

-- As before, but for the moment (null: now). What was known to be read stays known when a pull begins anew.
DROP FUNCTION msp.move_cursor(bigint, text, text, text, boolean);
CREATE FUNCTION msp.move_cursor(tenant bigint, source_name text, expected text, next text, drained boolean,
                                complete_until timestamptz)
    RETURNS void
    LANGUAGE plpgsql
AS $$
DECLARE
    stored text;
BEGIN
    INSERT INTO msp.ingest_cursors (tenant_id, source) VALUES (tenant, source_name)
        ON CONFLICT (tenant_id, source) DO NOTHING;
    SELECT c.cursor INTO stored
      FROM msp.ingest_cursors c WHERE c.tenant_id = tenant AND c.source = source_name FOR UPDATE;
    IF stored IS DISTINCT FROM expected THEN
        RAISE EXCEPTION USING ERRCODE = 'MS002', MESSAGE = 'cursor_moved',
            DETAIL = 'Another pull of this tenant has moved the cursor; pull again.';
    END IF;
    UPDATE msp.ingest_cursors c
       SET cursor = next,
           previous_cursor = CASE WHEN next = expected THEN c.previous_cursor ELSE expected END,
           drained_at = CASE WHEN drained THEN greatest(c.drained_at, least(complete_until, now()))
                             ELSE c.drained_at END,
           failed_at = NULL, failure = NULL,
           updated_at = now()
     WHERE c.tenant_id = tenant AND c.source = source_name;
END $$;

-- A pull failed for good. Runs as msp_jobs with the tenant set.
CREATE FUNCTION msp.note_source_failure(tenant bigint, source_name text, sentence text) RETURNS void
    LANGUAGE sql
AS $$
    INSERT INTO msp.ingest_cursors (tenant_id, source, failed_at, failure) VALUES (tenant, source_name, now(), sentence)
    ON CONFLICT (tenant_id, source) DO UPDATE SET failed_at = EXCLUDED.failed_at, failure = EXCLUDED.failure
$$;

-- For the snapshot keeper: of each kind, how many tenants are pulled from it, how many of them were never drained or
-- failed last, and when the one furthest behind was drained. Owned by msp_auth, as msp.all_tenants() is.
CREATE FUNCTION msp.source_freshness()
    RETURNS TABLE (kind text, tenants bigint, never_drained bigint, failing bigint, oldest_drained_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = msp, pg_temp
AS $$
    SELECT t.source, count(*), count(*) FILTER (WHERE c.drained_at IS NULL),
           count(*) FILTER (WHERE c.failed_at IS NOT NULL), min(c.drained_at)
      FROM msp.tenants t LEFT JOIN msp.ingest_cursors c ON c.tenant_id = t.tenant_id AND c.source = t.source
     WHERE t.active AND t.source <> ''
     GROUP BY t.source ORDER BY t.source COLLATE "C"
$$;
REVOKE ALL ON FUNCTION msp.source_freshness() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION msp.source_freshness() TO msp_api;
GRANT CREATE ON SCHEMA msp TO msp_auth;
ALTER FUNCTION msp.source_freshness() OWNER TO msp_auth;
REVOKE CREATE ON SCHEMA msp FROM msp_auth;
