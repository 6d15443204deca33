/* Tenants in PostgreSQL. The request path reads the tenant cache instead. */
#ifndef MSP_TENANT_STORE_H
#define MSP_TENANT_STORE_H

#include "msp/audit_store.h"
#include "msp/db.h"
#include "msp/tenant_cache.h"

/* Every tenant, disabled ones too, in slug order; *out_tenants is malloc'ed and the caller's
 * (free). */
enum msp_result msp_tenant_store_all(struct msp_db *db, int64_t deadline_ms,
                                     struct msp_tenant **out_tenants, size_t *out_count,
                                     struct msp_error *error) MSP_MUST_CHECK;

struct msp_tenant_order {
    const char *slug;
    const char *name;
    const char *timezone;
    const char *source; /* NULL = pushed */
    const char *limits; /* NULL = none of its own */
};

/* What is NULL or -1 stays. */
struct msp_tenant_change {
    const char *name;
    const char *timezone; /* another one makes every day of the tenant dirty */
    const char *source;
    const char *limits; /* "" = none of its own */
    int active;
};

/*
 * Adds a tenant. MSP_CONFLICT if the slug was ever given, MSP_INVALID for a malformed slug,
 * malformed limits or a time zone PostgreSQL does not know.
 */
enum msp_result msp_tenant_store_add(struct msp_db *db, const struct msp_tenant_order *order,
                                     const struct msp_actor *actor, int64_t deadline_ms,
                                     struct msp_tenant *out,
                                     struct msp_error *error) MSP_MUST_CHECK;

/* MSP_NOT_FOUND for an unknown slug, MSP_INVALID. */
enum msp_result msp_tenant_store_set(struct msp_db *db, const char *slug,
                                     const struct msp_tenant_change *change,
                                     const struct msp_actor *actor, int64_t deadline_ms,
                                     struct msp_tenant *out,
                                     struct msp_error *error) MSP_MUST_CHECK;

#endif
