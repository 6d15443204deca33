/* Tenants in PostgreSQL. The request path reads the tenant cache instead. */
#ifndef MSP_TENANT_STORE_H
#define MSP_TENANT_STORE_H

#include "msp/db.h"
#include "msp/tenant_cache.h"

/* Every tenant, disabled ones too, in slug order; *out_tenants is malloc'ed and the caller's
 * (free). */
enum msp_result msp_tenant_store_all(struct msp_db *db, int64_t deadline_ms,
                                     struct msp_tenant **out_tenants, size_t *out_count,
                                     struct msp_error *error) MSP_MUST_CHECK;

/*
 * Adds a tenant as msp_admin. MSP_CONFLICT if the slug was ever given, MSP_INVALID for a
 * malformed slug or a time zone PostgreSQL does not know. NULL source = pushed.
 */
enum msp_result msp_tenant_store_add(struct msp_db *db, const char *slug, const char *name,
                                     const char *timezone, const char *source, int64_t deadline_ms,
                                     struct msp_error *error) MSP_MUST_CHECK;

/*
 * Changes what is not NULL, as msp_admin; MSP_NOT_FOUND for an unknown slug. Changing the time zone
 * makes every day of the tenant dirty. `active` is -1 (leave), 0 or 1.
 */
enum msp_result msp_tenant_store_set(struct msp_db *db, const char *slug, const char *name,
                                     const char *timezone, const char *source, int active,
                                     int64_t deadline_ms, struct msp_error *error) MSP_MUST_CHECK;

#endif
