-- Written summaries: a text over a tenant's KPIs together with the facts that it was checked against. No technician is
-- named in either, so that every role of the tenant may read all of it.
CREATE TABLE msp.summaries (
    tenant_id         bigint NOT NULL,
    summary_id        uuid NOT NULL DEFAULT gen_random_uuid(),
    job_id            uuid NOT NULL,  -- one summary a job, however often it is tried
    from_day          date NOT NULL,
    to_day            date NOT NULL CHECK (to_day >= from_day),
    previous_from_day date NOT NULL,
    previous_to_day   date NOT NULL,
    language          text NOT NULL CHECK (language IN ('en', 'fr')),
    written           text NOT NULL,  -- as people read it
    sentences         text NOT NULL,  -- JSON: the same sentence by sentence, each with the facts it speaks of
    facts             text NOT NULL,  -- JSON
    model             text,  -- its name where it wrote; null = the template writer did
    not_by_model      text,  -- why it did not, a word and a sentence
    not_by_model_detail text,
    complete_through  date,
    data_as_of        timestamptz,
    created_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, summary_id),
    UNIQUE (tenant_id, job_id),
    CHECK ((model IS NULL) = (not_by_model IS NOT NULL))
);
CREATE INDEX summaries_newest ON msp.summaries (tenant_id, created_at DESC, summary_id DESC);
ALTER TABLE msp.summaries ENABLE ROW LEVEL SECURITY;
ALTER TABLE msp.summaries FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON msp.summaries
    USING (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint)
    WITH CHECK (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint);
GRANT SELECT ON msp.summaries TO msp_api;
GRANT SELECT, INSERT ON msp.summaries TO msp_jobs;

-- What a tenant's summaries have cost of the language model, a calendar month (UTC) a row. A call's most is counted
-- before it is made and put right with the summary: a worker that dies in between has counted too much, never too little.
CREATE TABLE msp.summary_tokens (
    tenant_id bigint NOT NULL,
    month     date NOT NULL,
    tokens    bigint NOT NULL CHECK (tokens >= 0),
    PRIMARY KEY (tenant_id, month)
);
ALTER TABLE msp.summary_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE msp.summary_tokens FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant_isolation ON msp.summary_tokens
    USING (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint)
    WITH CHECK (tenant_id = nullif(current_setting('msp.tenant_id', true), '')::bigint);
GRANT SELECT, INSERT, UPDATE ON msp.summary_tokens TO msp_jobs;
