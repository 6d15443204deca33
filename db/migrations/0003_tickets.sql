-- Tickets in the one shape every source is mapped to, and what ingest keeps beside them. What is compared and grouped
-- has collation "C": bytes compare three times as fast, and no library update can break an index. No foreign keys
-- (a third of the loading time) and no index on what changes with each update (no HOT updates then).
CREATE TABLE msp.raw_tickets (
    tenant_id          bigint NOT NULL,
    external_id        text COLLATE "C" NOT NULL,
    title              text,
    status             text COLLATE "C" CHECK (status IN ('new', 'open', 'pending', 'resolved', 'closed')),
    source_status      text,
    priority           text COLLATE "C" CHECK (priority IN ('critical', 'high', 'medium', 'low', 'none')),
    category           text COLLATE "C",
    assignee           text COLLATE "C",
    requester          text,
    "group"            text COLLATE "C",
    channel            text,
    created_at         timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL,
    first_response_at  timestamptz,
    resolved_at        timestamptz,
    closed_at          timestamptz,
    due_at             timestamptz,
    sla_met            boolean,
    reopen_count       integer,
    reassignment_count integer,
    csat               smallint CHECK (csat BETWEEN 1 AND 5),
    version            bigint CHECK (version >= 0),
    PRIMARY KEY (tenant_id, external_id)
) WITH (fillfactor = 85);
-- Drill-down and the tickets export walk a tenant's creation days.
CREATE INDEX raw_tickets_created ON msp.raw_tickets (tenant_id, created_at);
ALTER TABLE msp.raw_tickets ENABLE ROW LEVEL SECURITY;
ALTER TABLE msp.raw_tickets FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON msp.raw_tickets
    USING (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint)
    WITH CHECK (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint);
GRANT SELECT, INSERT, UPDATE ON msp.raw_tickets TO msp_api, msp_jobs;

-- Tickets that were refused, each with the reason, so that nothing a source said is lost without a trace.
CREATE TABLE msp.raw_rejects (
    tenant_id   bigint NOT NULL,
    reject_id   bigint GENERATED ALWAYS AS IDENTITY,
    received_at timestamptz NOT NULL DEFAULT now(),  -- last
    code        text NOT NULL,
    pointer     text NOT NULL,  -- JSON pointer to the member at fault
    reason      text NOT NULL,
    payload     text NOT NULL,  -- what was sent, its first 8 KiB
    digest      bytea NOT NULL,  -- SHA-256 of code, pointer and payload: the same again is counted, not kept again
    times       bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant_id, reject_id),
    UNIQUE (tenant_id, digest)
);
ALTER TABLE msp.raw_rejects ENABLE ROW LEVEL SECURITY;
ALTER TABLE msp.raw_rejects FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON msp.raw_rejects
    USING (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint)
    WITH CHECK (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint);
GRANT SELECT, INSERT, UPDATE ON msp.raw_rejects TO msp_api, msp_jobs;

-- Where each source of a tenant stands. The one before is kept, since a caller that missed an answer sends it again.
CREATE TABLE msp.ingest_cursors (
    tenant_id       bigint NOT NULL,
    source          text NOT NULL,
    cursor          text NOT NULL DEFAULT '' CHECK (length(cursor) <= 500),
    previous_cursor text NOT NULL DEFAULT '',
    drained_at      timestamptz,  -- when the source last had nothing more
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, source)
) WITH (fillfactor = 50);
ALTER TABLE msp.ingest_cursors ENABLE ROW LEVEL SECURITY;
ALTER TABLE msp.ingest_cursors FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON msp.ingest_cursors
    USING (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint)
    WITH CHECK (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint);
GRANT SELECT, INSERT, UPDATE ON msp.ingest_cursors TO msp_api, msp_jobs;

-- Moves a cursor in the transaction that stores its page; somebody else having moved it meanwhile undoes the page.
CREATE FUNCTION msp.move_cursor(tenant bigint, source_name text, expected text, next text, drained boolean)
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
           drained_at = CASE WHEN drained THEN now() ELSE c.drained_at END,
           updated_at = now()
     WHERE c.tenant_id = tenant AND c.source = source_name;
END $$;
