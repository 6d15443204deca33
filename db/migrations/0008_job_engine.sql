-- What the whole job engine needs to know of a job.
ALTER TABLE msp.jobs
    ADD COLUMN priority smallint NOT NULL DEFAULT 0,  -- higher goes first
    ADD COLUMN merge_key text,  -- queued jobs of a tenant and kind with the same key are one; null = never merged
    ADD COLUMN waiting_for uuid,  -- not taken before that job has ended well
    ADD COLUMN callback_url text,  -- told of the end
    ADD COLUMN cancel_requested_at timestamptz,
    ADD COLUMN rate_limited integer NOT NULL DEFAULT 0;  -- claims that ended because somebody asked us to slow down
