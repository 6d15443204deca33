-- Whether an id was given before is asked where a tenant is added: a table that lies on every worker may have no trigger.
DROP TRIGGER refuse_erased_slug ON msp.tenants;
DROP FUNCTION msp.refuse_erased_slug();
