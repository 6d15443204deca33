-- What failed last, a tenant at a time, however many jobs went well since.
CREATE INDEX jobs_failed ON msp.jobs (tenant_id, finished_at DESC) WHERE state = 'failed';
