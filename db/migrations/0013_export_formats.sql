-- Files of an export in several formats, and what it takes to write only those whose content changed.
ALTER TABLE msp.exports
    ADD COLUMN format text NOT NULL DEFAULT 'csv' CHECK (format IN ('csv', 'csv.gz')),
    ADD COLUMN columns integer NOT NULL DEFAULT 0,  -- of its header; fewer than today's: it is written anew
    ADD COLUMN text_bytes bigint NOT NULL DEFAULT 0,  -- of a compressed file's rows, and their CRC-32: what the gzip
    ADD COLUMN text_crc bigint NOT NULL DEFAULT 0;  -- of all days together ends with
ALTER TABLE msp.exports DROP CONSTRAINT exports_tenant_id_dataset_day_key;
ALTER TABLE msp.exports ADD UNIQUE NULLS NOT DISTINCT (tenant_id, dataset, format, day);
COMMENT ON COLUMN msp.exports.revision IS
    'of kpi_days when the partition was written; -1 = an export was about to replace the file';
