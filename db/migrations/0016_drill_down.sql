-- Opening a day's resolved tickets is what people do most; creation days have their index since 0003. Only tickets that
-- were resolved are in it, and a ticket enters it once.
CREATE INDEX raw_tickets_resolved ON msp.raw_tickets (tenant_id, resolved_at) WHERE resolved_at IS NOT NULL;
