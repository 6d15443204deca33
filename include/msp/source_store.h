/*
 * How each tenant's ticket system is reached: kind, settings, and secrets that are sealed by the
 * program (secret_box.h) and leave the store for a pull alone. Set as msp_admin, read as msp_jobs.
 */
#ifndef MSP_SOURCE_STORE_H
#define MSP_SOURCE_STORE_H

#include "msp/audit_store.h"
#include "msp/json_writer.h"
#include "msp/secret_box.h"
#include "msp/settings.h"
#include "msp/tenant_cache.h"

#include <jansson.h>

/* A source as people may see it. Texts live in the arena given to the call. */
struct msp_source_info {
    const char *tenant;       /* slug */
    const char *kind;         /* as in tenants.source */
    const char *options;      /* JSON object; NULL: nobody said how to reach it */
    const char *secret_names; /* which are set, with blanks between */
    int64_t updated_us;       /* MSP_NO_TIME without options */
    const char *updated_by;
    int64_t drained_us; /* every change before has been read; MSP_NO_TIME: never yet */
    int64_t failed_us;  /* when the last pull failed; MSP_NO_TIME: it did not */
    const char *failure;
};

struct msp_source_setup {
    const char *tenant; /* slug */
    const char *kind;
    const json_t *options; /* an object */
    const json_t *secrets; /* an object of texts; null takes one away */
};

/*
 * Sets how the tenant's tickets are reached and that they are pulled from there. It replaces what
 * was set before, but for secrets: of the same kind, with the same texts and addresses among its
 * options, those not given stay. With another address they must be given again, so that nobody can
 * have them sent elsewhere. MSP_NOT_FOUND for the tenant, MSP_INVALID with a pointer to
 * "/options/…" or "/secrets/…", MSP_FORBIDDEN for an address that EGRESS_ALLOW would have to name,
 * MSP_CONFLICT as in msp_secret_seal.
 */
enum msp_result msp_source_store_set(struct msp_db *db, const struct msp_source_setup *setup,
                                     const struct msp_settings *settings,
                                     const struct msp_actor *actor, int64_t deadline_ms,
                                     struct msp_error *error) MSP_MUST_CHECK;

/* Seals every tenant's secrets anew under SECRET_KEY, so that SECRET_KEY_PREVIOUS can go. */
enum msp_result msp_source_store_reseal(struct msp_db *db, const struct msp_settings *settings,
                                        const struct msp_actor *actor, int64_t deadline_ms,
                                        int *out_count, struct msp_error *error) MSP_MUST_CHECK;

/* The sources of tenants whose tickets are pulled, in slug order, behind `after` ("" = from the
 * first), or (`tenant` not NULL) that tenant's alone. */
enum msp_result msp_source_store_list(struct msp_db *db, const char *tenant, const char *after,
                                      int limit, struct msp_arena *arena, int64_t deadline_ms,
                                      struct msp_source_info **out_sources, size_t *out_count,
                                      struct msp_error *error) MSP_MUST_CHECK;

/* Those of active tenants, the one furthest behind first, never drained ones before all. */
enum msp_result msp_source_store_behind(struct msp_db *db, int limit, struct msp_arena *arena,
                                        int64_t deadline_ms, struct msp_source_info **out_sources,
                                        size_t *out_count, struct msp_error *error) MSP_MUST_CHECK;

/* That of one tenant. MSP_NOT_FOUND "tenant_unknown" or, where tickets are pushed,
 * "source_not_set". */
enum msp_result msp_source_store_find(struct msp_db *db, const char *tenant,
                                      struct msp_arena *arena, int64_t deadline_ms,
                                      struct msp_source_info *out,
                                      struct msp_error *error) MSP_MUST_CHECK;

/* As an object, the secrets only as set or not. `now_us` is what its lag is told against. */
void msp_source_info_write(struct msp_json_writer *writer, const struct msp_source_info *info,
                           int64_t now_us);

/* How long ago it was complete; -1: it never was. */
int64_t msp_source_info_lag_seconds(const struct msp_source_info *info, int64_t now_us);

/* Of that object, the members complete_until, lag_seconds and last_error alone. */
void msp_source_info_write_freshness(struct msp_json_writer *writer,
                                     const struct msp_source_info *info, int64_t now_us);

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
