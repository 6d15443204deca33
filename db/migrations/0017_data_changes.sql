-- Tells every node that a tenant's data changed, so that answers made of the old are not given any more.
CREATE FUNCTION msp.tell_of_data() RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_notify('msp_data', NEW.tenant_id::text);
    RETURN NULL;
END $$;
CREATE TRIGGER tell_of_data AFTER INSERT OR UPDATE ON msp.tenant_state
    FOR EACH ROW EXECUTE FUNCTION msp.tell_of_data();
CREATE TRIGGER tell_of_data AFTER INSERT OR UPDATE ON msp.ingest_cursors
    FOR EACH ROW EXECUTE FUNCTION msp.tell_of_data();
CREATE TRIGGER tell_of_data AFTER UPDATE ON msp.tenants
    FOR EACH ROW EXECUTE FUNCTION msp.tell_of_data();
