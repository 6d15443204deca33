-- What is stored of a batch's tickets, each looked up by its key whatever the statistics say. While they take the
-- table for small, reading all of it looks cheaper, and a plan made then holds for the session: the first long import
-- into a young database would read everything stored so far for every ticket.
CREATE FUNCTION msp.stored_tickets(tenant bigint, ids text[])
    RETURNS TABLE (external_id text, created_at timestamptz, first_response_at timestamptz, resolved_at timestamptz,
                   closed_at timestamptz)
    LANGUAGE plpgsql STABLE
    SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
AS $$
BEGIN
    -- Only the primary key gives the order asked for; "=" would let the planner take the index on created_at.
    RETURN QUERY
        SELECT r.*
          FROM unnest(ids) AS i (id)
         CROSS JOIN LATERAL (
               SELECT o.external_id, o.created_at, o.first_response_at, o.resolved_at, o.closed_at
                 FROM msp.raw_tickets o
                WHERE o.tenant_id = tenant AND o.external_id BETWEEN i.id AND i.id
                ORDER BY o.external_id LIMIT 1) AS r;
END $$;
