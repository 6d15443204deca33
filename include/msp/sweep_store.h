/*
 * Finding tickets that their source no longer has. A sweep notes what is stored of a source, is
 * told page by page what the source lists, and buries what was not listed: it leaves raw_tickets,
 * and with it every KPI, and is kept whole in ticket_tombstones. As msp_jobs.
 */
#ifndef MSP_SWEEP_STORE_H
#define MSP_SWEEP_STORE_H

#include "msp/db.h"

#define MSP_SWEEP_BYTES 37 /* a UUID as text */

struct msp_sweep {
    int64_t tenant_id;
    const char *source;
    char id[MSP_SWEEP_BYTES];
    int64_t stored; /* tickets of that source when it began */
};

/* Whether the tenant's drained source is due for a sweep; true once in 20 hours at most, from that
 * hour of its local day on. */
enum msp_result msp_sweep_is_due(struct msp_db *db, int64_t tenant_id, const char *source,
                                 int from_hour, int64_t deadline_ms, bool *out_due,
                                 struct msp_error *error) MSP_MUST_CHECK;

/* `source` must outlive the sweep. */
enum msp_result msp_sweep_begin(struct msp_db *db, int64_t tenant_id, const char *source,
                                int64_t deadline_ms, struct msp_sweep *out,
                                struct msp_error *error) MSP_MUST_CHECK;

/* The source has these. */
enum msp_result msp_sweep_list(struct msp_db *db, const struct msp_sweep *sweep,
                               const char *const ids[], size_t count, int64_t deadline_ms,
                               struct msp_error *error) MSP_MUST_CHECK;

/*
 * The source has listed all it has. *out_buried tickets were moved. MSP_CONFLICT
 * "listing_too_short" and nothing is moved if more than half of what was stored is missing, unless
 * `force`.
 */
enum msp_result msp_sweep_end(struct msp_db *db, const struct msp_sweep *sweep, bool force,
                              int64_t deadline_ms, int64_t *out_buried,
                              struct msp_error *error) MSP_MUST_CHECK;

#endif
