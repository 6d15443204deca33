/*
 * How each tenant's ticket system is reached: kind, settings, and secrets that are sealed by the
 * program (secret_box.h) and leave the store for a pull alone. Set as msp_admin, read as msp_jobs.
 */
#ifndef MSP_SOURCE_STORE_H
#define MSP_SOURCE_STORE_H

#include "msp/db.h"
#include "msp/secret_box.h"
#include "msp/settings.h"
#include "msp/tenant_cache.h"

#include <jansson.h>

/* What a tenant's source was set to, for the one who pulls. */
struct msp_source_terms {
    bool found; /* false: nothing was set for the tenant's present source */
    json_t *options;
    struct msp_buffer sealed; /* empty: there are no secrets */
};

/* As msp_jobs. The options of `tenant->source`; those of another kind count as not set. A call that
 * went well ends with msp_source_terms_done. */
enum msp_result msp_source_store_read(struct msp_db *db, const struct msp_tenant *tenant,
                                      int64_t deadline_ms, struct msp_source_terms *out,
                                      struct msp_error *error) MSP_MUST_CHECK;
void msp_source_terms_done(struct msp_source_terms *terms);

/* The secrets as an object of texts, a new reference; {} if there are none. Failures as in
 * msp_secret_open. */
enum msp_result msp_source_terms_open(const struct msp_source_terms *terms,
                                      const struct msp_secret_keys *keys, const char *tenant,
                                      const char *kind, json_t **out_secrets,
                                      struct msp_error *error) MSP_MUST_CHECK;

/* The keys that the settings name. Borrows. */
struct msp_secret_keys msp_source_keys(const struct msp_settings *settings);

#endif
