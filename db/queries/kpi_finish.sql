-- Records that days were computed and clears the marks that the computation had read.
-- $1 tenant; $2 days; $3 the marks read with them.
WITH computed AS (
    INSERT INTO msp.kpi_days AS k (tenant_id, day, revision, computed_at)
    SELECT $1::bigint, day, 1, now() FROM unnest($2::date[]) AS day
    ON CONFLICT (tenant_id, day) DO UPDATE
        SET revision = k.revision + 1, computed_at = EXCLUDED.computed_at
    RETURNING k.day
),
-- Locked in the order in which ingests mark days, so that neither can wait for the other in a circle.
read_marks AS (
    SELECT d.day
      FROM msp.kpi_dirty_days d JOIN unnest($2::date[], $3::bigint[]) AS r (day, mark)
        ON d.day = r.day AND d.mark = r.mark
     WHERE d.tenant_id = $1::bigint
     ORDER BY d.day FOR UPDATE OF d
),
cleared AS (
    DELETE FROM msp.kpi_dirty_days d USING read_marks r
     WHERE d.tenant_id = $1::bigint AND d.day = r.day
    RETURNING d.day
),
all_days AS (
    SELECT day FROM msp.kpi_days WHERE tenant_id = $1::bigint AND computed_at IS NOT NULL
    UNION
    SELECT day FROM computed
),
numbered AS (
    SELECT day, min(day) OVER () + (row_number() OVER (ORDER BY day))::integer - 1 AS day_without_gaps FROM all_days
)
INSERT INTO msp.tenant_state AS s (tenant_id, data_version, first_day, contiguous_through)
SELECT $1::bigint, 1, min(day), max(day) FILTER (WHERE day = day_without_gaps) FROM numbered
ON CONFLICT (tenant_id) DO UPDATE
    SET data_version = s.data_version + 1, first_day = EXCLUDED.first_day,
        contiguous_through = EXCLUDED.contiguous_through
RETURNING (SELECT count(*) FROM computed), (SELECT count(*) FROM cleared)
